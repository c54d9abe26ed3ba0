"""What a batch is to play, as the log keeps it: whoever has the log can go on with it, without its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tertulia.agents.registry import Backends
from tertulia.environments.batch.design import seed_in, turned
from tertulia.environments.batch.grid import Grid
from tertulia.environments.changed import differences
from tertulia.environments.floor import ASKS_THE_FLOOR
from tertulia.environments.leading import Place
from tertulia.environments.scenario import Scenario
from tertulia.environments.stage import Stage
from tertulia.environments.versions import versions
from tertulia.storage.log import Duplicate, Log
from tertulia.storage.rows import BatchRow
from tertulia.storage.types import now

_SHOWN, _LONGEST = 8, 60
"""How many differences are told, and how long a value may be in one."""
_KEPT = 64
"""Scenarios that are kept built, so that a thousand episodes of one cell share one."""


class BatchError(ValueError):
    """A batch that cannot be played, or not gone on with; one line for each thing that is wrong."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One episode of a batch: where it belongs, with which seed, and in which order its seats sit."""

    cell: str
    seed: int
    replicate: int
    turned: int = 0
    """By how many places the order of the seats is moved on."""

    @property
    def key(self) -> tuple[str, int, int]:
        return self.cell, self.seed, self.replicate


class Plan:
    """A batch: its cells as resolved scenarios, its seeds, how it is designed."""

    def __init__(self, batch: str, grid: dict[str, Any]) -> None:
        self.batch = batch
        self.grid = grid
        self._made: dict[str, Any] | None = None
        self._scenario = lru_cache(_KEPT)(self._build)

    @classmethod
    def of(cls, grid: Grid) -> Plan:
        """The plan of a grid file. Raises `ScenarioError` for a cell that cannot be played."""
        cells = grid.cells()
        resolved = {name: scenario.resolved() for name, scenario in cells.items()}
        made = made_with(resolved.values())
        data = {
            "file": grid.source.data,
            "cells": resolved,
            "seeds": grid.seeds,
            "replicates": grid.replicates,
            "design": sorted(grid.design),
            "versions": made,
        }
        plan = cls(grid.name, data)
        plan._made = made
        return plan

    @classmethod
    def load(cls, log: Log, batch: str) -> Plan:
        """The plan of a batch that is in the log. Raises `NotFound`, and `BatchError` for one without a grid."""
        row = log.batch(batch)
        if not cls.is_grid(row):
            raise BatchError(f"batch {row.id} ({row.name}) was not made by a grid; go on with its episodes by id")
        return cls(row.id, row.grid)

    @staticmethod
    def is_grid(row: BatchRow) -> bool:
        """Whether a batch was made by a grid, and not by another command that keeps its episodes together."""
        return isinstance(row.grid, dict) and "cells" in row.grid

    async def enter(self, log: Log, *, accept_changes: bool = False) -> None:
        """Enter the batch into the log, or go on with the one that is there: it grows by values, seeds and replicates
        that are new, and what was there already must be what it was. Raises `BatchError`, also where packages,
        instructions or models have changed since it was last played, unless `accept_changes`: then that is kept with
        the batch, and its episodes follow.
        """
        try:
            await log.record([BatchRow(id=self.batch, name=self.batch, grid=self.grid, created_at=now())])
        except Duplicate:
            await self._go_on(log, accept=accept_changes)

    async def check_here(
        self, log: Log, cells: Iterable[str], backends: Backends, *, accept_changes: bool = False
    ) -> None:
        """For a worker that may run elsewhere than where the batch was entered: whether it would play these cells with
        the packages, instructions and models of the batch. Raises `BatchError` where it would not, unless
        `accept_changes`: then that is kept with the batch, once."""
        self._made = made_with([self.grid["cells"][cell] for cell in sorted(set(cells))], backends)
        known = [one["new"] for one in self.grid.get("accepted") or []]
        if not (accept_changes and self._made in known):
            await self._go_on(log, accept=accept_changes)

    async def _go_on(self, log: Log, *, accept: bool) -> None:
        """Join this plan with the one that is in the log, anew where somebody else was faster with theirs."""
        mine = self.grid
        while True:
            there = Plan.load(log, self.batch)
            joined = mine if there.grid == mine else self._joined(there)
            self.grid = joined | self._versions(log, there, accept=accept)
            if self.grid == there.grid or await log.set_grid(self.batch, self.grid, was=there.grid):
                return
            self.grid = mine

    def _versions(self, log: Log, there: Plan, *, accept: bool) -> dict[str, Any]:
        """What the batch is played with from now on, and what was accepted before."""
        then, before = there.grid.get("versions") or {}, there.grid.get("accepted") or []
        today = self._made or made_with(self.grid["cells"].values())
        found = differences(_shared(then, today), _shared(today, then))
        if not found:
            return {"versions": _united([today, then])} | ({"accepted": before} if before else {})
        heard = log.answered(self.batch)
        asked_about = [each for each in found if each.model is None or each.model in heard]
        if asked_about and not accept:
            lines = [f"batch {self.batch} has changed since it was played: {each}" for each in asked_about]
            raise BatchError("\n".join([*lines, "to go on all the same, which is recorded: --accept-changes"]))
        return {
            "versions": _united([then, today]),
            "accepted": [*before, {"at": now().isoformat(), "old": then, "new": today}],
        }

    def _joined(self, there: Plan) -> dict[str, Any]:
        """Both plans together: what was once planned stays planned."""
        unlike: dict[tuple[str, Any, Any], int] = {}
        for what, before, today in _differences(there.grid, self.grid):
            told = what, _short(before), _short(today)
            unlike[told] = unlike.get(told, 0) + 1
        if unlike:
            lines = [
                f"batch {self.batch} is in the log with another {what}{f' in {count} cells' if count > 1 else ''}: "
                f"{before} then, {today} now"
                for (what, before, today), count in list(unlike.items())[:_SHOWN]
            ]
            more = len(unlike) - len(lines)
            lines += [f"and {more} more differences"] if more > 0 else []
            raise BatchError("\n".join([*lines, "give the changed one another name with `batch: NAME`"]))
        return self.grid | {
            "cells": there.grid["cells"] | self.grid["cells"],
            "seeds": list(dict.fromkeys([*there.grid["seeds"], *self.grid["seeds"]])),
            "replicates": max(there.grid["replicates"], self.grid["replicates"]),
        }

    @property
    def cells(self) -> list[str]:
        """The names of all cells."""
        return list(self.grid["cells"])

    @property
    def total(self) -> int:
        """How many episodes the whole batch has."""
        return len(self.cells) * len(self.grid["seeds"]) * int(self.grid["replicates"])

    def points(self) -> Iterator[Point]:
        """All episodes. Cells alternate, so that a batch that stops early has as much of each."""
        independent, counterbalanced = ("independent" in self.grid["design"], "counterbalance" in self.grid["design"])
        for number, seed in enumerate(self.grid["seeds"]):
            for replicate in range(self.grid["replicates"]):
                for cell, data in self.grid["cells"].items():
                    # By seed and replicate alone: a grid that grows moves nobody who sits already.
                    places = (number + replicate) % len(data["participants"]) if counterbalanced else 0
                    yield Point(cell, seed_in(cell, seed, independent=independent), replicate, places)

    def scenario(self, point: Point) -> Scenario:
        """The scenario of an episode."""
        return self._scenario(point.cell, point.turned)

    def _build(self, cell: str, places: int) -> Scenario:
        return turned(Scenario.from_resolved(self.grid["cells"][cell]), places)

    def place(self, point: Point) -> Place:
        """Where an episode belongs."""
        return Place(self.batch, point.cell, point.replicate)

    def models(self) -> list[str]:
        """The URIs of all models that take part."""
        return sorted({uri for cell in self.grid["cells"] for uri in self.models_of(cell)})

    def models_of(self, cell: str) -> set[str]:
        """The URIs of the models that take part in a cell."""
        data = self.grid["cells"][cell]
        turns = data.get("turns", {})
        floor = {turns.get("model") or data["model"]} if turns.get("policy") in ASKS_THE_FLOOR else set()
        return {seat.get("model") or data["model"] for seat in data["participants"]} | floor

    def asked(self) -> list[str]:
        """The URIs of all that is asked: models, and what makes their seats' embeddings."""
        seats = [seat for cell in self.grid["cells"].values() for seat in cell["participants"]]
        embeddings = [(seat.get("mind") or {}).get("embeddings") for seat in seats]
        return sorted({*filter(None, embeddings), *self.models()})


