"""A sheet as it comes back from a spreadsheet: whatever encoding, delimiter and line ends that has made of it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from tertulia.storage.errors import LogError

_DELIMITERS = (",", ";", "\t")
_INERT = "'"
_LONGEST_CELL = 2**24
"""Characters; Python's own limit is 131,072, which a long message may pass."""


class SheetTrouble(LogError):
    """What is wrong with sheets, a line each: file, row, column, and what would be right."""


@dataclass(slots=True)
class Sheet:
    """Rows by column, each with its number as a spreadsheet counts: the head is row 1."""

    where: str
    heads: list[str]
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)


def read_sheet(raw: bytes, where: str) -> Sheet:
    """Raises `SheetTrouble` for what is no table with a column `item`."""
    sheet = read_table(raw, where)
    if "item" not in sheet.heads:
        raise SheetTrouble(f"{where}: row 1 has no column 'item'; it should have the names of the columns as they came")
    return sheet


def read_table(raw: bytes, where: str) -> Sheet:
    """Any table with names in its first row; these in lower case. Raises `SheetTrouble`."""
    if raw.startswith(b"PK\x03\x04"):
        raise SheetTrouble(f"{where}: this is a workbook (.xlsx or .ods), not CSV; save it as CSV UTF-8")
    text = _decoded(raw, where)
    line = next((one for one in text.splitlines() if one.strip()), "")
    delimiter = max(_DELIMITERS, key=line.count)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise SheetTrouble(f"{where}: not CSV ({error}); save it anew as CSV UTF-8") from None
    if table and not any(cell.strip() for cell in table[0]):
        raise SheetTrouble(f"{where}: row 1 is empty; it should have the names of the columns")
    if not table:
        raise SheetTrouble(f"{where}: the file is empty; give a sheet with its first row")
    heads = [cell.strip().removeprefix(_INERT).casefold() for cell in table[0]]
    twice = next((name for name in heads if name and heads.count(name) > 1), None)
    if twice is not None:
        raise SheetTrouble(f"{where}: row 1: the column '{twice}' stands twice; keep one of the two")
    sheet = Sheet(where, [name for name in heads if name])
    for number, cells in enumerate(table[1:], start=2):
        if any(cell.strip() for cell in cells):
            _check_width(where, number, heads, cells)
            cells += [""] * (len(heads) - len(cells))  # some programs leave out what is empty at the end
            sheet.rows.append((number, {name: cell for name, cell in zip(heads, cells, strict=False) if name}))
    return sheet


def _check_width(where: str, number: int, heads: list[str], cells: list[str]) -> None:
    beyond = [cell for name, cell in zip([*heads, *[""] * len(cells)], cells, strict=False) if not name]
    if any(cell.strip() for cell in beyond):
        raise SheetTrouble(f"{where}: row {number}: something stands under no column; put it under one, or in `note`")


def _decoded(raw: bytes, where: str) -> str:
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"  # Excel's "Unicode text"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        pass
    if encoding == "utf-8-sig" and b"\x00" not in raw:
        return raw.decode("cp1252", errors="replace")  # Excel's plain "CSV" in western Europe
    raise SheetTrouble(f"{where}: the encoding cannot be told; save it as CSV UTF-8")
