"""What a report of a batch shows: the answers to a handful of queries, numbers by condition, and curves over turns.

Whatever stands in it can be had again: of a query by its SQL, of a number by `tertulia measures run`, of a curve by
`tertulia plot beliefs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tertulia.storage.measures.catalogue import Measure, curve, measure, of_batch
from tertulia.storage.measures.compute import (
    Condition,
    Difference,
    Figure,
    Measured,
    Played,
    baselines,
    by_condition,
)
from tertulia.storage.measures.curves import BELIEFS, BeliefCurves, Point
from tertulia.storage.reporting import Answered, answered
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from tertulia.storage.log import Log

QUERIES = ("episodes", "endings", "spending")
MEASURES = (
    "reward", "reward_per_turn", "turn_gini", "silence", "response_latency", "thoughts_formed", "belief_accuracy",
    "belief_brier", "truth_accuracy", "say_believe", "claim_influence", "fallback_rate", "cost_usd", "output_tokens",
    "latency_ms",
)  # fmt: skip
"""What every report of a batch shows, as far as there is something to measure."""
_OF_CURVES = {name: y for y, name in BELIEFS.items()}


@dataclass(frozen=True, slots=True)
class BatchReport:
    """Everything the page shows. Figures, differences and curves are over the episodes that were played to their end;
    the queries have all of them."""

    batch: str
    name: str
    conditions: list[Condition]
    baselines: list[Condition]
    """With which the others of the same scenario are compared; none where there are no others."""
    baseline: str | None
    """The cell that they all are; None where each scenario has its own, or there is none."""
    answers: list[Answered]
    measured: list[Measure]
    figures: list[Figure]
    differences: list[Difference]
    curves: dict[str, list[Point]]
    """By what is drawn: `accuracy`, `brier`."""
    curve_sql: str
    """The sums behind the curves."""


def batch_report(
    log: Log,
    batch: str,
    name: str,
    episodes: Sequence[Played],
    *,
    more: Sequence[Measure] = (),
    baseline: str | None = None,
    seed: int = 0,
) -> BatchReport:
    """Everything a report of a batch shows, of whose `episodes` those that were played to their end are given; `more`
    measures than always, and another baseline than the first cell."""
    conditions = list(by_condition(episodes))
    beliefs = BeliefCurves(log, episodes)
    chosen = list({one.name: one for one in (*map(measure, MEASURES), *more)}.values())
    measured = [_measured(log, one, episodes, beliefs) for one in chosen]
    bases = baselines(conditions, baseline)
    cells = {one.cell for one in bases}
    return BatchReport(
        batch, name, conditions, bases, cells.pop() if len(cells) == 1 else None,
        [answered(log, f"batch/{query}", "batch", batch) for query in QUERIES],
        chosen,
        [figure for one in measured for figure in one.figures(seed)],
        [difference for one in measured for difference in one.differences(baseline, seed)],
        {y: beliefs.points(y, seed) for y in BELIEFS},
        curve("beliefs").query(log.target.dialect, of_batch(batch, PLAYED_OUT)),
    )  # fmt: skip


def _measured(log: Log, measure: Measure, episodes: Sequence[Played], beliefs: BeliefCurves) -> Measured:
    y = _OF_CURVES.get(measure.name)
    return Measured(log, measure, episodes) if y is None else beliefs.whole(y)
