"""What a change did: two groups of episodes pair by pair, on outcomes and on beliefs, with intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tertulia.environments.parting import FIGURES, Key, Told, distance, parting
from tertulia.mind.chains import order_of
from tertulia.mind.rows import SET
from tertulia.storage.intervals import Mean, mean_of
from tertulia.storage.log import Log
from tertulia.storage.measures.clustered import interval
from tertulia.storage.rows import EpisodeRow
from tertulia.storage.statuses import PLAYED_OUT

TRUTH, DISTANCE = "p(truth)", "distance"
"""Measures of a belief: the difference (a - b) of what the true value is given; where the world decides nothing, how
far the two distributions lie apart (total variation, 0-1, without a sign)."""


@dataclass(frozen=True, slots=True)
class BeliefEffect:
    """How far one belief differs between the pairs. Estimators are never pooled."""

    chain: str
    variable: str
    measure: str
    by_a: str
    by_b: str
    last: Mean | None
    """At the last turn that both of a pair have."""
    mean: Mean | None
    """Over the turns since they parted (since turn 1, where they are no forks), one figure a pair."""


@dataclass(slots=True)
class Effects:
    """Everything about two groups. `n` pairs; differences are a - b."""

    a: str
    b: str
    n: int
    parted: int = 0
    """Pairs whose transcripts part."""
    turn: Mean | None = None
    """The turn in which they do, over those that do."""
    by_chance: tuple[int, int] | None = None
    """Of so many pairs of replicates within b (same seed, other chance), so many part: what chance alone does."""
    figures: dict[str, tuple[Mean | None, Mean | None, Mean | None]] = field(default_factory=dict)
    """By name: the means of a and of b over the pairs measured, and the paired difference."""
    beliefs: list[BeliefEffect] = field(default_factory=list)
    set_apart: list[Key] = field(default_factory=list)
    """Beliefs that were set from outside: while they are held so, they are no effect and are left out."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Episodes by why they are in no pair."""
    seeds: int = 0
    """How many seeds the pairs have."""
    interval_over: str = "pairs"
    """What is drawn anew for the intervals: `pairs`, or whole `seeds` where several replicates share one."""

    def report(self) -> dict[str, Any]:
        """As plain data."""
        found = asdict(self)
        found["figures"] = {
            name: dict(zip(("a", "b", "difference"), map(_plain, three), strict=True))
            for name, three in self.figures.items()
        }
        return found


def _plain(mean: Mean | None) -> dict[str, Any] | None:
    return None if mean is None else asdict(mean)


_Place = tuple[Key, str, str, str]
"""Chain and variable, measure, both estimators."""
_Of = tuple[int, float]
"""The seed of a pair, and a figure of it."""


@dataclass(slots=True)
class _Gathered:
    """What the pairs come to, one after the other: no more than two or three episodes are in memory at once."""

    partings: list[tuple[int, int | None]] = field(default_factory=list)
    """Seed and turn."""
    by_chance: list[bool] = field(default_factory=list)
    figures: dict[str, list[tuple[int, float, float]]] = field(default_factory=lambda: defaultdict(list))
    lasts: dict[_Place, list[_Of]] = field(default_factory=lambda: defaultdict(list))
    means: dict[_Place, list[_Of]] = field(default_factory=lambda: defaultdict(list))
    apart: set[Key] = field(default_factory=set)

    def take_in(self, a: Told, b: Told) -> None:
        parts, seed = parting(a, b), a.row.seed
        self.partings.append((seed, None if parts is None else parts.turn))
        ones, others = a.figures(), b.figures()
        for name in FIGURES:
            x, y = ones[name], others[name]
            if x is not None and y is not None:
                self.figures[name].append((seed, float(x), float(y)))
        for key in sorted({*a.beliefs} & {*b.beliefs}):
            last, by_turn = _of_pair(a, b, key, self.apart)
            for place, value in last.items():
                self.lasts[place].append((seed, value))
            for place, values in by_turn.items():
                self.means[place].append((seed, math.fsum(values) / len(values)))

    def figure(self, name: str) -> tuple[Mean | None, Mean | None, Mean | None]:
        measured = self.figures[name]
        return (
            self.mean([(seed, x) for seed, x, _ in measured]),
            self.mean([(seed, y) for seed, _, y in measured]),
            self.mean([(seed, x - y) for seed, x, y in measured]),
        )

    @property
    def seeds(self) -> set[int]:
        return {seed for seed, _ in self.partings}

    @property
    def over_seeds(self) -> bool:
        """Whether seeds are what is drawn anew for an interval: replicates of one seed share its world and script, and
        are no independent pairs beside those of other seeds. Forks of one episode all have its seed: there the
        replicates are the sample, of what may follow from that one past."""
        return 1 < len(self.seeds) < len(self.partings)

    def mean(self, figures: Sequence[_Of]) -> Mean | None:
        """The mean over all pairs measured."""
        if not self.over_seeds:
            return mean_of([value for _, value in figures])
        by_seed: dict[str, list[float]] = defaultdict(list)
        for seed, value in figures:
            by_seed[str(seed)].append(value)
        found = interval(by_seed)
        return None if found is None else Mean(found.mean, found.low, found.high, found.n)

    def turn(self) -> Mean | None:
        """When the transcripts part, where they do."""
        return self.mean([(seed, float(turn)) for seed, turn in self.partings if turn is not None])

    def effects_on_beliefs(self) -> list[BeliefEffect]:
        places = sorted({*self.lasts, *self.means}, key=lambda place: (order_of(place[0][0]), place))
        return [
            BeliefEffect(*place[0], *place[1:], self.mean(self.lasts[place]), self.mean(self.means[place]))
            for place in places
        ]


