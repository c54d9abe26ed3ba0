"""`tertulia sql`: questions to the log, read-only."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.log import Result

_SHOWN = 100
"""How many rows a table has unless told otherwise."""


def sql(
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", show_default=False, help="One statement that only reads; else from stdin."),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", show_envvar=False, help="Comma-separated values on stdout.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=0,
            metavar="N",
            show_default=False,
            show_envvar=False,
            help=f"At most so many rows, 0 for all.  [default: {_SHOWN} in a table, else all]",
        ),
    ] = None,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Ask the log with SQL, strictly read-only.

    The views to begin with: v_transcript (what happened), v_thoughts, v_beliefs_held (who believed what at which
    turn), v_beliefs (what changed), v_belief_accuracy (how right it was), v_honesty (what was said beside what was
    believed), v_floor (who wanted to speak), v_calls and v_costs (what models were asked), v_probes (what copied
    minds answered), v_outcomes (how episodes went).

    \b
    tertulia sql "SELECT turn, actor, text FROM v_transcript WHERE episode = '01J...'"
    tertulia sql "SELECT scenario, avg(reward) FROM v_outcomes GROUP BY scenario" --csv
    """
    from tertulia.storage.log import Log

    if as_json and as_csv:
        raise BadInput("--json and --csv: choose one of the two")
    asked = _query(query)
    most = limit if limit is not None else 0 if as_json or as_csv else _SHOWN
    with Log.open(db, create=False) as log:
        found = log.query(asked, limit=most + 1 if most else None)
    rows = found.rows[:most] if most else found.rows
    if as_json:
        _json(found, rows)
    elif as_csv:
        _csv(found, rows)
    else:
        _table(found, rows, more=len(found.rows) > len(rows))


def _query(given: str | None) -> str:
    if given is None or given == "-":
        if sys.stdin.isatty():
            raise BadInput('which query? for example: tertulia sql "SELECT * FROM v_outcomes"')
        given = sys.stdin.read()
    if not given.strip():
        raise BadInput('the query is empty; for example: tertulia sql "SELECT * FROM v_outcomes"')
    return given


def _json(found: Result, rows: Sequence[tuple[Any, ...]]) -> None:
    names = _distinct(found.columns)
    for row in rows:
        print(json.dumps(dict(zip(names, map(_json_value, row), strict=True)), allow_nan=False))


def _distinct(columns: Sequence[str]) -> list[str]:
    """A name that comes again gets a number, so that no column is lost."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _csv(found: Result, rows: Sequence[tuple[Any, ...]]) -> None:
    """Exact where a file or a program reads it; harmless on a terminal."""
    from tertulia.cli.display.harmless import harmless

    on_terminal = sys.stdout.isatty()

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.hex()
        return harmless(value) if on_terminal and isinstance(value, str) else value

    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in (found.columns, *rows):
        writer.writerow([plain(value) for value in row])


def _table(found: Result, rows: Sequence[tuple[Any, ...]], *, more: bool) -> None:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import table_lines

    if found.columns:
        for line in table_lines(found.columns, rows, width_of(sys.stdout)):
            print(line)
    count = f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    print(f"({'the first ' if more else ''}{count}{'; --limit 0 shows all' if more else ''})")


def add_to(app: typer.Typer) -> None:
    app.command("sql")(sql)
