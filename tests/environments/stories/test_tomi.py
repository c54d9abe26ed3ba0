"""ToMi: the published files beside what their sentences say, and small stories for every form of sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tertulia.environments.gold import RULES
from tertulia.environments.stories import explain as explaining
from tertulia.environments.stories.answer import Answering, Report, report
from tertulia.environments.stories.reading import stories_in
from tertulia.environments.stories.story import Story, StoryError
from tertulia.environments.stories.tomi import read

DATA = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[4] / "shared" / "data")) / "tomi"
needs_the_files = pytest.mark.skipif(not (DATA / "val.txt").is_file(), reason="needs the ToMi files (TERTULIA_DATA)")

AWAY = """1 Ella entered the den.
2 Owen entered the den.
3 The lime is in the red_box.
4 Ella exited the den.
5 Owen moved the lime to the blue_box.
"""


def stories(text: str) -> list[Story | StoryError]:
    return list(read(text, "here.txt"))


def only(text: str) -> Story:
    (story,) = stories(text)
    assert isinstance(story, Story), story
    return story


def asked(text: str, *chains: str) -> list[str | None]:
    answering = Answering(only(text), RULES["none"])
    (variable,) = answering.gold.variables
    return [answering.along(chain, variable) for chain in chains]


def test_who_is_away_at_a_move_goes_on_believing_what_it_saw() -> None:
    assert asked(AWAY, "world", "Owen", "Ella", "Owen>Ella", "Ella>Owen") == [
        "blue_box", "blue_box", "red_box", "red_box", "red_box",
    ]  # fmt: skip


def test_coming_in_shows_where_a_thing_is_to_all_who_are_there_together() -> None:
    back = AWAY + "6 Ella entered the den.\n"
    assert asked(back, "Ella", "Owen>Ella", "Ella>Owen", "Ella>Owen>Ella") == ["blue_box"] * 4


def test_coming_into_another_room_shows_nothing() -> None:
    assert asked(AWAY + "6 Ella entered the attic.\n", "Ella", "Owen>Ella") == ["red_box", "red_box"]


def test_who_finds_a_thing_moved_thinks_that_those_it_was_left_with_know_but_they_do_not_know_of_that() -> None:
    found = AWAY + "6 Owen exited the den.\n7 Ella entered the den.\n"
    assert asked(found, "Ella", "Ella>Owen", "Owen>Ella", "Owen>Ella>Owen") == [
        "blue_box", "blue_box", "red_box", "red_box",
    ]  # fmt: skip


def test_who_saw_somebody_leave_before_itself_does_not_take_that_one_to_know_of_a_later_move() -> None:
    text = """1 Ella entered the den.