def effects(log: Log, names: tuple[str, str], a: Sequence[EpisodeRow], b: Sequence[EpisodeRow]) -> Effects:
    """Compare two groups. A pair is one of each with the same seed and replicate; only what has ended is compared."""
    left_out: dict[str, int] = defaultdict(int)
    ones, others = _ended(a, left_out), _ended(b, left_out)
    gathered, before = _Gathered(), None
    for place in sorted({**ones, **others}):
        if place not in ones or place not in others:
            left_out["without a counterpart"] += 1
            continue
        one, other = Told.of(log, ones[place]), Told.of(log, others[place])
        gathered.take_in(one, other)
        if before is not None and before.row.seed == other.row.seed:
            gathered.by_chance.append(parting(before, other) is not None)
        before = other
    parted, chance = sum(turn is not None for _, turn in gathered.partings), gathered.by_chance
    return Effects(
        *names, len(gathered.partings), parted, gathered.turn(), (sum(chance), len(chance)) if chance else None,
        {name: gathered.figure(name) for name in FIGURES}, gathered.effects_on_beliefs(), sorted(gathered.apart),
        dict(left_out), len(gathered.seeds), "seeds" if gathered.over_seeds else "pairs",
    )  # fmt: skip


def _ended(rows: Sequence[EpisodeRow], left_out: dict[str, int]) -> dict[tuple[int, int], EpisodeRow]:
    found = {}
    for row in rows:
        if row.status in PLAYED_OUT:
            found[row.seed, row.replicate] = row
        else:
            left_out[f"not ended ({row.status})"] += 1
    return found


def _of_pair(a: Told, b: Told, key: Key, apart: set[Key]) -> tuple[dict[_Place, float], dict[_Place, list[float]]]:
    """One pair's difference of one belief at the last common turn, and at each turn since they parted."""
    since = max([1, *(told.row.parent_turn + 1 for told in (a, b) if told.row.parent_turn is not None)])
    until = min(a.row.head, b.row.head)
    last: dict[_Place, float] = {}
    by_turn: dict[_Place, list[float]] = defaultdict(list)
    for turn in range(since, until + 1):
        one, other = a.held(key, turn), b.held(key, turn)
        if one is None or other is None:
            continue
        if SET in (one.estimator, other.estimator):
            apart.add(key)
            continue
        true = (a.truth(key[1], turn), b.truth(key[1], turn))
        if true[0] is None or true[1] is None:
            place, value = (key, DISTANCE, one.estimator, other.estimator), distance(one, other)
        else:
            place = (key, TRUTH, one.estimator, other.estimator)
            value = one.probabilities.get(true[0], 0.0) - other.probabilities.get(true[1], 0.0)
        by_turn[place].append(value)
        if turn == until:
            last[place] = value
    return last, by_turn
