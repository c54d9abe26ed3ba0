"""Tables as wide as the terminal: cells are cut where there is no room, and rows stand one below the other where
there are too many columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from tertulia.cli.display.harmless import harmless, one_line

_GAP = "  "
_CUT = "…"
_NARROWEST = 6
"""A column is never cut below this; where that does not fit, rows are shown one below the other."""
_LONGEST = 4000
"""Of a longer text only this many characters are looked at, whatever the width."""


def cell(value: Any) -> str:
    """A value on one line; NULL is empty, bytes are hexadecimal, floats have up to 6 digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bytes):
        return f"x'{value[:_LONGEST].hex()}'"
    text = str(value)
    return one_line(text) if len(text) <= _LONGEST else one_line(text[:_LONGEST]) + _CUT


def shown_columns(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None, *, give_way: Sequence[str]
) -> list[int]:
    """Which columns to show so that none has to be cut: those that `give_way` are left out, in that order, until the
    others fit into `width`."""
    shown = list(range(len(columns)))
    sizes = [max([cell_len(name), *(cell_len(cell(row[i])) for row in rows)]) for i, name in enumerate(columns)]
    for name in give_way:
        if width is None or sum(sizes[i] for i in shown) + len(_GAP) * (len(shown) - 1) <= width:
            break
        shown.remove(columns.index(name))
    return shown


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> Iterator[str]:
    """The lines of a table in at most `width` cells, or as wide as it comes for None."""
    names = [one_line(name) for name in columns]
    cells = [[cell(value) for value in row] for row in rows]
    wanted = [max([cell_len(name), *(cell_len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    widths = wanted if width is None else fit(wanted, width - len(_GAP) * (len(names) - 1))
    if widths is None:
        yield from _one_below_the_other(names, rows, width or 0)
        return
    right = [_is_number(rows, i) for i in range(len(names))]
    for line in (names, ["-" * size for size in widths], *cells):
        parts = [_sized(text, size, at) for text, size, at in zip(line, widths, right, strict=True)]
        yield _GAP.join(parts).rstrip()


def fit(wanted: Sequence[int], room: int) -> list[int] | None:
    """Widths that add up to at most `room`: the widest give way first. None where it cannot be done."""
    if sum(wanted) <= room:
        return list(wanted)
    least = [min(size, _NARROWEST) for size in wanted]
    if sum(least) > room:
        return None
    left, open_columns, widths = room, sorted(range(len(wanted)), key=lambda i: wanted[i]), list(wanted)
    while open_columns:
        share = left // len(open_columns)
        i = open_columns.pop(0)
        widths[i] = min(wanted[i], max(share, least[i]))
        left -= widths[i]
    return widths


def _sized(text: str, size: int, right: bool) -> str:
    length = cell_len(text)
    if length > size:
        return set_cell_size(text, size - 1) + _CUT
    return " " * (size - length) + text if right else text + " " * (size - length)


def _is_number(rows: Sequence[Sequence[Any]], column: int) -> bool:
    kinds = {type(row[column]) for row in rows} - {type(None)}
    return bool(kinds) and kinds <= {int, float}


def _one_below_the_other(names: Sequence[str], rows: Sequence[Sequence[Any]], width: int) -> Iterator[str]:
    label = min(max(map(cell_len, names)), width // 3)
    for number, row in enumerate(rows):
        yield f"row {number + 1}".center(width, "-") if width else f"row {number + 1}"
        for name, value in zip(names, row, strict=True):
            text = cell(value) if not isinstance(value, str) else harmless(value[:_LONGEST]).replace("\n", " ")
            yield (_sized(name, label, False) + _GAP + _sized(text, max(1, width - label - len(_GAP)), False)).rstrip()
