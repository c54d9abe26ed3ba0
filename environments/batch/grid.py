"""A grid: which scenario, what varies, with which seeds; unfolded into cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tertulia.environments.batch.design import cell_name, variants
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.scenario import Problem, Scenario, ScenarioError, scenario_path
from tertulia.environments.scenario.build import build
from tertulia.environments.scenario.overrides import put, set_model
from tertulia.environments.scenario.source import KeyPath, Source, read_yaml


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a dimension: how cells name it, and the scenario keys that it sets."""

    label: str
    sets: dict[str, Any]
    path: KeyPath
    """Where it stands in the file."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid as its file has it. `cells()` gives each combination of levels as a scenario."""

    name: str
    source: Source
    scenario: str
    fixed: dict[str, Any]
    dimensions: dict[str, list[Level]]
    seeds: list[int]
    replicates: int = 1
    design: frozenset[str] = field(default=frozenset())

    @property
    def combinations(self) -> int:
        """How many combinations of levels there are."""
        return math.prod(len(levels) for levels in self.dimensions.values())

    def cells(self) -> dict[str, Scenario]:
        """All cells by name, each checked. Raises `ScenarioError` with whatever is wrong in any of them."""
        cells: dict[str, Scenario] = {}
        files: dict[str, Source] = {}
        problems: dict[tuple[str, str], Problem] = {}
        for levels in product(*self.dimensions.values()):
            named = dict(zip(self.dimensions, levels, strict=True))
            labels = {name: level.label for name, level in named.items()}
            try:
                scenario = self._scenario(named, files)
            except ScenarioError as error:
                problems = {(one.key, one.wrong): one for one in error.problems} | problems
                continue
            seat = next((one for one in scenario.names if scenario.model_of(one) == HUMAN), None)
            if seat is not None:
                one = self._peopled(seat, levels)
                problems.setdefault((one.key, one.wrong), one)
                continue
            for swapped, variant in variants(scenario, "swap" in self.design):
                cells[cell_name(labels | swapped)] = variant
        if problems:
            raise ScenarioError(problems.values())
        if "swap" in self.design and len(cells) == self.combinations:
            right = "let seats differ, as in `participants.alice.model: openai/...`, or leave swap out"
            raise self._wrong(("design",), "swap: all seats of every cell have the same model and mind", right)
        return cells

    def _scenario(self, named: Mapping[str, Level], files: dict[str, Source]) -> Scenario:
        name = next((v for level in named.values() if (v := level.sets.get("scenario"))), self.scenario)
        source = _copy_of(files.setdefault(name, self._read(name)))
        source.option_base = self.source.base
        problems = []
        sets: list[tuple[str, Any, KeyPath]] = [(key, value, ("set", key)) for key, value in self.fixed.items()]
        levels = [(key, value, (*level.path, key)) for level in named.values() for key, value in level.sets.items()]
        # What holds for more comes first, wherever it stands, so that no dimension undoes what another one varies:
        # `mind` before `mind.order`, one model for all before a seat's own from the file or from another dimension.
        sets += sorted(levels, key=lambda one: one[0].count("."))
        for key, value, path in sorted(sets, key=lambda one: one[0] != "model"):
            option = (f"{self.source.where}:{self.source.line(path)}", key)
            if key == "model":
                set_model(source, value, option)
            elif key != "scenario" and (problem := put(source, key, deepcopy(value), option)) is not None:
                problems.append(problem)
        return build(source, problems)

    def _read(self, name: str) -> Source:
        path = scenario_path(name)
        if self.source.base is not None and ("/" in name or name.endswith((".yaml", ".yml"))):
            path = self.source.base / path
        return read_yaml(path)

    def _peopled(self, seat: str, levels: Sequence[Level]) -> Problem:
        """What is said of a seat that a person would have to take."""
        fixed = [("set", key) for key, value in self.fixed.items() if value == HUMAN]
        paths = [level.path for level in levels if HUMAN in level.sets.values()] or fixed or [("scenario",)]
        right = f"give it a model, as in `participants.{seat}.model: rules`; people take seats with tertulia play"
        return self.source.problem(paths[0], f"{seat} is a person's seat, and nobody sits in a batch", right)

    def _wrong(self, path: KeyPath, wrong: str, right: str) -> ScenarioError:
        return ScenarioError([self.source.problem(path, wrong, right)])


def _copy_of(source: Source) -> Source:
    return Source(source.where, deepcopy(source.data), source.lines, source.base)
