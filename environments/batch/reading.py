"""Reading a grid file: what is wrong with it is told with file, line and remedy, all of it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tertulia.environments.batch.design import DESIGN
from tertulia.environments.batch.grid import Grid, Level
from tertulia.environments.scenario import Problem, ScenarioError
from tertulia.environments.scenario.source import KeyPath, kind_of, read_yaml
from tertulia.environments.seeds import check_seeds, parse_seeds
from tertulia.storage.nearest import nearest

KEYS = ("batch", "scenario", "set", "grid", "conditions", "seeds", "replicates", "design")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_LIKE_AN_EPISODE = re.compile(r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}")
_LONGEST_LABEL = 40
_MOST_CELLS, _MOST_EPISODES = 10_000, 1_000_000


SHIPPED = Path(__file__).resolve().parent.parent / "grids"
"""The folder of the grids that come with tertulia."""


def list_grids() -> list[str]:
    """The names of the shipped grids, in order."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_grid(path: str | Path) -> Grid:
    """Read a grid file, or a shipped grid by its name. Raises `ScenarioError` with every problem of the file itself;
    its cells are not built yet."""
    return _Reading(path).grid()


_BEGINS = "`scenario: NAME` and `seeds: 0:20`"
"""How a grid file begins."""


class _Reading:
    """One file while it is read, and what is wrong with it so far."""

    def __init__(self, path: str | Path) -> None:
        self.path = SHIPPED / f"{path}.yaml" if str(path) in list_grids() else Path(path)
        self.source = read_yaml(self.path, str(path), _BEGINS)
        self.data: dict[str, Any] = self.source.data
        self.problems: list[Problem] = []

    def wrong(self, path: KeyPath, wrong: str, right: str) -> None:
        self.problems.append(self.source.problem(path, wrong, right))

    def grid(self) -> Grid:
        for key in self.data:
            if key not in KEYS:
                self.wrong((key,), f"unknown key '{key}'", nearest(key, KEYS))
        dimensions = dict(self.dimensions())
        grid = Grid(
            self.name(), self.source, self.scenario(dimensions), self.fixed(), dimensions, self.seeds(),
            self.replicates(), self.design(),
        )  # fmt: skip
        for key in {key for level in dimensions.get("condition", []) for key in level.sets} & set(dimensions):
            right = "vary it in one of the two, so that the name of a cell says what is played"
            self.wrong(("grid", key), "is set by conditions as well", right)
        episodes = grid.combinations * len(grid.seeds) * grid.replicates
        if episodes > _MOST_EPISODES:
            self.wrong(
                ("seeds",), f"{episodes:,} episodes", f"a batch has at most {_MOST_EPISODES:,}; give fewer seeds"
            )
        if grid.combinations > _MOST_CELLS:
            self.wrong(("grid",), f"{grid.combinations} cells", f"a grid has at most {_MOST_CELLS}; vary less at once")
        if self.problems:
            raise ScenarioError(sorted(self.problems, key=lambda one: one.line or 0))
        return grid

    def name(self) -> str:
        name = self.data.get("batch", self.path.stem)
        if not isinstance(name, str):
            self.wrong(("batch",), f"{kind_of(name)} stands here, not a name", "write a word, or quote it")
        elif not _NAME.fullmatch(name):
            self.wrong(("batch",), f"'{name}' is no name for a batch", "use letters, digits, dots, dashes, underscores")
        elif name == "last" or _LIKE_AN_EPISODE.fullmatch(name):
            self.wrong(("batch",), f"'{name}' would be taken for an episode", "choose another name")
        return str(name)

    def scenario(self, dimensions: dict[str, list[Level]]) -> str:
        scenario = self.data.get("scenario")
        if not isinstance(scenario, str) and "scenario" not in dimensions:
            self.wrong(("scenario",), "no scenario is named", "write `scenario: NAME` or the path of a file")
        return str(scenario)

    def fixed(self) -> dict[str, Any]:
        fixed = self.data.get("set") or {}
        if not isinstance(fixed, dict):
            right = "write keys and values, as in `set: {turns.limit: 8}`"
            self.wrong(("set",), f"{kind_of(fixed)} stands here", right)
            return {}
        if "scenario" in fixed:
            self.wrong(("set", "scenario"), "the scenario is not set here", "write `scenario: NAME` beside `set`")
        return fixed

    def replicates(self) -> int:
        count = self.data.get("replicates", 1)
        if type(count) is not int or count < 1:
            self.wrong(("replicates",), f"{count!r} is no number of replicates", "give a whole number of 1 or more")
            return 1
        return count

    def dimensions(self) -> Iterator[tuple[str, list[Level]]]:
        """What varies: each key of `grid`, and `conditions`, whose levels set several keys at once."""
        grid, conditions = self.data.get("grid"), self.data.get("conditions")
        if "grid" in self.data and (not isinstance(grid, dict) or not grid):
            right = "write keys of the scenario with lists of values, or leave it out"
            self.wrong(("grid",), f"{kind_of(grid)} stands here" if grid else "the grid is empty", right)
        elif isinstance(grid, dict):
            for key, values in grid.items():
                yield key, list(self.levels(key, values))
        if "conditions" in self.data and (not isinstance(conditions, dict) or not conditions):
            right = "write names, each with the keys it sets, or leave it out"
            self.wrong(
                ("conditions",), f"{kind_of(conditions)} stands here" if conditions else "there is no condition", right
            )
        elif isinstance(conditions, dict):
            yield "condition", list(self.conditions(conditions))

    def levels(self, key: str, values: Any) -> Iterator[Level]:
        path = ("grid", key)
        if not isinstance(values, list | dict) or not values:
            what = "an empty list" if isinstance(values, list | dict) else kind_of(values)
            right = f"write a list of values, as in `{key}: [a, b]`, or names with values"
            self.wrong(path, f"{what} stands here", right)
            return
        named = values.items() if isinstance(values, dict) else ((_label(value), value) for value in values)
        seen = set()
        for number, (label, value) in enumerate(named):
            here: KeyPath = (*path, label if isinstance(values, dict) else number)
            if len(label) > _LONGEST_LABEL:
                self.wrong(here, "is too long to name a cell by", f"give it a name: `{key}: {{short-name: ...}}`")
            if label in seen:
                self.wrong(here, f"'{label}' stands twice", "let every value stand once")
            seen.add(label)
            yield Level(label, {key: value}, here)

    def conditions(self, conditions: dict[str, Any]) -> Iterator[Level]:
        for label, sets in conditions.items():
            here = ("conditions", label)
            if isinstance(sets, dict):
                yield Level(label, sets, here)
            else:
                self.wrong(here, f"{kind_of(sets)} stands here", "write the keys it sets, as in {turns.limit: 8}")

    def seeds(self) -> list[int]:
        given = self.data.get("seeds")
        right = "write `seeds: 0:50` for fifty of them, or a list"
        try:
            if isinstance(given, str) or type(given) is int:
                found = parse_seeds(str(given))
                if len(found) > _MOST_EPISODES:
                    right = f"a batch has at most {_MOST_EPISODES:,} episodes"
                    raise ValueError(f"{given}: {len(found):,} seeds")
                return list(found)
            if isinstance(given, list) and given and all(type(one) is int and one >= 0 for one in given):
                check_seeds(given, ", ".join(map(str, given)))
                return given
        except ValueError as error:
            what, _, better = str(error).partition(": ")
            self.wrong(("seeds",), f"{what} cannot be" if "write" in better else better, right)
            return []
        others = "a list of other things than whole numbers" if given else "an empty list"
        what = f"{others if isinstance(given, list) else kind_of(given)} stands here"
        self.wrong(("seeds",), "no seeds are given" if given is None else what, right)
        return []

    def design(self) -> frozenset[str]:
        given = self.data.get("design", [])
        words = [given] if isinstance(given, str) else given
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            self.wrong(("design",), f"{kind_of(given)} stands here", f"write words of {', '.join(DESIGN)}")
            return frozenset()
        for word in words:
            if word not in DESIGN:
                self.wrong(("design",), f"no design '{word}'", nearest(word, DESIGN))
        if {"paired", "independent"} <= set(words):
            self.wrong(("design",), "paired and independent exclude each other", "keep one of the two")
        return frozenset(words)


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
