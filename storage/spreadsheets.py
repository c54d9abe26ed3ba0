"""Texts in a table that a spreadsheet may open: none of them is run as a formula."""

from __future__ import annotations

import re

_DANGER = re.compile(r"'*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")
"""How a text begins that a spreadsheet may take for a formula; or, after apostrophes, one that has been made inert."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INERT = "'"


def inert(text: str) -> str:
    """A text that no spreadsheet runs; a number stays a number."""
    return f"{_INERT}{text}" if _DANGER.match(text) and not _NUMBER.fullmatch(text) else text


def as_it_was(cell: str) -> str:
    """The inverse of `inert`."""
    return cell[1:] if cell.startswith(_INERT) and _DANGER.match(cell) else cell
