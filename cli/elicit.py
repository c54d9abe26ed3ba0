"""`tertulia elicit`: what asking minds about their beliefs does to what they say and believe."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.display.progress import progress_on
from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, note
from tertulia.cli.hints import db_option, program
from tertulia.cli.options import AsJson, Db, Debug, Model, Roles, ScenarioName, Sets
from tertulia.cli.run import parse_roles, read_seeds
from tertulia.environments.defaults import AT_ONCE

if TYPE_CHECKING:
    from tertulia.environments.eliciting import Comparison
    from tertulia.environments.scenario import Scenario
    from tertulia.storage.intervals import Mean

_SHOWN_FAILURES = 3


def elicit(
    scenario: ScenarioName,
    seeds: Annotated[
        str,
        typer.Option(
            "--seeds",
            metavar="A:B",
            show_envvar=False,
            help="One episode in each arm for each seed from A up to, but not with, B; or a list: 1,5,9.",
        ),
    ],
    sets: Sets = None,
    model: Model = None,
    roles: Roles = None,
    jobs: Annotated[
        int, typer.Option("-j", "--jobs", min=1, metavar="N", show_envvar=False, help="How many episodes at once.")
    ] = AT_ONCE,
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
    from tertulia.environments.eliciting import Comparison
    from tertulia.environments.scenario import load_scenario
    from tertulia.storage.errors import LogError

    loaded = load_scenario(scenario, sets or [], model=model, roles=parse_roles(roles or []))
    comparison = Comparison(loaded.scenario, read_seeds(seeds))
    interrupted = False
    try:
        asyncio.run(_play(loaded, comparison, db, jobs))
    except KeyboardInterrupt:
        interrupted = True
    except LogError as error:
        if not comparison.played:
            raise
        note(f"stopped early: {error}")
    if as_json:
        print(json.dumps(comparison.report()))
    else:
        for line in _lines(comparison):
            print(line)
    _told(comparison, db)
    raise typer.Exit(INTERRUPTED if interrupted else FAILED if _missing(comparison) else FINE)


async def _play(scenario: Scenario, comparison: Comparison, db: str | None, jobs: int) -> None:
    from tertulia.agents.registry import Backends
    from tertulia.environments.eliciting import ARMS, play_arms
    from tertulia.storage.log import Log

    backends = Backends()
    wanted = len(ARMS) * len(comparison.seeds)
    with Log.open(db) as log, progress_on(sys.stderr, wanted, shown=True) as step:
        try:
            playing = play_arms(scenario, comparison, log=log, backends=backends, at_once=jobs)
            async with aclosing(playing) as results:
                async for _ in results:
                    step()
        finally:
            await backends.aclose()


def _lines(comparison: Comparison) -> Iterator[str]:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import table_lines
    from tertulia.environments.eliciting import ARMS, FIGURES, PAIRS

    width = width_of(sys.stdout)
    arms = [[name, *(_figure(comparison.arm(arm, name)) for arm in ARMS)] for name in FIGURES]
    yield from table_lines(["mean (n)", *ARMS], arms, width)
    yield ""
    compared = [[name, *(_figure(comparison.difference(*pair, name), "+") for pair in PAIRS)] for name in FIGURES]
    yield from table_lines(["difference (95 %, n)", *(" - ".join(pair) for pair in PAIRS)], compared, width)


def _figure(mean: Mean | None, sign: str = "") -> str:
    if mean is None:
        return "not measured"
    if not sign:
        return f"{mean.mean:.3g} ({mean.n})"
    if mean.low is None or mean.high is None:
        return f"{mean.mean:+.3g} ({mean.n})"
    return f"{mean.mean:+.3g} [{mean.low:+.3g}, {mean.high:+.3g}] ({mean.n})"


def _missing(comparison: Comparison) -> int:
    return sum(len(comparison.seeds) - len(ended) for ended in comparison.arms.values())


def _told(comparison: Comparison, db: str | None) -> None:
    reasons: dict[str, list[Any]] = {}
    for result in comparison.left_out:
        reasons.setdefault(f"{result.status}: {result.reason}", []).append(result)
    for reason, alike in list(reasons.items())[:_SHOWN_FAILURES]:
        also = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        note(f"left out: seed {alike[0].seed}{also}: {reason}")
    if _missing(comparison) > len(comparison.left_out):
        note(f"not played: {_missing(comparison) - len(comparison.left_out)} episodes")
    sql = f"SELECT cell, seed, episode, status, reward, utterances FROM v_outcomes WHERE batch = '{comparison.batch}'"
    note(f'its episodes: {program()} sql{db_option(db)} "{sql}"')


def add_to(app: typer.Typer) -> None:
    app.command("elicit")(elicit)
