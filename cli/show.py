"""`tertulia show`: the transcript of an episode, with or without what went on inside."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.options import AsJson, Db, Debug, Episode, Minds
from tertulia.storage.statuses import BROKEN_OFF

if TYPE_CHECKING:
    from tertulia.cli.display.turns import TurnView
    from tertulia.storage.log import Log
    from tertulia.storage.rows import EpisodeRow


def show(
    episode: Episode,
    minds: Minds = False,
    turn: Annotated[
        int | None, typer.Option("--turn", min=0, metavar="N", show_envvar=False, help="This turn alone.")
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Show the transcript of an episode.

    With --minds, under each turn: the thoughts (a filled circle marks the one that was spoken; the number is how
    much it wanted to be said, 1 to 5), the beliefs that changed, and who wanted the floor, who got it, and why.
    """
    from tertulia.cli.finding import find
    from tertulia.cli.reading import turns_of
    from tertulia.storage.log import Log

    with Log.open(db, create=False) as log:
        row = log.episode(find(log, episode))
        views = [view for view in turns_of(log, row.id, minds=minds) if turn is None or view.turn == turn]
        if turn is not None and not views:
            raise BadInput(f"--turn {turn}: episode {row.id} has turns 0 to {row.head}")
        if as_json:
            for view in views:
                print(json.dumps(_data(row.id, view, minds)))
        else:
            _paint(log, row, views, minds, whole=turn is None, db=db)


def _paint(log: Log, row: EpisodeRow, views: list[TurnView], minds: bool, *, whole: bool, db: str | None) -> None:
    from rich.text import Text

    from tertulia.cli.display.console import console_on
    from tertulia.cli.display.harmless import one_line
    from tertulia.cli.display.paint import WHOLE, Painter
    from tertulia.cli.display.summary import STATUS_COLOURS
    from tertulia.cli.hints import go_on

    console = console_on()
    names = tuple(seat.name for seat in log.participants(row.id))
    painter = Painter(console, names, WHOLE if minds else None)
    if whole:
        head = Text(one_line(row.scenario), "bold").append(f"  seed {row.seed}  {row.id}", "not bold dim")
        console.print(head)
        if row.parent_episode is not None:
            console.print(Text(_parted(row), "dim"), soft_wrap=True)
        console.print()
    for view in views:
        painter.turn(view)
    if whole:
        if not minds:
            console.print()
        end = Text(row.status, STATUS_COLOURS.get(row.status, "white")).append(f"  {one_line(row.reason or '')}", "dim")
        console.print(end)
        if row.status in BROKEN_OFF:
            console.print(Text(go_on(row.id, db, row.status), "dim"), soft_wrap=True)


def _parted(row: EpisodeRow) -> str:
    """Of what it is a fork, and since when."""
    from tertulia.cli.display.harmless import one_line

    place = f" (batch {row.batch}, {row.cell} {row.replicate})" if row.batch is not None else ""
    return one_line(f"forked from {row.parent_episode} after turn {row.parent_turn}{place}")


def _data(episode: str, view: TurnView, minds: bool) -> dict[str, Any]:
    data = {"episode": episode, **asdict(view)}
    if not minds:
        for key in ("minds", "bids"):
            del data[key]
    return data


def add_to(app: typer.Typer) -> None:
    app.command("show")(show)
