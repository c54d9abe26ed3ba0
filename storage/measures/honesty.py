"""Saying beside believing: how often asserted claims were honest, mistaken, deceptive or unsure, from `v_honesty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tertulia.storage.measures.clustered import Interval, interval

CATEGORIES = ("honest", "mistaken", "deceptive", "unsure")


@dataclass(frozen=True, slots=True)
class Honesty:
    """The claims of one speaker (None: of all), as far as it stated a belief. Shares are over `n`, with intervals over
    episodes; `unstated` claims came without a belief and are in no share."""

    origin: str
    """`participant` for words of one's own; `scripted` words say nothing about who speaks them."""
    established: str
    estimator: str | None
    speaker: str | None
    n: int
    counts: dict[str, int]
    shares: dict[str, Interval | None]
    unstated: int


def honesty(rows: Sequence[Mapping[str, Any]], seed: int = 0) -> list[Honesty]:
    """For each origin, way of establishing claims and estimator of beliefs: all speakers together, then each."""
    groups: dict[tuple[str, str, str | None], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["origin"], row["established"], row["estimator"]), []).append(row)
    found = []
    for key, mine in sorted(groups.items(), key=lambda group: tuple(map(str, group[0]))):
        found.append(_of(key, None, mine, seed))
        for speaker in sorted({row["speaker"] for row in mine}):
            found.append(_of(key, speaker, [row for row in mine if row["speaker"] == speaker], seed))
    return found


def _of(key: tuple[str, str, str | None], speaker: str | None, rows: Sequence[Mapping[str, Any]], seed: int) -> Honesty:
    stated = [row for row in rows if row["category"] is not None]
    counts = {category: sum(row["category"] == category for row in stated) for category in CATEGORIES}
    shares = {category: interval(_by_episode(stated, category), seed) for category in CATEGORIES}
    return Honesty(*key, speaker, len(stated), counts, shares, len(rows) - len(stated))


def _by_episode(rows: Sequence[Mapping[str, Any]], category: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["episode"], []).append(float(row["category"] == category))
    return found
