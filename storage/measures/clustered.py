"""Means with intervals where numbers of one episode belong together: episodes are drawn anew, not items."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from tertulia.storage.intervals import draws_of

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
    totals, sizes = [total for total, _ in sums], [size for _, size in sums]
    found = sorted(math.fsum(drawn(totals)) / sum(drawn(sizes)) for drawn in _drawn(seed, len(sums), draws))
    cut = (1.0 - LEVEL) / 2
    return Interval(whole, _at(found, cut), _at(found, 1.0 - cut), n, len(sums))


def bounds(
    vectors: Sequence[Sequence[float]],
    value: Callable[[Sequence[float]], float | None],
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[float | None, float | None]:
    """The percentile bootstrap interval (95 %) of a number of sums, where `vectors` are the sums of what is
    independent: as `interval`, with the same draws. Draws of which there is no number are left out; None
    for fewer than two."""
    return limits([one for one in map(value, drawn_sums(vectors, seed, draws)) if one is not None])


def drawn_sums(vectors: Sequence[Sequence[float]], seed: int = 0, draws: int = DRAWS) -> Iterator[list[float]]:
    """The sums of each draw of as many vectors as there are; none for fewer than two."""
    if len(vectors) < 2:
        return
    columns = [_sums(seed, column, draws) for column in zip(*vectors, strict=True)]
    yield from map(list, zip(*columns, strict=True))


def limits(found: list[float]) -> tuple[float | None, float | None]:
    """The interval (95 %) that these draws span; None for none."""
    if not found:
        return None, None
    ordered = sorted(found)
    cut = (1.0 - LEVEL) / 2
    return _at(ordered, cut), _at(ordered, 1.0 - cut)


@lru_cache(maxsize=64)
def _sums(seed: int, column: tuple[float, ...], draws: int) -> list[float]:
    """What a column sums to in each draw. Kept, since along a curve the same column comes again and again."""
    return [math.fsum(drawn(column)) for drawn in _drawn(seed, len(column), draws)]


def _drawn(seed: int, size: int, draws: int) -> list[itemgetter[Any]]:
    return draws_of(f"{seed}/bootstrap", size, draws)


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
