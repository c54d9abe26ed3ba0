"""Rows of an answer on stdout: as JSON lines, as CSV, or as a table as wide as the terminal."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from tertulia.storage.spreadsheets import inert

Rows = Sequence[Sequence[Any]]


def print_json(columns: Sequence[str], rows: Rows) -> None:
    """One object a line. A column's name that comes again gets a number; what JSON lacks is a word (`inf`)."""
    names = _distinct(columns)
    for row in rows:
        print(json.dumps(dict(zip(names, map(_json_value, row), strict=True)), allow_nan=False))


def print_csv(columns: Sequence[str], rows: Rows) -> None:
    """As RFC 4180 has it: commas, lines that end in CR LF, quotation marks doubled within quotation marks.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, by which spreadsheets know a text;
    numbers stay as they are, and JSON has every text exactly. Harmless on a terminal.
    """
    from tertulia.cli.display.harmless import harmless

    on_terminal = sys.stdout.isatty()

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.hex()
        if not isinstance(value, str):
            return value
        return inert(harmless(value) if on_terminal else value)

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="")  # no line end of ours is changed, nor one within a text
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    for row in (columns, *rows):
        writer.writerow([plain(value) for value in row])


def print_table(
    columns: Sequence[str], rows: Rows, *, more: bool, what: str = "row", all_by: str = "--limit 0",
    above: str | None = None,
) -> None:  # fmt: skip
    """A table that fits, and how many rows it has; `more` where there are others, which `all_by` shows. Cells are cut,
    or folded where what is in the column `above` may stand above its rows."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines, table_lines

    width = width_of(sys.stdout)
    lines = table_lines(columns, rows, width) if above is None else folded_lines(columns, rows, width, above=above)
    if columns:
        for line in lines:
            print(line)
    count = f"{len(rows)} {what}{'' if len(rows) == 1 else 's'}"
    print(f"({'the first ' if more else ''}{count}{f'; {all_by} shows all' if more else ''})")


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
