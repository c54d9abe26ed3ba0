"""`tertulia sql`: questions to the log, read-only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import INTERRUPTED, BadInput
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.cli.asking.answering import Format


def sql(
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", show_default=False, help="One statement that only reads; else from stdin."),
    ] = None,
    named: Annotated[
        str | None,
        typer.Option("--named", metavar="NAME", show_envvar=False, help="Ask a query that has a name."),
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--param",
            metavar="KEY=VALUE",
            show_envvar=False,
            help="A parameter of it; episode=ID (or last) and batch=NAME keep it to these. Can be given several times.",
        ),
    ] = None,
    list_them: Annotated[
        bool, typer.Option("--list", show_envvar=False, help="List the queries that have a name, yours included.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", show_envvar=False, help="With --named: show what it is and its SQL instead.")
    ] = False,
    as_json: AsJson = False,
    as_csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            show_envvar=False,
            help="Comma-separated values (RFC 4180); a text that a spreadsheet would run gets an apostrophe before it.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=0,
            metavar="N",
            show_default=False,
            show_envvar=False,
            help="At most so many rows, 0 for all.  [default: 100 in a table, else all]",
        ),
    ] = None,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Ask the log with SQL, strictly read-only. Without a query, on a terminal, at a prompt.

    The views to begin with: v_transcript (what happened), v_thoughts, v_beliefs_held (who believed what at which
    turn), v_beliefs (what changed), v_belief_accuracy (how right it was), v_honesty (what was said beside what was
    believed), v_floor (who wanted to speak), v_calls and v_costs (what models were asked), v_probes (what copied
    minds answered), v_outcomes (how episodes went).

    \b
    tertulia sql "SELECT turn, actor, text FROM v_transcript WHERE episode = '01J...'"
    tertulia sql "SELECT scenario, avg(reward) FROM v_outcomes GROUP BY scenario" --csv
    tertulia sql --named who-changed-their-mind -p episode=last

    Queries of your own: files NAME.sql in ./queries, or in the folders that TERTULIA_QUERIES names.
    docs/asking-the-log.md says how they are written, and what the prompt can do.
    """  # fmt: skip
    from tertulia.cli.asking.answering import Format

    if as_json and as_csv:
        raise BadInput("--json and --csv: choose one of the two")
    wanted = Format("json" if as_json else "csv" if as_csv else "table", limit)
    if list_them:
        _list(wanted)
    elif named is not None:
        _named(named, query, params or [], show, wanted, db)
    elif params or show:
        raise BadInput(
            f"{'-p' if params else '--show'} goes with --named; all queries with a name: tertulia sql --list"
        )
    else:
        _ask(query, wanted, db)


def _ask(query: str | None, wanted: Format, db: str | None) -> None:
    from tertulia.cli.asking.answering import answer
    from tertulia.storage.log import Log

    at_prompt = query is None and sys.stdin.isatty() and sys.stdout.isatty()
    asked = "" if at_prompt else _query(query)
    with Log.open(db, create=False) as log:
        if at_prompt:
            from tertulia.cli.asking.prompt import prompt

            prompt(log, wanted)
        else:
            _interruptibly(lambda: answer(log, asked, (), wanted))


def _named(name: str, query: str | None, params: list[str], show: bool, wanted: Format, db: str | None) -> None:
    from tertulia.cli.asking.commands import given, tell_named
    from tertulia.cli.asking.running import run_named
    from tertulia.storage.log import Log

    if query is not None:
        raise BadInput("--named and a QUERY: choose one of the two")
    if show:
        tell_named(name)
        return
    with Log.open(db, create=False) as log:
        _interruptibly(lambda: run_named(log, name, given(params), wanted))


def _list(wanted: Format) -> None:
    from tertulia.cli.asking.commands import list_named, tell_named
    from tertulia.cli.display.answers import print_csv, print_json

    if wanted.form == "table":
        tell_named(None)
    else:
        (print_json if wanted.form == "json" else print_csv)(("query", "about", "parameters"), list_named())


def _interruptibly(ask: Callable[[], object]) -> None:
    try:
        ask()
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _query(given: str | None) -> str:
    if given is None or given == "-":
        if sys.stdin.isatty():
            raise BadInput('which query? for example: tertulia sql "SELECT * FROM v_outcomes"')
        given = sys.stdin.read()
    if not given.strip():
        raise BadInput('the query is empty; for example: tertulia sql "SELECT * FROM v_outcomes"')
    return given


def add_to(app: typer.Typer) -> None:
    app.command("sql")(sql)
