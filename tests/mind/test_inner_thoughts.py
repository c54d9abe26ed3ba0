"""The parts of inner thoughts one by one: participation, proactivity, tending, recalling, and what a prompt shows."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from tertulia.mind.deliberate import Deliberation
from tertulia.mind.faculties import make_faculties
from tertulia.mind.faculties.appraise import Appraise, label_open
from tertulia.mind.faculties.interpret import Interpret
from tertulia.mind.faculties.recall import Recall
from tertulia.mind.faculties.reflect import Reflect
from tertulia.mind.faculties.tend import Tend
from tertulia.mind.faculty import Moment
from tertulia.mind.participation import by_thought
from tertulia.mind.prompt import messages, prefix
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.spec import PRESETS, PROACTIVITY, MindSpec
from tertulia.mind.state import Appraised, Element, MindState, MindUpdate, NewMemory, NewThought, Recalled, fold
from tertulia.mind.testing import check_faculty, example
from tertulia.storage.rows import RecallRow
from tertulia.storage.seen import SeenEvent

COATS = "We need warm coats for the evening."


def said(turn: int, by: str, text: str, *to: str, kind: str = "say", level: Any = "content") -> SeenEvent:
    return SeenEvent(
        id=f"{turn}.0", label=f"{turn}.0", turn=turn, kind=kind, actor=by, text=text, level=level, addressees=to
    )


def moment_of(*events: SeenEvent, turn: int = 6, **spec: Any) -> Moment:
    moment = example(1)[1]
    seen = moment.seen.model_copy(update={"events": events, "turn": turn})
    return Moment(seen, MindSpec(preset="inner-thoughts", **spec), moment.legal, lambda name, n: Random(0))


def mind_of(*thoughts: tuple[int, int, str, float], before: MindState | None = None) -> MindState:
    """Thoughts as (turn, system, text, motivation)."""
    state = before or MindState(holder="ann")
    for turn, system, text, motivation in thoughts:
        work = TurnOfMind("e", turn, state)
        [name] = work.apply("reflect", MindUpdate(thoughts=[NewThought(system=system, text=text)]))
        work.apply("appraise", MindUpdate(appraisals=[Appraised(thought=name, motivation=motivation)]))
        state = work.state
    return state


# Participation, against the rule of the paper's code.


@pytest.mark.parametrize(
    ("motivation", "volunteers", "interrupts"), [(3.4, 0, 0), (3.5, 1, 0), (3.9, 1, 0), (4.0, 1, 1)]
)
def test_a_thought_volunteers_from_one_threshold_and_interrupts_from_another(
    motivation: float, volunteers: int, interrupts: int
) -> None:
    intent = by_thought(mind_of((6, 2, "x", motivation)), moment_of(system1_prob=0))
    assert (intent.wants, intent.volunteers, intent.interrupts) == (True, bool(volunteers), bool(interrupts))
    assert (intent.motivation, intent.thought) == (motivation, "t6.1")


def test_below_the_threshold_a_quick_thought_of_this_turn_may_be_blurted_out() -> None:
    mind = mind_of((3, 1, "an old reaction", 3.3), (5, 2, "a better thought", 3.4), (6, 1, "ouch", 2.0))
    always, never = moment_of(system1_prob=1), moment_of(system1_prob=0)
    assert (by_thought(mind, always).thought, by_thought(mind, always).volunteers) == ("t6.1", True)
    assert (by_thought(mind, never).thought, by_thought(mind, never).volunteers) == ("t5.1", False)
    later = moment_of(system1_prob=1, turn=7)
    assert by_thought(mind, later).volunteers is False, "a reaction that was kept is quick no more"


def test_one_who_is_addressed_takes_the_best_thought_whatever_it_is() -> None:
    mind = mind_of((5, 2, "a better thought", 2.4), (6, 1, "ouch", 2.0))
    intent = by_thought(mind, moment_of(said(5, "ben", "And you?", "ann"), system1_prob=1))
    assert (intent.wants, intent.thought, intent.motivation) == (True, "t5.1", 2.4)


def test_above_five_nothing_volunteers_or_interrupts() -> None:
    intent = by_thought(mind_of((6, 2, "x", 5.0)), moment_of(im_threshold=5.5, system1_prob=0, interrupt_threshold=5.1))
    assert (intent.wants, intent.volunteers, intent.interrupts) == (True, False, False)
    with pytest.raises(ValidationError):
        MindSpec(im_threshold=6.5)


# Proactivity.


def test_a_word_sets_the_knobs_and_a_knob_that_is_given_wins() -> None:
    assert PROACTIVITY == {
        "chatter": {"system1_prob": 0.7},
        "active": {"system1_prob": 0.2, "im_threshold": 3.59},
        "selective": {"system1_prob": 0.0, "im_threshold": 4.09},
    }
    chatter, selective = MindSpec(proactivity="chatter"), MindSpec(proactivity="selective", system1_prob=0.1)
    assert (chatter.system1_prob, chatter.im_threshold) == (0.7, 3.5)
    assert (selective.system1_prob, selective.im_threshold) == (0.1, 4.09)
    assert MindSpec.model_validate(selective.model_dump()) == selective


def test_a_proactive_tone_is_one_sentence_more_where_one_speaks() -> None:
    faculties = make_faculties(PRESETS["inner-thoughts"].faculties)
    seen = moment_of().seen
    plain, forward = (prefix(seen, faculties, MindSpec(proactive_tone=tone)).content for tone in (False, True))
    assert "Your manner is forward" in forward
    assert forward.replace(forward[forward.index(" Your manner is forward") :], "") == plain


# The reservoir.


def test_tending_passes_the_kit_where_there_is_something_to_let_go() -> None:
    mind = mind_of((1, 2, COATS, 3.0), (2, 2, "It may rain.", 3.0))
    moment = moment_of(said(3, "ben", "We need coats, warm ones, for the evening."))
    check_faculty(Tend, moments=[(mind, moment)])
    inputs = Tend().inputs(mind, moment)
    assert inputs is not None
    update = Tend().update(mind, moment, inputs, None)
    assert [(one.thought, one.status, one.reason_against) for one in update.appraisals] == [
        ("t1.1", "dropped", "ben said it in turn 3 (1.00 alike)")
    ]


@pytest.mark.parametrize(
    "event",
    [
        said(1, "ben", COATS),  # before it was thought
        said(3, "ben", COATS, kind="happening"),
        said(3, "ben", COATS, kind="whisper", level="occurrence"),
        said(3, "ben", "We need no warm coats for the evening."),
    ],
)
def test_what_was_not_heard_since_or_says_something_else_lets_nothing_go(event: SeenEvent) -> None:
    mind, moment = mind_of((2, 2, COATS, 3.0)), moment_of(event)
    inputs = Tend().inputs(mind, moment)
    assert inputs is None or not Tend().update(mind, moment, inputs, None).appraisals


def test_where_rules_answer_they_know_themselves_what_was_said() -> None:
    mind, moment = mind_of((2, 2, COATS, 3.0)), replace(moment_of(said(3, "ben", COATS)), exact=True)
    assert Tend().inputs(mind, moment) is None


def test_motivation_grows_by_a_hundredth_for_every_turn_of_silence() -> None:
    mind = mind_of((5, 2, COATS, 3.0))
    moment = moment_of()
    moment.labels = label_open(mind)
    moment.seen = moment.seen.model_copy(update={"last_spoke": 2})
    faculty = Appraise()
    scores = dict.fromkeys(
        ("relevance", "information_gap", "fills_gap", "expected_impact", "urgency", "coherence", "originality",
         "balance", "dynamics"), 3,
    )  # fmt: skip
    reply = faculty.reply_type(moment).model_validate(
        {"ratings": [{"thought": "K1", "reason_for": "a", "reason_against": "b", **scores, "motivation_tenths": 31,
                      "keep": True}]}
    )  # fmt: skip
    inputs = faculty.inputs(mind, moment)
    assert inputs is not None
    [appraised] = faculty.update(mind, moment, inputs, reply).appraisals
    assert appraised.motivation == pytest.approx(3.1 * 1.01**4)


# Retrieval.


def remembering(*texts: str, turn: int = 1) -> MindState:
    work = TurnOfMind("e", turn, MindState(holder="ann"))
    work.apply("perceive", MindUpdate(memories=[NewMemory(kind="semantic", text=text) for text in texts]))
    return work.state


def recalled(mind: MindState, moment: Moment) -> list[Recalled]:
    inputs = Recall().inputs(mind, moment)
    assert inputs is not None
    return Recall().update(mind, moment, inputs, None).recalled


def test_saliency_fades_with_the_turns_since_a_memory_last_came_to_mind() -> None:
    mind = remembering("The harbour is old.", "Salad with lemon.", "Boats are late.", "It rains in May.")
    cue = said(9, "ben", "The harbour!")
    [fresh] = recalled(mind, moment_of(cue, turn=10, decay=1))
    [faded] = recalled(mind, moment_of(cue, turn=10, decay=0.98))
    assert fresh.saliency == 1.0
    assert faded.saliency == pytest.approx(0.98**9)
    assert (faded.kind, faded.method) == ("memory", "lexical")
    assert recalled(mind, moment_of(cue, turn=10, decay=0.85)) == []  # 0.85^9 is below 0.25


def test_what_came_to_mind_is_as_fresh_as_new_also_in_a_mind_folded_from_the_log() -> None:
    mind, cue = remembering("The harbour is old."), said(9, "ben", "The harbour!")
    work = TurnOfMind("e", 10, mind)
    work.apply("recall", MindUpdate(recalled=recalled(mind, moment_of(cue, turn=10, decay=0.9))))
    rows = work.rows()
    assert [type(row) for row in rows] == [RecallRow]
    assert work.state.memories["m1.1"].accessed == 10
    assert mind.absorb(rows) == work.state
    assert fold("ann", [*remembering_rows("The harbour is old."), *rows]) == work.state
    [again] = recalled(work.state, moment_of(cue, turn=11, decay=0.9))
    assert again.saliency == pytest.approx(0.9)


def remembering_rows(*texts: str) -> list[Any]:
    work = TurnOfMind("e", 1, MindState(holder="ann"))
    work.apply("perceive", MindUpdate(memories=[NewMemory(kind="semantic", text=text) for text in texts]))
    return work.rows()


def test_memories_come_up_by_the_interpretation_of_the_words_as_well() -> None:
    mind, cue = remembering("I am afraid of boats."), said(5, "ben", "Shall we?")
    assert recalled(mind, moment_of(cue)) == []
    work = TurnOfMind("e", 6, mind)
    moment = moment_of(cue)
    inputs = Interpret().inputs(mind, moment)
    assert inputs is not None
    reply = Interpret().reply_type(moment).model_validate({"interpretation": "Boats?"})
    work.apply("interpret", Interpret().update(mind, moment, inputs, reply))
    assert [found.memory for found in recalled(work.state, moment)] == ["m1.1"]
    assert Interpret().inputs(work.state, moment) is None, "the same words are read once"


def test_at_most_five_memories_and_three_thoughts_come_to_mind() -> None:
    mind = remembering(*(f"Harbour {n}." for n in range(9)))
    mind = mind_of(*((2, 2, f"The harbour again {n}.", 2.0) for n in range(1)), before=mind)
    for turn in range(3, 8):
        mind = mind_of((turn, 2, f"The harbour once more {turn}.", 2.0), before=mind)
    kinds = [found.kind for found in recalled(mind, moment_of(said(8, "ben", "harbour"), turn=9))]
    assert kinds == ["memory"] * 5 + ["thought"] * 3


# What each is shown, and a pause.


def prompt_of(mind: MindState, moment: Moment, *names: str) -> str:
    faculties = make_faculties(PRESETS["inner-thoughts"].faculties)
    work = Deliberation(TurnOfMind("e", moment.seen.turn, mind), moment, faculties, None, faculties)  # type: ignore[arg-type]
    moment.labels = label_open(mind)
    asked = [faculty for faculty in faculties if faculty.name in names]
    return work._messages([], asked)[1].content


def test_a_reaction_is_from_the_context_alone_and_reflection_from_what_came_to_mind() -> None:
    mind = mind_of((2, 2, COATS, 3.0), (3, 2, "It may rain.", 3.0), before=remembering("I am always cold."))
    moment = moment_of(said(5, "ben", "Coats?"))
    moment.recalled = [Recalled(memory="m1.1", saliency=1.0), Recalled(memory="t2.1", saliency=1.0, kind="thought")]
    shown = {name: prompt_of(mind, moment, name) for name in ("react", "reflect", "appraise")}
    assert "On your mind" not in shown["react"]
    assert all(text in shown["reflect"] for text in ("always cold", COATS))
    assert "rain" not in shown["reflect"]
    assert all(text in shown["appraise"] for text in ("always cold", COATS, "rain"))


def test_an_earlier_thought_cited_by_its_label_is_kept_by_its_id() -> None:
    mind, moment = mind_of((2, 2, COATS, 3.0)), moment_of(said(5, "ben", "Coats?"))
    moment.labels = label_open(mind)
    faculty = Reflect()
    reply = faculty.reply_type(moment).model_validate(
        {"thoughts": [{"text": "Mine is red.", "stimuli": ["K1", "5.0"]}]}
    )
    update = faculty.update(mind, moment, faculty.inputs(mind, moment), reply)
    assert update.thoughts[0].stimuli == ("t2.1", "5.0")


def test_in_a_pause_a_mind_is_told_that_nobody_spoke_and_for_how_long() -> None:
    talk = said(4, "ben", "Well.")
    told = [messages(moment_of(*events, turn=turn), (), [])[1].content for events, turn in (((talk,), 5), ((talk,), 7))]
    assert "Nobody has said" not in told[0]
    assert "Nobody has said or done anything for 2 turns." in told[1]
    silences = [
        SeenEvent(id=f"{n}.0", turn=n, kind="silence", actor=None, text="", level="content", data={"seconds": 10.0})
        for n in (5, 6)
    ]
    whole = moment_of(talk, *silences, turn=7)
    assert "Nobody has said or done anything for 2 turns (20 seconds)." in messages(whole, (), [])[1].content


def test_silences_before_the_last_words_do_not_lengthen_a_pause() -> None:
    def silence(turn: int) -> SeenEvent:
        return SeenEvent(
            id=f"{turn}.0", turn=turn, kind="silence", actor=None, text="", level="content", data={"seconds": 10.0}
        )

    seen = moment_of(silence(1), said(2, "ben", "Well."), silence(5), turn=6).seen
    assert (seen.pause, seen.pause_s) == (3, 10.0)
    assert moment_of(silence(1), said(5, "ben", "Well."), turn=6).seen.pause_s == 0


def test_thoughts_of_this_turn_have_labels_of_their_own_beside_eight_that_are_kept() -> None:
    kept = mind_of(*((turn, 2, f"From turn {turn}.", 2.0) for turn in range(-3, 6)))
    work = TurnOfMind("e", 6, kept)
    names = work.apply("react", MindUpdate(thoughts=[NewThought(system=1, text="Fire!")]))
    names += work.apply("reflect", MindUpdate(thoughts=[NewThought(system=2, text="Smoke.")]))
    labels = label_open(work.state, 6)
    assert {labels["N1"]: "Fire!", labels["N2"]: "Smoke."} == {name: work.state.thoughts[name].text for name in names}
    assert len([label for label in labels if label.startswith("K")]) == 8
    assert label_open(work.state, 7) == {k: v for k, v in labels.items() if k.startswith("K")}


@pytest.mark.parametrize("workspace", [[], ["t3.1"], ["t2.1"]])
def test_the_thought_to_be_put_into_words_stands_in_the_prompt_whatever_was_chosen_before(workspace: list[str]) -> None:
    mind, moment = mind_of((2, 2, COATS, 3.0), (3, 2, "It may rain.", 2.0)), moment_of(said(5, "ben", "Coats?"))
    texts = {"t2.1": COATS, "t3.1": "It may rain."}
    moment.workspace = [Element(kind="thought", ref=ref, text=texts[ref], score=0.5) for ref in workspace]
    moment.chosen = "t2.1"
    prompt = prompt_of(mind, moment, "speak")
    assert prompt.count(f"- K1 (a thought of yours): {COATS}") == 1
    assert ("It may rain." in prompt) == ("t3.1" in workspace)
