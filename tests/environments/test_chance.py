"""Chance: the same numbers on every machine and in every release, from the place where they are drawn alone."""

from __future__ import annotations

from random import Random

from tertulia.environments.chance import draw


def test_the_numbers_of_a_place_are_these() -> None:
    """Episodes of earlier releases are resumed and replayed with them."""
    assert draw(7, 1, 0, "alice", "think").random() == 0.8199754014664055
    assert draw("7~12.3", 2, 1, "bob", "form", 4).getrandbits(31) == 567401063
    assert draw(0, 0, 0, "", "").sample(range(10), 3) == [1, 8, 6]


def test_a_generator_goes_on_where_it_was() -> None:
    one, other = draw(7, 1, 0, "alice", "think"), draw(7, 1, 0, "alice", "think")
    assert [one.random() for _ in range(3)] == [other.random() for _ in range(3)]
    assert len({one.random() for _ in range(9)}) == 9


def test_libraries_take_it_for_a_generator() -> None:
    assert isinstance(draw(7, 1, 0, "alice", "think"), Random)
