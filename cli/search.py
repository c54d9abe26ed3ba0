"""`tertulia search`: who said or thought something, and when."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.search import Hit

_COLUMNS = ("episode", "turn", "place", "kind", "who", "id", "to", "spoken_turn", "text", "hits")
_SHOWN = ("episode", "turn", "who", "how", "text")
_LEAST = 30
"""Cells that the text has at least in a table."""


class Place(StrEnum):
    """Where to look."""

    said = "said"
    thought = "thought"
    both = "both"


def search(
    words: Annotated[
        list[str], typer.Argument(metavar="WORDS", show_default=False, help="What to look for; see above.")
    ],
    place: Annotated[
        Place,
        typer.Option("--in", show_envvar=False, help="said: the transcript, also what the world and the script told."),
    ] = Place.both,
    episode: Annotated[
        str | None,
        typer.Option(
            "--episode",
            metavar="EPISODE",
            show_envvar=False,
            help="Only this one: an id, the beginning of one, or `last`.",
        ),
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", show_envvar=False, help="Only episodes of this batch.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="NAME", show_envvar=False, help="Only what this participant said or thought."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", show_envvar=False, help="At most so many; 0 for all.")
    ] = 50,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", show_envvar=False, help="Comma-separated values on stdout.")] = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Search what was said and thought, the newest episode first.

    \b
    tertulia search cake cellar             both words, in any order
    tertulia search 'cake OR tart'          either
    tertulia search '"in the cellar"'       a phrase, in quotation marks of its own
    tertulia search 'cell* -wine'           the beginning of a word; without another word

    Case and accents do not matter, and the words are taken as they are: `cakes` is found by cakes and by cake*. OR
    binds less than standing side by side.
    """  # fmt: skip
    from tertulia.cli.display.answers import print_csv, print_json, print_table
    from tertulia.cli.finding import find
    from tertulia.storage.log import Log
    from tertulia.storage.search import search as search_log

    if as_json and as_csv:
        raise BadInput("--json and --csv: choose one of the two")
    with Log.open(db, create=False) as log:
        found = search_log(
            log, " ".join(words),
            places=("said", "thought") if place == Place.both else (place.value,),
            episode=find(log, episode) if episode else None, batch=log.batch(batch).id if batch else None, by=by,
            limit=limit + 1 if limit else None,
        )  # fmt: skip
        if not found and by is not None:
            _must_be_there(log, by)
    shown = found[:limit] if limit else found
    if as_json:
        print_json(_COLUMNS, [[getattr(hit, name) for name in _COLUMNS] for hit in shown])
    elif as_csv:
        print_csv(_COLUMNS, [_flat(hit) for hit in shown])
    elif not shown:
        whole = "" if any("*" in word for word in words) else "; words are taken whole: cak* also finds cakes"
        print(f"nothing was found{whole}")
    else:
        rows = _rows(shown)
        print_table(_SHOWN, rows, more=len(found) > len(shown), what="hit", above="episode")


def _must_be_there(log: Log, name: str) -> None:
    from tertulia.storage.nearest import nearest

    names = [row[0] for row in log.query("SELECT DISTINCT name FROM participant ORDER BY 1").rows]
    if names and name not in names:
        raise BadInput(f"--by {name}: nobody in the log has this name; {nearest(name, names)}")


def _flat(hit: Hit) -> list[Any]:
    """As CSV has it: names joined, and places as `start-end`."""
    values = {name: getattr(hit, name) for name in _COLUMNS}
    values["to"] = None if hit.to is None else ", ".join(hit.to)
    values["hits"] = " ".join(f"{start}-{end}" for start, end in hit.hits)
    return list(values.values())


def _rows(hits: list[Hit]) -> list[tuple[Any, ...]]:
    """Each with as much of its text around the first hit as two lines have room for, the episode standing above."""
    from tertulia.cli.display.console import width_of

    width = width_of(sys.stdout)
    hows = [_how(hit) for hit in hits]
    left = 2 + 4 + 2 + max(len(hit.who or "") for hit in hits) + 2 + max(map(len, hows)) + 2
    room = None if width is None else 2 * max(_LEAST, width - left)
    return [
        (hit.episode, hit.turn, hit.who, how, _marked(hit, room)) for hit, how in zip(hits, hows, strict=True)
    ]  # fmt: skip


def _how(hit: Hit) -> str:
    if hit.place == "said":
        return hit.kind + (f" to {', '.join(hit.to)}" if hit.to else "")
    return f"thought, spoken at {hit.spoken_turn}" if hit.spoken_turn is not None else f"thought, {hit.kind}"


def _marked(hit: Hit, room: int | None) -> str:
    """The text with its hits between marks; of a long one, what is around the first."""
    before, after = "«»" if (sys.stdout.encoding or "").lower().startswith("utf") else "**"
    start = 0
    if room is not None and hit.hits and len(hit.text) + 2 * len(hit.hits) > room and hit.hits[0][1] + 2 > room // 2:
        start = hit.text.rfind(" ", 0, max(0, hit.hits[0][0] - room // 3)) + 1
    parts, place = (
        [
            "…" if start and before == "«" else "",
        ],
        start,
    )
    for first, last in hit.hits:
        parts += [hit.text[place:first], before, hit.text[first:last], after]
        place = last
    return "".join([*parts, hit.text[place:]])


def add_to(app: typer.Typer) -> None:
    app.command("search")(search)
