"""Measures as a pandas DataFrame: what `tertulia measures run` computes, for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tertulia.storage.errors import QueryError
from tertulia.storage.frames import ids_of, need_pandas, several
from tertulia.storage.measures.catalogue import Measure, measures_of
from tertulia.storage.measures.compute import Condition, Difference, Figure, Measured, played
from tertulia.storage.nearest import nearest
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from pandas import DataFrame

    from tertulia.storage.log import Log

_DTYPES = {
    "kind": "str", "measure": "str", "unit": "str", "scenario": "str", "batch": "str", "cell": "str", "models": "str",
    "baseline": "str", "value": "float64", "low": "float64", "high": "float64", "dz": "float64", "n": "Int64",
    "episodes": "Int64", "clusters": "Int64", "pairs": "Int64", "over": "str", "missing": "Int64",
}  # fmt: skip


def measured_frame(
    log: Log, names: Any, *, episode: Any, batch: str | None, by: Any, baseline: str | None, seed: int = 0
) -> DataFrame:
    """See `Log.measure`."""
    pandas = need_pandas()
    chosen, kept = measures_of(several(names)), several(by)
    _check_by(chosen, kept)
    episodes = played(log, _episodes(log, episode, batch))
    _check_baseline([one.condition for one in episodes], baseline)
    rows: list[dict[str, Any]] = []
    groups: dict[str, None] = {}
    for one in (Measured(log, wanted, episodes, kept) for wanted in chosen):
        groups |= dict.fromkeys(one.kept)
        rows += [_figure(one.measure, figure) for figure in one.figures(seed)]
        rows += [_difference(one.measure, difference) for difference in one.differences(baseline, seed)]
    dtypes = {**dict(list(_DTYPES.items())[:8]), **dict.fromkeys(groups, "str"), **_DTYPES}
    return pandas.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def _figure(of: Measure, one: Figure) -> dict[str, Any]:
    return {
        "kind": "figure", "measure": of.name, "unit": of.unit, **_told(one.condition), **dict(one.group),
        "value": one.value, "low": one.low, "high": one.high, "n": one.n, "episodes": one.episodes,
        "clusters": one.clusters, "over": one.over, "missing": one.missing,
    }  # fmt: skip


def _difference(of: Measure, one: Difference) -> dict[str, Any]:
    return {
        "kind": "difference", "measure": of.name, "unit": of.unit, **_told(one.condition), **dict(one.group),
        "baseline": one.baseline.cell, "value": one.mean, "low": one.low, "high": one.high, "dz": one.dz, "n": one.n,
        "pairs": one.pairs, "over": one.over,
    }  # fmt: skip


def _told(condition: Condition) -> dict[str, str]:
    return {name: getattr(condition, name) for name in ("scenario", "batch", "cell", "models")}


def _check_by(chosen: Sequence[Measure], by: Sequence[str]) -> None:
    can = sorted({name for one in chosen for name in one.by})
    for name in by:
        if name not in can:
            raise QueryError(f"by={name!r}: these measures cannot be split by it; {nearest(name, can)}")


def _check_baseline(conditions: Sequence[Condition], baseline: str | None) -> None:
    cells = sorted({one.cell for one in conditions if one.batch})
    if baseline is not None and baseline not in cells:
        raise QueryError(f"baseline={baseline!r}: no such cell; {nearest(baseline, cells)}")


def _episodes(log: Log, episode: Any, batch: str | None) -> list[str]:
    if episode is not None:
        return ids_of(log, episode)
    whole = None if batch is None else log.batch(batch).id
    return [row.id for row in log.episodes(status=PLAYED_OUT, batch=whole)]
