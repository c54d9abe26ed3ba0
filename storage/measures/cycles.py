"""Cycles of mutual theory of mind, measured: what came of it when somebody said what it takes another to believe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tertulia.storage.measures.clustered import interval, mean, slope

if TYPE_CHECKING:
    from tertulia.storage.log import Log

KINDS = ("confirm", "correct", "resist", "ignore")
WITHIN = 3
"""A revision this many turns after the answer, or sooner, counts as one that followed it."""


def summary(log: Log, episodes: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """For each way in which the disclosures were established: how many of each kind of answer, and the measures, each
    with its n. Empty where nobody spoke of anybody's beliefs."""
    rows = [
        row
        for episode in episodes
        for row in log.query(
            "SELECT * FROM v_mutual_cycles WHERE episode = ? ORDER BY turn, event, ordinal", [episode]
        ).dicts()
    ]
    distances = {episode: _distances(log, episode) for episode in dict.fromkeys(row["episode"] for row in rows)}
    return [
        _of([row for row in rows if row["established"] == established], distances, established, seed)
        for established in sorted({row["established"] for row in rows})
    ]


def _of(rows: Sequence[Mapping[str, Any]], distances: Any, established: str, seed: int) -> dict[str, Any]:
    heard = [row for row in rows if row["kind"] != "unheard"]
    kinds = Counter(row["kind"] for row in heard)
    corrected = [row for row in heard if row["kind"] == "correct"]
    answered = [row for row in heard if row["recognised_turn"] is not None]
    revised = [row for row in corrected if _followed(row)]
    return {
        "established": established,
        "disclosures": len(heard),
        "unheard": len(rows) - len(heard),
        "kinds": {kind: kinds[kind] for kind in KINDS},
        "revision_rate": _interval(corrected, lambda row: float(_followed(row)), seed),
        "gain": _interval([row for row in revised if row["gain"] is not None], lambda row: row["gain"], seed),
        "recognition_lag": _mean([row["recognition_lag"] for row in answered]),
        "revision_lag": _mean([row["revision_lag"] for row in revised]),
        "convergence": _convergence(heard, distances, seed),
    }


def _followed(row: Mapping[str, Any]) -> bool:
    return row["revision_lag"] is not None and row["revision_lag"] <= WITHIN


def _interval(rows: Sequence[Mapping[str, Any]], value: Any, seed: int) -> dict[str, Any]:
    by_episode: dict[str, list[float]] = {}
    for row in rows:
        by_episode.setdefault(row["episode"], []).append(value(row))
    found = interval(by_episode, seed)
    if found is None:
        return {"mean": None, "low": None, "high": None, "n": 0}
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return {"mean": mean(values), "n": len(values)}


def _distances(log: Log, episode: str) -> dict[tuple[str, str, int], float]:
    """By holder, other and turn: how far the model is from the other's own belief, the mean over variables."""
    found = log.query(
        "SELECT holder, other, turn, report_distance FROM v_mutual "
        "WHERE episode = ? AND elicited = 'inline' AND report_distance IS NOT NULL",
        [episode],
    )
    by_turn: dict[tuple[str, str, int], list[float]] = {}
    for row in found.dicts():
        by_turn.setdefault((row["holder"], row["other"], row["turn"]), []).append(row["report_distance"])
    return {key: math.fsum(values) / len(values) for key, values in by_turn.items()}


def _convergence(rows: Sequence[Mapping[str, Any]], distances: Any, seed: int) -> dict[str, Any]:
    """The slope, per cycle, of the distance between a model and what it is a model of: before each cycle of a pair,
    and after the last. Negative where they come nearer. `n` pairs."""
    by_episode: dict[str, list[float]] = {}
    for pair in _pairs(rows):
        episode = pair[0]["episode"]
        at = distances.get(episode, {})
        key = (pair[0]["discloser"], pair[0]["believer"])
        turns = [row["turn"] for row in pair] + [_after(pair[-1])]
        found = slope([at[(*key, turn)] for turn in turns if (*key, turn) in at])
        if found is not None:
            by_episode.setdefault(episode, []).append(found)
    found_interval = interval(by_episode, seed)
    if found_interval is None:
        return {"mean": None, "low": None, "high": None, "n": 0}
    return {
        "mean": found_interval.mean, "low": found_interval.low, "high": found_interval.high, "n": found_interval.n,
    }  # fmt: skip


def _after(row: Mapping[str, Any]) -> int:
    """The turn by which a cycle has gone round."""
    for key in ("revised_turn", "recognised_turn"):
        if row[key] is not None:
            return int(row[key]) + (key == "recognised_turn")
    return int(row["turn"]) + 1


def _pairs(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["episode"], row["discloser"], row["believer"]), []).append(row)
    yield from found.values()
