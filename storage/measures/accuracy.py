"""How well beliefs agree with gold and with the truth: means with intervals over rows of `v_belief_accuracy`.

Estimators, sources (`turn`, `probe`) and trust rules are never pooled. Formulas and reasons: `docs/scoring.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tertulia.storage.measures.clustered import Interval, interval

Target = Literal["gold", "truth"]
TARGETS: tuple[Target, ...] = ("gold", "truth")
Row = Mapping[str, Any]
"""A row of `v_belief_accuracy`, of which only `COLUMNS` matter."""

COLUMNS = (
    "episode", "estimator", "source", "rule", "chain_order", "confidence", "gold_brier", "gold_log_loss",
    "gold_entropy", "gold_accuracy", "gold_confidence", "gold_basis", "robust", "truth_brier", "truth_log_loss",
    "truth_accuracy", "beyond_gold",
)  # fmt: skip

BINS = 10
LEAST = 10
"""Fewer items than this in a bin say nothing about calibration."""
_CERTAIN = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class How:
    """What is never pooled: how beliefs came about, where they were stated, by which trust rule gold was computed."""

    estimator: str
    source: str
    rule: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over `n` items with their intervals over episodes. `least_log_loss` is the mean entropy of the target: no
    belief can have a lower log loss. `beyond_gold` counts items that were set aside or, in `all`, kept."""

    how: How
    target: Target
    group: str
    """`headline`, `headline, gold certain`, `all`, `order 2`, `basis told`, ..."""
    n: int
    brier: Interval | None
    log_loss: Interval | None
    accuracy: Interval | None
    least_log_loss: float | None
    beyond_gold: int


def by_how(rows: Sequence[Row]) -> dict[How, list[Row]]:
    """The rows apart, in a fixed order."""
    found: dict[How, list[Row]] = {}
    for row in rows:
        found.setdefault(How(row["estimator"], row["source"], row["rule"]), []).append(row)
    return dict(sorted(found.items(), key=lambda item: (item[0].source != "turn", str(item[0]))))


def accuracy(rows: Sequence[Row], target: Target, seed: int = 0) -> list[Figures]:
    """All groups of all kinds of beliefs, the headline first. Groups without items are left out, but for the headline.

    The headline is over items on which all trust rules agree. Against gold, a belief that gives the truth more than
    gold does is set aside there and counted: it is no error, and no merit that gold could see.
    """
    found: list[Figures] = []
    for how, mine in by_how(rows).items():
        scored = [row for row in mine if row[f"{target}_brier"] is not None]
        if scored:
            found += [_figures(how, target, name, some, aside, seed) for name, some, aside in _groups(scored, target)]
    return found


def _groups(rows: Sequence[Row], target: Target) -> Iterator[tuple[str, list[Row], int]]:
    """Name, items, and how many are (or were) beyond gold."""
    robust = [row for row in rows if row["robust"] == 1]
    beyond = [row for row in robust if row["beyond_gold"] == 1] if target == "gold" else []
    headline = [row for row in robust if target == "truth" or row["beyond_gold"] != 1]
    yield "headline", headline, len(beyond)
    certain = [row for row in headline if row["gold_confidence"] >= _CERTAIN]
    if certain:
        yield "headline, gold certain", certain, 0
    chosen: list[tuple[str, Callable[[Row], bool]]] = [("all", lambda row: True)]
    if target == "gold":
        orders = sorted({row["chain_order"] for row in rows})
        chosen += [(f"order {order}", lambda row, o=order: row["chain_order"] == o) for order in orders]  # type: ignore[misc]
    bases = [basis for basis in ("witnessed", "told", "prior") if any(row["gold_basis"] == basis for row in rows)]
    chosen += [(f"basis {basis}", lambda row, b=basis: row["gold_basis"] == b) for basis in bases]  # type: ignore[misc]
    for name, belongs in chosen:
        some = [row for row in rows if belongs(row)]
        yield name, some, sum(row["beyond_gold"] == 1 for row in some)


def _figures(how: How, target: Target, group: str, rows: Sequence[Row], beyond: int, seed: int) -> Figures:
    least = [row["gold_entropy"] if target == "gold" else 0.0 for row in rows]
    return Figures(
        how, target, group, len(rows),
        brier=clustered(rows, f"{target}_brier", seed),
        log_loss=clustered(rows, f"{target}_log_loss", seed),
        accuracy=clustered(rows, f"{target}_accuracy", seed),
        least_log_loss=math.fsum(least) / len(least) if least else None,
        beyond_gold=beyond,
    )  # fmt: skip


def clustered(rows: Sequence[Row], column: str, seed: int) -> Interval | None:
    """The mean of a column, with an interval over the rows' episodes."""
    by_episode: dict[str, list[float]] = {}
    for row in rows:
        by_episode.setdefault(row["episode"], []).append(float(row[column]))
    return interval(by_episode, seed)


@dataclass(frozen=True, slots=True)
class Bin:
    """Items whose likeliest value was given between `low` and `high`. `confidence` and `accuracy` are their means, None
    where the bin is too small to tell."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None

    @property
    def too_small(self) -> bool:
        return self.confidence is None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether likeliest values come true as often as they are given: bins with items, and the expected calibration
    error over those that are large enough (`n` items; `left_out` are in smaller ones). None where none is."""

    how: How
    target: Target
    bins: tuple[Bin, ...]
    error: float | None
    n: int
    left_out: int


def calibration(rows: Sequence[Row], target: Target, least: int = LEAST, bins: int = BINS) -> list[Calibration]:
    """Calibration of the likeliest value, in bins of equal width. Against gold, over items where gold is certain and
    all trust rules agree; against the truth, over all that have one.

    Source: Guo et al. 2017 (arXiv 1706.04599), equation 3."""
    found = []
    for how, mine in by_how(rows).items():
        scored = [row for row in mine if row[f"{target}_brier"] is not None]
        if target == "gold":
            scored = [row for row in scored if row["robust"] == 1 and row["gold_confidence"] >= _CERTAIN]
        if scored:
            found.append(_calibrated(how, target, scored, least, bins))
    return found


def _calibrated(how: How, target: Target, rows: Sequence[Row], least: int, bins: int) -> Calibration:
    placed: dict[int, list[Row]] = {}
    for row in rows:
        placed.setdefault(min(bins - 1, math.floor(row["confidence"] * bins + 1e-9)), []).append(row)
    made = [_bin(place / bins, (place + 1) / bins, placed[place], target, least) for place in sorted(placed)]
    large = [
        (one.n, abs(one.confidence - one.accuracy)) for one in made if one.confidence is not None is not one.accuracy
    ]
    n = sum(size for size, _ in large)
    error = math.fsum(size * gap for size, gap in large) / n if n else None
    return Calibration(how, target, tuple(made), error, n, len(rows) - n)


def _bin(low: float, high: float, rows: Sequence[Row], target: Target, least: int) -> Bin:
    n = len(rows)
    if n < least:
        return Bin(low, high, n, None, None)
    confidence = math.fsum(row["confidence"] for row in rows) / n
    return Bin(low, high, n, confidence, math.fsum(row[f"{target}_accuracy"] for row in rows) / n)
