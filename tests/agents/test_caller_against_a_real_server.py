"""SeatModel over real HTTP: every attempt a row, nothing answered asked twice, nothing stale used."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from dataclasses import asdict
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tertulia.agents.caller import RetryPolicy, StaleTake, call_hash
from tertulia.agents.limiter import Limiter
from tertulia.agents.reading import REASK
from tertulia.mind.model import ModelTrouble
from tertulia.storage.rows import CallRow
from tertulia.storage.writer import Lasting
from tests.agents.seat import Kept, Opinion, ask_for, backend_of, seat
from tests.loopback import REASK_SIGN, Faults, Loopback

EVERY = ("rate_limit", "server", "unavailable", "drop", "drop_midway", "not_a_completion", "truncated")
EVERY += ("wrong_schema", "prose", "fenced", "refusal")


def test_the_server_recognises_a_re_ask() -> None:
    assert REASK_SIGN == REASK


async def test_an_answer_is_one_row_with_everything_that_went_in_and_came_out() -> None:
    with Loopback() as server:
        backend, ledger = backend_of(server), Kept()
        reply = await seat(backend, ledger).ask(ask_for())
        await backend.aclose()
    (row,) = ledger.rows
    assert reply.value == Opinion.model_validate_json(row.reply or "")
    assert (reply.call, reply.estimator) == ("3/0/alice/think/0/0", "verbalised") == (row.call, "verbalised")
    assert (row.status, row.error, row.finish, row.schema_name, row.uri) == (
        "ok",
        None,
        "stop",
        "Opinion",
        "openai/any",
    )
    assert row.messages == server.requests[0].body["messages"]
    assert row.sampling == {"temperature": 0.7, "top_p": 1.0, "max_tokens": 300, "seed": 5}
    assert (row.served_model, row.fingerprint, row.cost_usd) == ("any-2026-01-01", "fp_0", None)
    assert row.output_tokens == -(-len(row.reply or "") // 4)


@pytest.mark.parametrize("share", [0.2, 0.5])
async def test_with_every_fault_all_requests_end_and_every_hit_on_the_server_is_a_row(share: float) -> None:
    faults = Faults(**dict.fromkeys(EVERY, share), last_chance=False)
    with Loopback(faults, seed=11) as server:
        backend, ledger, limiter = backend_of(server), Kept(), Limiter()
        seats = [seat(backend, ledger, limiter=limiter) for _ in range(200)]
        asks = [model.ask(ask_for(f"Question {n}", ordinal=n)) for n, model in enumerate(seats)]
        replies = await asyncio.gather(*asks)
        await backend.aclose()
    assert len(server.requests) == len(ledger.rows)
    rows = {row.call: row for row in ledger.rows}
    assert len(rows) == len(ledger.rows)
    for reply in replies:
        last = rows[str(reply.call)]
        assert (last.status in ("ok", "repaired")) == (reply.value is not None)
        assert reply.value is not None or (last.status == "fallback" and reply.reason)
    met = Counter(seen.answer for seen in server.requests)
    assert set(met) == {*EVERY, "ok"}
    assert {row.status for row in ledger.rows} == {"ok", "repaired", "invalid", "error", "fallback"}


async def test_where_the_last_chance_is_taken_no_request_ends_in_a_fallback() -> None:
    with Loopback(Faults(**dict.fromkeys(EVERY, 0.2)), seed=3) as server:
        backend, ledger = backend_of(server), Kept()
        replies = await asyncio.gather(*(seat(backend, ledger).ask(ask_for(f"Q{n}", ordinal=n)) for n in range(100)))
        await backend.aclose()
    assert all(reply.value is not None for reply in replies)
    assert len(server.requests) == len(ledger.rows)


async def _ask(server: Loopback, ledger: Kept, **named: Any) -> Any:
    backend = backend_of(server)
    try:
        return await seat(backend, ledger, **named).ask(ask_for())
    finally:
        await backend.aclose()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), kept=st.integers(0, 12), share=st.sampled_from([0.2, 0.5]))
async def test_resumed_after_any_attempt_nothing_answered_is_asked_again_and_what_ended_ends_the_same(
    seed: int, kept: int, share: float
) -> None:
    faults = Faults(**dict.fromkeys(EVERY, share), last_chance=False)
    with Loopback(faults, seed=seed) as server:
        whole = Kept()
        undisturbed = await _ask(server, whole)
        survived = whole.rows[:kept]
        before = len(server.requests)
        answered = {call_digest(seen.body) for seen in server.requests[: len(survived)] if seen.reply is not None}
        resumed_ledger = Kept(survived)
        resumed = await _ask(server, resumed_ledger)
        again = {call_digest(seen.body) for seen in server.requests[before:]}
    assert not answered & again
    if kept >= len(whole.rows):
        assert len(server.requests) == before
        assert resumed == undisturbed
        assert resumed_ledger.rows == whole.rows
    calls = [row.call for row in resumed_ledger.rows]
    assert calls == [f"3/0/alice/think/0/{n}" for n in range(len(calls))]


def call_digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


async def test_a_recorded_attempt_made_with_other_inputs_makes_the_take_stale() -> None:
    with Loopback() as server:
        ledger = Kept()
        await _ask(server, ledger)
        backend = backend_of(server)
        with pytest.raises(StaleTake) as stale:
            await seat(backend, ledger).ask(ask_for("Something else"))
        await backend.aclose()
    assert (stale.value.turn, stale.value.take) == (3, 0)
    assert len(server.requests) == 1


async def test_an_invalid_reply_is_quoted_in_one_re_ask_and_then_the_fallback_is_declared() -> None:
    with Loopback(script=lambda _: '{"text": "hm", "percent": 300, "whom": "bob"}') as server:
        ledger = Kept()
        reply = await _ask(server, ledger)
    assert (reply.value, reply.call) == (None, "3/0/alice/think/0/1")
    assert "percent" in reply.reason
    assert [row.status for row in ledger.rows] == ["invalid", "fallback"]
    first, second = (seen.body["messages"] for seen in server.requests)
    assert second[: len(first)] == first
    assert second[len(first)] == {"role": "assistant", "content": '{"text": "hm", "percent": 300, "whom": "bob"}'}
    assert "percent: Input should be less than or equal to 100" in second[-1]["content"]
    assert len(second) == len(first) + 2


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ('```json\n{"text": "a", "percent": 1, "whom": "bob"}\n```', "repaired"),
        ('Of course!\n{"text": "a", "percent": 1, "whom": "bob"} Anything else?', "repaired"),
        ('{"text": "a", "percent": 1, "whom": "bob",}', "repaired"),
        ("{'text': 'a', 'percent': 1, 'whom': 'bob'}", "repaired"),
        ("I think {so}, and you?", "invalid"),
        ("{}", "invalid"),
        ("[1, 2]", "invalid"),
        ("", "invalid"),
    ],
)
async def test_a_repair_keeps_the_original_text_and_never_makes_a_reply_up(said: str, status: str) -> None:
    with Loopback(script=lambda _: said) as server:
        ledger = Kept()
        reply = await _ask(server, ledger)
    assert (ledger.rows[0].status, ledger.rows[0].reply) == (status, said)
    assert (reply.value == Opinion(text="a", percent=1, whom="bob")) == (status == "repaired")


@pytest.mark.parametrize("said", ["Well {hm}, perhaps.", "Let us {so: 'be it'}", "```\n{ }\n```"])
async def test_prose_in_braces_never_becomes_a_reply_made_of_defaults(said: str) -> None:
    class Lenient(BaseModel):
        note: str = ""
        percent: int = 50

    with Loopback(script=lambda _: said) as server:
        backend, ledger = backend_of(server), Kept()
        reply = await seat(backend, ledger).ask(ask_for(schema=Lenient))
        await backend.aclose()
    assert reply.value is None
    assert [row.status for row in ledger.rows] == ["invalid", "fallback"]


async def test_a_reply_that_was_cut_off_is_not_repaired_but_asked_for_again() -> None:
    with Loopback(Faults(truncated=1.0)) as server:
        ledger = Kept()
        reply = await _ask(server, ledger)
    assert [(row.status, row.finish) for row in ledger.rows] == [("invalid", "length"), ("ok", "stop")]
    assert reply.value is not None
    assert "briefer" in server.requests[1].body["messages"][-1]["content"]


async def test_a_refusal_to_answer_is_re_asked_without_an_empty_message() -> None:
    with Loopback(Faults(refusal=1.0)) as server:
        ledger = Kept()
        await _ask(server, ledger)
    assert [(row.status, row.finish) for row in ledger.rows] == [("invalid", "refusal"), ("ok", "stop")]
    assert "can't help" in (ledger.rows[0].error or "")
    assert all(message["content"] for message in server.requests[1].body["messages"])


async def test_transport_trouble_that_outlasts_the_retries_is_trouble_and_can_be_resumed() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    retry = RetryPolicy(max_attempts=3, base_s=1.0, cap_s=30.0)
    with Loopback(Faults(server=1.0, transport_cap=3)) as server:
        ledger = Kept()
        with pytest.raises(ModelTrouble) as trouble:
            await _ask(server, ledger, retry=retry, sleep=sleep)
        assert trouble.value.kind == "transport"
        reply = await _ask(server, ledger, retry=retry, sleep=sleep)
    assert reply.value is not None
    assert [row.status for row in ledger.rows] == ["error"] * 3 + ["ok"]
    assert [row.attempt for row in ledger.rows] == [0, 1, 2, 3]
    assert len(waits) == 2
    assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "7", "retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "Fri, 01 Jan 2021 00:00:00 GMT"}, 0.0),
    ],
)
async def test_retry_after_is_honoured_to_the_letter(headers: dict[str, str], waited: float) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    class NeverPauses(Limiter):
        def _shrink(self, epoch: int, retry_after_s: float | None) -> None:
            super()._shrink(epoch, None)

    with Loopback(Faults(rate_limit=1.0, transport_cap=1, **headers)) as server:
        await _ask(server, Kept(), sleep=sleep, limiter=NeverPauses())
    assert waits == [waited]


async def test_a_server_that_asks_for_an_hour_pauses_the_episode_instead() -> None:
    faults = Faults(rate_limit=1.0, retry_after="3600")
    with Loopback(faults) as server, pytest.raises(ModelTrouble, match="asks to wait 3600 s") as trouble:
        await _ask(server, Kept())
    assert trouble.value.kind == "transport"


async def test_a_wrong_key_stops_at_once_with_one_row_and_without_the_key() -> None:
    key = "sk-test-9f8e7d6c5b4a"
    with Loopback(api_key="sk-another-key") as server:
        backend, ledger = backend_of(server, api_key=key), Kept()
        with pytest.raises(ModelTrouble) as trouble:
            await seat(backend, ledger).ask(ask_for())
        await backend.aclose()
    assert trouble.value.kind == "refused"
    assert len(server.requests) == len(ledger.rows) == 1
    assert "Incorrect API key provided: [key]" in (ledger.rows[0].error or "")
    assert key not in ledger.rows[0].model_dump_json() + str(trouble.value) + repr(trouble.value.__cause__)


async def test_a_cancelled_call_that_reached_the_server_is_a_row_and_frees_its_slot() -> None:
    with Loopback(latency_ms=30_000) as server:
        backend, ledger, limiter = backend_of(server), Kept(), Limiter()
        asking = asyncio.ensure_future(seat(backend, ledger, limiter=limiter).ask(ask_for()))
        await asyncio.to_thread(server.arrived.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await backend.aclose()
    assert [(row.status, row.error) for row in ledger.rows] == [("error", "cancelled")]
    assert limiter.in_flight == 0


class Spent:
    """A budget without an end."""

    def __init__(self) -> None:
        self.rows: list[CallRow] = []

    async def admit(self, uri: str, prompt: Any) -> str | None:
        return None

    def spend(self, row: CallRow) -> None:
        self.rows.append(row)


async def test_a_backend_that_breaks_leaves_a_row_frees_its_slot_and_counts_as_spent() -> None:
    class Broken:
        uri = "other/any"

        async def complete(self, prompt: Any) -> Any:
            raise KeyError("choices")

    ledger, limiter, spent = Kept(), Limiter(), Spent()
    with pytest.raises(KeyError, match="choices"):
        await seat(cast(Any, Broken()), ledger, limiter=limiter, budget=spent).ask(ask_for())
    assert [(row.status, row.error) for row in ledger.rows] == [("error", "KeyError: 'choices'")]
    assert spent.rows == ledger.rows
    assert limiter.in_flight == 0


class Slow(Kept):
    """A ledger that waits to be told, in a coroutine."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    def record(self, row: CallRow) -> Any:
        self.begun.set()
        return self._write(row)

    async def _write(self, row: CallRow) -> None:
        await self.go.wait()
        self.rows.append(row)


