"""`tertulia browse`: look at the log in a browser."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from tertulia.cli.errors import FINE, BadInput, note
from tertulia.cli.hints import db_option, program
from tertulia.cli.options import Db, Debug

HOST = "127.0.0.1"
PORT = 8001


def browse(
    db: Db = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", show_envvar=False, help="0: any that is free.")
    ] = PORT,
    open_it: Annotated[
        bool, typer.Option("--open/--no-open", show_envvar=False, help="Open the page in this machine's browser.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Look at the log in a browser: its views with what their columns mean, and the queries that have a name.

    Serves it with Datasette, on this machine alone, until Ctrl-C. It only reads: runs may write meanwhile, and what
    they wrote shows when the page is loaded anew. The address that is printed has a key in it, without which nobody
    else on this machine sees the log. Needs the extra: pip install 'tertulia[browse]'.

    \b
    tertulia browse
    tertulia browse --db study.db --port 0 --open
    """
    from tertulia.storage.log import Log
    from tertulia.storage.target import Target

    where = Target.of(db)
    if where.path is None:
        instead = f"{program()} sql, {program()} measures, {program()} report"
        raise BadInput(f"{where}: only a log in a file can be browsed; of one on PostgreSQL: {instead}")
    Log.open(db, create=False).close()
    try:
        from tertulia.cli.browse.serving import Serving
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("datasette", "uvicorn"):
            raise
        raise BadInput("browse needs the extra: pip install 'tertulia[browse]'") from None
    with _listening(port, db) as listening:
        serving = Serving(where.path, listening.getsockname()[1])
        print(serving.address, flush=True)
        note("the log, for reading alone; Ctrl-C ends it")
        serving.run(listening, open_it=open_it)
    raise typer.Exit(FINE)


def _listening(port: int, db: str | None) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
        one.listen()  # who reads the address may ask at once
    except OSError as error:
        one.close()
        other = f"any that is free: {program()} browse{db_option(db)} --port 0"
        raise BadInput(f"--port {port}: {(error.strerror or str(error)).lower()}; {other}") from None
    return one


def add_to(app: typer.Typer) -> None:
    app.command("browse", short_help="Look at the log in a browser.")(browse)
