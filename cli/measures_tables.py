"""What `tertulia measures` shows, hands on and keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.table import folded_lines, table_width
from tertulia.storage.measures.catalogue import Measure
from tertulia.storage.measures.compute import Condition, Difference, Figure, Group, Measured, Played
from tertulia.storage.measures.labels import compared_with, labels

if TYPE_CHECKING:
    from tertulia.storage.rows import ScoreRow

NONE = "-"
COLUMNS = (
    "kind", "measure", "unit", "scenario", "batch", "cell", "models", "baseline", "group", "value", "low", "high", "n",
    "episodes", "clusters", "over", "missing", "dz", "pairs",
)  # fmt: skip
"""Of the CSV."""
_CONDITION = ("scenario", "batch", "cell", "models")
_NUMBERS = ("value", "difference", "95 %", "dz", "n", "episodes", "over", "missing")
_Short = tuple[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was measured."""

    run: str
    episodes: list[Played]
    these: str
    """The SQL condition that is true of the episodes."""
    measured: list[Measured]
    figures: list[Figure]
    differences: list[Difference]


def data(found: Found) -> Iterator[dict[str, Any]]:
    """Every figure, then every difference, as plain data."""
    yield from rows_of({one.measure.name: one.measure.unit for one in found.measured}, found.figures, found.differences)


