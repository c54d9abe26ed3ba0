"""Intervals for means, by the bootstrap: seeded, so that the same figures always give the same interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from random import Random
from typing import Any

DRAWS = 2000
CONFIDENCE = 0.95


@lru_cache(maxsize=4)
def draws_of(seed: int | str, size: int, draws: int) -> list[itemgetter[Any]]:
    """So many draws, with replacement, of as many as there are (two or more), each as what takes them out of a list.
    The same for all figures over so many, so that drawing is paid once."""
    rng = Random(seed)
    places = list(range(size))  # one object each, however often it is drawn
    return [itemgetter(*[places[int(rng.random() * size)] for _ in range(size)]) for _ in range(draws)]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its percentile bootstrap interval (95 %) over `n` independent figures; no interval for one alone."""

    mean: float
    low: float | None
    high: float | None
    n: int


def mean_of(figures: Sequence[float], *, seed: int = 0) -> Mean | None:
    """The mean of independent figures; None where there are none.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 13.3, the percentile interval.
    """
    n = len(figures)
    if n == 0:
        return None
    mean = math.fsum(figures) / n
    if n == 1:
        return Mean(mean, None, None, 1)
    drawn = sorted(math.fsum(take(figures)) / n for take in draws_of(seed, n, DRAWS))
    tail = (1 - CONFIDENCE) / 2
    return Mean(mean, drawn[math.floor(tail * DRAWS)], drawn[math.ceil((1 - tail) * DRAWS) - 1], n)
