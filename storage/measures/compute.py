"""Measures over episodes: each number with its n and an interval over episodes, by condition; and what differs between
the cells of a batch, pair by pair. Conditions and groups that a measure says are never pooled stay apart."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tertulia.storage.intervals import mean_of
from tertulia.storage.measures.catalogue import Measure, among
from tertulia.storage.measures.clustered import DRAWS, bounds
from tertulia.storage.measures.statistics import STATISTICS, Statistic, Sums

if TYPE_CHECKING:
    from tertulia.storage.log import Log, Result

AT_ONCE = 250
"""So many episodes are named in one query."""
_SIDE_BY_SIDE = min(4, os.cpu_count() or 1)
"""So many queries are asked at the same time: SQLite works on each in a thread of its own."""
Group = tuple[tuple[str, str], ...]
"""Columns and their values."""


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """What episodes have in common that are taken together."""

    scenario: str
    batch: str
    cell: str
    """Empty outside a batch, as the batch is."""
    models: str
    """Who answers for the seats, each model once."""


@dataclass(frozen=True, slots=True)
class Played:
    """One episode to be measured."""

    id: str
    condition: Condition
    seed: int
    replicate: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. Its interval (95 %, bootstrap) is over `clusters` of episodes: those of one seed where seeds come
    again, else each by itself; None for fewer than two. `missing` episodes have no number here, and are in no n."""

    measure: str
    condition: Condition
    group: Group
    value: float
    low: float | None
    high: float | None
    n: int
    episodes: int
    clusters: int
    over: str
    missing: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell minus the baseline, over pairs with the same seed and replicate: the mean difference of the numbers of
    single episodes, `n` independent ones (those of one seed are first averaged), its interval (95 %, bootstrap), and
    `dz`, the mean over the standard deviation of the differences (None where that is 0 or n < 2)."""

    measure: str
    condition: Condition
    baseline: Condition
    group: Group
    mean: float
    low: float | None
    high: float | None
    dz: float | None
    n: int
    pairs: int
    over: str


def played(log: Log, episodes: Sequence[str]) -> list[Played]:
    """What is known of these episodes, the oldest first."""
    found = []
    for some in _chunks(sorted(set(episodes))):
        columns = "e.id, e.scenario, e.batch, e.cell, e.seed, e.replicate"
        sql = f"SELECT {columns} FROM episode AS e WHERE {_these(some, 'e.id')}"
        seats = f"SELECT DISTINCT p.episode, p.model FROM participant AS p WHERE {_these(some, 'p.episode')}"
        models: dict[str, set[str]] = {}
        for episode, model in log.query(seats).rows:
            models.setdefault(episode, set()).add(model or "human")
        for id, scenario, batch, cell, seed, replicate in log.query(sql).rows:
            named = ", ".join(sorted(models.get(id, ())))
            found.append(Played(id, Condition(scenario, batch or "", cell or "", named), seed, replicate))
    return sorted(found, key=lambda one: one.id)


def _these(episodes: Sequence[str], column: str) -> str:
    return among(episodes).replace("{id}", column)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


class Measured:
    """What one measure's query gave, kept so that figures and differences are made of the same sums."""

    def __init__(
        self,
        log: Log,
        measure: Measure,
        episodes: Sequence[Played],
        by: Sequence[str] = (),
        rows: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        """Asks the log, unless the query's `rows` are there already. `by` names groups of the measure's own `by` that
        are to be kept apart."""
        self.measure = measure
        self.statistic: Statistic = STATISTICS[measure.statistic]
        self.episodes = episodes
        self.kept = (*measure.always, *(name for name in measure.by if name in by))
        self.sums: dict[Group, dict[str, list[float]]] = {}
        """By group and episode."""
        self.gaps: dict[Group, set[str]] = {}
        """Episodes of which something is not known: they are left out, whole."""
        for row in asked(log, measure, episodes) if rows is None else rows:
            self._add(row)
        for group, ids in self.gaps.items():
            for id in ids:
                self.sums.get(group, {}).pop(id, None)

    def _add(self, row: Mapping[str, Any]) -> None:
        group = tuple((name, str(row[name])) for name in self.kept)
        if any(row[name] is None for name in self.statistic.columns):
            self.gaps.setdefault(group, set()).add(row["episode"])
            return
        of = self.sums.setdefault(group, {})
        more = self.statistic.sums(row)
        if self.statistic.per_episode:
            more = [*more, 1.0]
            if row["episode"] in of:
                more[1] = 0.0
        there = of.get(row["episode"])
        of[row["episode"]] = more if there is None else [a + b for a, b in zip(there, more, strict=True)]

    def figures(self, seed: int = 0, draws: int = DRAWS) -> list[Figure]:
        """A number for each condition and group in which there is something to measure."""
        found = []
        for condition, mine in by_condition(self.episodes).items():
            for group in sorted({*self.sums, *self.gaps}):
                figure = self._figure(condition, group, mine, seed, draws)
                if figure is not None:
                    found.append(figure)
        return found

    def _figure(
        self, condition: Condition, group: Group, mine: Sequence[Played], seed: int, draws: int
    ) -> Figure | None:
        there = self.sums.get(group, {})
        here = [one for one in mine if one.id in there]
        over, clusters = clustered(here)
        vectors = [_added([there[one.id] for one in some]) for some in clusters]
        whole = _added(vectors) if vectors else None
        value = None if whole is None else self.statistic.value(whole)
        if whole is None or value is None:
            return None
        low, high = bounds(vectors, self.statistic.value, seed, draws) if self.statistic.interval else (None, None)
        missing = sum(one.id in self.gaps.get(group, ()) for one in mine)
        n = round(self.statistic.n(whole))
        return Figure(
            self.measure.name, condition, group, value, low, high, n, len(here), len(clusters), over, missing
        )  # fmt: skip

    def differences(self, baseline: str | None = None, seed: int = 0) -> list[Difference]:
        """Every other cell against the baseline (the first by name where none is given), batch by batch and scenario
        by scenario."""
        batches: dict[tuple[str, str], dict[Condition, list[Played]]] = {}
        for condition, mine in by_condition(self.episodes).items():
            if condition.batch:
                batches.setdefault((condition.batch, condition.scenario), {})[condition] = mine
        found = []
        for cells in batches.values():
            base = _baseline(list(cells), baseline)
            for condition in cells:
                if base is not None and condition != base:
                    for group in sorted(self.sums):
                        made = self._difference(group, (condition, cells[condition]), (base, cells[base]), seed)
                        found += [] if made is None else [made]
        return found

    def _difference(
        self, group: Group, one: tuple[Condition, list[Played]], base: tuple[Condition, list[Played]], seed: int
    ) -> Difference | None:
        there = {(p.seed, p.replicate): self._value(group, p.id) for p in base[1]}
        pairs: dict[Played, float] = {}
        for mine in one[1]:
            ours, theirs = self._value(group, mine.id), there.get((mine.seed, mine.replicate))
            if ours is not None and theirs is not None:
                pairs[mine] = ours - theirs
        if not pairs:
            return None
        over, clusters = clustered(list(pairs))
        differences = [math.fsum(pairs[p] for p in some) / len(some) for some in clusters]
        mean = mean_of(differences, seed=seed)
        assert mean is not None
        return Difference(
            self.measure.name, one[0], base[0], group, mean.mean, mean.low, mean.high, effect_size(differences),
            len(differences), len(pairs), "seeds" if over == "seeds" else "pairs",
        )  # fmt: skip

    def _value(self, group: Group, episode: str) -> float | None:
        sums = self.sums.get(group, {}).get(episode)
        return None if sums is None else self.statistic.value(sums)


def asked(log: Log, measure: Measure, episodes: Sequence[Played]) -> Iterator[Mapping[str, Any]]:
    """What a measure's query gives of these episodes, row by row."""
    from tertulia.storage.measures.words import READERS

    ids = [one.id for one in episodes]
    for found in _answers(log, [measure.query(log.target.dialect, among(some)) for some in _chunks(ids)]):
        if measure.reads is not None:
            yield from READERS[measure.reads](found.dicts())
        else:
            for row in found.rows:
                yield dict(zip(found.columns, row, strict=True))


def _answers(log: Log, queries: Sequence[str]) -> Iterator[Result]:
    """The answers, in the order of the queries."""
    if len(queries) < 2:
        yield from map(log.query, queries)
        return
    with ThreadPoolExecutor(_SIDE_BY_SIDE, "tertulia-measuring") as pool:
        try:
            yield from pool.map(log.query, queries)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            log.interrupt()
            raise


def by_condition(episodes: Sequence[Played]) -> dict[Condition, list[Played]]:
    """The episodes apart, in a fixed order."""
    found: dict[Condition, list[Played]] = {}
    for one in episodes:
        found.setdefault(one.condition, []).append(one)
    return dict(sorted(found.items()))


def clustered(episodes: Sequence[Played]) -> tuple[str, list[list[Played]]]:
    """What is independent: episodes, or, where several share a seed and there is more than one seed, seeds."""
    seeds = Counter(one.seed for one in episodes)
    if 1 < len(seeds) < len(episodes):
        by_seed: dict[int, list[Played]] = {}
        for one in episodes:
            by_seed.setdefault(one.seed, []).append(one)
        return "seeds", [by_seed[seed] for seed in sorted(by_seed)]
    return "episodes", [[one] for one in sorted(episodes, key=lambda one: one.id)]


def effect_size(differences: Sequence[float]) -> float | None:
    """Cohen's d for paired samples, dz: the mean over the standard deviation (n - 1) of the differences.

    Source: Lakens 2013 (Frontiers in Psychology 4:863), equation 6. None for fewer than two, or without any spread.
    """
    n = len(differences)
    if n < 2:
        return None
    mean = math.fsum(differences) / n
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in differences) / (n - 1))
    return mean / spread if spread > 1e-12 else None


def baselines(conditions: Iterable[Condition], wanted: str | None = None) -> list[Condition]:
    """With which of these conditions the others of their batch and scenario are compared."""
    groups: dict[tuple[str, str], list[Condition]] = {}
    for one in conditions:
        if one.batch:
            groups.setdefault((one.batch, one.scenario), []).append(one)
    found = (_baseline(cells, wanted) for cells in groups.values() if len(cells) > 1)
    return [one for one in found if one is not None]


def _baseline(cells: Sequence[Condition], wanted: str | None) -> Condition | None:
    if wanted is None:
        return min(cells, key=lambda one: one.cell)
    return next((one for one in cells if one.cell == wanted), None)


def _added(vectors: Sequence[Sums]) -> list[float]:
    return [math.fsum(column) for column in zip(*vectors, strict=True)]
