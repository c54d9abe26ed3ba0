"""Curves over turns: how near beliefs are to gold, turn by turn, by condition, with intervals over episodes.

The sums are those of `belief_accuracy` and `belief_brier`, kept apart by turn: added up over a curve they give the same
number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tertulia.storage.measures.catalogue import Measure, curve, measure
from tertulia.storage.measures.compute import Condition, Figure, Measured, Played, asked

if TYPE_CHECKING:
    from tertulia.storage.log import Log

BELIEFS = {"accuracy": "belief_accuracy", "brier": "belief_brier"}
"""What can be drawn of beliefs, and the measure that it is over all turns."""
LEVELS = ("own", "of another", "deeper", "common ground")
DRAWS = 500
"""Behind the interval of each point: a curve has hundreds of points."""


@dataclass(frozen=True, slots=True)
class Point:
    """A number of one condition at one turn. Its interval (95 %, bootstrap) is over `clusters` of episodes, as that of
    a measure; estimators, trust rules and levels of belief are never pooled."""

    condition: Condition
    estimator: str
    rule: str
    level: str
    turn: int
    value: float
    low: float | None
    high: float | None
    n: int
    episodes: int
    clusters: int
    over: str


class BeliefCurves:
    """The sums behind the curves, asked once."""

    def __init__(self, log: Log, episodes: Sequence[Played]) -> None:
        self._log = log
        self._episodes = episodes
        self._rows = list(asked(log, curve("beliefs"), episodes))

    def points(self, y: str, seed: int = 0, draws: int = DRAWS) -> list[Point]:
        """The curve of `accuracy` or `brier`, condition by condition."""
        measured = Measured(self._log, _as_ratio(y), self._episodes, rows=_totals(self._rows, y))
        found = [_point(figure) for figure in measured.figures(seed, draws)]
        return sorted(found, key=lambda p: (p.condition, p.estimator, p.rule, LEVELS.index(p.level), p.turn))

    def whole(self, y: str) -> Measured:
        """The measure over all turns, as its own query gives it but for the order of its sums."""
        return Measured(self._log, measure(BELIEFS[y]), self._episodes, rows=_totals(self._rows, y))


def _as_ratio(y: str) -> Measure:
    return replace(curve("beliefs"), name=y)


def _totals(rows: Iterable[Mapping[str, Any]], y: str) -> Iterable[Mapping[str, Any]]:
    for row in rows:
        yield {**row, "total": row[y]}


def _point(figure: Figure) -> Point:
    group = dict(figure.group)
    return Point(
        figure.condition, group["estimator"], group["rule"], group["level"], int(group["turn"]), figure.value,
        figure.low, figure.high, figure.n, figure.episodes, figure.clusters, figure.over,
    )  # fmt: skip
