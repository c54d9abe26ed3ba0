"""Tables as wide as the terminal: cells are cut or folded where there is no room, and rows stand one below the other
where there are too many columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len, chop_cells, set_cell_size

from tertulia.cli.display.harmless import harmless, one_line

_GAP = "  "
_CUT = "…"
_NARROWEST = 6
"""A column is never cut below this; where that does not fit, rows are shown one below the other."""
_BREAK = re.compile(r"(?<=[\s_=/>&,;|])|(?<=[^\W\d]\.)")
"""Where a cell may be folded."""
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


def table_width(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    """How wide a table is of which nothing is cut or folded."""
    return sum(_wanted(columns, rows)) + len(_GAP) * (len(columns) - 1)


def _wanted(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[int]:
    return [
        max([cell_len(one_line(name)), *(cell_len(cell(row[i])) for row in rows)]) for i, name in enumerate(columns)
    ]


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


def folded_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    width: int | None,
    *,
    whole: Collection[str] = (),
    above: str | None = None,
) -> Iterator[str]:
    """As `table_lines`, but nothing is cut: where there is no room, what stands in the column `above` gets lines of its
    own above its rows, and other cells go over several lines, those of the columns `whole` last of all."""
    if width is None or table_width(columns, rows) <= width:
        yield from table_lines(columns, rows, None)
        return
    names = [one_line(name) for name in columns]
    cells = [[cell(value) for value in row] for row in rows]
    wanted = _wanted(columns, rows)
    at = None if above is None else columns.index(above)
    shown = [i for i in range(len(names)) if i != at]
    indent = "" if at is None else _GAP
    kept = [columns[i] in whole or _is_number(rows, i) for i in range(len(names))]
    words = [wanted[i] if kept[i] else max(_longest_word(row[i]) for row in [names, *cells]) for i in range(len(names))]
    room = width - len(indent) - len(_GAP) * (len(shown) - 1)
    widths = _fold_widths([wanted[i] for i in shown], [words[i] for i in shown], [kept[i] for i in shown], room)
    if widths is None:
        yield from table_lines(columns, rows, width)  # its rows one below the other
        return
    right = [_is_number(rows, i) for i in shown]
    before = None
    for number, line in enumerate((names, ["-" * size for size in widths], *cells)):
        if at is not None and number > 1 and line[at] != before:
            before = line[at]
            yield from _folded(before, width)
        parts = line if number == 1 else [line[i] for i in shown]
        tall = [_folded(text, size) for text, size in zip(parts, widths, strict=True)]
        for low in zip_longest(*tall, fillvalue=""):
            sized = [_sized(text, size, where) for text, size, where in zip(low, widths, right, strict=True)]
            yield (indent + _GAP.join(sized)).rstrip()


def _longest_word(text: str) -> int:
    return max(cell_len(piece.rstrip()) for piece in _BREAK.split(text))


def _fold_widths(wanted: Sequence[int], words: Sequence[int], kept: Sequence[bool], room: int) -> list[int] | None:
    """No word is broken if that can be helped; what is `kept` has what it wants. None where it cannot be done."""
    if sum(words) > room:
        broken = fit(
            [size for size, whole in zip(words, kept, strict=True) if not whole],
            room - sum(size for size, whole in zip(words, kept, strict=True) if whole),
        )
        if broken is None:
            return None
        left = iter(broken)
        words = [size if whole else next(left) for size, whole in zip(words, kept, strict=True)]
    narrow = [i for i, whole in enumerate(kept) if whole]
    while True:
        others = [i for i in range(len(wanted)) if i not in narrow]
        found = fit([wanted[i] for i in others], room - sum(words[i] for i in narrow)) or [0] * len(others)
        short = [i for i, size in zip(others, found, strict=True) if size < words[i]]
        if not short:
            by_place = dict(zip(others, found, strict=True))
            return [by_place.get(i, words[i]) for i in range(len(wanted))]
        narrow += short


def _folded(text: str, size: int) -> list[str]:
    lines, line = [], ""
    for piece in _BREAK.split(text):
        if line and cell_len(line + piece.rstrip()) > size:
            lines.append(line.rstrip())
            line = ""
        *full, piece = chop_cells(piece, size) if cell_len(piece.rstrip()) > size else [piece]
        lines += full
        line += piece
    return [*lines, line.rstrip()]


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
