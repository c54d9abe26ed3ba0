"""Figure: a measure by condition, with its intervals and the episodes behind it; or what differs, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tertulia.cli.errors import BadInput
from tertulia.cli.plot.figure import Drawn
from tertulia.cli.plot.look import legend, scales, span
from tertulia.cli.plot.tables import group_text, many
from tertulia.storage.measures.labels import compared_with, labels

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import Measure
    from tertulia.storage.measures.compute import Condition, Measured, Played

COLUMNS = (
    "kind", "measure", "unit", "scenario", "batch", "cell", "models", "baseline", "group", "episode", "seed", "value",
    "low", "high", "n", "episodes", "clusters", "over", "missing", "dz", "pairs",
)  # fmt: skip
_ROW_IN = 0.32
_AROUND_IN = 1.1


def numbers(
    log: Log,
    measure: Measure,
    episodes: Sequence[Played],
    these: str,
    by: Sequence[str],
    width_in: float,
    *,
    dots: bool = True,
) -> Drawn:
    """A measure by condition."""
    from tertulia.storage.measures.compute import Measured

    measured = Measured(log, measure, episodes, by)
    figures = measured.figures()
    if not figures:
        raise BadInput(f"there is nothing to plot: nothing to measure here for {measure.name}")
    rows = [_row("figure", measure, one.condition, one.group, asdict(one)) for one in figures]
    if dots:
        rows += _of_episodes(measured, measure, episodes)
    says = f"{measure.name} ({measure.unit}) by condition, {many(len(episodes), 'episode')}"
    return _drawn("measure", measure, log, these, rows, [one.condition for one in figures], says, width_in, zero=False)


def differences(
    log: Log,
    measure: Measure,
    episodes: Sequence[Played],
    these: str,
    by: Sequence[str],
    width_in: float,
    baseline: str | None,
) -> Drawn:
    """What each other cell of a batch differs from the baseline by."""
    from tertulia.storage.measures.compute import Measured

    found = Measured(log, measure, episodes, by).differences(baseline)
    if not found:
        raise BadInput(
            f"there is nothing to plot: no two episodes of different cells with the same seed have {measure.name}"
        )
    rows = [
        {**_row("difference", measure, one.condition, one.group, asdict(one)), "value": one.mean,
         "baseline": one.baseline.cell}
        for one in found
    ]  # fmt: skip
    says = f"{measure.name} ({measure.unit}): difference to {compared_with(found)}, {found[0].over} with the same seed"
    return _drawn("differences", measure, log, these, rows, [one.condition for one in found], says, width_in, zero=True)


def _row(
    kind: str, measure: Measure, condition: Condition, group: Sequence[tuple[str, str]], values: dict[str, Any]
) -> dict[str, Any]:
    empty = dict.fromkeys(COLUMNS)
    there = {name: value for name, value in values.items() if name in empty}
    return {
        **empty, **there, **asdict(condition), "kind": kind, "measure": measure.name, "unit": measure.unit,
        "group": group_text(group), "of": condition,
    }  # fmt: skip


def _of_episodes(measured: Measured, measure: Measure, episodes: Sequence[Played]) -> list[dict[str, Any]]:
    """The number of each episode by itself, where it has one."""
    found = []
    for group in sorted(measured.sums):
        for one in episodes:
            sums = measured.sums[group].get(one.id)
            value = None if sums is None else measured.statistic.value(sums)
            if value is not None and sums is not None:
                given = {"episode": one.id, "seed": one.seed, "value": value, "n": round(measured.statistic.n(sums))}
                found.append(_row("episode", measure, one.condition, group, given))
    return found


def _drawn(
    kind: str,
    measure: Measure,
    log: Log,
    these: str,
    rows: list[dict[str, Any]],
    conditions: Sequence[Condition],
    says: str,
    width_in: float,
    *,
    zero: bool,
) -> Drawn:
    varies, names = labels(list(dict.fromkeys(conditions)))
    kept = [
        {**{key: value for key, value in row.items() if key != "of"}, "label": names[row["of"]],
         "counted": None if row["kind"] == "episode" else f"n = {row['n']:,}"}
        for row in rows
        if row["of"] in names
    ]  # fmt: skip
    label_names = [names[one] for one in names]
    groups = list(dict.fromkeys(row["group"] for row in kept))
    title = f"{measure.name}: {measure.unit}" + (", difference" if zero else "")
    drawn = [row[name] for row in kept for name in ("value", "low", "high") if row[name] is not None]
    key = legend(varies, label_names, width_in) if len(groups) > 1 else None
    layers = _layers(title, key, label_names, groups, span(drawn, zero=zero), zero=zero)
    height = _AROUND_IN + _ROW_IN * len(label_names) * len(groups)
    return Drawn(kind, layers, kept, COLUMNS, measure.query(log.target.dialect, these), says, min(height, 9.0))


def _layers(
    title: str, key: dict[str, Any] | None, names: list[str], groups: list[str], domain: list[float], *, zero: bool
) -> list[dict[str, Any]]:
    looks = scales(names)
    several = len(groups) > 1
    y: dict[str, Any] = {
        "field": "group" if several else "label", "type": "nominal", "title": None,
        "sort": groups if several else names, "scale": {"paddingInner": 0.25},
    }  # fmt: skip
    places = {"y": y}
    if several and len(names) > 1:
        places["yOffset"] = {"field": "label", "type": "nominal", "sort": names}
    colour, shape = ({**looks[channel], "legend": key} for channel in ("color", "shape"))

    def x(field: str) -> dict[str, Any]:
        return {"field": field, "type": "quantitative", "title": title, "scale": {"domain": domain, "padding": 14}}

    summary = {"filter": {"field": "kind", "oneOf": ["figure", "difference"]}}
    upright = {"mark": {"type": "rule", "color": "#444444"}, "encoding": {"x": {"datum": 0}}}
    each = {
        "transform": [{"filter": {"field": "kind", "equal": "episode"}}],
        "mark": {"type": "tick", "opacity": 0.3, "thickness": 1, "size": 12},
        "encoding": {**places, "x": x("value"), "color": colour},
    }
    ranges = {
        "transform": [summary],
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {**places, "x": x("low"), "x2": {"field": "high"}, "color": colour},
    }
    marks = {
        "transform": [summary],
        "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1, "stroke": "white", "strokeWidth": 0.7},
        "encoding": {**places, "x": x("value"), "color": colour, "shape": shape},
    }
    counts = {
        "transform": [summary],
        "mark": {"type": "text", "dy": -9, "fontSize": 7.5, "color": "#333333"},
        "encoding": {**places, "x": x("value"), "text": {"field": "counted"}},
    }
    return [*([upright] if zero else []), each, ranges, marks, counts]
