"""`tertulia deliberate`: what one call a turn does to inner thoughts, against asking in stages."""

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
    from tertulia.environments.deliberating import Comparison
    from tertulia.storage.intervals import Mean
    from tertulia.storage.measures.clustered import Interval


def deliberate(
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
    """Compare staged and fused deliberation: the same seeds played both ways, pair by pair.

    staged: each faculty is asked by itself, as the paper of Inner Thoughts does. fused: one call a turn answers for
    all of them. Reported for each: how often each participant speaks and its share of the talk, motivation, thoughts
    formed, spoken at once or later, dropped and expired, calls and tokens, with 95 % bootstrap intervals that draw
    whole episodes; the differences seed by seed (staged - fused); and how much the two agree on who spoke, turn by
    turn, beside what chance would give. The episodes stay in the log as a batch, with the arm as their cell.
    Exit codes: 0 all ended, 1 some did not and are left out, 2 bad input, 130 interrupted.

    \b
    tertulia deliberate ice-breakers --seeds 0:20 --model openai/gpt-5-mini
    """
    from tertulia.environments.deliberating import Comparison, play_both
    from tertulia.environments.scenario import load_scenario

    loaded = load_scenario(scenario, sets or [], model=model, roles=parse_roles(roles or []))
    comparison = Comparison(loaded.scenario, read_seeds(seeds))
    play_and_tell(
        comparison, comparison.report, partial(_lines, comparison),
        lambda log, backends: play_both(loaded, comparison, log=log, backends=backends, at_once=jobs),
        db=db, as_json=as_json,
    )  # fmt: skip


def _lines(comparison: Comparison) -> Iterator[str]:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines
    from tertulia.environments.deliberating import ARMS

    width = width_of(sys.stdout)
    rows = [
        [name, *(_figure(comparison.arm(arm, name)) for arm in ARMS), _figure(comparison.difference(name), "+")]
        for name in comparison.figures()
    ]
    yield from folded_lines(["mean, 95 %", *ARMS, "difference"], rows, width)
    yield ""
    agreement = [[name, _figure(found)] for name, found in comparison.agreement().items()]
    yield from folded_lines(["who spoke", f"over {len(comparison.pairs(*ARMS))} seeds"], agreement, width)


def _figure(found: Mean | Interval | None, sign: str = "") -> str:
    if found is None:
        return "not measured"
    if found.low is None or found.high is None:
        return f"{found.mean:{sign}.3g}"
    return f"{found.mean:{sign}.3g} [{found.low:{sign}.3g}, {found.high:{sign}.3g}]"


def add_to(app: typer.Typer) -> None:
    app.command("deliberate", short_help="Compare staged and fused deliberation, seed by seed.")(deliberate)
