"""The arithmetic of a round, in whole numbers: who is nearest the target, and what would be best to name.

A target is `factor * mean`. All comparisons multiply out the fraction, so that ties are exact on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

LOWEST, HIGHEST = 0, 100


def as_fraction(factor: float) -> Fraction:
    """The factor as it is written: 0.8 is four fifths."""
    return Fraction(str(factor))


def target_of(numbers: Sequence[int], factor: Fraction) -> Fraction:
    """`factor` times the mean. There must be a number."""
    return factor * sum(numbers) / len(numbers)


def winners_of(numbers: Sequence[int], factor: Fraction) -> tuple[int, ...]:
    """The places of those nearest the target; all who are equally near share the point."""
    distances = [_distance(number, numbers, factor) for number in numbers]
    return tuple(place for place, distance in enumerate(distances) if distance == min(distances))


def rounded(number: Fraction) -> int:
    """The nearest whole number that can be named; a half goes up."""
    return min(HIGHEST, max(LOWEST, (2 * number.numerator + number.denominator) // (2 * number.denominator)))


@lru_cache(maxsize=65536)
def best_response(others: tuple[int, ...], factor: Fraction) -> int:
    """What to name if the others name these: what wins most of the point; of such numbers the one nearest the target
    it brings about (with two players and 0.8: two thirds of the other's), then the lowest."""
    best, found = (-1.0, 0, 0), LOWEST
    for number in range(LOWEST, HIGHEST + 1):
        numbers = (number, *others)
        winners = winners_of(numbers, factor)
        share = 1 / len(winners) if 0 in winners else 0.0
        rank = (share, -_distance(number, numbers, factor), -number)
        if rank > best or number == LOWEST:
            best, found = rank, number
    return found


def _distance(number: int, numbers: Sequence[int], factor: Fraction) -> int:
    """From the target, in units that are the same for all numbers of a round."""
    return abs(number * factor.denominator * len(numbers) - factor.numerator * sum(numbers))
