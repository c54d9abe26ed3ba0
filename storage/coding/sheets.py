"""What stands in a coder's sheet: one row for each item, its cells as plain text. No condition, no id of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tertulia.storage.coding.drawing import CodingSet
from tertulia.storage.coding.material import Line, Piece

COLUMNS = ("coder", "item", "part", "context", "who", "text", "after", "a", "b", "note")
"""Columns that a sheet may have beside those of the codes."""
CELL = 32_000
"""Characters: Excel cuts a cell at 32,767, and says nothing."""
_SHOWN = {
    "utterance": ("context", "who", "text", "after"),
    "turn": ("context", "text", "after"),
    "episode": ("text",),
    "pair": ("a", "b"),
}


def heads(made: CodingSet, unit: str) -> list[str]:
    """The first row."""
    shown = [name for name in _SHOWN[unit] if name != "after" or made.codebook.after]
    shown = [name for name in shown if name != "context" or made.codebook.before]
    return ["coder", "item", "part", *shown, *(code.name for code in made.codebook.of(unit)), "note"]


def rows(made: CodingSet, coder: str, unit: str) -> Iterator[list[str]]:
    """One row for each of a coder's items of this unit, in their order; the cells of the codes are empty."""
    columns = heads(made, unit)
    for id in made.order[coder]:
        entry = made.entries[id]
        if entry.unit == unit:
            shown = cells(made, coder, id)
            given = {"coder": coder, "item": id, "part": "practice" if entry.practice else "coding", **shown}
            yield [_fitting(given.get(name, "")) for name in columns]


def cells(made: CodingSet, coder: str, id: str) -> dict[str, str]:
    """What a coder reads of an item, by column."""
    piece = made.pieces[id]
    if piece.unit == "pair":
        sides = [told(piece.lines), told(piece.other_lines)]
        if id in made.swapped[coder]:
            sides.reverse()
        return {"a": sides[0], "b": sides[1]}
    found = {"context": told(piece.before), "after": told(piece.after)}
    if piece.unit == "utterance":
        [line] = piece.lines
        return {**found, "who": _who(line), "text": line.text}
    return {**found, "text": told(piece.lines)}


def texts(piece: Piece) -> int:
    """How many characters an item's longest cell has."""
    return max(len(told(piece.lines)), len(told(piece.other_lines)))


def _fitting(text: str) -> str:
    return text if len(text) <= CELL else "(too long for a cell; read it in the page that came with this sheet)"


def told(lines: Sequence[Line]) -> str:
    """Lines as text, one each."""
    return "\n".join(_line(line) for line in lines)


def _line(line: Line) -> str:
    text = " ".join(line.text.split())  # a line break in what was said is no new speaker
    return f"{_who(line)}: {text}" if line.who is not None else f"* {text}"


def _who(line: Line) -> str:
    return f"{line.who} ({line.how})" if line.how else line.who or ""
