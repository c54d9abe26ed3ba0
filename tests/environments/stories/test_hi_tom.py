"""Hi-ToM's stories: every form of sentence, each convention by hand, and the figures on the published file."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tertulia.environments.gold import RULES
from tertulia.environments.stories.answer import Answering, report
from tertulia.environments.stories.hi_tom import CONVENTIONS, explain, read
from tertulia.environments.stories.hi_tom_rules import HiToM
from tertulia.environments.stories.reading import convention
from tertulia.environments.stories.story import Story, StoryError

DATA = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[4] / "shared" / "data"))
PUBLISHED = DATA / "hi_tom" / "Hi-ToM_data.json"
needs_the_file = pytest.mark.skipif(not PUBLISHED.is_file(), reason="needs the published Hi-ToM file (TERTULIA_DATA)")

DEN = """Ella, Owen and Mila entered the den.
The lime is in the red_box.
Ella moved the lime to the red_bag.
Ella exited the den.
Owen moved the lime to the red_jar.
Owen exited the den.
Mila made no movements and stayed in the den for 1 minute.
Mila exited the den.
Ella, Owen and Mila entered the waiting_room."""


def item(story=DEN, question="Where is the lime really?", answer="red_jar", **more):
    """One item of the file; its story's lines are numbered here."""
    lines = [f"{n} {line}" for n, line in enumerate(story.strip().splitlines(), 1)]
    prompt = ["Read the following story."] if more.get("prompting_type") == "VP" else []
    whole = {"prompting_type": "CoTP", "deception": False, "story_length": 1, "sample_id": 1, **more}
    return {
        **whole, "story": "\n".join([*prompt, *lines]) + "\n\n", "question": question, "answer": answer,
        "choices": "A. red_box, B. red_bag, C. red_jar, D. blue_sack",
    }  # fmt: skip


def file_of(*items):
    return json.dumps({"data": list(items)})


def told(story=DEN, question="Where is the lime really?", **more):
    """The story and the question of one item."""
    (found,) = read(file_of(item(story, question, **more)), "file")
    assert isinstance(found, Story), found
    return found, found.questions[0]


def where(*names):
    return f"Where does {' think '.join(names[:1])} think {''.join(f'{n} thinks ' for n in names[1:])}the lime is?"


def gold(names, story=DEN, rule="later-exit"):
    found, asked = told(story, where(*names))
    return Answering(found, RULES[rule]).answer(asked)


def by_convention(names, story=DEN, prompt="CoTP", without=()):
    found, asked = told(story, where(*names), prompting_type=prompt)
    return HiToM(without=without).answer(found, asked)


def trouble(story=DEN, question="Where is the lime really?", **more):
    (found,) = read(file_of(item(story, question, **more)), "file")
    assert isinstance(found, StoryError), found
    return str(found)


# What is read


def test_people_come_in_together_leave_and_see_what_is_done_where_they_are():
    story, _ = told()
    assert story.cast == ("Ella", "Owen", "Mila")
    events = [event for sentence in story.sentences for event in sentence.events]
    assert [e.kind for e in events] == [*["enter"] * 3, "place", "move", "leave", "move", "leave", "stay", "leave",
                                        *["enter"] * 3]  # fmt: skip
    assert {e.content for e in events[:5]} == {("Ella", "Owen", "Mila")}
    assert events[6].content == ("Owen", "Mila")
    assert events[7].actor == "Owen"
    assert events[7].content == ("Owen", "Mila")
    assert events[8].content == ("Mila",)
    assert {e.place for e in events[:10]} == {"den"}


def test_who_goes_into_another_room_leaves_the_one_before():
    story, _ = told(DEN + "\nElla and Owen entered the den.")
    leaving = story.sentences[-1].events[:2]
    assert [(e.kind, e.actor, e.place, e.content) for e in leaving] == [
        ("leave", "Ella", "waiting_room", ("Ella", "Owen", "Mila")),
        ("leave", "Owen", "waiting_room", ("Owen", "Mila")),
    ]


