"""Draws who knows whom: two private lists of friends with exactly one row in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from random import Random

from tertulia.environments.worlds.mutual_friends.schema import Schema

Row = tuple[str, ...]
TRIES_PER_ROW = 200


@dataclass(frozen=True)
class Cards:
    """`rows` holds one list per agent; `shared` is the one row that stands in both. `sizes`: values in play."""

    attributes: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: tuple[tuple[Row, ...], tuple[Row, ...]]
    shared: Row


def feasible(sizes: Sequence[int], friends: int) -> bool:
    """Whether two lists of `friends` rows with one in common exist over value lists of these lengths."""
    return prod(min(size, 2 * friends) for size in sizes) >= 2 * friends - 1


def draw_cards(schema: Schema, columns: Sequence[int], friends: int, alphas: Sequence[float], rng: Random) -> Cards:
    """Two lists of `friends` rows over the attributes `columns`, after the MutualFriends generator (He et al. 2017).

    Per attribute: alpha from `alphas`, min(|values|, 2 * friends) values in play, and per agent a multinomial drawn
    from a symmetric Dirichlet(alpha) over them. `feasible` must hold. Always ends.

    Departs from the published generator: that one draws both lists anew until exactly one row happens to coincide,
    which can take very long. Here the shared row is drawn first, from the (normalised) product of both agents'
    multinomials, which is how a coinciding pair is distributed; then the rest, without duplicates or further shares.
    """
    values = [tuple(rng.sample(schema.values[c], min(len(schema.values[c]), 2 * friends))) for c in columns]
    chosen = [rng.choice(list(alphas)) for _ in columns]
    weights = [
        [_dirichlet(alpha, len(listed), rng) for _ in range(2)] for alpha, listed in zip(chosen, values, strict=True)
    ]
    both = [_weighted([p * q for p, q in zip(*pair, strict=True)]) for pair in weights]
    shared = tuple(_draw(listed, cumulated, rng) for listed, cumulated in zip(values, both, strict=True))
    taken = {shared}
    lists: list[tuple[Row, ...]] = []
    for agent in range(2):
        cumulated = [_weighted(pair[agent]) for pair in weights]
        rows = [shared]
        while len(rows) < friends:
            row = _fresh(values, cumulated, taken, rng)
            taken.add(row)
            rows.append(row)
        rng.shuffle(rows)
        lists.append(tuple(rows))
    return Cards(
        attributes=tuple(schema.attributes[c] for c in columns),
        sizes=tuple(len(listed) for listed in values),
        rows=(lists[0], lists[1]),
        shared=shared,
    )


def _dirichlet(alpha: float, size: int, rng: Random) -> list[float]:
    return [rng.gammavariate(alpha, 1.0) for _ in range(size)]  # unnormalised; only proportions are used


def _weighted(weights: Sequence[float]) -> list[float]:
    """Cumulative weights; even ones where all have underflowed to zero."""
    cumulated = list(accumulate(weights))
    return cumulated if cumulated[-1] > 0 else [float(i + 1) for i in range(len(weights))]


def _draw(listed: Sequence[str], cumulated: Sequence[float], rng: Random) -> str:
    return rng.choices(listed, cum_weights=cumulated)[0]


def _fresh(values: Sequence[Sequence[str]], cumulated: Sequence[Sequence[float]], taken: set[Row], rng: Random) -> Row:
    """A row not in `taken`: from the multinomials, or, where they have hardly anything left, the next free one
    after a place drawn at random."""
    for _ in range(TRIES_PER_ROW):
        row = tuple(_draw(listed, weights, rng) for listed, weights in zip(values, cumulated, strict=True))
        if row not in taken:
            return row
    size = prod(len(listed) for listed in values)
    place = rng.randrange(size)
    while (row := _row_at(place, values)) in taken:
        place = (place + 1) % size
    return row


def _row_at(place: int, values: Sequence[Sequence[str]]) -> Row:
    row = []
    for listed in values:
        place, at = divmod(place, len(listed))
        row.append(listed[at])
    return tuple(row)
