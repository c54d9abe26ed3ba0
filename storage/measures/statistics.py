"""How sums become numbers: a mean, a calibration error, ... Sums of episodes add up, so that whole episodes can be
drawn anew for an interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tertulia.storage.measures.accuracy import BINS, LEAST

Sums = Sequence[float]


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number of sums. `columns` are what the query gives; with `places`, each row's sums have a place of their own,
    by its column `key`."""

    columns: tuple[str, ...]
    value: Callable[[Sums], float | None]
    """None where nothing can be said."""
    n: Callable[[Sums], float]
    """How many items it is over."""
    about: str
    key: str | None = None
    places: tuple[Any, ...] = (None,)
    per_episode: bool = False
    """Each episode counts once: with the sum of its `total`, and n = 1."""
    interval: bool = True

    def sums(self, row: Mapping[str, Any]) -> list[float]:
        """One row's sums, each where it belongs. Raises `TypeError` where one is NULL."""
        size = len(self.columns)
        found = [0.0] * (size * len(self.places))
        at = size * self.places.index(row[self.key]) if self.key is not None else 0
        found[at : at + size] = [float(row[name]) for name in self.columns]
        return found


def _ratio(sums: Sums) -> float | None:
    return sums[0] / sums[1] if sums[1] else None


def _reading_ease(sums: Sums) -> float | None:
    words, sentences, syllables = sums[:3]
    return 206.835 - 1.015 * words / sentences - 84.6 * syllables / words if words and sentences else None


def _excess(sums: Sums) -> float | None:
    claimed, claims, drift, others = sums
    return claimed / claims - drift / others if claims and others else None


def _calibration_error(sums: Sums) -> float | None:
    bins = [sums[i : i + 3] for i in range(0, len(sums), 3)]
    large = [(n, abs(given - true)) for n, given, true in bins if n >= LEAST]
    n = sum(size for size, _ in large)
    return sum(gap for _, gap in large) / n if n else None


def _in_large_bins(sums: Sums) -> float:
    return sum(n for n in sums[::3] if n >= LEAST)


MARKERS = (
    "articles", "auxiliary verbs", "conjunctions", "adverbs", "impersonal pronouns", "personal pronouns",
    "prepositions", "quantifiers",
)  # fmt: skip
"""Classes of function words, in which speakers fall in with each other."""


def _coordination(sums: Sums) -> float | None:
    """The mean over classes of P(reply has it | what it replies to has it) - P(reply has it). A class that everything
    or nothing replied to has says nothing."""
    found = []
    for i in range(0, len(sums), 4):
        n, first, reply, both = sums[i : i + 4]
        if 0 < first < n:
            found.append(both / first - reply / n)
    return sum(found) / len(found) if found else None


STATISTICS = {
    "ratio": Statistic(("total", "n"), _ratio, lambda sums: sums[1], "the sum of `total` over the sum of `n`"),
    "per episode": Statistic(
        ("total",), _ratio, lambda sums: sums[1], "the sum of `total` over episodes", per_episode=True
    ),
    "reading ease": Statistic(
        ("words", "sentences", "syllables"), _reading_ease, lambda sums: sums[0],
        "206.835 - 1.015 words / sentences - 84.6 syllables / words",
    ),
    "coordination": Statistic(
        ("exchanges", "first", "reply", "both"), _coordination, lambda sums: sums[0],
        "the mean over classes of both / first - reply / exchanges", key="marker", places=MARKERS,
    ),
    "excess": Statistic(
        ("claimed", "claims", "drift", "others"), _excess, lambda sums: sums[1],
        "claimed / claims - drift / others",
    ),
    "calibration error": Statistic(
        ("n", "given", "true"), _calibration_error, _in_large_bins,
        f"over bins of at least {LEAST} items: the sum of |given - true| over the sum of n; without an interval, for "
        "an error that cannot be negative is larger in every draw",
        key="bin", places=tuple(range(BINS)), interval=False,
    ),
}  # fmt: skip
"""By name."""
