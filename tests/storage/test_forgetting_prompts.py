"""Prompts that hold a person's words go, also where they are kept once for several calls; the others stay whole."""

from __future__ import annotations

import asyncio
from typing import Any

from tertulia.storage.forget import forget, forgotten_from
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, EventRow, ScoreRow, ThoughtRow, WitnessRow
from tests.storage.made import ID, START, a_call, a_thought, a_turn, a_witness, an_episode, an_event

CANARY = "zorblattine"
RULES = "The rules of this place are many. " * 40


def prompt(*said: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": RULES}, {"role": "user", "content": "\n".join(["Said so far:", *said])}]


def asked(turn: int, messages: Any, **given: Any) -> CallRow:
    return a_call(turn, uri="openai/m", participant="bob", messages=messages, reply='{"thought": "well"}', **given)


async def _written(log: Log) -> None:
    record = an_episode(cast=("alice", "bob"))
    record.episode.versions = {"models": {"openai/m": {"base_url": "https://api.example/v1"}}}
    record.participants[0].kind, record.participants[0].pseudonym = "person", "blue-heron"
    await log.begin(record)
    hello, secret = "Good evening to all of you.", f"I own a {CANARY}, you know."
    await log.record_call(asked(1, prompt("It is evening.")))
    await log.record_call(asked(2, prompt("It is evening.", "bob: Hm.")))
    await log.record_call(asked(3, prompt("It is evening.", "bob: Hm.", f"alice: {secret}")))
    # Asked afterwards about an early turn, of a mind that knew nothing yet; and one whose words say it otherwise.
    await log.record_call(asked(1, prompt("It is evening."), ordinal=9, purpose="probe"))
    await log.record_call(asked(4, prompt("It is evening.", "somebody has a rare animal")))
    for turn, text, actor in ((0, "It is evening.", None), (1, "Hm.", "bob"), (2, secret, "alice"), (3, hello, "bob")):
        rows = [an_event(turn, text, actor=actor), a_witness(turn, "alice"), a_witness(turn, "bob")]
        actions = {actor: {"kind": "say", "text": text, "to": ["bob"]}} if actor else {}
        await log.commit(a_turn(turn, *rows, actions=actions))
    await log.commit(
        a_turn(
            4, a_thought(4, "t4.1", "a pet like that is odd", holder="bob"), an_event(4, f"A {CANARY}?", actor="bob")
        )
    )
    score = ScoreRow(id="s", run="r", episode=ID, measure="m", created_at=START, detail={"quote": f"own a {CANARY}"})
    await log.record([score])


async def test_prompts_after_a_mind_heard_them_go_and_those_before_read_as_they_did(log: Log) -> None:
    await _written(log)
    before = {row.call: row for row in log.rows(CallRow, ID)}
    assert any(row[0] for row in log.query("SELECT base FROM call").rows)  # some are kept as the rest of others
    done = await forget(log, "blue-heron")
    after = {row.call: row for row in log.rows(CallRow, ID)}
    for call, row in after.items():
        if row.turn < 3:
            assert (row.messages, row.reply) == (before[call].messages, before[call].reply)
        else:
            assert row.messages == [{"role": "user", "content": "[forgotten]"}]
            assert row.reply == "[forgotten]"
        assert row.cost_usd == before[call].cost_usd
    assert done.sent_to == {"openai/m at https://api.example/v1": 2}
    assert [event.text for event in log.rows(EventRow, ID)] == [
        "It is evening.", "Hm.", "[forgotten]", "Good evening to all of you.", "[forgotten]",
    ]  # fmt: skip
    assert [thought.text for thought in log.rows(ThoughtRow, ID)] == ["[forgotten]"]
    assert len(log.rows(WitnessRow, ID)) == 8
    assert log.query("SELECT detail FROM score").rows[0][0] == '{"quote":"[forgotten]"}'
    assert CANARY not in str([log.query(f'SELECT * FROM "{table}"').rows for table in done.changed])
    assert forgotten_from(log, ID) == done.since[ID] == 2


async def test_forgetting_goes_on_beside_other_writers(log: Log) -> None:
    await _written(log)
    other = an_episode("01ARZ3NDEKTSV4RRFFQ69G5FAX")
    await asyncio.gather(forget(log, "blue-heron"), log.begin(other))
    assert log.episode(other.episode.id).id == other.episode.id
    assert CANARY not in str(log.query("SELECT text FROM event").rows)
