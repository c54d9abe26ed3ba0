"""Means with intervals where numbers of one episode belong together: episodes are drawn anew, not items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over items with a percentile bootstrap interval (95 %) over episodes; no bounds below two episodes."""

    mean: float
    low: float | None
    high: float | None
    n: int
    """Items."""
    episodes: int


def mean(values: Iterable[float]) -> float | None:
    """None for no values."""
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else None


def interval(by_episode: Mapping[str, Sequence[float]], seed: int = 0, draws: int = DRAWS) -> Interval | None:
    """The mean of all values, with an interval from `draws` seeded draws of whole episodes. None for no values."""
    sums = [(math.fsum(values), len(values)) for _, values in sorted(by_episode.items()) if values]
    n = sum(size for _, size in sums)
    if not n:
        return None
    whole = math.fsum(total for total, _ in sums) / n
    if len(sums) < 2:
        return Interval(whole, None, None, n, len(sums))
    rng = Random(f"{seed}/bootstrap")
    found = []
    for _ in range(draws):
        drawn = [sums[int(rng.random() * len(sums))] for _ in sums]
        found.append(math.fsum(total for total, _ in drawn) / sum(size for _, size in drawn))
    found.sort()
    cut = (1.0 - LEVEL) / 2
    return Interval(whole, _at(found, cut), _at(found, 1.0 - cut), n, len(sums))


def slope(values: Sequence[float]) -> float | None:
    """By how much the values change from one to the next, by least squares. None below two values."""
    n = len(values)
    if n < 2:
        return None
    middle, average = (n - 1) / 2, math.fsum(values) / n
    over = math.fsum((i - middle) * (value - average) for i, value in enumerate(values))
    return over / math.fsum((i - middle) ** 2 for i in range(n))


def _at(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of the ordered ones lies, interpolated."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