class SlowLog(Slow):
    """The same by a wait that lasts, as that of the log does."""

    def record(self, row: CallRow) -> Any:
        written, writing = Lasting(), asyncio.ensure_future(super().record(row))
        writing.add_done_callback(lambda _: written.set_result(None))
        return written


@pytest.mark.parametrize("kind", [Slow, SlowLog])
async def test_an_answer_is_written_down_even_when_cancelled_while_it_is_written(kind: type[Slow]) -> None:
    with Loopback() as server:
        backend, ledger = backend_of(server), kind()
        asking = asyncio.ensure_future(seat(backend, ledger).ask(ask_for()))
        await ledger.begun.wait()
        asking.cancel()
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.sleep(0)
        assert not asking.done()
        ledger.go.set()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await backend.aclose()
    assert [row.status for row in ledger.rows] == ["ok"]


async def test_an_answer_is_not_used_before_it_is_durable() -> None:
    class Failing(Kept):
        async def record(self, row: CallRow) -> None:
            raise OSError("disk full")

    with Loopback() as server, pytest.raises(OSError, match="disk full"):
        await _ask(server, Failing())


async def test_reused_rows_count_among_the_rows_of_a_seat_but_are_not_written_or_spent_again() -> None:
    with Loopback(Faults(truncated=1.0, server=1.0, transport_cap=1)) as server:
        ledger = Kept()
        await _ask(server, ledger)
        backend, resumed, spent = backend_of(server), Kept(ledger.rows[:2]), Spent()
        model = seat(backend, resumed, budget=spent)
        await model.ask(ask_for())
        await backend.aclose()
    assert [row.status for row in ledger.rows] == ["error", "invalid", "error", "ok"]
    assert [row.status for row in model.rows] == ["error", "invalid", "ok"]
    assert resumed.rows == model.rows
    assert spent.rows == model.rows[2:]


