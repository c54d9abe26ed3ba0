"""Caps in dollars, tokens and time: they pause a batch, are passed by little, and a higher one goes on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tertulia.agents.prices import Prices
from tertulia.environments.batch.caps import Caps, without_price
from tertulia.storage.log import Log, LogError
from tertulia.storage.readers import Spent
from tertulia.storage.rows import CallRow
from tests.environments.batch.batches import ASKED, a_grid, entered, serving, statuses, worked

OPENAI = {"turns.limit": 3, "model": "openai/any", "mind.preset": "reactive"}


def test_a_cap_on_tokens_pauses_and_a_higher_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, latency_ms=2):
        plan = entered(tmp_path / "log.db", a_grid(tmp_path, set=OPENAI, seeds="0:6", grid={"mind.order": [1]}))
        most = 6000
        capped = asyncio.run(worked(tmp_path / "log.db", max_tokens=most, at_once=2))
        assert any(p.result.status == "paused" and "--max-tokens 6000 is reached" in p.result.reason for p in capped)
        with Log.open(tmp_path / "log.db") as log:
            tokens = log.spent("b").tokens
            largest = max(
                (c.input_tokens or 0) + (c.output_tokens or 0)
                for one in log.standing("b") for c in log.rows(CallRow, one.episode)
            )  # fmt: skip
        assert most <= tokens < most + 2 * largest
        again = asyncio.run(worked(tmp_path / "log.db", max_tokens=most, at_once=2))
        with Log.open(tmp_path / "log.db") as log:
            assert log.spent("b").tokens == tokens, "the cap is on the whole batch, in all its runs"
        assert all(p.result.status == "paused" for p in again)
        asyncio.run(worked(tmp_path / "log.db", max_tokens=10**9))
        assert list(statuses(tmp_path / "log.db")) == ["success"] * plan.total


def test_what_was_spent_before_is_known_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(self: Log, batch: str) -> Spent:
        time.sleep(1)
        return Spent(tokens=1000)

    monkeypatch.setattr(Log, "spent", slowly)
    with serving(monkeypatch) as server:
        entered(tmp_path / "log.db", a_grid(tmp_path, set=OPENAI))
        found = asyncio.run(worked(tmp_path / "log.db", max_tokens=1000))
        assert not server.requests
    assert all("--max-tokens 1000 is reached (1000 used)" in p.result.reason for p in found)


async def test_a_log_that_cannot_be_read_for_a_while_ends_no_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tertulia.environments.batch.caps._LEAST_WAIT_S", 0.001)
    answers: list[Any] = [LogError("away"), Spent(1.0, 7)]

    class Away:
        def spent(self, batch: str) -> Spent:
            answer = answers.pop(0)
            if isinstance(answer, LogError):
                raise answer
            return answer  # type: ignore[no-any-return]

    caps, log = Caps(max_tokens=5), Away()
    watching = asyncio.create_task(caps.watch(log, "b"))  # type: ignore[arg-type]
    for _ in range(500):
        if caps.elsewhere_tokens:
            break
        await asyncio.sleep(0.01)
    watching.cancel()
    assert "(7 used)" in str(await caps.admit("openai/any", ASKED))


def test_an_answer_at_an_unknown_price_in_an_earlier_run_is_known_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch) as server:
        entered(tmp_path / "log.db", a_grid(tmp_path, set=OPENAI, grid={"mind.order": [1]}, seeds="0:3"))
        asyncio.run(worked(tmp_path / "log.db", max_tokens=200, at_once=1))
        before = len(server.requests)
        assert before
        found = asyncio.run(worked(tmp_path / "log.db", max_cost_usd=100.0))
        assert len(server.requests) == before
    assert all("--max-cost cannot hold" in p.result.reason for p in found)


def attempt(cost_usd: float | None, status: str = "ok") -> Any:
    return SimpleNamespace(cost_usd=cost_usd, status=status, uri="openai/x", input_tokens=1, output_tokens=1)


async def test_a_cap_in_dollars_needs_prices() -> None:
    caps = Caps(max_cost_usd=1.0)
    assert await caps.admit("openai/any", ASKED) is None
    caps.spend(attempt(None))
    assert "the price of openai/x is unknown" in str(await caps.admit("openai/any", ASKED))


async def test_what_is_in_flight_is_waited_for_where_it_may_reach_the_cap() -> None:
    caps = Caps(max_cost_usd=1.0)
    assert await caps.admit("openai/any", ASKED) is None
    caps.spend(attempt(0.3))
    assert [await caps.admit("openai/any", ASKED) for _ in range(3)] == [None] * 3
    waiting = asyncio.create_task(caps.admit("openai/any", ASKED))
    for _ in range(3):
        await asyncio.sleep(0.01)
        assert not waiting.done()
        caps.spend(attempt(0.3))
    assert "--max-cost 1 is reached ($1.20 spent)" in str(await waiting)


@pytest.mark.parametrize("cap", [{"max_tokens": 1000}, {"max_cost_usd": 0.00037}])
async def test_requests_count_by_what_they_are_likely_to_cost_while_none_is_answered(cap: dict[str, Any]) -> None:
    caps = Caps(**cap)
    assert [await caps.admit("openai/gpt-4o-mini", ASKED) for _ in range(5)] == [None] * 5
    waiting = asyncio.create_task(caps.admit("openai/gpt-4o-mini", ASKED))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    caps.spend(attempt(None, "error"))
    assert await asyncio.wait_for(waiting, 10) is None, "what failed costs nothing"
    after = asyncio.create_task(caps.admit("openai/gpt-4o-mini", ASKED))
    await asyncio.sleep(0.01)
    assert not after.done(), "and says nothing of the others"
    caps.spend(attempt(0.00002))
    assert await asyncio.wait_for(after, 10) is None, "less than it was likely to be"


def test_a_cap_in_dollars_pauses_a_batch_that_goes_on_under_a_higher_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server on this machine is taken for the one whose prices are published."""
    published, real = Prices("https://api.openai.com/v1"), Prices.cost_usd
    monkeypatch.setattr(Prices, "cost_usd", lambda _, model, *tokens: real(published, "gpt-4o-mini", *tokens))
    db, sets = tmp_path / "log.db", OPENAI | {"model": "openai/gpt-4o-mini"}
    plan = entered(db, a_grid(tmp_path, set=sets, grid={"mind.order": [1]}, seeds="0:20"))
    with serving(monkeypatch) as server:
        first = asyncio.run(worked(db, max_cost_usd=0.001, at_once=20))
        paused = [p.result.reason for p in first if p.result.status == "paused"]
        assert paused
        assert [reason for reason in paused if "--max-cost 0.001 is reached" not in reason] == []
        with Log.open(db) as log:
            spent = log.spent("b")
        assert not spent.unpriced
        assert 0.001 <= spent.dollars < 0.0013
        asked = len(server.requests)
        assert asyncio.run(worked(db, max_cost_usd=0.001))
        assert len(server.requests) == asked
        asyncio.run(worked(db, max_cost_usd=100.0))
    assert list(statuses(db)) == ["success"] * plan.total


