"""Reliability: how often what was given a probability came true, bin by bin, from the sums of `calibration_error`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tertulia.storage.measures.accuracy import BINS, LEAST
from tertulia.storage.measures.clustered import bounds
from tertulia.storage.measures.compute import Condition, Group, Measured, Played, by_condition, clustered
from tertulia.storage.measures.statistics import Sums

MEASURE = "calibration_error"


@dataclass(frozen=True, slots=True)
class Bin:
    """Beliefs whose likeliest value was given between `low_edge` and `high_edge`: what they were given on average, and
    how often it was true, with an interval (95 %, bootstrap) over episodes, as of a measure."""

    condition: Condition
    group: Group
    low_edge: float
    high_edge: float
    given: float
    value: float
    low: float | None
    high: float | None
    n: int
    episodes: int


def reliability(measured: Measured, seed: int = 0) -> list[Bin]:
    """The bins with at least 10 beliefs of each condition and group. Source: Guo et al. 2017 (arXiv 1706.04599)."""
    assert measured.measure.name == MEASURE
    found = []
    for condition, mine in by_condition(measured.episodes).items():
        for group in sorted(measured.sums):
            found += _bins(condition, group, measured.sums[group], mine, seed)
    return found


def _bins(
    condition: Condition, group: Group, sums: dict[str, list[float]], mine: Sequence[Played], seed: int
) -> list[Bin]:
    here = [one for one in mine if one.id in sums]
    _, clusters = clustered(here)
    found = []
    for place in range(BINS):
        parts = [[_part(sums[one.id], place) for one in some] for some in clusters]
        vectors = [[sum(column) for column in zip(*some, strict=True)] for some in parts]
        n, given, true = (sum(column) for column in zip(*vectors, strict=True)) if vectors else (0.0, 0.0, 0.0)
        if n >= LEAST:
            low, high = bounds(vectors, _share, seed)
            episodes = sum(part[0] > 0 for some in parts for part in some)
            edges = (place / BINS, (place + 1) / BINS)
            found.append(Bin(condition, group, *edges, given / n, true / n, low, high, round(n), episodes))
    return found


def _part(sums: Sums, place: int) -> Sums:
    return sums[3 * place : 3 * place + 3]


def _share(sums: Sums) -> float | None:
    return sums[2] / sums[0] if sums[0] else None
