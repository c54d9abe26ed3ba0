"""What the page of a batch holds: what the log answered, and the numbers by condition as `tertulia measures run --json`
and `tertulia plot --data` give them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.harmless import one_line
from tertulia.cli.measures_tables import rows_of
from tertulia.cli.plot.tables import curve_rows
from tertulia.cli.report.page import queries_of
from tertulia.storage.measures.labels import labels

if TYPE_CHECKING:
    from tertulia.storage.measures.catalogue import Measure
    from tertulia.storage.reporting_batch import BatchReport


def batch_data(found: BatchReport, began: int) -> dict[str, Any]:
    """As plain data; `began` episodes are in the batch in all."""
    varies, names = labels(found.conditions)
    return {
        "batch": found.batch,
        "name": found.name,
        "began": began,
        "varies": varies,
        "baseline": found.baseline,
        "conditions": [
            {
                "label": name,
                "scenario": one.scenario,
                "cell": one.cell,
                "models": one.models,
                "baseline": one in found.baselines,
            }
            for one, name in names.items()
        ],
        "measures": list(_measures(found)),
        "curves": [
            {
                "y": y,
                "command": f"tertulia plot beliefs {_word(found.batch)} --y {y} --data -",
                "rows": curve_rows(points),
            }
            for y, points in found.curves.items()
        ],
        "curve_sql": found.curve_sql,
        "queries": queries_of(found.answers),
    }


def _measures(found: BatchReport) -> Iterator[dict[str, Any]]:
    rows = list(rows_of({one.name: one.unit for one in found.measured}, found.figures, found.differences))
    for one in found.measured:
        mine = [row for row in rows if row["measure"] == one.name]
        if mine:
            yield {
                "name": one.name, "family": one.family, "about": one.about, "unit": one.unit, "range": one.range,
                "n": one.n, "command": _command(found, one), "rows": mine,
            }  # fmt: skip


def _command(found: BatchReport, measure: Measure) -> str:
    baseline = "" if found.baseline is None else f" --baseline {_word(found.baseline)}"
    return f"tertulia measures run {_word(found.batch)} --measure {measure.name}{baseline}"


def _word(text: str) -> str:
    """As a shell takes it."""
    return shlex.quote(one_line(text))