@pytest.mark.parametrize(
    "noise",
    [
        "Mila saw a cat.",
        "Owen lost his phone.",
        "Ella likes the red_bag.",
        "Zoe dislikes the lime.",
        "Ella saw an owl.",
    ],
)
def test_noise_is_no_event_and_brings_nobody_into_the_story(noise):
    story, _ = told(DEN + f"\n{noise}")
    assert story.sentences[-1].events == ()
    assert story.cast == ("Ella", "Owen", "Mila")


def test_a_public_claim_is_heard_by_all_and_a_private_one_by_one():
    claims = (
        "Mila publicly claimed that lime is in the blue_sack.\nOwen privately told Ella that the lime is in the pot."
    )
    story, _ = told(f"{DEN}\n{claims}")
    (said,), (whispered,) = (sentence.events for sentence in story.sentences[-2:])
    assert (said.kind, said.actor, said.content) == ("say", "Mila", ("Ella", "Owen", "Mila"))
    assert (whispered.kind, whispered.actor, whispered.addressees) == ("whisper", "Owen", ("Ella",))
    assert whispered.content == ("Owen", "Ella")
    assert whispered.glimpsed == ()
    assert [(c.variable, c.value) for c in (*said.claims, *whispered.claims)] == [
        ("lime", "blue_sack"),
        ("lime", "pot"),
    ]
    assert "pot" in story.variables[0].values
    assert story.variables[0].truth == "red_jar"


@pytest.mark.parametrize(
    ("question", "kind", "chain"),
    [
        ("Where is the lime really?", "order-0", "world"),
        ("Where does Ella really think the lime is?", "order-1", "Ella"),
        ("Where does Ella think Owen thinks the lime is?", "order-2", "Ella>Owen"),
        ("Where does Ella think Owen thinks Mila thinks the lime is?", "order-3", "Ella>Owen>Mila"),
        ("Where does Ella think Owen thinks Ella thinks Mila thinks the lime is?", "order-4", "Ella>Owen>Ella>Mila"),
    ],
)
def test_a_question_is_a_chain_with_the_items_own_tags(question, kind, chain):
    _, asked = told(question=question, deception=True, story_length=3, sample_id=7)
    assert (asked.kind, asked.chain, asked.variable, asked.line) == (kind, chain, "lime", 1)
    assert asked.choices == ("red_box", "red_bag", "red_jar", "blue_sack")
    assert asked.tags == {
        "order": int(kind[-1]), "deception": True, "story_length": 3, "prompting_type": "CoTP", "sample_id": 7,
        "half": "held out",
    }  # fmt: skip


def test_items_that_tell_the_same_story_are_one_story_whatever_their_prompt():
    items = item(), item(question=where("Ella"), prompting_type="VP"), item(DEN + "\nElla saw a dog.")
    first, second = read(file_of(*items), "file")
    assert [question.line for question in first.questions] == [1, 2]
    assert [question.line for question in second.questions] == [3]


# What cannot be read


@pytest.mark.parametrize(
    ("story", "message"),
    [
        (DEN + "\nElla flew away.", "file item 1:10: cannot read 'Ella flew away.'; a sentence is like"),
        ("The lime is in the red_box.", "file item 1:1: 'The lime is in the red_box.', and nobody has come"),
        (DEN + "\nElla exited the den.", "file item 1:10: Ella is not in the den at this moment"),
        ("Ella entered the den.\nOwen moved the lime to the red_box.", "file item 1:2: Owen is in no room"),
        (DEN + "\nElla publicly claimed that lemon is in the red_box.", "file item 1:10: Ella speaks of the lemon"),
        (
            DEN + "\nOwen made no movements and stayed in the den for 1 minute.",
            "file item 1:10: Owen is not in the den",
        ),
    ],
)
def test_a_sentence_that_cannot_be_is_an_error_with_item_and_line(story, message):
    assert trouble(story).startswith(message)
    assert "\n" not in trouble(story)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (where("Elle", "Owen"), "asks about Elle, who is not in the story; nearest: 'Ella'"),
        ("Where is the lemon really?", "asks about the lemon, which is not in the story; one of: lime"),
        ("Who moved the lime?", "cannot read the question 'Who moved the lime?'; a question is like"),
    ],
)
def test_a_question_that_cannot_be_asked_is_an_error_with_its_item(question, message):
    assert trouble(question=question).startswith("file item 1: ")
    assert message in trouble(question=question).replace("nearest: 'lime'", "one of: lime")


