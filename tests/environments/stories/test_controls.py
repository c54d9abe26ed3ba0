"""Controls: the same story where the change was seen, or where nothing is hidden in a container."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tertulia.environments.gold import RULES
from tertulia.environments.stories import tomi
from tertulia.environments.stories.answer import Answering
from tertulia.environments.stories.controls import DROPPED, GLASS, controlled
from tertulia.environments.stories.story import Story
from tests.environments.stories.made_stories import own_story, tomi_story

NONE = RULES["none"]
SALLY = """1 Sally entered the den.
2 Anne entered the den.
3 The marble is in the basket.
4 Sally exited the den.
5 Anne moved the marble to the chest.
6 {question}\t{label}\t1
"""
ASKED = {
    "Where was the marble at the beginning?": "basket",
    "Where is the marble really?": "chest",
    "Where will Sally look for the marble?": "basket",
    "Where does Anne think that Sally searches for the marble?": "basket",
}


def sally() -> Story:
    [story] = tomi.read("".join(SALLY.format(question=q, label=a) for q, a in ASKED.items()), "sally.txt")
    assert isinstance(story, Story)
    return story


def test_who_missed_the_move_comes_back_and_sees_it() -> None:
    story = controlled(sally(), "true-belief", NONE)
    assert [sentence.text for sentence in story.sentences][5:] == [
        "Sally comes back, sees what has been done, and goes away again: Anne moved the marble to the chest."
    ]
    assert [question.answer for question in story.questions] == ["basket", "chest", "chest", "chest"]
    assert [bool(question.tags.get(DROPPED)) for question in story.questions] == [False, False, True, True]


def test_a_label_that_still_applies_is_kept_even_where_gold_does_not_share_it() -> None:
    [story] = tomi.read(SALLY.format(question="Where is the marble really?", label="basket"), "wrong.txt")
    assert isinstance(story, Story)
    changed = controlled(story, "true-belief", NONE)
    assert [(q.answer, DROPPED in q.tags) for q in changed.questions] == [("basket", False)]


@given(seed=st.integers(0, 10_000))
def test_with_every_change_seen_nobody_is_ever_certain_of_what_is_not_so(seed: int) -> None:
    story = controlled(tomi_story(seed), "true-belief", NONE)
    answering = Answering(story, NONE)
    truth = answering.truth("lime")
    for a, b in product(story.cast, repeat=2):
        assert answering.along(a, "lime") in (None, truth)
        assert answering.along(f"{a}>{b}", "lime") in (None, truth)


@given(seed=st.integers(0, 10_000), control=st.sampled_from(["true-belief", "transparent"]))
def test_what_was_and_what_is_stay_as_they_were(seed: int, control: str) -> None:
    before = tomi_story(seed)
    after = controlled(before, control, NONE)
    old, new = Answering(before, NONE), Answering(after, NONE)
    for one, other in zip(before.questions, after.questions, strict=True):
        if one.chain == "world":
            assert old.answer(one) == new.answer(other)
        assert other.answer == (new.answer(other) if DROPPED in other.tags else one.answer)
    told = [sentence.text for sentence in after.sentences]
    assert [text for text in told if text in {s.text for s in before.sentences}] == [s.text for s in before.sentences]


def returning(back: bool) -> Story:
    """Zoe leaves, the key is moved, and she comes back into the hall, or into the yard."""
    return own_story(
        {
            "story": "return",
            "cast": ["Zoe", "Abe", "Peg"],
            "things": {"key": {"values": ["tin", "jar"]}},
            "sentences": [
                {"text": "Zoe and Abe come into the hall.", "enter": ["Zoe", "Abe"], "place": "hall"},
                {"text": "Abe puts the key into the tin.", "by": "Abe", "shows": {"key": "tin"}},
                {"text": "Zoe goes.", "leave": "Zoe"},
                {"text": "Abe puts the key into the jar.", "by": "Abe", "shows": {"key": "jar"}, "unnoticed": "Peg"},
                {"text": "Zoe comes back.", "enter": "Zoe", "place": "hall" if back else "yard"},
            ],
            "questions": [
                {"kind": "k", "ask": f"{of}?", "of": of, "about": "key", "answer": answer}
                for of, answer in (("Zoe", "tin"), ("Abe>Zoe", "tin"), ("Zoe>Abe", "tin"), ("world", "jar"))
            ],
        }
    )


def test_through_glass_whoever_comes_back_sees_where_the_thing_is_and_is_seen_to() -> None:
    story = controlled(returning(True), "transparent", NONE)
    assert story.sentences[0].text == GLASS
    assert [question.answer for question in story.questions] == ["jar", "jar", "jar", "jar"]
    assert [DROPPED in question.tags for question in story.questions] == [True, True, True, False]


def test_through_glass_whoever_stays_away_still_believes_what_was() -> None:
    story = controlled(returning(False), "transparent", NONE)
    assert [question.answer for question in story.questions] == ["tin", "tin", "tin", "jar"]
    assert not any(DROPPED in question.tags for question in story.questions)


def test_a_control_does_not_reveal_who_watched_unnoticed() -> None:
    for control in ("true-belief", "transparent"):
        story = controlled(returning(True), control, NONE)
        answering = Answering(story, NONE)
        assert answering.along("Peg", "key") == "jar"
        assert answering.along("Abe>Peg", "key") is None


def test_somebody_who_never_left_is_not_brought_back_but_looks_over() -> None:
    told = {
        "story": "cup",
        "cast": ["Noor"],
        "things": {"milk": {"values": ["oat", "almond"]}},
        "sentences": [
            {"text": "Noor pours oat milk.", "shows": {"milk": "oat"}, "seen_by": "Noor"},
            {"text": "A colleague swaps it.", "shows": {"milk": "almond"}, "seen_by": []},
            {"text": "Noor does not see the swap.", "seen_by": []},
        ],
        "questions": [{"kind": "k", "ask": "What does Noor believe?", "of": "Noor", "about": "milk", "answer": "oat"}],
    }
    story = own_story(told)
    denial = replace(story.sentences[-1], events=())  # told by nobody in the story, as BigToM's denials are
    story = replace(story, sentences=(*story.sentences[:-1], denial))
    changed = controlled(story, "true-belief", NONE)
    assert [s.text for s in changed.sentences][2:] == [
        "Noor looks over and sees what has been done: A colleague swaps it."
    ]
    assert changed.questions[0].answer == "almond"