def made_with(cells: Iterable[dict[str, Any]], backends: Backends | None = None) -> dict[str, Any]:
    """What episodes of all these cells, as resolved scenarios, would be made with now."""
    backends = backends or Backends()
    kinds = {_kind(cell): cell for cell in cells}
    made = [versions(Stage.of(Scenario.from_resolved(cell), 0, ""), backends) for cell in kinds.values()]
    return _united(list({str(one): one for one in made}.values()))


def _kind(cell: dict[str, Any]) -> str:
    """Cells of one kind are made with the same: what a thousand values of a parameter share is looked at once."""
    seats = [(seat.get("model"), seat.get("mind")) for seat in cell["participants"]]
    turns = cell.get("turns", {})
    return str((cell["world"], cell["model"], cell["elicit"], turns.get("policy"), turns.get("model"), seats))


def _shared(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """One record without the faculties that the other lacks: cells that come and go bring theirs and take them away."""
    mine, theirs = one.get("instructions") or {}, other.get("instructions") or {}
    return one | {"instructions": {name: hash for name, hash in mine.items() if name in theirs}}


def _united(made: list[dict[str, Any]]) -> dict[str, Any]:
    """One record of what all cells are made with: they share packages, and differ in their faculties and models."""
    united: dict[str, Any] = {}
    for one in made:
        for key, value in one.items():
            united[key] = {**united.get(key, {}), **value} if isinstance(value, dict) else value
    return united


def _differences(before: dict[str, Any], today: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What may not differ between a batch in the log and its grid now."""
    if _design(before) != _design(today):
        yield "design", _design(before), _design(today)
    shared = [name for name in today["cells"] if name in before["cells"]]
    if not shared:
        yield "set of cells", next(iter(before["cells"])), next(iter(today["cells"]))
    for name in shared:
        yield from _unlike(before["cells"][name], today["cells"][name])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _design(grid: dict[str, Any]) -> list[str]:
    return [word for word in grid["design"] if word != "paired"]


def _unlike(before: Any, today: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The keys in which two scenarios differ, with both values."""
    if isinstance(before, dict) and isinstance(today, dict):
        for key in {**before, **today}:
            yield from _unlike(before.get(key), today.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(today, list) and len(before) == len(today):
        for number, (one, other) in enumerate(zip(before, today, strict=True)):
            name = one.get("name", number) if isinstance(one, dict) else number
            yield from _unlike(one, other, f"{path}.{name}")
    elif before != today:
        yield path, before, today
