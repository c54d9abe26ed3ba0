"""Prompts that are kept once: what they share with an earlier one is written down there alone."""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia.storage.log import Log, LogError, LostLease
from tertulia.storage.prompts import Prompts, restored, shared_prefix
from tertulia.storage.rows import CallRow
from tertulia.storage.tables import table_of
from tests.storage.made import ID, LEASE, a_call, an_episode

Messages = list[dict[str, str]]
words = st.text(max_size=8) | st.sampled_from(["\x00", "\ud800", "\x7f", '"', "\\", "é", "\U0001f95a", "a" * 300])
ids = (f"prompts{number}" for number in count())


def prompt(transcript: str, tail: str = "What now?") -> Messages:
    rules = "You are alice. You say only what you know. " * 20
    return [{"role": "system", "content": rules}, {"role": "user", "content": f"{transcript}\n{tail}"}]


def kept(log: Log, episode: str = ID) -> list[dict[str, Any]]:
    return log.query("SELECT * FROM call WHERE episode = ? ORDER BY turn, attempt", [episode]).dicts()


@given(words, words, words, st.integers(0, 30), st.booleans())
def test_a_shared_prefix_is_the_longest(begin: str, one: str, other: str, guess: int, right_guess: bool) -> None:
    left, right = begin + one, begin + other
    found = shared_prefix(left, right, len(begin) if right_guess else guess)
    assert left[:found] == right[:found]
    assert min(len(left), len(right)) == found or left[found] != right[found]


def test_every_prompt_comes_back_as_it_was_sent(log: Log) -> None:
    asked = st.lists(st.tuples(st.sampled_from(["alice", "bob"]), words, words, st.booleans()), max_size=12)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(asked)
    def check(asked: list[tuple[str, str, str, bool]]) -> None:
        episode, calls, heard = next(ids), list[CallRow](), ""
        for turn, (who, said, tail, anew) in enumerate(asked):
            heard = said if anew else heard + said * 9
            calls.append(a_call(turn, episode=episode, participant=who, messages=prompt(heard, tail)))
        asyncio.run(enter(log, calls))
        assert log.rows(CallRow, episode) == calls
        for call in calls:
            assert log.rows(CallRow, episode, turn=call.turn) == [call]
        shown = log.query("SELECT call, messages FROM v_prompts WHERE episode = ?", [episode]).rows
        assert {call: json.loads(messages) for call, messages in shown} == {c.call: c.messages for c in calls}

    async def enter(log: Log, calls: list[CallRow]) -> None:
        for call in calls:
            await log.record_call(call)

    check()


async def test_a_first_message_that_looks_alike_is_not_taken_for_the_same(log: Log) -> None:
    said = "You say only what you know. " * 20
    numbered: list[Any] = [{"role": "system", "content": said, "n": number} for number in (1, True, 1.0)]
    firsts: list[Any] = [
        {"role": "system", "content": f"You are alice. {said}"},
        {"role": "system", "content": f"You are carol. {said}"},
        {"content": f"You are carol. {said}", "role": "system"}, *numbered, said, [said],
    ]  # fmt: skip
    for turn, first in enumerate((*firsts, *reversed(firsts))):
        messages = [first, {"role": "user", "content": f"And then? {said}"}]
        await log.record_call(a_call(turn, messages=messages))
        assert json.dumps(log.rows(CallRow, ID, turn=turn)[0].messages) == json.dumps(messages)


async def test_messages_that_are_changed_afterwards_are_kept_as_they_were(log: Log) -> None:
    messages = prompt("a")
    for turn in range(3):
        messages[0]["content"] = f"{turn}{messages[0]['content'][1:]}"
        await log.record_call(a_call(turn, messages=messages))
        assert log.rows(CallRow, ID, turn=turn)[0].messages == messages


async def test_a_prompt_that_grows_takes_the_space_of_what_is_new(log: Log) -> None:
    said = ""
    calls = []
    for turn in range(40):
        said += f"[{turn}.0] bob: I put the {turn}th plate on the table.\n"
        calls.append(a_call(turn, messages=prompt(said)))
        await log.record_call(calls[-1])
    sent = sum(len(json.dumps(call.messages)) for call in calls)
    written = sum(len(row["messages"] or "") + len(row["rest"] or "") for row in kept(log))
    assert written < sent / 2
    assert log.rows(CallRow, ID) == calls


async def test_participants_and_episodes_do_not_share(log: Log) -> None:
    for call in (a_call(0), a_call(0, participant="bob"), a_call(0, episode="other")):
        await log.record_call(call.model_copy(update={"messages": prompt("the same")}))
    assert [row["base"] for row in kept(log) + kept(log, "other")] == [None] * 3


async def test_a_call_that_was_refused_is_nothing_to_refer_to(log: Log) -> None:
    await log.begin(an_episode())
    with pytest.raises(LostLease):
        await log.record_call(a_call(0, messages=prompt("a")), lease="another")
    for turn in (1, 2):
        await log.record_call(a_call(turn, messages=prompt("a")), lease=LEASE)
    assert [row["base"] for row in kept(log)] == [None, a_call(1).call]


async def test_a_log_that_is_opened_again_begins_anew(target: str) -> None:
    calls = [a_call(turn, messages=prompt("a" * turn)) for turn in range(4)]
    for two in (calls[:2], calls[2:]):
        with Log.open(target) as log:
            for call in two:
                await log.record_call(call)
            assert [row["base"] is None for row in kept(log)][-2:] == [True, False]
            assert log.rows(CallRow, ID) == calls[: calls.index(two[-1]) + 1]


def test_what_is_remembered_is_bounded_and_the_longest_unused_goes_first() -> None:
    prompts = Prompts(most=2500)
    one, two, three = (a_call(0, participant=name, messages=prompt("a")) for name in ("alice", "bob", "carol"))
    for call in (one, two, three):
        prompts.remember(call)
    assert prompts.shorten(one) is one
    assert prompts.shorten(two).base == two.call
    assert prompts.shorten(three).base == three.call


def test_what_is_remembered_can_be_told_and_asked_from_many_threads() -> None:
    """With room for a few, so that what one thread looks at is forgotten by another all the time."""
    prompts = Prompts(most=3_000)

    def busy(of: int) -> None:
        for number in range(400):
            call = a_call(number, participant=f"p{(of + number) % 7}", messages=prompt(f"{of} says {number}"))
            prompts.remember(prompts.shorten(call))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert [*threads.map(busy, range(8))] == [None] * 8
    finally:
        sys.setswitchinterval(before)
    assert prompts._size == sum(len(whole.text) for whole in prompts._whole.values()) <= 3_000


def test_a_prompt_whose_beginning_is_lost_is_told() -> None:
    call = a_call(1, base="0/0/alice/think/0/0", shared=10, rest="...")
    with pytest.raises(LogError, match=r"prompt of call 1/0/alice/think/0/0 .* begins in a call that is not there"):
        restored(call, {})


def test_only_the_table_has_what_a_prompt_is_kept_by() -> None:
    assert {"base", "shared", "rest"} <= set(table_of(CallRow).columns.keys())