def test_what_no_cap_in_dollars_can_hold_is_known_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert without_price(["hf/org/name", "openai/gpt-4o-mini", "openai/no-such", "rules"]) == ["openai/no-such"]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert without_price(["openai/gpt-4o-mini"]) == ["openai/gpt-4o-mini"]


def test_a_cap_on_time_pauses(tmp_path: Path) -> None:
    plan = entered(tmp_path / "log.db", a_grid(tmp_path))
    found = asyncio.run(worked(tmp_path / "log.db", max_time_s=1e-9))
    assert len(found) <= plan.total
    assert all(p.result.status == "paused" and "--max-time" in p.result.reason for p in found)


async def test_what_is_spent_while_the_log_is_read_counts_once() -> None:
    caps = Caps(max_tokens=100)
    row: Any = type("Row", (), {"cost_usd": 0.5, "status": "ok", "uri": "u", "input_tokens": 30, "output_tokens": 10})

    class Slow:
        def spent(self, batch: str) -> Spent:
            caps.spend(row)
            return Spent(0.5, 40)

    await caps.read(Slow(), "b")  # type: ignore[arg-type]
    assert (caps.elsewhere_tokens, caps.elsewhere_usd) == (0, 0.0)
    assert await caps.admit("openai/any", ASKED) is None
