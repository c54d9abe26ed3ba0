"""Filled sheets held against the key and the codebook: every cell, and everything that is wrong with any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePath

from tertulia.storage.coding.drawing import CodingSet
from tertulia.storage.coding.reading import Sheet, SheetTrouble
from tertulia.storage.coding.sheets import COLUMNS
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.types import dump_json

_MOST = 20
"""So many problems are told."""

Given = dict[str, tuple[str, float]]
"""By code: the level and its number."""


@dataclass(slots=True)
class Coded:
    """What one coder gave to the items of one unit."""

    coder: str
    unit: str
    codes: dict[str, Given] = field(default_factory=dict)
    """By item, in which there may be nothing."""
    notes: dict[str, str] = field(default_factory=dict)
    sheets: list[str] = field(default_factory=list)
    """The names of the files, without their folders."""

    @property
    def digest(self) -> str:
        """The same for the same answers, in whatever order and however written."""
        levels = {
            item: {name: level for name, (level, _) in given.items()} for item, given in self.codes.items() if given
        }
        return sha256(dump_json([levels, self.notes]).encode()).hexdigest()

    @property
    def given(self) -> int:
        """How many codes."""
        return sum(len(given) for given in self.codes.values())


def check(made: CodingSet, sheets: Sequence[Sheet], coder: str | None = None) -> list[Coded]:
    """What the sheets say, by coder and unit; an empty cell is no code.

    The coder of a row is the one its column `coder` names, else `coder`, else the one the file is called by.
    Raises `SheetTrouble` with a line for each thing that is wrong: nothing may be written then.
    """
    checking = _Checking(made, coder)
    for sheet in sheets:
        checking.sheet(sheet)
    if not checking.problems and not any(one.given for one in checking.found.values()):
        checking.problems.append(f"{', '.join(sheet.where for sheet in sheets)}: no code is filled in; fill in a sheet")
    if checking.problems:
        more = len(checking.problems) - _MOST
        told = checking.problems[:_MOST] + ([f"and {more} problems more"] if more > 0 else [])
        raise SheetTrouble("\n".join(told))
    return [checking.found[key] for key in sorted(checking.found)]


class _Checking:
    def __init__(self, made: CodingSet, coder: str | None) -> None:
        self.made, self.coder = made, coder
        self.problems: list[str] = []
        self.found: dict[tuple[str, str], Coded] = {}
        self.seen: dict[tuple[str, str], str] = {}
        self.given_to = {coder: set(ids) for coder, ids in made.order.items()}

    def sheet(self, sheet: Sheet) -> None:
        self._heads(sheet)
        for number, row in sheet.rows:
            coder = self._coder(sheet, number, row)
            item = coder and self._item(sheet, number, row, coder)
            if coder and item:
                self._row(sheet, number, row, coder, item)

    def _heads(self, sheet: Sheet) -> None:
        """A column that is none of ours would be lost: only one without any word in it may be there."""
        known = [code.name for code in self.made.codebook.codes]
        for head in sheet.heads:
            if head not in COLUMNS and head not in known and any(row[head].strip() for _, row in sheet.rows):
                self._wrong(sheet, 1, head, "no code is called so", nearest(head, [*known, "note"]))

    def _coder(self, sheet: Sheet, number: int, row: dict[str, str]) -> str | None:
        coders = list(self.made.order)
        named = row.get("coder", "").strip().removeprefix("'")
        stem = PurePath(sheet.where).name.partition(".")[0]
        coder = named or self.coder or (stem if stem in coders else "")
        match = next((one for one in coders if one.casefold() == coder.casefold()), None)
        if match is None:
            wrong = f"{quoted(coder)} is no coder of this set" if coder else "it does not say who coded"
            right = nearest(coder, coders) if coder else f"write who it was ({', '.join(coders)}), or give --coder"
            self._wrong(sheet, number, "coder", wrong, right)
        return match

    def _item(self, sheet: Sheet, number: int, row: dict[str, str], coder: str) -> str | None:
        item = row["item"].strip().removeprefix("'").casefold()
        if not item:
            self._wrong(sheet, number, "item", "there is no id", "write the id that the row came with")
        elif item not in self.made.entries:
            right = nearest(item, self.made.order[coder], limit=1)
            self._wrong(sheet, number, "item", f"{quoted(item)} is no item of set {self.made.id}", right)
        elif item not in self.given_to[coder]:
            theirs = ", ".join(one for one, ids in self.given_to.items() if item in ids)
            self._wrong(sheet, number, "item", f"{item} was not given to {coder}", f"it was given to {theirs}")
        elif (coder, item) in self.seen:
            self._wrong(sheet, number, "item", f"{item} stands in {self.seen[coder, item]} too", "keep one of the two")
        else:
            self.seen[coder, item] = f"row {number} of {sheet.where}"
            return item
        return None

    def _row(self, sheet: Sheet, number: int, row: dict[str, str], coder: str, item: str) -> None:
        unit = self.made.entries[item].unit
        coded = self.found.setdefault((coder, unit), Coded(coder, unit))
        name = PurePath(sheet.where).name
        if name not in coded.sheets:
            coded.sheets.append(name)
        given = coded.codes.setdefault(item, {})
        for code in self.made.codebook.codes:
            cell = row.get(code.name, "")
            if code.unit != unit:
                if cell.strip():
                    self._wrong(
                        sheet,
                        number,
                        code.name,
                        f"this item is one {unit}",
                        f"leave it empty: {code.name} is given to one {code.unit}",
                    )
                continue
            try:
                read = code.read(cell)
            except ValueError as error:
                self._wrong(sheet, number, code.name, f"{quoted(cell.strip())} cannot be given", str(error))
                continue
            if read is not None:
                given[code.name] = read
        note = row.get("note", "").strip().removeprefix("'")
        if note:
            coded.notes[item] = note

    def _wrong(self, sheet: Sheet, number: int, column: str, wrong: str, right: str) -> None:
        self.problems.append(f"{sheet.where}: row {number}, column {column}: {wrong}; {right}")
