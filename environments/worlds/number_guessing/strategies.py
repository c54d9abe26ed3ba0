"""How rules play: what each strategy expects of the others, and what it names.

Sources: constant, arithmetic and copy-last-gold are levels 1 to 3 of EgoSocialArena's G0.8A (Hou et al. 2024); their
third level names 0.8 times the last mean with decimals, here the nearest whole number (a half goes up), since numbers
are whole. Level-k thinking is after Nagel (1995): `level-0` repeats its last number (50 at first), `level-k` takes
everybody else to be `level-(k-1)` and responds best, so that `level-2` models what others think of *it*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import exp, fsum
from typing import Literal

from tertulia.environments.worlds.number_guessing.arithmetic import LOWEST, best_response, rounded, target_of

Strategy = Literal[
    "adaptive", "constant", "arithmetic", "copy-last-gold", "level-0", "level-1", "level-2", "level-3", "exact"
]
OPENING = 50
"""What is named, or expected, where nothing has been seen yet."""
STEP = 5
"""How much the arithmetic sequence falls from round to round."""
DRAWN: tuple[Strategy, ...] = ("constant", "arithmetic", "copy-last-gold", "level-1")
"""What a seat with `strategy: drawn` may turn out to play, each equally likely."""
MODELS: tuple[Strategy, ...] = ("copy-last-gold", "level-0", "arithmetic", "constant", "level-1", "level-2")
"""What `adaptive` takes the others to play. Where two fit equally well, the earlier one is believed."""
FADING = 0.8
"""How much less a round counts than the one after it, when `adaptive` weighs how well a model has fitted."""
SPREAD = 2.0
"""By how many points a model may have been off on the whole to be believed a third as much as a perfect one."""


@dataclass(frozen=True)
class Table:
    """What all have seen: the seats, and what each named in every round (None: it named nothing)."""

    cast: tuple[str, ...]
    rounds: tuple[tuple[int | None, ...], ...]
    factor: Fraction

    def last_of(self, name: str) -> int:
        """What somebody named last."""
        place = self.cast.index(name)
        return next((named for numbers in reversed(self.rounds) if (named := numbers[place]) is not None), OPENING)

    def before(self, round_number: int) -> Table:
        """The table before a round, the first being 0."""
        return Table(self.cast, self.rounds[:round_number], self.factor)

    def others(self, name: str) -> tuple[str, ...]:
        return tuple(other for other in self.cast if other != name)


@dataclass(frozen=True)
class Plan:
    """What a player expects the others to name, and what it will name."""

    predictions: Mapping[str, int]
    number: int


def plan(strategy: Strategy, me: str, table: Table, known: Mapping[str, Strategy] | None = None) -> Plan:
    """The plan of a strategy. `known`: what the others truly play, which only `exact` makes use of."""
    expected = {other: _expected(strategy, me, other, table, known or {}) for other in table.others(me)}
    if (simple := _sequence(strategy, me, table)) is not None:
        return Plan(expected, simple)
    return Plan(expected, best_response(tuple(expected.values()), table.factor))


def _sequence(strategy: Strategy, me: str, table: Table) -> int | None:
    """The number of a strategy that does not respond to what it expects; None for one that does."""
    if strategy == "constant":
        return OPENING
    if strategy == "arithmetic":
        return max(LOWEST, OPENING - STEP * len(table.rounds))
    if strategy == "copy-last-gold":
        last = [number for number in table.rounds[-1] if number is not None] if table.rounds else []
        return rounded(target_of(last, table.factor)) if last else OPENING
    return table.last_of(me) if strategy == "level-0" else None


def _expected(strategy: Strategy, me: str, other: str, table: Table, known: Mapping[str, Strategy]) -> int:
    if strategy == "exact" and other in known:
        return number_of(known[other], other, table)
    if strategy in ("adaptive", "exact"):
        weights = _weighed(other, table)
        return max(weights, key=lambda number: round(weights[number], 9))
    if strategy in ("level-2", "level-3"):
        return number_of("level-1" if strategy == "level-2" else "level-2", other, table)
    return table.last_of(other)


@lru_cache(maxsize=65536)
def number_of(strategy: Strategy, name: str, table: Table) -> int:
    """What `name` will name if it plays by this strategy and its hand does not tremble."""
    return plan(strategy, name, table).number


def model_of(other: str, table: Table) -> Strategy:
    """The strategy that has fitted what `other` named best so far."""
    misfits = misfits_of(other, table)
    return min(MODELS, key=lambda model: misfits[model])


@lru_cache(maxsize=4096)
def misfits_of(other: str, table: Table) -> Mapping[Strategy, float]:
    """By how much each model was off, all rounds together, those long ago counting less."""
    place = table.cast.index(other)
    off: dict[Strategy, list[float]] = {model: [] for model in MODELS}
    for at, numbers in enumerate(table.rounds):
        named = numbers[place]
        for model in MODELS if named is not None else ():
            expected = number_of(model, other, table.before(at))
            off[model].append(FADING ** (len(table.rounds) - 1 - at) * abs(expected - (named or 0)))
    return {model: fsum(found) for model, found in off.items()}


@lru_cache(maxsize=4096)
def _weighed(other: str, table: Table) -> Mapping[int, float]:
    """What the models say `other` will name, with weights that sum to 1. Earlier models come first."""
    misfits = misfits_of(other, table)
    least = min(misfits.values())
    weights = {model: exp((least - misfits[model]) / SPREAD) for model in MODELS}
    whole = fsum(weights.values())
    found: dict[int, float] = {}
    for model, weight in weights.items():
        number = number_of(model, other, table)
        found[number] = found.get(number, 0.0) + weight / whole
    return found


def outlook(
    strategy: Strategy, me: str, other: str, table: Table, known: Mapping[str, Strategy]
) -> Mapping[int, float]:
    """Numbers that `me` expects of `other`, with weights that sum to 1: several only where it weighs models."""
    if strategy == "adaptive" or (strategy == "exact" and other not in known):
        return _weighed(other, table)
    return {_expected(strategy, me, other, table, known): 1.0}
