"""A codebook: the codes that coders give, each with its scale, its levels, and what one is given to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tertulia.storage.nearest import nearest

Scale = Literal["nominal", "ordinal", "interval", "preference"]
Unit = Literal["utterance", "turn", "episode", "pair"]

SCALES: tuple[Scale, ...] = ("nominal", "ordinal", "interval")
"""What a codebook may say; `preference` is the scale of every code that is given to a pair."""
UNITS: tuple[Unit, ...] = ("utterance", "turn", "episode", "pair")
SIDES = ("A", "B", "tie")
"""How a pair is judged: the left one, the right one, neither before the other."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WHOLE = re.compile(r"(-?\d+)[.,]0+")
"""How spreadsheets write a whole number."""
_INERT = "'"


@dataclass(frozen=True, slots=True)
class Code:
    """One thing that is judged."""

    name: str
    unit: Unit
    scale: Scale
    ask: str = ""
    levels: tuple[str, ...] = ()
    """For `nominal` and `ordinal`: what may be given, in order."""
    about: tuple[str, ...] = ()
    """For each level what it means; may be empty."""
    low: float | None = None
    high: float | None = None
    """For `interval`: the smallest and the largest that may be given."""

    @property
    def values(self) -> tuple[float, ...]:
        """The number of each level: of an ordinal code whose levels are all numbers these; else its place from 1."""
        numbers = [number_of(level) for level in self.levels]
        if self.scale == "ordinal" and all(number is not None for number in numbers):
            return tuple(number for number in numbers if number is not None)
        return tuple(float(i) for i in range(1, len(self.levels) + 1))

    def read(self, cell: str) -> tuple[str, float] | None:
        """The level and its number that a cell of a sheet says; None for an empty one.

        A spreadsheet's liberties are taken back: white space, an apostrophe before, upper case, `1.0` for `1`, a comma
        for the point. Raises `ValueError`, which says what would be right.
        """
        text = " ".join(cell.strip().removeprefix(_INERT).split())
        if not text:
            return None
        if self.scale == "interval":
            return self._number(text)
        whole = _WHOLE.fullmatch(text)
        for wanted in (text, *([whole[1]] if whole else [])):
            for level, value in zip(self.levels, self.values, strict=True):
                if level.casefold() == wanted.casefold():
                    return level, value
        raise ValueError(nearest(text, self.levels))

    def _number(self, text: str) -> tuple[str, float]:
        number = number_of(text)
        right = "a number" if self.low is None or self.high is None else f"a number from {self.low:g} to {self.high:g}"
        if number is None or (self.low is not None and self.high is not None and not self.low <= number <= self.high):
            raise ValueError(right)
        return f"{number:g}", number


@dataclass(frozen=True, slots=True)
class Codebook:
    """All codes of a study, and how much of what is around an utterance or a turn its coders see."""

    name: str
    codes: tuple[Code, ...]
    say: str = ""
    """What coders read first."""
    before: int = 3
    after: int = 0
    """So many lines before and after what is coded are shown with it, silences left out."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """What codes are given to, each once."""
        return tuple(unit for unit in UNITS if any(code.unit == unit for code in self.codes))

    def of(self, unit: str) -> tuple[Code, ...]:
        """The codes given to these."""
        return tuple(code for code in self.codes if code.unit == unit)

    def data(self) -> dict[str, Any]:
        """As JSON has it; `Codebook.from_data` makes it again."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Codebook:
        """Raises `KeyError` or `TypeError` for what is none."""
        codes = [{**one, "levels": tuple(one["levels"]), "about": tuple(one["about"])} for one in data["codes"]]
        return cls(**{**data, "codes": tuple(Code(**one) for one in codes)})


def preferences() -> Codebook:
    """What pairs are judged by where no codebook says otherwise."""
    code = Code("preferred", "pair", "preference", "Which of the two conversations is better?", SIDES, ("", "", ""))
    return Codebook("preferences", (code,), before=0)


def number_of(text: str) -> float | None:
    """A number as people and spreadsheets write it, with a point or a comma; None for anything else."""
    try:
        number = float(text.replace(",", ".", 1) if "." not in text else text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_name(text: str) -> bool:
    """Whether a code may be called so: it becomes the head of a column."""
    return _NAME.fullmatch(text) is not None
