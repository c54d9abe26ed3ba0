"""What came of a coding set: how far its coders agree, and, of pairs, which condition was preferred how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tertulia.storage.coding.codebook import Code
from tertulia.storage.coding.keeping import Head, Judged
from tertulia.storage.measures.agreement import Agreement, Item, agreement
from tertulia.storage.measures.clustered import bounds

_CHOICES = (1.0, 0.0, 0.5)


@dataclass(frozen=True, slots=True)
class OfCode:
    """The agreement on one code of one set."""

    set: str
    code: str
    scale: str
    unit: str
    figures: list[Agreement]


@dataclass(frozen=True, slots=True)
class Wins:
    """How often one condition was preferred to another: a pair counts once, with the mean over its coders, in which a
    tie is half. The interval (95 %, bootstrap) is over pairs."""

    set: str
    code: str
    first: str
    second: str
    rate: float
    low: float | None
    high: float | None
    decided: float | None
    """The share of the first among judgements that are no tie; None where all are."""
    pairs: int
    judgements: int
    ties: int
    left: float | None
    """The share of A among judgements that are no tie: far from 0.5, side weighs more than content."""


def agreements(
    heads: Sequence[Head], codes: Sequence[Judged], *, practice: bool = False, seed: int = 0
) -> list[OfCode]:
    """By set and code; `heads` of any sets, `codes` theirs. With `practice`, of the items to practise on alone."""
    found = []
    for set_id in sorted({head.set for head in heads}):
        mine = [head for head in heads if head.set == set_id]
        for code in mine[-1].codebook.codes:
            if any(head.unit == code.unit for head in mine):
                items = _items([one for one in codes if one.detail["set"] == set_id], code.name, practice)
                scale, levels = _scale(code)
                found.append(OfCode(set_id, code.name, code.scale, code.unit, agreement(items, scale, levels, seed)))
    return found


def wins(codes: Sequence[Judged], *, seed: int = 0) -> list[Wins]:
    """By set, code and two conditions, of all pairs that were judged and not to practise."""
    groups: dict[tuple[str, str, str, str], list[Judged]] = {}
    for one in codes:
        if not one.practice and "conditions" in one.detail:
            first, second = one.detail["conditions"]
            groups.setdefault((one.detail["set"], one.code, first, second), []).append(one)
    return [_wins(*key, mine, seed) for key, mine in sorted(groups.items())]


def _wins(set_id: str, code: str, first: str, second: str, mine: Sequence[Judged], seed: int) -> Wins:
    by_pair: dict[str, list[float]] = {}
    for one in mine:
        by_pair.setdefault(one.item, []).append(one.value)
    means = [sum(values) / len(values) for _, values in sorted(by_pair.items())]
    low, high = bounds([[mean, 1.0] for mean in means], lambda s: s[0] / s[1], seed)
    clear = [one for one in mine if one.value != 0.5]
    left = sum(one.detail["given"] == "A" for one in clear)
    return Wins(
        set_id, code, first, second, sum(means) / len(means), low, high,
        sum(one.value for one in clear) / len(clear) if clear else None, len(means), len(mine), len(mine) - len(clear),
        left / len(clear) if clear else None,
    )  # fmt: skip


def _items(codes: Sequence[Judged], name: str, practice: bool) -> list[Item]:
    """What was coded, by item; the pair is what is independent of a preference."""
    given: dict[tuple[str, str], dict[str, float]] = {}
    for one in codes:
        if one.code == name and one.practice == practice:
            cluster = one.item if "conditions" in one.detail else one.episode
            given.setdefault((cluster, one.item), {})[one.coder] = one.value
    return [Item(cluster, values) for (cluster, _), values in given.items()]


def _scale(code: Code) -> tuple[str, tuple[float, ...]]:
    return ("nominal", _CHOICES) if code.scale == "preference" else (code.scale, code.values)
