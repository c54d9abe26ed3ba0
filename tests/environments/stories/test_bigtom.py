"""BigToM: one template written for the tests, and the published ones beside the set's own count and columns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tertulia.environments.gold import RULES
from tertulia.environments.stories.answer import Answering, Report, report
from tertulia.environments.stories.bigtom import explain, read
from tertulia.environments.stories.reading import stories_in
from tertulia.environments.stories.story import Story, StoryError

DATA = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[4] / "shared" / "data")) / "bigtom" / "bigtom.csv"
needs_the_file = pytest.mark.skipif(not DATA.is_file(), reason="needs bigtom.csv (TERTULIA_DATA)")

ROW = [
    "Ines keeps a lamp. She wants light tonight. She fills the lamp with oil. Ines believes the lamp is full. "
    "A cat knocks over the lamp and leaves it empty.",
    "Ines sees the cat.", "Ines does not see the cat.",
    "Ines fetches more oil.", "Ines lights the lamp.",
    "Does Ines believe the lamp is full or empty?", "Does Ines want light?", "What will Ines do?",
    "Ines believes the lamp is empty.", "Ines wants light.", "Ines will fetch more oil.",
    "Ines believes the lamp is full.", "Ines wants light.", "Ines will light the lamp.",
    "A bell rings.", "Ines hears the bell.", "Ines is too busy with the lamp to hear the bell.",
    "auto", "0",
]  # fmt: skip


def row(**changed: str) -> str:
    columns = list(ROW)
    for at, text in changed.items():
        columns[int(at.removeprefix("c"))] = text
    return ";".join(columns) + "\n"


def stories(text: str) -> dict[str, Story]:
    found = list(read(text, "here.csv"))
    assert all(isinstance(one, Story) for one in found), found
    return {one.id.removeprefix("bigtom-1-"): one for one in found if isinstance(one, Story)}


def answers(story: Story) -> list[str | None]:
    return [Answering(story, RULES["none"]).answer(question) for question in story.questions]


@pytest.mark.parametrize("told", ["told", "untold"])
def test_who_sees_the_change_believes_it_and_acts_on_it_and_who_does_not_goes_on_as_before(told: str) -> None:
    empty, full = ["Ines believes the lamp is empty."], ["Ines believes the lamp is full."]
    found = stories(row())
    assert answers(found[f"forward-true_belief-{told}"]) == [*empty, "Ines will fetch more oil."]
    for condition in ("false_belief", "true_control", "false_control"):
        assert answers(found[f"forward-{condition}-{told}"]) == [*full, "Ines will light the lamp."]


def test_from_an_act_an_onlooker_infers_the_belief_that_fits_it() -> None:
    found = stories(row())
    assert answers(found["backward-true_belief-untold"]) == ["Ines believes the lamp is empty."]
    for condition in ("false_belief", "true_control", "false_control"):
        assert answers(found[f"backward-{condition}-untold"]) == ["Ines believes the lamp is full."]


def test_the_initial_belief_is_told_only_where_the_version_has_it() -> None:
    found = stories(row())
    for condition in ("true_belief", "false_control"):
        told, untold = (found[f"forward-{condition}-{which}"] for which in ("told", "untold"))
        words = "Ines believes the lamp is full."
        assert words in [sentence.text for sentence in told.sentences]
        assert words not in [sentence.text for sentence in untold.sentences]


def test_awareness_is_read_from_the_words_not_from_the_column() -> None:
    swapped = stories(row(c1="Ines does not see the cat.", c2="Ines sees the cat."))
    assert answers(swapped["forward-true_belief-told"])[0] == "Ines believes the lamp is full."
    assert answers(swapped["forward-false_belief-told"])[0] == "Ines believes the lamp is empty."


def test_belief_answers_in_the_wrong_columns_are_found_out() -> None:
    text = row(c8=ROW[11], c11=ROW[8])
    found = report(read(text, "here.csv"), RULES["none"], explainers=[explain])
    beliefs = [kind for kind in found.by if kind != "forward_action"]
    assert [found.by[kind].agree for kind in beliefs] == [0] * 3
    assert found.by["forward_action"].agree == 8
    assert found.unexplained == 0


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a;b;c\n", "3 columns; a row has 19 columns"),
        (row(c5=""), "the column 'ask_belief' is empty"),
        (row(c0="Ines keeps a lamp. It is full."), "the story has 2 sentences"),
        (row(c8=ROW[11]), "the two belief answers are the same"),
        (row(c8="Bruno believes the lamp is empty."), "are about two"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line(text: str, wrong: str) -> None:
    found = list(read(row() + text + row(), "here.csv"))
    (error,) = [one for one in found if isinstance(one, StoryError)]
    assert str(error).startswith("here.csv:2: ")
    assert wrong in str(error)
    assert len(found) == 17 + 1 + 17


@pytest.fixture(scope="module")
def published() -> Report:
    return report(stories_in(DATA, "bigtom"), RULES["credulous"], explainers=[explain])


@needs_the_file
def test_200_templates_make_the_5000_questions_that_the_set_counts(published: Report) -> None:
    assert published.total.items == 5000
    assert {kind: tally.items for kind, tally in published.by.items()} == {
        "forward_belief": 1600, "forward_action": 1600, "backward_belief": 1600, "percept_to_belief": 200,
    }  # fmt: skip


@needs_the_file
def test_the_published_labels_agree_but_for_two_templates_with_swapped_belief_answers(published: Report) -> None:
    assert published.by["forward_action"].agree == 1600
    assert {one.line for one in published.disagreements} == {20, 151}
    assert published.unexplained == 0
    assert published.total.agree >= 0.99 * published.total.items
