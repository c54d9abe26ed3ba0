"""`tertulia episodes`: what is in the log."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.hints import program
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.rows import EpisodeRow

_COLUMNS = (
    "episode", "scenario", "seed", "status", "reason", "reward", "turns", "utterances", "calls", "fallbacks",
    "cost_usd", "started", "parent_episode", "parent_turn",
)  # fmt: skip
_SHOWN = ("episode", "scenario", "seed", "status", "reason", "reward", "turns", "started")
_PARENT = "fork of"
"""A column that is there where any of the episodes is a fork."""
_GIVE_WAY = ("started", "reason", "turns", "reward", "seed", "scenario", _PARENT, "status")
"""What is left out first where a terminal is narrow, so that an id is never cut."""
_TO_THE_MINUTE = 16


def episodes(
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            show_envvar=False,
            help="Only these: running, paused, success, degraded, error or cancelled. Can be given several times.",
        ),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", metavar="NAME", show_envvar=False, help="Only episodes of this scenario."),
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", show_envvar=False, help="Only episodes of this batch.")
    ] = None,
    batches: Annotated[
        bool,
        typer.Option("--batches", show_envvar=False, help="List batches instead, with how far they have come."),
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", show_envvar=False, help="At most so many; 0 for all.")
    ] = 20,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """List the episodes in the log, the newest first. Times are UTC."""
    from tertulia.storage.log import Log

    _check(status)
    with Log.open(db, create=False) as log:
        if batches:
            _list_batches(log, limit, as_json)
            return
        found = _rows(log, status, scenario, log.batch(batch).id if batch else None, limit)
        if as_json:
            for row in found:
                print(json.dumps({name: row[name] for name in _COLUMNS}))
        elif not found:
            print(
                "no such episode"
                if status or scenario or batch
                else f"no episode yet; to begin with: {program()} run mutual-friends"
            )
        else:
            _table(found)


def _check(status: list[str] | None) -> None:
    from typing import get_args

    from tertulia.storage.nearest import nearest
    from tertulia.storage.rows import EpisodeStatus

    for name in status or ():
        if name not in get_args(EpisodeStatus):
            raise BadInput(f"--status {name}: no such status; {nearest(name, list(get_args(EpisodeStatus)))}")


def _list_batches(log: Log, limit: int, as_json: bool) -> None:
    """Batches, the newest first: how many of their episodes have ended, failed, and stand open."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import table_lines
    from tertulia.environments.batch.plan import Plan
    from tertulia.storage.statuses import ENDED

    rows = []
    for row in log.batches()[: limit or None]:
        begun = log.standing(row.id)
        planned = Plan(row.id, row.grid).total if Plan.is_grid(row) else len(begun)
        ended = sum(one.status in ENDED for one in begun)
        failed = sum(one.status == "error" for one in begun)
        made = row.created_at.isoformat(sep=" ")[:_TO_THE_MINUTE]
        rows.append((row.id, row.name, planned, ended, failed, planned - ended - failed, made))
    columns = ("batch", "name", "episodes", "ended", "failed", "open", "made")
    if as_json:
        for one in rows:
            print(json.dumps(dict(zip(columns, one, strict=True))))
        return
    for line in table_lines(columns, rows, width_of(sys.stdout)) if rows else ("no batch yet",):
        print(line)


def _rows(
    log: Log, status: list[str] | None, scenario: str | None, batch: str | None, limit: int
) -> list[dict[str, Any]]:
    """Rows of `v_outcomes`, and what each is a fork of; the view is asked only about the episodes that are shown."""
    rows: dict[str, dict[str, Any]] = {}
    found = log.episodes(limit or None, status=status, scenario=scenario, batch=batch)
    for start in range(0, len(found), 500):
        some = [row.id for row in found[start : start + 500]]
        marks = ", ".join("?" * len(some))
        outcomes = log.query(f"SELECT * FROM v_outcomes WHERE episode IN ({marks})", some).dicts()
        rows |= {row["episode"]: row for row in outcomes}
    return [
        rows[row.id] | {"parent_episode": row.parent_episode, "parent_turn": row.parent_turn} | _parent(row)
        for row in found
    ]


def _parent(row: EpisodeRow) -> dict[str, str]:
    return {_PARENT: "" if row.parent_episode is None else f"{row.parent_episode} after turn {row.parent_turn}"}


def _table(found: list[dict[str, Any]]) -> None:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import shown_columns, table_lines

    width = width_of(sys.stdout)
    columns = [*_SHOWN, *([_PARENT] if any(row[_PARENT] for row in found) else [])]
    rows = [[str(row[name])[:_TO_THE_MINUTE] if name == "started" else row[name] for name in columns] for row in found]
    there = shown_columns(columns, rows, width, give_way=[name for name in _GIVE_WAY if name in columns])
    for line in table_lines([columns[i] for i in there], [[row[i] for i in there] for row in rows], width):
        print(line)


def add_to(app: typer.Typer) -> None:
    app.command("episodes")(episodes)