2 Owen entered the den.
3 Mia entered the den.
4 The lime is in the red_box.
5 Mia exited the den.
6 Ella exited the den.
7 Owen moved the lime to the blue_box.
8 Owen exited the den.
9 Ella entered the den.
"""
    assert asked(text, "Ella>Mia", "Ella>Owen") == ["red_box", "blue_box"]


def test_nobody_in_another_room_sees_where_a_thing_is_put() -> None:
    text = "1 Ella entered the den.\n2 Owen entered the attic.\n3 The lime is in the red_box.\n"
    text += "4 Ella moved the lime to the blue_box.\n"
    assert asked(text, "Ella", "Owen", "Ella>Owen") == ["blue_box", None, None]


def test_going_straight_into_another_room_is_leaving_the_first() -> None:
    text = AWAY.replace("4 Ella exited the den.", "4 Ella entered the attic.")
    assert asked(text, "Ella", "Owen>Ella") == ["red_box", "red_box"]


def test_tastes_are_no_events() -> None:
    story = only(
        "1 Ella entered the den.\n2 Owen loves the lime\n3 Ella hates the den\n4 The lime is in the red_box.\n"
    )
    assert [len(sentence.events) for sentence in story.sentences] == [1, 0, 0, 1]
    assert story.cast == ("Ella",)


def test_the_same_story_with_another_question_is_the_same_story() -> None:
    first = AWAY + "6 Where is the lime really?\tblue_box\t1\n"
    second = AWAY + "6 Where does Owen think that Ella searches for the lime?\tred_box\t1\n"
    story = only(first + second)
    assert [(q.kind, q.chain, q.variable, q.answer, q.line) for q in story.questions] == [
        ("reality", "world", "lime", "blue_box", 6),
        ("second_order", "Owen>Ella", "lime", "red_box", 12),
    ]


def test_the_beginning_is_where_the_thing_was_first() -> None:
    story = only(AWAY + "6 Where was the lime at the beginning?\tred_box\t1\n")
    assert Answering(story, RULES["none"]).answer(story.questions[0]) == "red_box"


@pytest.mark.parametrize(
    ("bad", "line", "wrong"),
    [
        ("6 Ella juggles the lime.", 6, "cannot read 'Ella juggles the lime.'"),
        ("Ella entered the den.", 6, "no number before"),
        ("8 Ella entered the den.", 6, "number 8 after 5"),
        ("6 Ella exited the attic.", 6, "Ella exits the attic without being in it"),
        ("6 Ella moved the lime to the pot.", 6, "Ella moves the lime without being in a room"),
        ("6 Where will Zoe look for the lime?\tred_box\t1", 6, "asks about Zoe, who is not in this story"),
        ("6 Where is the plum really?\tred_box\t1", 6, "asks about the plum, which is not in this story"),
        ("6 Where is the lime really?", 6, "no answer after"),
        ("6 Why is the lime there?\tred_box\t1", 6, "cannot read the question"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(bad: str, line: int, wrong: str) -> None:
    good = AWAY + "6 Where is the lime really?\tblue_box\t1\n"
    found = stories(AWAY + bad + "\n" + good)
    errors = [one for one in found if isinstance(one, StoryError)]
    assert [one.line for one in errors] == [line]
    assert str(errors[0]).startswith(f"here.txt:{line}: ")
    assert wrong in str(errors[0])
    whole = [one for one in found if isinstance(one, Story)]
    assert [question.kind for story in whole for question in story.questions] == ["reality"]


def test_a_story_that_begins_without_its_number_leaves_the_one_before_whole() -> None:
    good = AWAY + "6 Where is the lime really?\tblue_box\t1\n"
    found = stories(good + good[2:] + good)
    assert [type(one) for one in found] == [Story, StoryError, Story]
    assert [one.line for one in found if isinstance(one, StoryError)] == [7]


def reasons(text: str, question: str, label: str) -> tuple[str, bool]:
    story = only(f"{text}{text.count(chr(10)) + 1} {question}\t{label}\t1\n")
    (one,) = report([story], RULES["none"], explainers=[explaining.explain]).disagreements
    return one.category, one.label_error


@pytest.mark.parametrize(
    ("question", "label", "category"),
    [
        ("Where is the lime really?", "red_box", "contradicts what the story says"),
        ("Where is the lime really?", "pot", "an impossible place"),
        ("Where was the lime at the beginning?", "blue_box", "contradicts what the story says"),
        ("Where will Ella look for the lime?", "blue_box", "although the person had left"),
        ("Where will Owen look for the lime?", "red_box", "older than what the person witnessed"),
        ("Where does Owen think that Ella searches for the lime?", "blue_box", "what only the thinker knows"),
        ("Where does Ella think that Owen searches for the lime?", "blue_box", "the one who thinks knows nothing"),
    ],
)
def test_a_label_that_the_story_contradicts_is_shown_to(question: str, label: str, category: str) -> None:
    found, wrong = reasons(AWAY, question, label)
    assert category in found
    assert wrong


def test_where_gold_is_not_certain_a_label_is_no_error() -> None:
    """Mia came after Ella had left and went before she was back: Ella has seen nothing of what Mia saw."""
    text = AWAY + "6 Mia entered the den.\n7 Owen exited the den.\n8 Mia exited the den.\n9 Ella entered the den.\n"
    question = "Where does Ella think that Mia searches for the lime?"
    found, wrong = reasons(text, question, "blue_box")
    assert found == "gold is not certain"
    assert not wrong


def whole(name: str) -> Report:
    return report(stories_in(DATA / name, "tomi"), RULES["credulous"], explainers=[explaining.explain])


@needs_the_files
@pytest.mark.parametrize("name", ["val.txt", "train.txt"])
def test_the_published_labels_agree_but_for_second_order_ones_shown_wrong(name: str) -> None:
    found = whole(name)
    assert found.total.items == 5994
    assert not found.skipped
    for kind in ("memory", "reality", "first_order"):
        assert found.by[kind].agree == found.by[kind].items
    assert found.unexplained == 0
    assert found.total.agree >= 0.9 * found.total.items
    assert found.total.agree >= 0.99 * (found.total.items - found.label_errors)


@needs_the_files
@pytest.mark.parametrize("name", ["val.txt", "train.txt"])
def test_every_label_called_wrong_stands_in_a_story_where_one_of_the_two_had_left_before_the_move(name: str) -> None:
    """Read from the sentences alone, without the reader: a label called wrong names the place after the one move, and
    one of the two had left by then."""
    lines = (DATA / name).read_text().split("\n")
    found = whole(name)
    assert found.disagreements
    for one in found.disagreements:
        assert one.line is not None
        assert one.label_error
        story: list[str] = []
        for text in reversed(lines[: one.line - 1]):
            story.insert(0, text.partition(" ")[2])
            if text.startswith("1 "):
                break
        words = one.question.replace("?", "").split()
        thinker, other = words[2], words[5]
        moves = [i for i, text in enumerate(story) if " moved the " in text]
        assert len(moves) == 1
        assert story[moves[0]].endswith(f"to the {one.label}.")
        left = [
            name for name in (thinker, other) if any(text.startswith(f"{name} exited") for text in story[: moves[0]])
        ]
        assert left, one
