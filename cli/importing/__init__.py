"""`tertulia import`: conversations from elsewhere as episodes of the log."""

from __future__ import annotations

from importlib import import_module

import typer

SOURCES = ("sotopia", "chat", "codes")
"""Each is a module of this folder that defines `add_to(group)`."""


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Bring conversations, or what coders judged, into the log.", no_args_is_help=True)

    @group.callback()
    def importing() -> None:
        pass  # with one command alone, Typer would otherwise take it for the group itself

    for source in SOURCES:
        import_module(f"tertulia.cli.importing.{source}").add_to(group)
    app.add_typer(group, name="import")
