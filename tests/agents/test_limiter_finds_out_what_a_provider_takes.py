"""The limiter: fair, adaptive, and nothing is lost when somebody is cancelled."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.agents.limiter import Limiter
from tertulia.mind.model import ModelTrouble


async def test_never_more_in_flight_than_the_limit_and_first_come_first_served() -> None:
    limiter, order, most = Limiter(start=3, ceiling=3), list[int](), 0

    async def one(number: int) -> None:
        nonlocal most
        async with limiter.slot():
            order.append(number)
            most = max(most, limiter.in_flight)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(n) for n in range(20)))
    assert (order, most, limiter.in_flight, limiter.waiting) == (list(range(20)), 3, 0, 0)


async def _a_round_of_successes(limiter: Limiter) -> None:
    """As many as the limit takes succeed together."""
    together = asyncio.Barrier(int(limiter.limit))

    async def succeed() -> None:
        async with limiter.slot() as slot:
            await together.wait()
            slot.succeeded()
            await together.wait()

    await asyncio.gather(*(succeed() for _ in range(together.parties)))


async def test_after_trouble_a_whole_round_of_successes_admits_one_more_and_an_idle_limit_does_not_grow() -> None:
    limiter = Limiter(start=8, ceiling=100)
    async with limiter.slot() as slot:
        slot.troubled()
    await _a_round_of_successes(limiter)
    assert 4.8 < limiter.limit < 5.0
    for _ in range(50):
        async with limiter.slot() as slot:
            slot.succeeded()
    assert limiter.limit < 5.0


async def _rounds(limiter: Limiter, many: int) -> list[int]:
    """How many are in flight in each round, where `many` want to send and all of a round succeed together."""
    held, rounds = list[asyncio.Future[None]](), list[int]()

    async def one() -> None:
        async with limiter.slot() as slot:
            held.append(asyncio.get_running_loop().create_future())
            await held[-1]
            slot.succeeded()

    tasks = [asyncio.ensure_future(one()) for _ in range(many)]
    while not all(task.done() for task in tasks):
        for _ in range(3):
            await asyncio.sleep(0)
        answered, held = held, []
        rounds += [len(answered)] if answered else []
        for future in answered:
            future.set_result(None)
    return rounds


async def test_until_the_first_trouble_each_whole_round_of_successes_doubles_the_limit_up_to_the_ceiling() -> None:
    assert (await _rounds(Limiter(start=4, ceiling=50), 200))[:6] == [4, 8, 16, 32, 50, 50]


async def test_a_provider_that_takes_a_thousand_has_them_in_few_rounds() -> None:
    rounds = await _rounds(Limiter(start=16, ceiling=2048), 2000)
    assert rounds == [16, 32, 64, 128, 256, 512, 992]


async def test_a_limit_that_is_not_used_does_not_grow_at_the_start_either() -> None:
    limiter = Limiter(start=4)
    for _ in range(50):
        async with limiter.slot() as slot:
            slot.succeeded()
    assert limiter.limit == 4.0


async def test_trouble_halves_the_limit_once_for_all_that_were_in_flight_together() -> None:
    limiter, barrier = Limiter(start=16), asyncio.Barrier(8)

    async def fail() -> None:
        async with limiter.slot() as slot:
            await barrier.wait()
            slot.troubled()

    await asyncio.gather(*(fail() for _ in range(8)))
    assert limiter.limit == 8.0
    for _ in range(10):
        async with limiter.slot() as slot:
            slot.troubled()
    assert limiter.limit == 1.0


async def test_after_retry_after_nobody_starts_before_it_is_over() -> None:
    limiter, loop = Limiter(start=2), asyncio.get_running_loop()
    async with limiter.slot() as slot:
        slot.troubled(0.05)
        told = loop.time()
        slot.troubled(0.001)
    started = list[float]()

    async def one() -> None:
        async with limiter.slot():
            started.append(loop.time())

    await asyncio.gather(*(one() for _ in range(5)))
    assert len(started) == 5
    assert min(started) >= told + 0.049


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.sampled_from(["ok", "busy", "", "wait"])), max_size=25))
async def test_whoever_is_cancelled_whenever_all_slots_come_back_and_the_rest_are_served(
    plans: list[tuple[bool, int, str]],
) -> None:
    limiter, served = Limiter(start=2, ceiling=4), set[int]()

    async def one(number: int, how: str) -> None:
        async with limiter.slot() as slot:
            await asyncio.sleep(0)
            if how == "ok":
                slot.succeeded()
            elif how:
                slot.troubled(0.001 if how == "wait" else None)
            await asyncio.sleep(0)
            served.add(number)

    tasks = [asyncio.ensure_future(one(n, how)) for n, (_, _, how) in enumerate(plans)]
    for (doomed, after, _), task in zip(plans, tasks, strict=True):
        for _ in range(after):
            await asyncio.sleep(0)
        if doomed:
            task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    assert (limiter.in_flight, limiter.waiting) == (0, 0)
    assert {n for n, (doomed, _, _) in enumerate(plans) if not doomed} <= served


def test_it_serves_one_event_loop_after_another_even_when_the_first_ended_in_a_pause() -> None:
    limiter = Limiter(start=1)

    async def leave_waiting() -> None:
        async with limiter.slot() as slot:
            slot.troubled(0.02)
        waiting = asyncio.ensure_future(_take(limiter))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(leave_waiting())
    asyncio.run(asyncio.wait_for(_take(limiter), 5))
    assert limiter.in_flight == 0


async def _take(limiter: Limiter) -> None:
    async with limiter.slot():
        await asyncio.sleep(0)


@pytest.mark.parametrize("wrong", [{"start": 0}, {"start": 9, "ceiling": 8}, {"decrease": 1.0}])
def test_a_limiter_that_could_never_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a limiter needs"):
        Limiter(**wrong)  # type: ignore[arg-type]


async def test_one_who_is_cancelled_as_a_slot_comes_free_is_passed_over_quietly() -> None:
    limiter, go = Limiter(start=1, ceiling=1), asyncio.Event()

    async def hold() -> None:
        async with limiter.slot():
            await go.wait()

    first, second, third = (asyncio.ensure_future(hold()) for _ in range(3))
    await asyncio.sleep(0)
    go.set()
    second.cancel()
    results = await asyncio.gather(first, second, third, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
    assert (limiter.in_flight, limiter.waiting) == (0, 0)


async def test_who_comes_when_a_pause_has_just_ended_does_not_overtake_those_who_waited() -> None:
    limiter, order = Limiter(start=1), list[str]()

    async def enter(name: str) -> None:
        async with limiter.slot():
            order.append(name)

    async with limiter.slot() as slot:
        slot.troubled(0.02)
    waiting = asyncio.ensure_future(enter("waited"))
    await asyncio.sleep(0)
    time.sleep(0.03)  # noqa: ASYNC251 - the pause ends while the event loop is busy, so its alarm has not rung yet
    await enter("late")
    await waiting
    assert order == ["waited", "late"]


async def test_the_first_request_goes_alone_until_it_is_over() -> None:
    limiter, order = Limiter(start=8, trial_s=60.0), list[str]()
    over = asyncio.Event()

    async def first() -> None:
        async with limiter.slot():
            order.append("first begins")
            await over.wait()
            order.append("first is over")

    async def other() -> None:
        async with limiter.slot():
            order.append("other")

    tasks = [asyncio.ensure_future(one) for one in (first(), *(other() for _ in range(20)))]
    for _ in range(10):
        await asyncio.sleep(0)
    assert (order, limiter.waiting) == (["first begins"], 20)
    over.set()
    await asyncio.gather(*tasks)
    assert order == ["first begins", "first is over", *["other"] * 20]


async def test_a_first_request_that_takes_long_is_not_waited_for() -> None:
    limiter, over, began = Limiter(start=4, trial_s=0.01), asyncio.Event(), list[int]()

    async def hold(number: int) -> None:
        async with limiter.slot():
            began.append(number)
            if len(began) == 4:
                over.set()
            await over.wait()

    async with asyncio.timeout(30):
        await asyncio.gather(*(hold(number) for number in range(4)))
    assert began == [0, 1, 2, 3]


@pytest.mark.parametrize("every_model", [True, False])
async def test_a_refusal_reaches_all_who_wait_for_the_same_and_all_who_come(every_model: bool) -> None:
    limiter, asked = Limiter(start=1), list[str]()

    async def ask(uri: str) -> None:
        async with limiter.slot(uri) as slot:
            asked.append(uri)
            await asyncio.sleep(0)
            if len(asked) == 1:
                slot.refused("no such key", every_model=every_model)

    uris = ["openai/a", "openai/b", "openai/a", "openai/b"]
    first, *others = await asyncio.gather(*(ask(uri) for uri in uris), return_exceptions=True)
    told = [str(other) if isinstance(other, ModelTrouble) else None for other in others]
    mine, theirs = "openai/a: no such key", "openai/b: no such key"
    assert first is None
    assert told == ([theirs, mine, theirs] if every_model else [None, mine, None])
    assert asked == (["openai/a"] if every_model else ["openai/a", "openai/b", "openai/b"])
    with pytest.raises(ModelTrouble, match=mine) as refused:
        await ask("openai/a")
    assert refused.value.kind == "refused"
    assert (limiter.in_flight, limiter.waiting) == (0, 0)


async def test_who_waits_because_the_server_asked_for_it_hears_of_a_refusal_without_waiting_on() -> None:
    limiter, go = Limiter(start=2), asyncio.Event()

    async def refuse() -> None:
        async with limiter.slot("openai/a") as slot:
            await go.wait()
            slot.refused("used up", every_model=True)

    refusing = asyncio.ensure_future(refuse())
    await asyncio.sleep(0)
    async with limiter.slot("openai/a") as slot:
        slot.troubled(100.0)
    waiting = asyncio.ensure_future(refuse())
    await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(30):
        await refusing
        with pytest.raises(ModelTrouble, match="used up"):
            await waiting


async def test_a_wait_longer_than_anybody_waits_is_told_to_who_waits_and_who_comes_and_is_over_in_time() -> None:
    limiter = Limiter(start=1, longest_wait_s=0.05)
    told = list[str]()

    async def one() -> None:
        try:
            async with limiter.slot("openai/any"):
                told.append("served")
        except ModelTrouble as trouble:
            told.append(f"{trouble.kind}: {trouble.message}")

    async with limiter.slot() as slot:
        waiting = [asyncio.ensure_future(one()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        slot.troubled(0.2)
        await asyncio.wait(waiting)
    await one()
    assert told == ["transport: openai/any: the server asks to wait 0 s"] * 3
    assert (limiter.in_flight, limiter.waiting) == (0, 0)
    await asyncio.sleep(0.16)
    await one()
    assert told[3:] == ["served"]
