"""Writes the pages that are made from the code: `python docs/generate.py`. A test fails when they have drifted."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MADE = "<!-- Made from the code by `make docs`; change the code, not this page. -->"


def pages() -> dict[Path, str]:
    """Every generated page and what it should hold."""
    return {HERE / "commands.md": commands_page(), HERE / "log.md": log_page()}


def commands_page() -> str:
    """Every command with its help, as a terminal of 88 columns shows it."""
    from typer.main import get_command

    from tertulia.cli.main import make_app

    blocks = [f"## {name}\n\n```\n{text}\n```" for name, text in _help(get_command(make_app()), "tertulia", None)]
    about = "What `--help` says, command by command."
    return "\n\n".join([MADE, "# Commands", about, *blocks]) + "\n"


def _help(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=88, max_content_width=88
    )
    yield context.command_path, command.get_help(context).strip()
    for child in getattr(command, "commands", {}):
        yield from _help(command.commands[child], child, context)


def log_page() -> str:
    """Every view with its columns, and every table with what its rows mean."""
    from tertulia.storage.tables import table_of
    from tertulia.storage.views import views

    parts = [
        MADE,
        "# The log",
        "One database, SQLite or PostgreSQL, with the same tables and views. Ask the views: they are stable. "
        "Times are UTC, probabilities 0-1, motivations 1.0-5.0, durations end in `_ms`.",
        "# Views",
    ]
    for view in views():
        rows = [f"| `{name}` | {_cell(meaning)} |" for name, meaning in view.columns.items()]
        parts += [f"## {view.name}", view.about, "\n".join(["| column | meaning |", "|---|---|", *rows])]
    parts.append("# Tables")
    for row_type in _row_types():
        table = table_of(row_type)
        about = " ".join((inspect.getdoc(row_type) or "").split())
        keys = {column.name for column in table.primary_key.columns}
        notes = _notes(row_type)
        rows = [
            f"| `{column.name}` | {_kind(column)}{', key' if column.name in keys else ''} "
            f"| {_cell(notes.get(column.name, ''))} |"
            for column in table.columns
        ]
        parts += [f"## {table.name}", about, "\n".join(["| column | type | |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _row_types() -> list[Any]:
    from tertulia.storage import rows

    kinds = [kind for kind in vars(rows).values() if inspect.isclass(kind) and issubclass(kind, rows.Row)]
    return [kind for kind in kinds if kind is not rows.Row]


def _kind(column: Any) -> str:
    name = type(column.type).__name__
    return {"Text": "text", "Json": "JSON", "Utc": "time", "AutoString": "text"}.get(name, name.lower())


def _notes(row_type: Any) -> dict[str, str]:
    """The docstring that stands below each field in the source."""
    found = re.findall(r'^    (\w+): [^\n]*\n    """(.*?)"""', inspect.getsource(row_type), re.MULTILINE | re.DOTALL)
    return {name: " ".join(note.split()) for name, note in found}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(HERE.parent))
