"""The mirror: what it finds to deal with, what it keeps of what was decided, and when it revises a chain."""

from __future__ import annotations

from typing import Any

import pytest

from tertulia.mind.faculties.mirror import Mirror, worth_checking
from tertulia.mind.faculty import Moment
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.spec import MindSpec
from tertulia.mind.state import BeliefChange, MindState, MindUpdate
from tertulia.mind.testing import check_faculty, example
from tertulia.storage.rows import BeliefRow, MindDeltaRow
from tertulia.storage.seen import Claim, SeenEvent


def said(turn: int, by: str, value: str, believer: str | None = None, holds: bool = True) -> SeenEvent:
    claim = Claim(variable="house", value=value, believer=believer, holds=holds)
    return SeenEvent(
        id=f"{turn}.0", label=f"{turn}.0", turn=turn, kind="say", actor=by, text="words", level="content",
        claims=(claim,),
    )  # fmt: skip


TALK = (
    said(1, "ann", "sold"),
    said(2, "ann", "kept", "ben"),
    said(3, "cat", "sold", "ann"),
    said(4, "cat", "sold"),
    said(5, "ben", "sold"),
)


def moment_of(*events: SeenEvent, trial: int = 0) -> Moment:
    _, moment = example(trial)
    seen = moment.seen.model_copy(update={"events": events, "turn": 6})
    return Moment(seen, MindSpec(preset="mutual"), moment.legal, moment.draw)


def mind_of(**chains: dict[str, float]) -> TurnOfMind:
    work = TurnOfMind("check", 1, MindState(holder="ann"))
    changes = [BeliefChange(chain=c.replace("_", ">"), variable="house", weights=w) for c, w in chains.items()]
    work.apply("believe", MindUpdate(beliefs=changes))
    return TurnOfMind("check", 6, work.state)


def decided(work: TurnOfMind, moment: Moment, **reply: Any) -> Any:
    faculty = Mirror()
    schema = faculty.reply_type(moment)
    assert schema is not None
    answer = schema.model_validate({"check": [], "recognised": [], "revised": [], **reply})
    inputs = faculty.inputs(work.state, moment)
    work.apply("mirror", faculty.update(work.state, moment, inputs, answer))
    return inputs


def test_it_passes_the_kit_in_a_talk_about_minds() -> None:
    mind = mind_of(ann={"kept": 0.0, "sold": 1.0, "let": 0.0}, ann_ben={"kept": 1.0, "sold": 0.0, "let": 0.0})
    moments = [(mind.state, moment_of(*TALK[:n], trial=n)) for n in range(len(TALK) + 1)]
    check_faculty(Mirror, moments=moments)


def test_it_deals_with_what_was_said_of_it_and_with_answers_to_what_it_said_of_others() -> None:
    inputs = decided(mind_of(), moment_of(*TALK))
    assert [(label, of.by, of.value) for label, of in inputs.told.items()] == [("D1", "cat", "sold")]
    # cat spoke of the house too, but ann had said nothing of cat's mind
    assert [(label, of.by, of.value) for label, of in inputs.answers.items()] == [("F1", "ben", "sold")]


def test_what_it_has_dealt_with_does_not_come_up_again() -> None:
    work = mind_of()
    decided(work, moment_of(*TALK[:3]))
    later = decided(TurnOfMind("check", 7, work.state), moment_of(*TALK))
    assert later.told == {}
    assert list(later.answers) == ["F1"]


def test_the_largest_gap_is_worth_checking_first_and_then_the_least_certain() -> None:
    held = {
        ("ann", "house"): {"kept": 1.0, "sold": 0.0},
        ("ann>ben", "house"): {"kept": 0.8, "sold": 0.2},
        ("ann>cat", "house"): {"kept": 0.1, "sold": 0.9},
        ("ann>ben>ann", "house"): {"kept": 0.0, "sold": 1.0},
        ("ann", "key"): {"a": 0.9, "b": 0.1},
        ("ann>ben", "key"): {"a": 0.7, "b": 0.3},
    }
    found = worth_checking("ann", held)
    assert [(w.of, w.variable, w.value) for w in found] == [
        ("cat", "house", "sold"), ("ben", "key", "a"), ("ben", "house", "kept"),
    ]  # fmt: skip
    assert found[0].gap == pytest.approx(0.9)


def test_what_was_decided_is_kept_as_notes_that_say_of_what() -> None:
    work = mind_of()
    decided(
        work, moment_of(*TALK), check=[{"of": "ben", "variable": "house"}],
        recognised=[{"told": "D1", "kind": "confirm"}, {"told": "D4", "kind": "resist"}],
    )  # fmt: skip
    notes = {row.key: row.value for row in work.rows() if isinstance(row, MindDeltaRow)}
    assert notes["check"] == {"of": "ben", "variable": "house"}
    (recognised,) = notes["recognised"]  # of D4 there is nothing to make
    assert (recognised["event"], recognised["by"], recognised["kind"]) == ("3.0", "cat", "confirm")


def test_an_answer_revises_the_chain_and_the_rest_keeps_its_proportions() -> None:
    work = mind_of(ann_ben={"kept": 0.6, "sold": 0.1, "let": 0.3})
    decided(work, moment_of(*TALK), revised=[{"answer": "F1", "value": "sold", "percent": 70}])
    rows = {row.value: row for row in work.rows() if isinstance(row, BeliefRow)}
    assert {row.chain for row in rows.values()} == {"ann>ben"}
    assert {row.source_event for row in rows.values()} == {"5.0"}
    assert {value: row.probability for value, row in rows.items()} == pytest.approx(
        {"sold": 0.7, "kept": 0.2, "let": 0.1}
    )


def test_what_believe_made_of_the_same_answer_stands() -> None:
    work = mind_of(ann_ben={"kept": 0.05, "sold": 0.9, "let": 0.05})
    decided(work, moment_of(*TALK), revised=[{"answer": "F1", "value": "sold", "percent": 70}])
    assert not [row for row in work.rows() if isinstance(row, BeliefRow)]


def test_a_mutual_mind_holds_third_order_chains_unless_told_otherwise() -> None:
    assert MindSpec.model_validate({"preset": "mutual"}).order == 3
    assert MindSpec.model_validate({"preset": "mutual", "order": 2}).order == 2
    assert MindSpec.model_validate({"preset": "full"}).order == MindSpec().order == 2
    assert MindSpec(preset="mutual").fused()
    assert [MindSpec(preset=p).discloses() for p in ("mutual", "full", "minddial", "reactive")] == [
        True, False, False, False,
    ]  # fmt: skip
