"""Figure: how often what was given a probability came true, by condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tertulia.cli.errors import BadInput
from tertulia.cli.plot.figure import Drawn
from tertulia.cli.plot.look import legend, scales
from tertulia.cli.plot.tables import BIN_COLUMNS, bin_rows, many
from tertulia.storage.measures.labels import labels

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.measures.compute import Played

_APART = 0.008
"""Of the bins of different conditions, so that their intervals do not cover each other."""


def calibration(log: Log, episodes: Sequence[Played], these: str, width_in: float) -> Drawn:
    """A line for each condition, in bins with enough beliefs; the diagonal is perfect calibration."""
    from tertulia.storage.measures.catalogue import measure
    from tertulia.storage.measures.compute import Measured
    from tertulia.storage.measures.reliability import MEASURE, reliability

    bins = reliability(Measured(log, measure(MEASURE), episodes))
    if not bins:
        raise BadInput("there is nothing to plot: no bin has 10 beliefs that are about something with a true value")
    varies, names = labels(list(dict.fromkeys(one.condition for one in bins)))
    groups = {one.group for one in bins}
    rows: list[dict[str, Any]] = []
    for one, row in zip(bins, bin_rows(bins), strict=True):
        way = f", {row['group']}" if len(groups) > 1 else ""
        n = sum(other.n for other in bins if (other.condition, other.group) == (one.condition, one.group))
        rows.append({**row, "label": f"{names[one.condition]}{way} (n = {n:,})"})
    found = list(dict.fromkeys(row["label"] for row in rows))
    for row in rows:  # drawn side by side
        row["at"] = row["given"] + (found.index(row["label"]) - (len(found) - 1) / 2) * _APART
    says = f"own beliefs: how often the likeliest value is true, by what it is given, {many(len(episodes), 'episode')}"
    layers = _layers(legend(varies, found, width_in), found)
    sql = measure(MEASURE).query(log.target.dialect, these)
    return Drawn("calibration", layers, rows, BIN_COLUMNS, sql, says, 4.4)


def _layers(key: dict[str, Any] | None, names: list[str]) -> list[dict[str, Any]]:
    looks = scales(names, dashed=True)
    scale = {"domain": [0, 1]}
    x = {"field": "at", "type": "quantitative", "title": "given to the likeliest value (mean of a bin)", "scale": scale}
    up = {"type": "quantitative", "title": "share of likeliest values that are true", "scale": scale}
    line = {channel: {**one, "legend": None if channel == "strokeDash" else key} for channel, one in looks.items()}
    perfect = {
        "data": {"values": [{"at": 0}, {"at": 1}]},
        "mark": {"type": "line", "color": "#888888", "strokeWidth": 1, "strokeDash": [3, 3]},
        "encoding": {
            "x": {"field": "at", "type": "quantitative", "scale": scale},
            "y": {"field": "at", "type": "quantitative", "scale": scale},
        },
    }
    ranges = {
        "mark": {"type": "rule", "strokeWidth": 1.4},
        "encoding": {"x": x, "y": {"field": "low", **up}, "y2": {"field": "high"}, "color": line["color"]},
    }
    lines = {
        "mark": {"type": "line", "strokeWidth": 1.2},
        "encoding": {"x": x, "y": {"field": "value", **up}, "color": line["color"], "strokeDash": line["strokeDash"]},
    }
    marks = {
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
        "encoding": {"x": x, "y": {"field": "value", **up}, "color": line["color"], "shape": line["shape"]},
    }
    return [perfect, ranges, lines, marks]
