"""What the commands that play the same seeds in several ways have in common: playing, and telling what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from tertulia.cli.display.progress import progress_on
from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, note
from tertulia.cli.hints import db_option, program

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.arms import Arms
    from tertulia.storage.log import Log

_SHOWN_FAILURES = 3

Playing = Callable[["Log", "Backends"], AsyncGenerator[Any, None]]
PairedSeeds = Annotated[
    str,
    typer.Option(
        "--seeds",
        metavar="A:B",
        show_envvar=False,
        help="One episode in each arm for each seed from A up to, but not with, B; or a list: 1,5,9.",
    ),
]
AtOnce = Annotated[
    int, typer.Option("-j", "--jobs", min=1, metavar="N", show_envvar=False, help="How many episodes at once.")
]


def play_and_tell(
    comparison: Arms[Any], report: Callable[[], Any], lines: Callable[[], Iterator[str]], playing: Playing,
    *, db: str | None, as_json: bool,
) -> NoReturn:  # fmt: skip
    """Play all arms, print what they show (`lines`, or `report` as JSON), say what is missing, and exit."""
    from tertulia.storage.errors import LogError

    interrupted = False
    try:
        asyncio.run(_play(comparison, playing, db))
    except KeyboardInterrupt:
        interrupted = True
    except LogError as error:
        if not comparison.played:
            raise
        note(f"stopped early: {error}")
    if as_json:
        print(json.dumps(report()))
    else:
        for line in lines():
            print(line)
    _told(comparison, db)
    raise typer.Exit(INTERRUPTED if interrupted else FAILED if comparison.missing else FINE)


async def _play(comparison: Arms[Any], playing: Playing, db: str | None) -> None:
    from tertulia.agents.registry import Backends
    from tertulia.storage.log import Log

    backends = Backends()
    wanted = len(comparison.arms) * len(comparison.seeds)
    with Log.open(db) as log, progress_on(sys.stderr, wanted, shown=True) as step:
        try:
            async with aclosing(playing(log, backends)) as results:
                async for _ in results:
                    step()
        finally:
            await backends.aclose()


def _told(comparison: Arms[Any], db: str | None) -> None:
    reasons: dict[str, list[Any]] = {}
    for result in comparison.left_out:
        reasons.setdefault(f"{result.status}: {result.reason}", []).append(result)
    for reason, alike in list(reasons.items())[:_SHOWN_FAILURES]:
        also = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        note(f"left out: seed {alike[0].seed}{also}: {reason}")
    if comparison.missing > len(comparison.left_out):
        note(f"not played: {comparison.missing - len(comparison.left_out)} episodes")
    sql = f"SELECT cell, seed, episode, status, reward, utterances FROM v_outcomes WHERE batch = '{comparison.batch}'"
    note(f'its episodes: {program()} sql{db_option(db)} "{sql}"')
