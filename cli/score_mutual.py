"""What `tertulia score --mutual` shows: models of each other beside baselines, and what came of speaking of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tertulia.storage.log import Log

WIDTH = 100
"""Of lines where no terminal says otherwise."""
_TARGETS = {
    "gold": "gold: what the holder should believe of the other",
    "report": "report: what the other believes by its own word",
    "act": "act: what the other next says of it",
}
_MEASURES = (
    ("revised within 3 turns of a correction", "revision_rate"),
    ("nearer to the other's belief by (0-1)", "gain"),
    ("turns until the answer", "recognition_lag"),
    ("turns from the correction to the revision", "revision_lag"),
    ("change of distance per cycle (below 0: nearer)", "convergence"),
)
_COLUMNS = ("predicted by", "n", "Brier", "given to it", "mode right", "better than projection", "95 %")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a line above it, and one below where there is something to add."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    note: str = ""


def mutual_data(log: Log, episodes: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """All figures, for `--json`: `scores` and `retest` of models, `cycles` of speaking of them."""
    from tertulia.storage.measures import cycles, mutual

    return {**mutual.summary(log, episodes, seed), "cycles": cycles.summary(log, episodes, seed)}


def mutual_numbers(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures as what a row of `score` keeps of each: measure, target, estimator, value, n, detail."""
    scores = [
        {
            "measure": f"mutual_{name}", "target": of["target"], "estimator": of["estimator"], "n": of["n"],
            "value": of[name],
            "detail": {key: of[key] for key in ("elicited", "rule", "set", "predictor", "episodes", "excess")},
        }
        for of in data["scores"] for name in ("brier", "probability", "hit")
    ]  # fmt: skip
    retests = [
        {"measure": f"mutual_retest_{name}", "value": data["retest"][name], "n": data["retest"]["n"]}
        for name in ("brier", "hit") if data["retest"]["n"]
    ]  # fmt: skip
    cycles = [
        {
            "measure": f"cycle_{name}", "value": of[name]["mean"], "n": of[name]["n"],
            "detail": {"established": of["established"], "kinds": of["kinds"], **_bounds(of[name])},
        }
        for of in data["cycles"] for _, name in _MEASURES
    ]  # fmt: skip
    return [*scores, *retests, *cycles]


def _bounds(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: found[key] for key in ("low", "high") if key in found}


def mutual_tables(data: Mapping[str, Any]) -> list[Table]:
    """The figures as tables; a target that nothing can be measured against has none."""
    return [*_score_tables(data["scores"]), _retest(data["retest"]), *map(_cycles, data["cycles"])]


def mutual_lines(data: Mapping[str, Any], width: int | None = None) -> Iterator[str]:
    """The tables as lines of text."""
    from tertulia.cli.display.table import folded_lines

    for number, table in enumerate(mutual_tables(data)):
        if number:
            yield ""
        yield from wrap(table.title, width or WIDTH)
        if table.rows:
            yield from folded_lines(table.columns, table.rows, width)
        if table.note:
            yield from wrap(table.note, width or WIDTH)


def _score_tables(scores: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in scores:
        key = tuple(row[name] for name in ("estimator", "elicited", "rule", "target", "set"))
        groups.setdefault(key, []).append(row)
    for (estimator, elicited, rule, target, chosen), rows in groups.items():
        if not any(row["n"] for row in rows):
            continue
        which = (
            "all items" if chosen == "all" else "headline: own gold and the other's differ, whichever rule one trusts"
        )
        how = f"beliefs by {estimator}, {elicited}" + (f", trust rule {rule}" if rule else ", no gold")
        yield Table(f"Model of the other against {_TARGETS[target]} ({which}; {how})", _COLUMNS, [*map(_row, rows)])


def _row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    found = row["excess"] or {"mean": None, "low": None, "high": None}
    return (
        row["predictor"], row["n"], _number(row["brier"]), _number(row["probability"]), _number(row["hit"]),
        _number(found["mean"], signed=True), _between(found),
    )  # fmt: skip


def _retest(found: Mapping[str, Any]) -> Table:
    title = "Ceiling: how far the other agrees with itself, asked twice at the same turn"
    if not found["n"]:
        return Table(title, (), [], "not measured: nobody was probed twice at one turn")
    rows = [(found["n"], _number(found["brier"]), _number(found["hit"]))]
    return Table(title, ("n", "Brier", "mode right"), rows)


def _cycles(found: Mapping[str, Any]) -> Table:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items())
    title = f"Saying what another believes ({found['established']}): {found['disclosures']} heard, {kinds}"
    if found["unheard"]:
        title += f"; {found['unheard']} not heard by the one they were about"
    rows = [(name, found[key]["n"], _number(found[key]["mean"]), _between(found[key])) for name, key in _MEASURES]
    return Table(title, ("measure", "n", "mean", "95 %"), rows)


def _number(value: float | None, signed: bool = False) -> str:
    if value is None:
        return "-"
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("-0.000", "0.000")


def _between(found: Mapping[str, Any]) -> str:
    if found.get("low") is None:
        return "-"
    return f"{_number(found['low'])} to {_number(found['high'])}"
