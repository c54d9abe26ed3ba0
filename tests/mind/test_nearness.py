"""When two texts say the same: by words, with what turns a sentence round told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.mind.nearness import Embedded, Lexical, alike, denies, says_the_same, unit

COATS = "We need warm coats for the evening."


@pytest.mark.parametrize(
    ("thought", "heard"),
    [
        (COATS, "Bring coats, we all need something warm for the evening."),
        ("The market closes at noon.", "I think the markets close at noon!"),
        ("Is there a market?", "Is there a market near the harbour?"),
        ("We should not swim here.", "Nobody should swim here."),
    ],
)
def test_a_thought_that_was_said_in_other_order_or_with_more_around_it_is_the_same(thought: str, heard: str) -> None:
    assert says_the_same(Lexical(), thought, heard)


@pytest.mark.parametrize(
    ("thought", "heard"),
    [
        (COATS, "Bring coats."),
        ("The cake is in the cellar.", "The cake is not in the cellar."),
        ("I don't like the salad.", "I like the salad."),
        ("The cake is in the cellar.", "Is the cake in the cellar?"),
        ("The cake is in the cellar.", "The cake is in the kitchen."),
        ("", "Anything at all."),
    ],
)
def test_what_says_less_denies_or_only_asks_does_not_say_the_same(thought: str, heard: str) -> None:
    assert says_the_same(Lexical(), thought, heard) is None


def test_a_question_that_has_been_answered_is_not_open_any_more() -> None:
    assert says_the_same(Lexical(), "Is the cake in the cellar?", "The cake is in the cellar.")


@given(st.text(max_size=60), st.text(max_size=60))
def test_overlap_is_a_share_and_whole_for_a_text_with_itself(one: str, other: str) -> None:
    lexical = Lexical()
    assert 0.0 <= lexical.overlap(one, other) <= 1.0
    assert lexical.overlap(one, one) in (0.0, 1.0)


def test_alike_is_both_ways_round_so_that_a_part_of_a_thought_is_another_thought() -> None:
    known = {"t1": "Let us meet at the harbour at noon and take the ferry."}
    assert alike(Lexical(), "Let us meet at the harbour.", known) is None
    assert alike(Lexical(), "At noon let us meet at the harbour and take the ferry!", known) == "t1"


def test_a_cosine_is_that_of_the_vectors_and_never_below_zero() -> None:
    near = Embedded("openai/e", {"a": unit([1, 0]), "b": unit([3, 4]), "c": unit([-1, 0])})
    assert near.similarity("a", ["a", "b", "c", " "]) == pytest.approx([1.0, 0.6, 0.0, 0.0])
    assert near.method == "openai/e"


def test_denials_in_english_are_found() -> None:
    assert all(map(denies, ("It isn't so.", "No.", "Nobody came", "it can\u2019t be")))
    assert not any(map(denies, ("A note", "Knot", "another")))
