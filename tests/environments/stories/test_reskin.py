"""Re-skinned stories: other names, things and words, and the same answers under the new names."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.environments.gold import RULES
from tertulia.environments.stories import tomi
from tertulia.environments.stories.answer import Answering
from tertulia.environments.stories.reading import stories_in
from tertulia.environments.stories.reskin import Skin, SkinName, make_skin
from tertulia.environments.stories.story import Story
from tertulia.environments.stories.wording import _FORMS, reworded
from tests.environments.stories.made_stories import DATA, own_story, some_lines, tomi_story, witnessed_story

KINDS: tuple[SkinName, ...] = ("names", "objects", "wording")
seeds = st.integers(0, 10_000)
kinds = st.sets(st.sampled_from(KINDS), min_size=1).map(sorted)
stories = st.one_of(seeds.map(tomi_story), seeds.map(lambda seed: own_story(witnessed_story(some_lines(seed)))))


@given(story=stories, chosen=kinds, seed=seeds, rule=st.sampled_from(sorted(RULES)))
def test_the_answers_commute_with_a_new_skin(story: Story, chosen: Any, seed: int, rule: str) -> None:
    skin = make_skin(story, chosen, seed)
    new = skin.over(story)
    old_gold, new_gold = Answering(story, RULES[rule]), Answering(new, RULES[rule])
    for before, after in zip(story.questions, new.questions, strict=True):
        found = old_gold.answer(before)
        assert new_gold.answer(after) == (None if found is None else skin.word(found))
        assert (after.answer, after.kind, after.upto) == (skin.word(before.answer), before.kind, before.upto)
        assert after.choices == tuple(map(skin.word, before.choices))


@given(seed=seeds, skin_seed=seeds)
def test_a_skinned_story_written_out_and_read_by_the_sets_reader_is_the_skinned_story(
    seed: int, skin_seed: int
) -> None:
    """An oracle that knows nothing of skins: the reader makes witnesses and claims of the new words by itself."""
    skin = make_skin(tomi_story(seed), ("names", "objects"), skin_seed)
    new = skin.over(tomi_story(seed))
    blocks = [[*(s.text for s in new.sentences), f"{q.text}\t{q.answer}\t1"] for q in new.questions]
    text = "\n".join(f"{number} {line}" for block in blocks for number, line in enumerate(block, 1))
    [again] = tomi.read(text.replace(skin.word("elsewhere"), "elsewhere"), "made")
    assert isinstance(again, Story)
    assert again.cast == new.cast
    assert [one.events for one in again.sentences] == [one.events for one in new.sentences]
    assert [(q.chain, q.variable, q.upto) for q in again.questions] == [
        (q.chain, q.variable, q.upto) for q in new.questions
    ]


@given(story=stories, seed=seeds)
def test_a_skin_is_one_to_one_and_can_be_taken_off(story: Story, seed: int) -> None:
    skin = make_skin(story, ("names", "objects"), seed)
    new = skin.over(story)
    assert len(set(skin.words.values())) == len(skin.words)
    assert not set(skin.words) & set(skin.words.values())
    assert [skin.back(one.text) for one in new.sentences] == [one.text for one in story.sentences]
    assert Skin({new: old for old, new in skin.words.items()}).over(new) == story


@given(seed=seeds)
def test_the_same_seed_draws_the_same_skin(seed: int) -> None:
    first = make_skin(tomi_story(3), KINDS, seed)
    assert first == make_skin(tomi_story(3), KINDS, seed)
    assert first.words.keys() >= {"Ada", "Ben", "lime", "red_box", "den"}


def test_other_seeds_draw_other_skins() -> None:
    drawn = [make_skin(tomi_story(3), KINDS, seed).over(tomi_story(3)) for seed in range(10)]
    assert len({" ".join(sentence.text for sentence in story.sentences) for story in drawn}) > 7


def test_each_kind_changes_only_what_it_is_for() -> None:
    story = tomi_story(3)
    names, things, words = (make_skin(story, (kind,), 1) for kind in KINDS)
    assert names.words.keys() <= {"Ada", "Ben", "Cleo"}
    assert not things.words.keys() & {"Ada", "Ben", "Cleo"}
    assert not words.words
    assert [s.text for s in words.over(story).sentences] != [s.text for s in story.sentences]
    assert words.over(story).variables == story.variables


FILLED = {
    "who": "Ada, Ben and Cleo", "one": "Ada", "two": "Ben", "thing": "lime", "box": "red_box", "room": "den",
    "how": "likes", "chain": "Ada think Ben thinks ",
}  # fmt: skip


def test_other_words_leave_nothing_out_and_never_make_two_sentences_one() -> None:
    said = [way.format(**FILLED) for _, ways in _FORMS for way in ways]
    assert all(a != b for a, b in combinations(said, 2))
    for pattern, ways in _FORMS:
        for way in ways:
            words = way.format(**FILLED)
            assert all(FILLED[name].strip() in words for name in pattern.groupindex), way


def test_a_sentence_of_no_known_form_stays_as_it_is() -> None:
    assert reworded("Noor grabs a milk pitcher.", "seed") == "Noor grabs a milk pitcher."


@pytest.mark.parametrize(("file", "form"), [("tomi/val.txt", "tomi"), ("hi_tom/Hi-ToM_data.json", "hi-tom")])
def test_nothing_of_a_published_storys_vocabulary_shows_through(file: str, form: str) -> None:
    path = DATA / file
    if not path.is_file():
        pytest.skip(f"needs the published {file} (TERTULIA_DATA)")
    found = [one for one in stories_in(path, form) if isinstance(one, Story)]
    for number, story in enumerate(found[:: max(1, len(found) // 40)]):
        skin = make_skin(story, KINDS, number)
        new = skin.over(story)
        shown = " ".join([*(s.text for s in new.sentences), *(q.text for q in new.questions)]).split()
        old = {*story.cast, *(v.name for v in story.variables), *(value for v in story.variables for value in v.values)}
        assert not old & {word.strip(".,?'") for word in shown}
        for before, after in zip(story.questions, new.questions, strict=True):
            assert before.text != after.text
            rule = RULES["later-exit"]
            found_gold = Answering(story, rule).answer(before)
            assert Answering(new, rule).answer(after) == (found_gold and skin.word(found_gold))