def test_an_order_that_is_not_the_questions_is_an_error():
    assert "question_order is 3" in trouble(question_order=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "file:1: this is not JSON"),
        ("[]", "file: there is no list 'data'"),
        ('{"data": 3}', "file: there is no list 'data'"),
        ('{"data": [3]}', "file item 1: 3 is no item"),
        ('{"data": [{"story": "1 Ella entered the den."}]}', "file item 1: 'question' is None"),
        (file_of({**item(), "story": "Once upon a time."}), "file item 1: the story has no sentence 1"),
        (file_of({**item(), "story": "1 Ella entered the den.\nElla left."}), "file item 1:2: line 2 is 'Ella left.'"),
    ],
)
def test_a_file_or_an_item_that_is_none_is_one_line(text, message):
    (error,) = read(text, "file")
    assert isinstance(error, StoryError)
    assert str(error).startswith(message)
    assert "\n" not in str(error)


def test_reading_goes_on_after_an_item_that_cannot_be_read():
    bad, good = read(file_of({**item(), "story": None}, item()), "file")
    assert isinstance(bad, StoryError)
    assert [question.line for question in good.questions] == [2]


# Our own semantics


def test_nested_beliefs_follow_the_last_event_all_of_the_chain_saw_together():
    assert gold(["Ella"]) == "red_bag"
    assert gold(["Mila"]) == "red_jar"
    assert gold(["Mila", "Owen"]) == "red_jar"
    assert gold(["Mila", "Ella"]) == gold(["Owen", "Mila", "Ella"]) == "red_bag"


BACK = DEN + "\nElla and Mila entered the den."


def test_coming_back_shows_nothing_unless_the_story_states_it():
    assert gold(["Ella"], BACK) == "red_bag"
    stated = BACK + "\nThe lime is in the red_jar."
    assert gold(["Ella"], stated) == gold(["Mila", "Ella"], stated) == "red_jar"
    assert gold(["Owen", "Ella"], stated) == "red_bag"


LIE = DEN + "\nMila publicly claimed that lime is in the blue_sack."


def test_the_trust_rule_says_whether_a_claim_moves_the_hearer():
    assert gold(["Ella"], LIE) == gold(["Ella"], LIE, "credulous") == "blue_sack"
    assert gold(["Ella"], LIE, "none") == "red_bag"
    early = DEN + "\nElla publicly claimed that lime is in the blue_sack."
    assert gold(["Owen"], early) == "red_jar"
    assert gold(["Mila"], LIE) == "red_jar"


# The set's conventions


def test_entering_who_comes_into_the_room_of_a_thing_sees_where_it_is():
    assert by_convention(["Ella"], BACK) == "red_jar"
    assert by_convention(["Mila", "Ella"], BACK) == "red_bag"
    assert by_convention(["Ella"], BACK, without={"entering"}) == "red_bag"
    assert by_convention(["Ella"], DEN + "\nElla and Mila entered the hall.") == "red_bag"


def test_trust_a_claim_is_believed_of_one_who_left_the_things_room_later():
    assert by_convention(["Ella"], LIE) == by_convention(["Owen"], LIE) == "blue_sack"
    assert by_convention(["Mila"], DEN + "\nOwen privately told Mila that the lime is in the blue_sack.") == "red_jar"
    assert by_convention(["Mila"], LIE) == "red_jar"
    assert by_convention(["Ella"], DEN + "\nMila privately told Owen that the lime is in the blue_sack.") == "red_bag"
    stranger = "Zoe entered the hall.\n" + LIE
    assert by_convention(["Zoe"], stranger) == "blue_sack"


