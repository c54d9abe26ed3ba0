"""`tertulia replay`: an episode played again from its recorded calls, and the first difference from its log."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from tertulia.cli.errors import FAILED, FINE
from tertulia.cli.options import AsJson, Db, Debug, Episode

if TYPE_CHECKING:
    from tertulia.environments.differing import Difference
    from tertulia.environments.replaying import Replayed


def replay(episode: Episode, as_json: AsJson = False, db: Db = None, debug: Debug = False) -> None:
    """Play an episode again, minds included, with its recorded calls alone, and compare every row.

    Nothing is sent to any model, and nothing is written. What rules answered is computed anew; a model's replies are
    those in the log, and every prompt must be the one that was sent. Times are not compared. A fork is replayed from
    the turn where it parted: its past is its parent's.
    Exit codes: 0 equal, 1 a difference (the first one is told), 2 bad input.

    \b
    tertulia replay last
    tertulia replay 01M84H9W --json
    """  # fmt: skip
    found = asyncio.run(_replay(db, episode))
    if as_json:
        print(json.dumps({**asdict(found), "equal": found.difference is None}))
    else:
        for line in _lines(found):
            print(line)
    raise typer.Exit(FINE if found.difference is None else FAILED)


async def _replay(db: str | None, episode: str) -> Replayed:
    from tertulia.cli.finding import find
    from tertulia.environments.replaying import replay
    from tertulia.storage.log import Log

    with Log.open(db, create=False) as log:
        return await replay(log, find(log, episode))


def _lines(found: Replayed) -> list[str]:
    from tertulia.cli.display.summary import plural

    since = f" from turn {found.since} on, where it parted from {found.parent}" if found.parent else ""
    far = "" if found.ended else "; it has not ended yet"
    requests = f"{plural(found.requests, 'request')} to models"
    if found.difference is None:
        played = f"{plural(found.turns, 'turn')}, {plural(found.calls, 'call')}"
        return [f"episode {found.episode}{since}: equal to its log in {played}; {requests}{far}"]
    return [f"episode {found.episode}{since}: differs from its log; {requests}", *_difference(found.difference)]


def _difference(one: Difference) -> list[str]:
    from tertulia.cli.display.harmless import one_line

    who = one.participant or "the world"
    return [
        one_line(f"turn {one.turn}, {who}: {one.what}"),
        f"  log     {one_line(_version(one.log))}",
        f"  replay  {one_line(_version(one.replay))}",
    ]


def _version(value: Any) -> str:
    if value is None:
        return "(nothing)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def add_to(app: typer.Typer) -> None:
    app.command("replay", short_help="Play an episode again from its recorded calls alone.")(replay)
