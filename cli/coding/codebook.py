"""A codebook as its author writes it: YAML, every mistake told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tertulia.environments.scenario.errors import Problem, ScenarioError
from tertulia.environments.scenario.source import KeyPath, Source, kind_of, read_yaml
from tertulia.storage.coding.codebook import SCALES, SIDES, UNITS, Code, Codebook, is_name
from tertulia.storage.coding.sheets import COLUMNS
from tertulia.storage.nearest import nearest

_TOP = ("codebook", "unit", "context", "say", "codes")
_CODE = ("ask", "scale", "levels", "range", "unit")
_MOST = 200


def read_codebook(path: Path, *, pairs: bool = False) -> Codebook:
    """Read a codebook; with `pairs`, one whose codes are given to pairs. Raises `ScenarioError`, a line a problem."""
    source = read_yaml(path, begins="`codebook: NAME` and `codes:`")
    reading = _Reading(source, pairs)
    found = reading.codebook()
    if reading.problems:
        raise ScenarioError(reading.problems)
    return found


class _Reading:
    """One file, and all that is wrong with it."""

    def __init__(self, source: Source, pairs: bool) -> None:
        self.source, self.pairs = source, pairs
        self.problems: list[Problem] = []

    def codebook(self) -> Codebook:
        data: dict[str, Any] = self.source.data
        self._only(data, (), _TOP)
        name = self._text(data.get("codebook"), ("codebook",), "a name for it, as in `codebook: warmth`")
        unit = self._one_of(data.get("unit", "utterance"), ("unit",), UNITS[:3])
        context = self._map(data.get("context", {}), ("context",), "`{before: 3, after: 0}`")
        self._only(context, ("context",), ("before", "after"))
        before = self._count(context.get("before", 3), ("context", "before"))
        after = self._count(context.get("after", 0), ("context", "after"))
        say = self._text(data.get("say", ""), ("say",), "what coders read first, in words")
        given = self._map(data.get("codes"), ("codes",), "a code below it, as in `warmth: {scale: interval}`")
        if not given and not self.problems:
            self._wrong(("codes",), "there is no code", "write at least one, as in `warmth: {scale: interval}`")
        codes = [self._code(name, of, unit) for name, of in given.items()]
        return Codebook(name, tuple(code for code in codes if code is not None), say, before, after)

    def _code(self, name: str, given: Any, unit: str) -> Code | None:
        at: KeyPath = ("codes", name)
        if not is_name(name) or name in COLUMNS:
            taken = "a column of every sheet is called so" if name in COLUMNS else "this cannot be the name of a code"
            self._wrong(at, taken, "a name has lower-case letters, digits and _, and begins with a letter")
            return None
        given = self._map(given, at, "`{ask: ..., scale: nominal, levels: [yes, no]}`")
        self._only(given, at, _CODE)
        ask = self._text(given.get("ask", ""), (*at, "ask"), "the question in words")
        if self.pairs:
            return Code(name, "pair", "preference", ask, SIDES, ("", "", ""))
        scale = self._one_of(given.get("scale", "nominal"), (*at, "scale"), SCALES)
        mine = self._one_of(given.get("unit", unit), (*at, "unit"), UNITS[:3])
        if scale == "interval":
            if "levels" in given:
                self._wrong((*at, "levels"), "an interval code has no levels", "write `range: [0, 100]`, or no range")
            low, high = self._range(given.get("range"), (*at, "range"))
            return Code(name, mine, "interval", ask, low=low, high=high)
        if "range" in given:
            self._wrong((*at, "range"), f"a range is for `scale: interval`, this is {scale}", "write `levels: [...]`")
        levels, about = self._levels(given.get("levels"), (*at, "levels"))
        return Code(name, mine, scale, ask, levels, about)

    def _levels(self, given: Any, at: KeyPath) -> tuple[tuple[str, ...], tuple[str, ...]]:
        right = "write at least two, as in `levels: [cold, warm]` or `levels: {cold: curt or absent, warm: kind}`"
        pairs = (
            given.items()
            if isinstance(given, dict)
            else [(one, "") for one in given or ()]
            if (given is None or isinstance(given, list))
            else []
        )
        levels = tuple(" ".join(_plain(level).split()) for level, _ in pairs)
        about = tuple(_plain(words) for _, words in pairs)
        if len(levels) < 2 or len({level.casefold() for level in levels}) < len(levels) or not all(levels):
            wrong = "two levels are the same" if len(levels) > 1 and all(levels) else "there are fewer than two levels"
            self._wrong(at, wrong, right)
        return levels, about

    def _range(self, given: Any, at: KeyPath) -> tuple[float | None, float | None]:
        if given is None:
            return None, None
        numbers = isinstance(given, list) and len(given) == 2 and all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in given
        )  # fmt: skip
        if not numbers or given[0] >= given[1]:
            self._wrong(at, f"this is {kind_of(given)}", "write the smallest and the largest, as in `range: [0, 100]`")
            return None, None
        return float(given[0]), float(given[1])

    def _only(self, given: Mapping[str, Any], at: KeyPath, known: tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                self._wrong((*at, key), "there is no such key", nearest(key, known))

    def _map(self, given: Any, at: KeyPath, right: str) -> dict[str, Any]:
        if isinstance(given, dict):
            return given
        self._wrong(at, f"this is {kind_of(given)}", f"write {right}")
        return {}

    def _text(self, given: Any, at: KeyPath, right: str) -> str:
        if isinstance(given, str | int | float) and not isinstance(given, bool):
            return str(given)
        self._wrong(at, f"this is {kind_of(given)}", f"write {right}")
        return ""

    def _count(self, given: Any, at: KeyPath) -> int:
        if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= _MOST:
            return given
        self._wrong(at, f"this is {kind_of(given)}", f"write a number of lines, 0 to {_MOST}")
        return 0

    def _one_of(self, given: Any, at: KeyPath, known: tuple[Any, ...]) -> Any:
        if given in known:
            return given
        self._wrong(at, f"this is {kind_of(given)}", nearest(str(given), known))
        return known[0]

    def _wrong(self, at: KeyPath, wrong: str, right: str) -> None:
        self.problems.append(self.source.problem(at, wrong, right))


def _plain(value: Any) -> str:
    """A level as it is read in a cell: numbers and truth values as they are written."""
    return ("true" if value else "false") if isinstance(value, bool) else "" if value is None else str(value)
