"""The posterior over the shared friend against brute force from the definition."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.environments.worlds.mutual_friends.claims import count_claim, row_claim
from tertulia.environments.worlds.mutual_friends.posterior import (
    Game,
    Likelihood,
    gather,
    own_posterior,
    public_posterior,
)
from tests.environments import mutual_friends_oracle as oracle

ATTRIBUTES = ("hobby", "town", "field")
ALPHAS = (Fraction(3, 10), Fraction(1), Fraction(3))


@st.composite
def instances(draw, sayers=1):
    """A small game, some of one's own rows, and what each of `sayers` people says."""
    sizes, n = draw(st.sampled_from([((2, 2), 4), ((3, 2), 3), ((2, 2, 2), 3), ((3, 3), 3), ((2, 3), 3), ((4, 2), 3)]))
    universe = [[f"{ATTRIBUTES[c][0]}{i}" for i in range(size)] for c, size in enumerate(sizes)]
    rows = list(product(*universe))
    alphas = draw(st.sampled_from([ALPHAS, ALPHAS[:1], ALPHAS[1:]]))
    mine = draw(st.permutations(rows))[:n]
    counts = st.tuples(
        st.just("count"),
        st.integers(0, len(sizes) - 1).flatmap(lambda c: st.tuples(st.just(c), st.sampled_from(universe[c]))),
        st.sampled_from(["0", "1", "2", ">=1", ">=2", "!0", "!1"]),
    )
    wholes = st.tuples(st.just("has"), st.sampled_from(rows), st.sampled_from(["yes", "no"]))
    said = [
        draw(st.permutations(draw(st.lists(counts, max_size=4)) + draw(st.lists(wholes, max_size=2, unique=True))))
        for _ in range(sayers)
    ]
    return universe, n, alphas, mine, said


def claims_of(speaker, said):
    claims = []
    for kind, about, value in said:
        if kind == "has":
            claims.append(row_claim(speaker, "has", tuple(zip(ATTRIBUTES, about, strict=False)), value == "yes"))
        else:
            column, named = about
            k = int(value.lstrip(">=!"))
            claim = count_claim(speaker, ATTRIBUTES[column], named, k, at_least=value.startswith(">="))
            claims.append(claim.model_copy(update={"holds": not value.startswith("!")}))
    return claims


def game_of(universe, n, alphas):
    names = ATTRIBUTES[: len(universe)]
    return Game(attributes=names, n=n, sizes=tuple(map(len, universe)), alphas=tuple(map(float, alphas)))


@settings(max_examples=150, deadline=None)
@given(instances())
def test_what_a_holder_believes_is_what_enumerating_all_lists_gives(instance):
    universe, n, alphas, mine, (said,) = instance
    game = game_of(universe, n, alphas)
    found = own_posterior(mine, Likelihood(game, gather(game, "bob", claims_of("bob", said))))
    expected = oracle.own(universe, n, alphas, mine, said)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(instances(sayers=2))
def test_common_ground_is_what_enumerating_both_lists_gives(instance):
    universe, n, alphas, mine, (one, two) = instance
    game = game_of(universe, n, alphas)
    found = public_posterior(
        mine,
        Likelihood(game, gather(game, "alice", claims_of("alice", one))),
        Likelihood(game, gather(game, "bob", claims_of("bob", two))),
    )
    expected = oracle.public(universe, n, alphas, mine, one, two)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1e-9)
