"""A mind that is folded from logged rows is the live mind, whatever its faculties did."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.mind.rows import TurnOfMind
from tertulia.mind.state import Appraised, BeliefChange, MindState, MindUpdate, NewMemory, NewThought, fold
from tertulia.storage.rows import Row

texts = st.text(max_size=12)
weights = st.dictionaries(st.sampled_from(["kept", "sold", "let"]), st.floats(0, 1), min_size=1).filter(
    lambda found: sum(found.values()) > 1e-6
)
updates = st.builds(
    MindUpdate,
    beliefs=st.lists(
        st.builds(
            BeliefChange,
            chain=st.sampled_from(["ann", "ann>ben", "ann&ben"]),
            variable=st.sampled_from(["house", "cake"]),
            weights=weights,
        ),
        max_size=3,
    ),
    thoughts=st.lists(st.builds(NewThought, system=st.integers(1, 2), text=texts), max_size=3),
    memories=st.lists(st.builds(NewMemory, kind=st.sampled_from(["episodic", "semantic"]), text=texts), max_size=3),
    notes=st.dictionaries(st.sampled_from(["a", "b"]), st.integers() | texts, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(updates, max_size=3), max_size=5), st.integers())
def test_folded_equals_live(turns: list[list[MindUpdate]], seed: int) -> None:
    rng, live = Random(seed), MindState(holder="ann")
    logged: list[Row] = []
    for turn, made in enumerate(turns):
        work = TurnOfMind("e", turn, live)
        for update in made:
            work.apply("some", update)
            open_thoughts = work.state.open_thoughts()
            if open_thoughts:
                rated = [
                    Appraised(thought=thought.id, motivation=rng.uniform(1, 5), status=rng.choice(["kept", "dropped"]))
                    for thought in open_thoughts
                ]
                work.apply("appraise", MindUpdate(appraisals=rated))
        if (still := work.state.open_thoughts()) and rng.random() < 0.5:
            work.mark(still[0].id, "spoken")
        live = work.state
        logged += work.rows()
    rng.shuffle(logged)
    assert fold("ann", logged) == live
    assert MindState.model_validate_json(live.model_dump_json()) == live
    assert fold("ben", logged) == MindState(holder="ben")


def test_a_belief_that_did_not_move_writes_no_rows() -> None:
    work = TurnOfMind("e", 1, MindState(holder="ann"))
    change = BeliefChange(chain="ann", variable="house", weights={"kept": 1, "sold": 3})
    work.apply("believe", MindUpdate(beliefs=[change]))
    assert {row.value: row.probability for row in work.rows()} == {"kept": 0.25, "sold": 0.75}  # type: ignore[attr-defined]
    again = TurnOfMind("e", 2, work.state)
    again.apply("believe", MindUpdate(beliefs=[change]))
    assert again.rows() == []


def test_a_thought_appraised_and_then_spoken_is_one_row_that_keeps_its_scores() -> None:
    work = TurnOfMind("e", 1, MindState(holder="ann"))
    [name] = work.apply("think", MindUpdate(thoughts=[NewThought(system=2, text="now")]))
    work.apply("appraise", MindUpdate(appraisals=[Appraised(thought=name, motivation=4.2, scores={"urgency": 5.0})]))
    work.mark(name, "spoken")
    [row] = [row for row in work.rows() if hasattr(row, "urgency")]
    assert (row.status, row.motivation, row.urgency) == ("spoken", 4.2, 5.0)  # type: ignore[attr-defined]
    assert work.state.open_thoughts() == []
