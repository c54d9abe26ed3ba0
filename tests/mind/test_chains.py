"""Whose belief about whose belief."""

from __future__ import annotations

from tertulia.mind.chains import chains_of, describe, order_of


def test_chains_grow_by_one_mind_per_order_and_nobody_follows_itself() -> None:
    cast = ("a", "b", "c")
    assert chains_of("a", cast, 1) == ("a",)
    assert chains_of("a", cast, 2) == ("a", "a>b", "a>c", "a&b", "a&c")
    deeper = chains_of("a", cast, 3)[5:]
    assert deeper == ("a>b>a", "a>b>c", "a>c>a", "a>c>b")


def test_the_order_is_the_number_of_minds_in_a_chain() -> None:
    assert [order_of(chain) for chain in ("a", "a>b", "a&b", "a>b>a")] == [1, 2, 2, 3]


def test_a_chain_reads_as_words_for_its_holder() -> None:
    assert describe("a", "a") == "what you believe"
    assert describe("a>b", "a") == "what you think that b believes"
    assert describe("a>b>a", "a") == "what you think that b thinks that you believe"
    assert describe("a&b", "a") == "what you and b both know that you both know"