async def test_busy_servers_slow_everybody_down_and_a_refused_parameter_nobody() -> None:
    with Loopback(refused=("temperature",)) as server:
        untouched = Limiter(start=8)
        await _ask(server, Kept(), limiter=untouched)
    with Loopback(Faults(rate_limit=1.0, transport_cap=2)) as server:
        slowed = Limiter(start=8)
        await _ask(server, Kept(), limiter=slowed)
    assert untouched.limit == 8.0
    assert 2.0 <= slowed.limit < 3.0


async def test_a_used_up_budget_sends_nothing() -> None:
    class Cap:
        def __init__(self) -> None:
            self.left = 1

        async def admit(self, uri: str, prompt: Any) -> str | None:
            return None if self.left else "the cap of 1 call is used up"

        def spend(self, row: CallRow) -> None:
            self.left -= 1

    with Loopback() as server:
        backend, ledger, cap = backend_of(server), Kept(), Cap()
        model = seat(backend, ledger, budget=cap)
        await model.ask(ask_for())
        with pytest.raises(ModelTrouble, match="used up") as trouble:
            await model.ask(ask_for(ordinal=1))
        await backend.aclose()
    assert trouble.value.kind == "cap"
    assert len(server.requests) == len(ledger.rows) == 1


async def test_one_seat_can_ask_many_things_at_once_but_nothing_twice() -> None:
    with Loopback(latency_ms=20) as server:
        backend, ledger = backend_of(server), Kept()
        model = seat(backend, ledger)
        replies = await asyncio.gather(*(model.ask(ask_for(f"Q{n}", ordinal=n)) for n in range(8)))
        with pytest.raises(ValueError, match="twice"):
            await model.ask(ask_for(ordinal=3))
        await backend.aclose()
    assert server.high_water > 1
    assert sorted(row.call for row in model.rows) == sorted(str(reply.call) for reply in replies)


def test_the_hash_is_that_of_the_canonical_json_of_uri_messages_schema_and_sampling() -> None:
    from tertulia.agents.backends.base import Prompt
    from tertulia.storage.types import dump_json

    request = ask_for("A lone \ud800 surrogate and a \x00")
    prompt = Prompt(request.messages(), request.schema, request.sampling())
    written_out = {
        "uri": "openai/any",
        "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
        "schema": Opinion.model_json_schema(),
        "sampling": asdict(prompt.sampling),
    }
    assert call_hash("openai/any", prompt) == hashlib.sha256(dump_json(written_out).encode()).hexdigest()
