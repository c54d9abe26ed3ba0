"""Reading rows back: by id, by what they hold, in the order of turns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tertulia.storage.log import Log, NotFound
from tertulia.storage.rows import BeliefRow, CallRow, EventRow, ParticipantRow, ThoughtRow, TurnRow
from tertulia.storage.rows_of_people import InboxRow
from tests.storage.made import ID, START, a_call, a_thought, a_turn, an_episode, an_event, beliefs


async def test_an_episode_is_found_by_the_beginning_of_its_id(log: Log) -> None:
    for id in ("01ABC", "01ABD", "01B"):
        await log.begin(an_episode(id))
    assert log.episode("01ABC").id == "01ABC"
    assert log.episode("01B").id == "01B"
    assert log.episode("01b").id == "01B"
    with pytest.raises(NotFound, match="2 episodes begin with '01AB': 01ABC, 01ABD"):
        log.episode("01AB")
    for unknown in ("02", "01ABCD", "%", "_1B", ""):
        with pytest.raises(NotFound):
            log.episode(unknown)


async def test_an_id_that_others_begin_with_is_found_whole(log: Log) -> None:
    await log.begin(an_episode("01A"))
    await log.begin(an_episode("01AB"))
    assert log.episode("01A").id == "01A"


async def test_episodes_come_newest_first_and_by_what_they_are(log: Log) -> None:
    for number in range(6):
        await log.begin(
            an_episode(
                f"E{number}", created_at=START + timedelta(minutes=number % 3), scenario=f"s{number % 2}",
                status=("success", "error", "paused")[number % 3], batch="b" if number < 2 else None,
            )
        )  # fmt: skip
    assert [episode.id for episode in log.episodes()] == ["E5", "E2", "E4", "E1", "E3", "E0"]
    assert [episode.id for episode in log.episodes(2)] == ["E5", "E2"]
    assert [episode.id for episode in log.episodes(status="error")] == ["E4", "E1"]
    assert [episode.id for episode in log.episodes(1, status=["paused", "error"])] == ["E5"]
    assert [episode.id for episode in log.episodes(scenario="s1", status="success")] == ["E3"]
    assert [episode.id for episode in log.episodes(batch="b")] == ["E1", "E0"]


async def test_seats_come_in_seat_order(log: Log) -> None:
    await log.begin(an_episode(cast=("zoe", "ann", "mia")))
    assert [seat.name for seat in log.participants(ID)] == ["zoe", "ann", "mia"]


async def test_rows_come_by_turn_and_then_by_key(log: Log) -> None:
    await log.begin(an_episode())
    for turn in range(12):
        rows = [an_event(turn, ordinal=1), an_event(turn, ordinal=0), a_thought(turn, f"t{turn}")]
        await log.commit(a_turn(turn, *rows, *beliefs(turn, "alice", "x", b=0.5, a=0.5)))
    for turn in (11, 2, 10):
        for attempt in (1, 0):
            await log.record_call(a_call(turn, attempt))
    assert [(row.turn, row.ordinal) for row in log.rows(EventRow, ID)] == [(t, o) for t in range(12) for o in (0, 1)]
    assert [row.turn for row in log.rows(ThoughtRow, ID)] == list(range(12))
    assert [row.value for row in log.rows(BeliefRow, ID)] == ["a", "b"] * 12
    assert [(row.turn, row.attempt) for row in log.rows(CallRow, ID)] == [
        (2, 0), (2, 1), (10, 0), (10, 1), (11, 0), (11, 1),
    ]  # fmt: skip
    assert [row.turn for row in log.rows(TurnRow, ID, upto_turn=3)] == [0, 1, 2, 3]
    assert [row.turn for row in log.rows(CallRow, ID, upto_turn=10, attempt=0)] == [2, 10]
    assert len(log.rows(BeliefRow, ID, chain="alice", value="a")) == 12
    assert log.rows(BeliefRow, ID, source_event="3.0") == []
    assert len(log.rows(BeliefRow, ID, source_event=None)) == 24
    assert log.rows(EventRow, "elsewhere") == []


def test_a_column_that_is_not_there_is_named(log: Log) -> None:
    with pytest.raises(ValueError, match="event has no column 'colour'"):
        log.rows(EventRow, ID, colour="red")
    with pytest.raises(ValueError, match="participant has no column 'turn'"):
        log.rows(ParticipantRow, ID, upto_turn=3)
    with pytest.raises(ValueError, match="inbox has no column 'turn'"):
        log.rows(InboxRow, ID, upto_turn=3)


async def test_rows_that_were_read_are_rows_like_any_other(log: Log) -> None:
    await log.begin(an_episode())
    await log.commit(a_turn(0, an_event(0, "hello", addressees=["bob"])))
    (row,) = log.rows(EventRow, ID)
    assert row == an_event(0, "hello", addressees=["bob"])
    assert row.model_copy(update={"turn": 1}).turn == 1
    assert row.model_dump() == an_event(0, "hello", addressees=["bob"]).model_dump()
    await log.commit(a_turn(1, row.model_copy(update={"turn": 1})))