def test_between_a_claim_moves_what_speaker_and_hearer_think_of_each_other():
    assert by_convention(["Mila", "Ella"], LIE) == by_convention(["Ella", "Mila"], LIE) == "blue_sack"
    early = DEN + "\nElla publicly claimed that lime is in the blue_sack."
    assert by_convention(["Ella", "Mila"], early) == "blue_sack"
    assert by_convention(["Mila", "Ella"], early) == "red_bag"


def test_between_a_third_persons_claim_moves_no_nested_belief():
    assert by_convention(["Owen", "Ella"], LIE) == "red_bag"
    assert by_convention(["Mila", "Ella", "Owen"], LIE) == "red_bag"
    assert gold(["Owen", "Ella"], LIE) == "blue_sack"


def test_together_in_labels_of_vanilla_prompts_those_who_come_in_see_it_together():
    assert by_convention(["Ella", "Mila"], BACK, "VP") == by_convention(["Mila", "Ella"], BACK, "VP") == "red_jar"
    assert by_convention(["Ella", "Owen"], BACK, "VP") != "red_jar"


def test_orderly_in_labels_of_vanilla_prompts_a_move_counts_in_the_order_of_coming_in_with_the_mover_last():
    assert by_convention(["Owen", "Mila"], prompt="VP") == "red_bag"
    assert by_convention(["Mila", "Owen"], prompt="VP") == "red_jar"
    assert by_convention(["Owen", "Mila", "Ella"], prompt="VP") == "red_bag"
    assert by_convention(["Mila", "Owen", "Ella"], prompt="VP") == "red_box"
    assert by_convention(["Mila", "Owen", "Ella"], prompt="VP", without={"orderly"}) == "red_bag"
    assert by_convention(["Mila", "Owen", "Ella"], prompt="CoTP") == "red_bag"


def test_a_question_about_somebody_unknown_is_a_lookup_error():
    story, asked = told()
    with pytest.raises(LookupError, match="nobody here is called 'Zoe'"):
        CONVENTIONS["hi-tom"].answer(story, type(asked)("order-1", "", "Zoe", "lime", ""))
    with pytest.raises(LookupError, match="no variable 'lemon'"):
        CONVENTIONS["hi-tom"].answer(story, type(asked)("order-1", "", "Ella", "lemon", ""))


def test_the_set_is_registered_with_its_conventions():
    assert convention("hi-tom") is CONVENTIONS["hi-tom"]


# Why a label is not gold's answer


AGAIN = (
    DEN
    + """
Ella and Owen entered the den.
The lime is in the red_jar.
Ella exited the den."""
)
"""Mila left for good with the lime in the red_jar; Ella saw it there later, without her."""


def reason(names, label, story=DEN, *, rule="later-exit", prompt="CoTP"):
    found, asked = told(story, where(*names), answer=label, prompting_type=prompt)
    return explain(Answering(found, RULES[rule]), asked)


@pytest.mark.parametrize(
    ("why", "wrong", "category"),
    [
        (reason(["Ella"], "blue_sack"), True, "label names a place where the object never was"),
        (reason(["Ella"], "red_jar", BACK), False, "label takes coming into a room to show where the thing is"),
        (reason(["Mila", "Ella"], "red_bag", LIE), False, "label leaves nested beliefs as they were before a claim"),
        (reason(["Owen", "Ella"], "red_bag", LIE), False, "label leaves nested beliefs as they were before a claim"),
        (reason(["Mila", "Ella"], "red_jar", AGAIN), False,
         "label follows the one of the chain who was the first to leave for good"),
        (reason(["Ella"], "blue_sack", LIE, rule="none"), False,
         "label believes a claim of one who left the thing's room later, and no other"),
        (reason(["Owen", "Mila"], "red_bag", prompt="VP"), True, "label leaves out a move that all of the chain saw"),
        (reason(["Ella", "Mila"], "red_jar", BACK, prompt="VP"), False,
         "label takes coming into a room together to be seeing the thing together"),
        (reason(["Mila", "Owen"], "red_box"), False, None),
    ],
)  # fmt: skip
def test_a_disagreement_is_explained_by_what_the_label_needs(why, wrong, category):
    if category is None:
        assert why is None
    else:
        assert (why.category, why.label_wrong) == (category, wrong)


