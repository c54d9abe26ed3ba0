"""What a report asks of the log, on both databases."""

from __future__ import annotations

import json

import pytest

from tertulia.storage.log import Log
from tertulia.storage.record import Closing
from tertulia.storage.reporting import BLIND, EPISODE, episode_report
from tertulia.storage.rows import GoldRow, ParticipantRow
from tests.storage.made import (
    a_bid,
    a_call,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
    truth,
)

QUOTED = "it's 100 % ?"
"""An id that would end a text in SQL that was pasted together."""


async def write(log: Log, episode: str = QUOTED) -> None:
    """Two turns between an agent and a person, of which everything that a report can show has a row."""
    record = an_episode(episode, batch=None, cell="secret-cell")
    record.participants[1] = ParticipantRow(
        episode=episode, name="bob", ordinal=1, kind="person", model="human", pseudonym="blue-heron"
    )
    await log.begin(record)
    gold = [
        GoldRow(episode=episode, turn=1, chain="alice", variable="cake", value=value, rule="credulous",
                probability=p, basis="witnessed", robust=True)
        for value, p in (("kitchen", 1.0), ("cellar", 0.0))
    ]  # fmt: skip
    opening = an_event(0, "They sit down.", actor=None, origin="scripted", episode=episode)
    await log.commit(a_turn(0, opening, a_witness(0, "alice", episode=episode), episode=episode, silent=True))
    call = a_call(1, episode=episode, uri="openai/secret-model")
    await log.record_call(call)
    rows = [
        an_event(1, "Where is the cake?", addressees=["bob"], episode=episode),
        a_thought(1, "t1.1", "A secret thought.", episode=episode),
        an_appraisal(1, "t1.1", "kept", 2.5, episode=episode),
        a_bid(1, "alice", won=True, motivation=4.25, reason="selected itself", episode=episode),
        *beliefs(1, "alice", "cake", kitchen=0.75, cellar=0.25, episode=episode),
        *truth(1, "cake", "kitchen", "cellar", episode=episode),
        *gold,
    ]
    last = a_turn(1, *rows, episode=episode)
    last.closing = Closing("success", "limit", None, 1.0)
    await log.commit(last)


async def test_every_answer_is_what_its_query_answers(log: Log) -> None:
    await write(log)
    found = episode_report(log, QUOTED)
    assert [answer.name for answer in found] == list(EPISODE)
    for answer in found:
        again = log.query(answer.sql)
        assert (again.columns, again.rows) == (answer.columns, answer.rows)
        assert len(answer.about) > 10
    counted = {answer.name: len(answer.rows) for answer in found}
    assert counted == {
        "outcome": 1, "seats": 2, "turns": 2, "transcript": 2, "thoughts": 1, "claims": 0, "beliefs": 2, "gold": 4,
        "accuracy": 1, "floor": 1, "influence": 0, "costs": 1,
    }  # fmt: skip
    [accuracy] = next(answer for answer in found if answer.name == "accuracy").rows
    assert accuracy == (1, 1, "rules", 1, pytest.approx(2 * 0.25**2))


async def test_a_blind_report_has_nothing_of_condition_models_minds_and_who_is_a_person(log: Log) -> None:
    await write(log)
    found = episode_report(log, QUOTED, blind=True)
    assert [answer.name for answer in found] == [name.removesuffix("_blind") for name in BLIND]
    said = json.dumps([(answer.sql, answer.columns, answer.rows) for answer in found])
    for secret in ("secret", "openai", "rules", "person", "human", "heron", "dinner", "motivation", "scripted"):
        assert secret not in said
    assert "Where is the cake?" in said


async def test_an_episode_without_turns_has_a_report(log: Log) -> None:
    await log.begin(an_episode())
    found = {answer.name: answer.rows for answer in episode_report(log, an_episode().episode.id)}
    assert found["turns"] == []
    assert len(found["outcome"]) == 1
