"""How an episode ends stays as it is; what interrupts it, wherever, leaves it resumable and harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import AlreadyEnded, Episode
from tertulia.environments.leading import Leader
from tertulia.environments.many import play_many
from tertulia.environments.restore import RestoreError, restore
from tertulia.environments.rows_of_stage import outcome_of
from tertulia.environments.worlds.mutual_friends import MutualFriends
from tertulia.storage.log import Log, LogError, LostLease, new_token
from tertulia.storage.rows import CallRow, TurnRow
from tests.loopback import Loopback
from tests.playing import FAST, play, resume


@pytest.fixture(autouse=True)
async def opened(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """All backends that a test opens are closed after it."""
    made: list[Backends] = []
    real = Backends.__init__

    def init(self: Backends) -> None:
        real(self)
        made.append(self)

    monkeypatch.setattr(Backends, "__init__", init)
    yield
    for backends in made:
        await backends.aclose()


async def begun(log: Log, name: str = "sally-anne", model: str | None = None, **more: Any) -> Episode:
    scenario = tertulia.load_scenario(name, model=model)
    return await Episode.begin(scenario, seed=1, log=log, backends=Backends(), retry=FAST, **more)


async def cancelled_at(log: Log, when: Callable[[Any], bool], **more: Any) -> str:
    """Play, and cancel at the first record of which `when` is true, while it is being committed."""
    episode = await begun(log, **more)
    real = log.commit

    async def commit(record: Any) -> None:
        if when(record):
            task.cancel()
        await real(record)

    log.commit = commit  # type: ignore[method-assign]
    task = asyncio.ensure_future(episode.play())
    with pytest.raises(asyncio.CancelledError):
        await task
    log.commit = real  # type: ignore[method-assign]
    return episode.stage.episode


@pytest.mark.parametrize("turn", [0, 3])
async def test_interrupted_while_a_turn_is_committed_it_is_paused_and_goes_on(tmp_path: Path, turn: int) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await cancelled_at(log, lambda record: record.turn == turn)
        assert log.episode(episode).status == "paused"
    assert (await resume(tmp_path / "log.db", episode)).status == "success"


@pytest.mark.parametrize("kind", ["deliberated", "event", "turn"])
@pytest.mark.parametrize("from_within", [False, True])
async def test_interrupted_during_a_turn_of_rules_it_is_not_committed(
    tmp_path: Path, kind: str, from_within: bool
) -> None:
    playing: list[asyncio.Task[Any]] = []

    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == kind and event["turn"] == 5:
            task = asyncio.current_task() if from_within else playing[0]
            assert task is not None
            task.cancel()

    with Log.open(tmp_path / "log.db") as log:
        episode = await begun(log, "dinner-secret", listen=listen)
        playing.append(asyncio.create_task(episode.play()))
        with pytest.raises(asyncio.CancelledError):
            await playing[0]
        row = log.episode(episode.stage.episode)
        assert (row.status, row.reason) == ("paused", "interrupted")
        assert row.head == episode.head == (5 if kind == "turn" else 4)
        standing = outcome_of(restore(log, row).stage, restore(log, row).stage.state)
        assert row.outcome == {**standing, "reward": None, "done": False}
    assert (await resume(tmp_path / "log.db", episode.stage.episode)).status == "success"


async def test_interrupted_while_the_closing_is_committed_it_has_ended_as_it_ended(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await cancelled_at(log, lambda record: record.closing is not None)
        row = log.episode(episode)
        assert (row.status, row.reason) == ("success", "limit")
        assert [turn.turn for turn in log.rows(TurnRow, episode) if turn.closing] == [row.head]
    with pytest.raises(AlreadyEnded):
        await resume(tmp_path / "log.db", episode)


async def test_interrupted_while_it_begins_it_does_not_look_as_if_it_ran(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        real = log.begin

        async def begin(record: Any, **options: Any) -> None:
            await real(record, **options)
            raise asyncio.CancelledError

        log.begin = begin  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await begun(log)
        log.begin = real  # type: ignore[method-assign]
        [row] = log.episodes()
        assert (row.status, row.lease) == ("paused", None)
    assert (await resume(tmp_path / "log.db", row.id)).status == "success"


async def test_a_listener_that_fails_at_the_end_does_not_undo_the_end(tmp_path: Path) -> None:
    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "end":
            raise OSError("the terminal is gone")

    with Log.open(tmp_path / "log.db") as log:
        episode = await begun(log, listen=listen)
        result = await episode.play()
        assert result.status == log.episode(result.episode).status == "success"
        assert isinstance(episode.failure, OSError)


async def test_a_world_whose_outcome_fails_ends_its_own_episode_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MutualFriends.outcome

    def outcome(self: MutualFriends, state: Any) -> Any:
        if len(state.rows["alice"]) == 7:
            raise ArithmeticError("no number")
        return real(self, state)

    monkeypatch.setattr(MutualFriends, "outcome", outcome)
    scenario = tertulia.load_scenario("mutual-friends")
    with Log.open(tmp_path / "log.db") as log:
        results = [r async for r in play_many(scenario, range(12), log=log, backends=Backends())]
        logged = {row.id: row.status for row in log.episodes()}
    assert {result.status for result in results} == {"success", "error"}
    assert logged == {result.episode: result.status for result in results}
    assert all(result.reason == "ArithmeticError: no number" for result in results if result.status == "error")


async def test_one_lost_lease_does_not_end_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Log.commit

    async def commit(self: Log, record: Any) -> None:
        if record.turn == 2 and self.episode(record.episode).seed == 1:
            await self.lease(record.episode, new_token(), ttl_s=60, force=True)
        await real(self, record)

    monkeypatch.setattr(Log, "commit", commit)
    with Log.open(tmp_path / "log.db") as log:
        scenario = tertulia.load_scenario("sally-anne")
        results = [r async for r in play_many(scenario, range(3), log=log, backends=Backends())]
    assert [result.status for result in results] == ["success", "error", "success"]
    assert "another worker leads" in results[1].reason


async def test_who_lost_the_lease_writes_no_call_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-yours")
    with Loopback() as server, Log.open(tmp_path / "log.db") as log:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        episode = await begun(log, model="openai/any")
        with server.holding_back():
            playing = asyncio.ensure_future(episode.play())
            assert await asyncio.to_thread(server.arrived.wait, 60)
            await log.lease(episode.stage.episode, new_token(), ttl_s=60, force=True)
        with pytest.raises(LostLease):
            await playing
        assert log.rows(CallRow, episode.stage.episode) == []


async def test_a_lease_is_renewed_while_a_turn_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-yours")
    with Loopback(latency_ms=1000) as server, Log.open(tmp_path / "log.db") as log:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        episode = await begun(log, "mutual-friends", model="openai/any", leader=Leader(lease_s=0.3))
        first = log.episode(episode.stage.episode).lease_until
        playing = asyncio.ensure_future(episode.play())
        assert await asyncio.to_thread(server.arrived.wait, 60)
        await asyncio.sleep(0.4)
        later = log.episode(episode.stage.episode).lease_until
        playing.cancel()
        await asyncio.wait([playing])
    assert first is not None
    assert later is not None
    assert later > first


async def test_a_log_that_cannot_be_restored_is_let_go_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await cancelled_at(log, lambda record: record.turn == 3, name="mutual-friends")
    with monkeypatch.context() as patched:
        patched.setattr(MutualFriends, "legal", lambda self, state, seat: None)
        for _ in range(2):
            with pytest.raises(RestoreError, match="cannot act in this version"):
                await resume(tmp_path / "log.db", episode)
    assert (await resume(tmp_path / "log.db", episode)).status == "success"


async def test_a_seat_that_never_answers_is_not_hidden_by_those_who_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.loopback import Faults

    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-yours")
    with Loopback(Faults(wrong_schema=1.0, last_chance=False)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = [
            "turns.limit=3",
            "mind.deliberation=staged",
            "participants.ben.model=openai/any",
            "max_fallback_rate=0.9",
        ]
        result = await play(tmp_path / "log.db", "planning-meeting", model="rules", sets=[*sets[:2], sets[3]])
        assert result.status == "success"
        scenario = tertulia.load_scenario("planning-meeting", sets)
        with Log.open(tmp_path / "log.db") as log:
            mixed = await (await Episode.begin(scenario, seed=0, log=log, backends=Backends(), retry=FAST)).play()
    assert mixed.fallbacks / mixed.calls < 0.5
    assert mixed.status == "degraded"


async def test_a_large_table_of_rules_has_room_for_all_its_beliefs(tmp_path: Path) -> None:
    result = await play(
        tmp_path / "log.db", "dinner-secret", sets=["mind.order=4", "turns.limit=2", "participants.carol.mind.order=4"]
    )
    assert result.status == "success", result.reason


async def test_a_turn_that_is_not_in_the_log_is_not_counted(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await begun(log)
        real = log.commit

        async def commit(record: Any) -> None:
            if record.turn == 3:
                raise LogError("the disk is full")
            await real(record)

        log.commit = commit  # type: ignore[method-assign]
        result = await episode.play()
        row = log.episode(result.episode)
        assert (result.status, result.turns, row.status, row.head, row.lease) == ("paused", 2, "paused", 2, None)
        assert "full" in result.reason
    assert (await resume(tmp_path / "log.db", result.episode)).status == "success"


async def test_when_a_batch_is_cancelled_no_further_episode_begins(tmp_path: Path) -> None:
    scenario = tertulia.load_scenario("mutual-friends")
    with Log.open(tmp_path / "log.db") as log:

        async def batch() -> None:
            async for _ in play_many(scenario, range(12), log=log, backends=Backends(), at_once=3):
                pass

        real, began = log.begin, asyncio.Event()

        async def begin(record: Any, **options: Any) -> None:
            await real(record, **options)
            began.set()

        log.begin = begin  # type: ignore[method-assign]
        playing = asyncio.ensure_future(batch())
        await began.wait()
        playing.cancel()
        await asyncio.wait([playing])
        rows = log.episodes()
    assert len(rows) <= 3
    assert {row.status for row in rows} <= {"paused", "success"}
    assert {row.lease for row in rows if row.status == "paused"} <= {None}


async def test_a_reask_that_is_too_long_is_a_declared_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.loopback import Faults

    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-yours")
    faults = Faults(wrong_schema=1.0, last_chance=False)
    with Loopback(faults, context=30_000) as server, Log.open(tmp_path / "log.db") as log:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = ["mind.preset=reactive", "turns.limit=2", "turns.policy=round-robin"]
        scenario = tertulia.load_scenario("planning-meeting", sets, model="openai/any")
        episode = await Episode.begin(scenario, seed=0, log=log, backends=Backends(), retry=FAST)

        def narrow(body: dict[str, Any]) -> None:
            """The question fitted; with the bad reply beside it, it no longer does."""
            server.context = sum(len(message["content"]) for message in body["messages"]) // 4 + 20

        server.script = narrow
        result = await episode.play()
        calls = log.rows(CallRow, result.episode)
    assert result.status in ("degraded", "error")
    assert [call.status for call in calls[:2]] == ["invalid", "fallback"]
    assert "too_long" in (calls[1].error or "")
    assert [call.cost_usd for call in calls[:2]] == [None, 0.0], "what was refused unread costs nothing"


async def test_cancelled_while_a_refusal_is_written_down_it_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-yours")
    with Loopback(api_key="sk-somebody-elses") as server, Log.open(tmp_path / "log.db") as log:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        episode = await begun(log, model="openai/any")
        real = log.close_episode

        async def close_episode(*given: Any) -> None:
            playing.cancel()
            await asyncio.sleep(0)
            await real(*given)

        log.close_episode = close_episode  # type: ignore[method-assign]
        playing = asyncio.ensure_future(episode.play())
        with pytest.raises(asyncio.CancelledError):
            await playing
        while len(asyncio.all_tasks()) > 1:  # the shielded closing goes on by itself
            await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=1)  # type: ignore[arg-type]
        row = log.episode(episode.stage.episode)
    assert (row.status, row.lease) == ("error", None)
    assert "401" in (row.reason or "")