def test_an_item_that_asks_the_same_and_has_another_label_is_named():
    question = where("Owen", "Mila")
    items = item(question=question, answer="red_jar"), item(question=question, answer="red_bag", prompting_type="VP")
    (story,) = read(file_of(*items), "file")
    why = explain(Answering(story, RULES["none"]), story.questions[1])
    assert why.because == "without that it would be red_jar; item 1 asks the same and is labelled red_jar"


def test_the_conventions_own_answer_is_explained_as_a_label_is():
    names = ["Owen", "Ella"]
    found, _ = told(LIE, where(*names))
    claim, moved = "label leaves nested beliefs as they were before a claim", by_convention(names, LIE)
    assert gold(names, LIE, "credulous") != moved == gold(names, LIE, "none")
    _, asked = told(LIE, where(*names), answer=moved)
    assert explain(Answering(found, RULES["credulous"]), asked).category == claim


# The published file


@pytest.fixture(scope="module")
def published():
    return list(read(PUBLISHED.read_text(encoding="utf-8"), str(PUBLISHED)))


def halves(story):
    """Which half a story is on: by the parity of its sample ids, the same for all its items."""
    (parity,) = {question.tags["sample_id"] % 2 for question in story.questions}
    return "fit" if parity == 0 else "held out"


def agreement(stories, answers):
    """(half, deception) -> Counter of agreeing and not agreeing labels; and the same by order over both."""
    found = {}
    for story in stories:
        answer = answers(story)
        for question in story.questions:
            agrees = answer(question) == question.answer
            for key in ((halves(story), question.tags["deception"]), question.kind):
                found.setdefault(key, Counter())[agrees] += 1
    return {key: (count[True], count.total()) for key, count in found.items()}


@needs_the_file
def test_every_item_of_the_published_file_can_be_read(published):
    assert all(isinstance(story, Story) for story in published)
    assert sum(len(story.questions) for story in published) == 601
    assert len(published) == 90
    assert all(question.answer in question.choices for story in published for question in story.questions)


@needs_the_file
def test_the_conventions_agree_with_the_labels_of_both_halves(published):
    found = agreement(published, lambda story: lambda question: CONVENTIONS["hi-tom"].answer(story, question))
    assert found["order-0"] == (121, 121)
    for half in ("fit", "held out"):
        plain, deceptive = found[half, False], found[half, True]
        assert plain[0] / plain[1] >= 0.97, half
        assert deceptive[0] / deceptive[1] >= 0.92, half


@needs_the_file
def test_the_figures_of_the_page_are_those_of_the_file(published):
    page = (Path(__file__).parents[3] / "docs" / "hi-tom.md").read_text(encoding="utf-8")
    answers = {name: (lambda story, rule=rule: Answering(story, rule).answer) for name, rule in RULES.items()}
    answers["hi-tom"] = lambda story: lambda question: CONVENTIONS["hi-tom"].answer(story, question)
    for name, each in answers.items():
        found = agreement(published, each)
        cells = [found[half, deception] for half in ("fit", "held out") for deception in (False, True)]
        assert f"| `{name}` | " + " | ".join(f"{agree}/{items}" for agree, items in cells) + " |" in page


@needs_the_file
def test_two_labels_of_one_question_bound_what_any_rules_on_the_story_can_reach(published):
    apart = {False: 0, True: 0}
    for story in published:
        labels = {}
        for question in story.questions:
            labels.setdefault((question.text, question.tags["deception"]), set()).add(question.answer)
        for (_, deception), found in labels.items():
            apart[deception] += len(found) - 1
    assert apart == {False: 18, True: 12}
    assert (331 - 18) / 331 < 0.97


@needs_the_file
@pytest.mark.parametrize("rule", sorted(RULES))
def test_reality_agrees_and_every_disagreement_has_a_reason(published, rule):
    found = report(published, RULES[rule], explainers=[explain])
    assert found.by["order-0"].items == found.by["order-0"].agree == 121
    assert found.unexplained == 0
    assert found.skipped == []
