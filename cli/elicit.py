"""`tertulia elicit`: what asking minds about their beliefs does to what they say and believe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import typer

from tertulia.cli.arms import AtOnce, PairedSeeds, play_and_tell
from tertulia.cli.options import AsJson, Db, Debug, Model, Roles, ScenarioName, Sets
from tertulia.cli.run import parse_roles, read_seeds
from tertulia.environments.defaults import AT_ONCE

if TYPE_CHECKING:
    from tertulia.environments.eliciting import Comparison
    from tertulia.storage.intervals import Mean


def elicit(
    scenario: ScenarioName,
    seeds: PairedSeeds,
    sets: Sets = None,
    model: Model = None,
    roles: Roles = None,
    jobs: AtOnce = AT_ONCE,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Measure the effect of asking: the same seeds played three ways, compared pair by pair.

    inline: minds state their beliefs turn by turn. probe: minds are told of no variables, and a copy of each is asked
    at every turn. none: minds are told of no variables, and nobody is asked. Reported for each: reward, turns,
    utterances, words, claims, calls, tokens, and the Brier score of beliefs against truth (lower is better; not
    measured where nobody is asked); then the differences over the seeds that both have, with a 95 % bootstrap interval
    over seeds. The episodes stay in the log as a batch, with the arm as their cell.
    Exit codes: 0 all ended, 1 some did not and are left out, 2 bad input, 130 interrupted.

    \b
    tertulia elicit dinner-secret --seeds 0:20 --model openai/gpt-5-mini
    """
    from tertulia.environments.eliciting import Comparison, play_arms
    from tertulia.environments.scenario import load_scenario

    loaded = load_scenario(scenario, sets or [], model=model, roles=parse_roles(roles or []))
    comparison = Comparison(loaded.scenario, read_seeds(seeds))
    play_and_tell(
        comparison, comparison.report, partial(_lines, comparison),
        lambda log, backends: play_arms(loaded, comparison, log=log, backends=backends, at_once=jobs),
        db=db, as_json=as_json,
    )  # fmt: skip


def _lines(comparison: Comparison) -> Iterator[str]:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines
    from tertulia.environments.eliciting import ARMS, FIGURES, PAIRS

    width = width_of(sys.stdout)
    arms = [[name, *(_figure(comparison.arm(arm, name)) for arm in ARMS)] for name in FIGURES]
    yield from folded_lines(["mean (n)", *ARMS], arms, width)
    yield ""
    compared = [[name, *(_figure(comparison.difference(*pair, name), "+") for pair in PAIRS)] for name in FIGURES]
    yield from folded_lines(["difference (95 %, n)", *(" - ".join(pair) for pair in PAIRS)], compared, width)


def _figure(mean: Mean | None, sign: str = "") -> str:
    if mean is None:
        return "not measured"
    if not sign:
        return f"{mean.mean:.3g} ({mean.n})"
    if mean.low is None or mean.high is None:
        return f"{mean.mean:+.3g} ({mean.n})"
    return f"{mean.mean:+.3g} [{mean.low:+.3g}, {mean.high:+.3g}] ({mean.n})"


def add_to(app: typer.Typer) -> None:
    app.command("elicit", short_help="Measure the effect of asking minds what they believe.")(elicit)
