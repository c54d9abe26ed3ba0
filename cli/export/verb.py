"""`tertulia export`: the verb and its options; each format has a module of its own beside it."""

from __future__ import annotations

import typer


def export() -> None:
    """Write episodes in the files that other programs read."""


def add_to(app: typer.Typer) -> None:
    app.command("export")(export)