def rows_of(
    units: Mapping[str, str], figures: Sequence[Figure], differences: Sequence[Difference]
) -> Iterator[dict[str, Any]]:
    """The same of figures and differences by themselves, with the units of their measures."""
    for figure in figures:
        yield {
            "kind": "figure", "measure": figure.measure, "unit": units[figure.measure],
            **_told(figure.condition), "group": dict(figure.group), "value": figure.value, "low": figure.low,
            "high": figure.high, "n": figure.n, "episodes": figure.episodes, "clusters": figure.clusters,
            "over": figure.over, "missing": figure.missing,
        }  # fmt: skip
    for one in differences:
        yield {
            "kind": "difference", "measure": one.measure, "unit": units[one.measure], **_told(one.condition),
            "baseline": one.baseline.cell, "group": dict(one.group), "value": one.mean, "low": one.low,
            "high": one.high, "n": one.n, "over": one.over, "dz": one.dz, "pairs": one.pairs,
        }  # fmt: skip


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `data` for CSV: its group in one cell."""
    return {**row, "group": _group(tuple(row["group"].items()))}


def _told(condition: Condition) -> dict[str, str]:
    return {name: getattr(condition, name) for name in _CONDITION}


def score_rows(found: Found, seed: int) -> list[ScoreRow]:
    """The numbers as rows for the table `score`; the first, `episodes`, says over what they are."""
    from ulid import ULID

    from tertulia.storage.rows import ScoreRow
    from tertulia.storage.types import now

    ids = [one.id for one in found.episodes]
    one = ids[0] if len(ids) == 1 else None
    at = now()
    whole: dict[str, Any] = {
        "episodes": ids, "scenarios": sorted({p.condition.scenario for p in found.episodes}), "seed": seed,
        "by": "measures",
    }  # fmt: skip
    numbers: list[dict[str, Any]] = [{"measure": "episodes", "value": float(len(ids)), "n": len(ids), "detail": whole}]
    for row in data(found):
        group = row["group"]
        suffix = "_difference" if row["kind"] == "difference" else ""
        detail = {key: value for key, value in row.items() if key not in ("measure", "value", "n")}
        numbers.append(
            {
                "measure": row["measure"] + suffix, "value": row["value"], "n": row["n"], "detail": detail,
                "holder": group.get("participant"), "estimator": group.get("estimator"),
            }
        )  # fmt: skip
    return [ScoreRow(id=str(ULID()), run=found.run, episode=one, created_at=at, **number) for number in numbers]


def lines(found: Found, width: int | None) -> Iterator[str]:
    """All tables, family by family: figures, and what differs between cells."""
    conditions = sorted({figure.condition for figure in found.figures})
    shown = [name for name in _CONDITION if len({getattr(one, name) for one in conditions}) > 1]
    short = _short(conditions, shown)
    yield f"{_plural(len(found.episodes), 'episode')}: {one_line(_common(found, shown))}"
    families: dict[str, list[Measured]] = {}
    for one in found.measured:
        families.setdefault(one.measure.family, []).append(one)
    for family, some in families.items():
        names = {one.measure.name: one.measure for one in some}
        figures = [figure for figure in found.figures if figure.measure in names]
        if figures:
            yield ""
            yield family.capitalize()
            yield from _figures(figures, shown, short, width)
        differences = [one for one in found.differences if one.measure in names]
        if differences:
            yield ""
            yield f"{family.capitalize()}: differences to {one_line(compared_with(differences))}, pair by pair"
            yield from _differences(differences, shown, short, width)
    told = {figure.measure for figure in found.figures}
    silent = [one.measure.name for one in found.measured if one.measure.name not in told]
    if silent:
        yield ""
        yield from wrap(f"Nothing to measure here for: {', '.join(silent)}.", width or 100)


def _common(found: Found, shown: Sequence[str]) -> str:
    first = found.episodes[0].condition
    parts = [getattr(first, name) for name in _CONDITION if name not in shown and getattr(first, name)]
    return ", ".join(parts) if parts else "several conditions"


def _figures(found: Sequence[Figure], shown: Sequence[str], short: _Short, width: int | None) -> Iterator[str]:
    columns = ("measure", *shown, "of", "value", "95 %", "n", "episodes", "missing")
    rows: list[tuple[Any, ...]] = [
        (
            one.measure, *(getattr(one.condition, name) for name in shown), _group(one.group), _number(one.value),
            _between(one.low, one.high), one.n,
            str(one.episodes) if one.over == "episodes" else f"{one.episodes} ({one.clusters} seeds)",
            one.missing or "",
        )
        for one in found
    ]  # fmt: skip
    yield from _table(columns, rows, short, width)


def _differences(found: Sequence[Difference], shown: Sequence[str], short: _Short, width: int | None) -> Iterator[str]:
    columns = ("measure", *shown, "of", "difference", "95 %", "dz", "n", "over")
    rows = [
        (
            one.measure, *(getattr(one.condition, name) for name in shown), _group(one.group), _number(one.mean),
            _between(one.low, one.high), NONE if one.dz is None else f"{one.dz:.2f}", one.n,
            one.over if one.over == "pairs" else f"seeds ({one.pairs} pairs)",
        )
        for one in found
    ]  # fmt: skip
    yield from _table(columns, rows, short, width)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], short: _Short, width: int | None) -> Iterator[str]:
    """Columns in which nothing stands are left out; where there is no room, cells are called by what varies alone."""
    kept = [i for i in range(len(columns)) if any(row[i] not in (NONE, "") for row in rows)]
    columns, rows = [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]
    if width is not None and table_width(columns, rows) > width and "cell" in columns:
        at, (title, names) = columns.index("cell"), short
        columns = [title if i == at else name for i, name in enumerate(columns)]
        rows = [[names.get(value, value) if i == at else value for i, value in enumerate(row)] for row in rows]
    yield from folded_lines(columns, rows, width, whole=_NUMBERS, above="measure")


def _short(conditions: Sequence[Condition], shown: Sequence[str]) -> _Short:
    """What is over the names of cells where there is little room, and these names."""
    if list(shown) != ["cell"]:
        return "cell", {}
    title, names = labels(conditions)
    return "cell" if title == "condition" else title, {one.cell: name for one, name in names.items()}


def catalogue_lines(chosen: Sequence[Measure], width: int | None) -> Iterator[str]:
    """A line for each measure."""
    rows = [(one.family, one.name, one.unit, one.range, ", ".join((*one.always, *one.by)) or NONE) for one in chosen]
    yield from folded_lines(
        ("family", "measure", "unit", "range", "groups"), rows, width, whole=("measure",), above="family"
    )


def description_lines(chosen: Sequence[Measure], width: int | None) -> Iterator[str]:
    """All there is to say of each."""
    from tertulia.storage.measures.statistics import STATISTICS

    for number, one in enumerate(chosen):
        if number:
            yield ""
        yield f"{one.name} ({one.family})"
        yield from wrap(one.about, min(width or 100, 100), initial_indent="  ", subsequent_indent="  ")
        facts = {
            "unit": one.unit, "range": one.range, "n": one.n, "number": STATISTICS[one.statistic].about,
            "never pooled": ", ".join(one.always), "--by": ", ".join(one.by), "source": one.source,
        }  # fmt: skip
        for key, value in facts.items():
            if value:
                yield from wrap(
                    f"{key}: {value}", min(width or 100, 100), initial_indent="  ", subsequent_indent="    "
                )
        yield ""
        yield from (f"    {line}".rstrip() for line in one.query("sqlite", "1 = 1").splitlines())


def _group(group: Group) -> str:
    return ", ".join(value for _, value in group)


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-0.000", "0.000") if abs(value) < 1000 else f"{value:,.0f}"


def _between(low: float | None, high: float | None) -> str:
    return NONE if low is None or high is None else f"{_number(low)} to {_number(high)}"


def _plural(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
