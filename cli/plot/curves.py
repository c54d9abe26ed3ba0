"""Figure: how near beliefs come to gold, turn by turn, a line for each condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tertulia.cli.errors import BadInput
from tertulia.cli.plot.figure import Drawn
from tertulia.cli.plot.look import legend, scales
from tertulia.cli.plot.tables import CURVE_COLUMNS, curve_rows, many
from tertulia.storage.measures.labels import labels
from tertulia.storage.nearest import nearest

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.measures.compute import Condition, Played
    from tertulia.storage.measures.curves import Point

TITLES = {
    "accuracy": "belief accuracy",
    "brier": "Brier distance to gold",
}


def beliefs(log: Log, episodes: Sequence[Played], these: str, y: str, level: str | None, width_in: float) -> Drawn:
    """The curve of one level of belief: the first there is where none is named."""
    from tertulia.storage.measures.catalogue import curve
    from tertulia.storage.measures.curves import BeliefCurves

    points = BeliefCurves(log, episodes).points(y)
    if not points:
        raise BadInput(
            "there is nothing to plot: these episodes hold no beliefs beside gold on which trust rules agree"
        )
    chosen = points if level is None else [one for one in points if one.level == level]
    if not chosen:
        raise BadInput(f"--level {level}: no such beliefs here; {nearest(level or '', _levels(points))}")
    rows, varies, names = _rows(chosen)
    shown = rows if level is not None else [row for row in rows if row["level"] == rows[0]["level"]]
    n = len({one.id for one in episodes})
    return Drawn(
        "beliefs", _layers(y, legend(varies, names, width_in), names, shown), rows, CURVE_COLUMNS,
        curve("beliefs").query(log.target.dialect, these),
        f"{TITLES[y]} by turn, {shown[0]['level']} beliefs, {many(n, 'episode')}, 95 % intervals over episodes", 3.4,
    )  # fmt: skip


def _levels(points: Sequence[Point]) -> list[str]:
    return list(dict.fromkeys(one.level for one in points))


def _rows(points: Sequence[Point]) -> tuple[list[dict[str, Any]], str, list[str]]:
    """The table with a label for each line: its condition, and how beliefs came about where that differs."""
    conditions = list(dict.fromkeys(one.condition for one in points))
    varies, names = labels(conditions)
    ways = {(one.estimator, one.rule) for one in points}
    most: dict[Condition, int] = {}
    for one in points:
        most[one.condition] = max(one.episodes, most.get(one.condition, 0))
    rows = []
    for one, row in zip(points, curve_rows(points), strict=True):
        way = f", {one.estimator}, {one.rule}" if len(ways) > 1 else ""
        rows.append({**row, "label": f"{names[one.condition]}{way} (n = {most[one.condition]})"})
    return rows, varies, list(dict.fromkeys(row["label"] for row in rows))


def _layers(
    y: str, key: dict[str, Any] | None, names: list[str], shown: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    looks = scales(names, dashed=True)
    turns = sorted({row["turn"] for row in shown})
    steps = -(-len(turns) // 12)
    ticks = turns[::steps]
    level = {"filter": {"field": "level", "equal": shown[0]["level"]}}
    x = {
        "field": "turn", "type": "quantitative", "title": "turn",
        "scale": {"nice": False, "zero": False}, "axis": {"values": ticks, "format": "d", "grid": False},
    }  # fmt: skip
    domain = [0, 1] if y == "accuracy" else [0, max([0.2, *(row["high"] or row["value"] for row in shown)])]
    up = {"type": "quantitative", "title": TITLES[y], "scale": {"domain": domain}}
    line = {channel: {**one, "legend": None if channel == "strokeDash" else key} for channel, one in looks.items()}
    band = {
        "transform": [level], "mark": {"type": "area", "opacity": 0.16, "line": False},
        "encoding": {"x": x, "y": {"field": "low", **up}, "y2": {"field": "high"},
                     "color": line["color"]},
    }  # fmt: skip
    lines = {
        "transform": [level], "mark": {"type": "line", "strokeWidth": 1.6},
        "encoding": {"x": x, "y": {"field": "value", **up}, "color": line["color"], "strokeDash": line["strokeDash"]},
    }  # fmt: skip
    marks = {
        "transform": [level, {"filter": {"field": "turn", "oneOf": ticks}}],
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1},
        "encoding": {"x": x, "y": {"field": "value", **up}, "color": line["color"], "shape": line["shape"]},
    }  # fmt: skip
    return [band, lines, marks]
