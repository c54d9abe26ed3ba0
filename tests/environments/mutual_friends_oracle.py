"""A second implementation of the mutual-friends posterior, by enumeration and straight from its definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product

Row = tuple[str, ...]
Said = tuple[str, object, str]
"""("count", (column, value), "2" | ">=1" | "!2") or ("has", row, "yes" | "no")"""


def lists(universe: Sequence[Sequence[str]], n: int, alphas: Sequence[Fraction], shared: Row) -> Iterator:
    """Every list of n rows that begins with `shared`, with its weight: the other rows are exchangeable draws."""
    for others in product(product(*universe), repeat=n - 1):
        weight = Fraction(1)
        for column, values in enumerate(universe):
            drawn = Counter(row[column] for row in others)
            weight *= sum(sequence_probability(drawn, len(values), a) for a in alphas) / len(alphas)
        yield (shared, *others), weight


def sequence_probability(drawn: Mapping[str, int], size: int, alpha: Fraction) -> Fraction:
    """Polya's urn, draw by draw: every value begins with weight alpha, every draw adds 1 to its value."""
    probability, total = Fraction(1), 0
    for value in sorted(drawn):
        for already in range(drawn[value]):
            probability *= (alpha + already) / (size * alpha + total)
            total += 1
    return probability


def true_of(rows: Sequence[Row], said: Sequence[Said]) -> bool:
    for kind, about, value in said:
        if kind == "has":
            if (about in rows) != (value == "yes"):
                return False
            continue
        column, wanted = about
        count = sum(row[column] == wanted for row in rows)
        if value.startswith(">="):
            fits = count >= int(value[2:])
        elif value.startswith("!"):
            fits = count != int(value[1:])
        else:
            fits = count == int(value)
        if not fits:
            return False
    return True


def likelihood(universe, n, alphas, shared, said) -> Fraction:
    return sum((w for rows, w in lists(universe, n, alphas, shared) if true_of(rows, said)), Fraction(0))


def own(universe, n, alphas, mine: Sequence[Row], said: Sequence[Said]) -> list[float] | None:
    """What the holder of `mine` believes: even before; a row both hold is the shared one."""
    asserted = {row for kind, row, value in said if kind == "has" and value == "yes"}
    weights = []
    for row in mine:
        ruled_out = any(other in asserted for other in mine if other != row)
        weights.append(Fraction(0) if ruled_out else likelihood(universe, n, alphas, row, said))
    total = sum(weights)
    return [float(w / total) for w in weights] if total else None


def public(universe, n, alphas, rows: Sequence[Row], one: Sequence[Said], two: Sequence[Said]) -> list[float] | None:
    """What follows from both sides' words alone; a row both hold is the shared one."""
    both = {r for k, r, v in one if (k, v) == ("has", "yes")} & {r for k, r, v in two if (k, v) == ("has", "yes")}
    weights = {}
    for row in product(*universe):
        ruled_out = any(other != row for other in both)
        weights[row] = (
            Fraction(0)
            if ruled_out
            else likelihood(universe, n, alphas, row, one) * likelihood(universe, n, alphas, row, two)
        )
    total = sum(weights.values())
    return [float(weights[row] / total) for row in rows] if total else None
