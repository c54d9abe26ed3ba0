"""Workers: they play all there is, stop when they must, and go on where they or others stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tertulia.agents.registry import Backends
from tertulia.environments.batch.plan import BatchError, Plan
from tertulia.environments.batch.reading import read_grid
from tertulia.environments.batch.worker import Failures, Played, Worker
from tertulia.environments.episode import Episode
from tertulia.environments.leading import Leader
from tertulia.storage.log import Log, new_token
from tertulia.storage.rows import CallRow, TurnRow
from tests.environments.batch.batches import a_grid, entered, serving, statuses, transcripts, worked, worker
from tests.loopback import Faults

OPENAI = {"turns.limit": 3, "model": "openai/any", "mind.preset": "reactive"}


async def nothing() -> None: ...


async def played(one: Worker) -> list[Played]:
    return [found async for found in one.play()]


def test_a_batch_is_played_once_and_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    plan = entered(tmp_path / "log.db", a_grid(tmp_path))
    first = asyncio.run(worked(tmp_path / "log.db"))
    assert sorted((p.cell, p.seed, p.replicate) for p in first) == sorted(point.key for point in plan.points())
    assert {p.result.status for p in first} == {"success"}
    assert asyncio.run(worked(tmp_path / "log.db")) == []


def test_paired_episodes_live_in_the_same_world(tmp_path: Path) -> None:
    entered(tmp_path / "log.db", a_grid(tmp_path, scenario="mutual-friends", set={"turns.limit": 1}))
    asyncio.run(worked(tmp_path / "log.db"))
    worlds: dict[int, set[str]] = {}
    with Log.open(tmp_path / "log.db") as log:
        for one in log.standing("b"):
            worlds.setdefault(one.seed, set()).add(str(log.rows(TurnRow, one.episode)[0].state_hash))
    assert [len(hashes) for hashes in worlds.values()] == [1, 1]
    assert len(set.union(*worlds.values())) == 2


def test_stopping_lets_turns_end_and_running_it_again_goes_on(tmp_path: Path) -> None:
    grid = a_grid(tmp_path, scenario="dinner-secret", set={"turns.limit": 4}, seeds="0:4")
    plan = entered(tmp_path / "log.db", grid)
    entered(tmp_path / "whole.db", grid)
    asyncio.run(worked(tmp_path / "whole.db"))

    async def stopped_early() -> list[Played]:
        with Log.open(tmp_path / "log.db") as log:
            one = worker(plan, log, Backends(), at_once=2)
            found = []
            async for result in one.play():
                found.append(result)
                one.stop("enough for today")
            return found

    before = asyncio.run(stopped_early())
    assert {p.result.reason for p in before if p.result.status == "paused"} == {"enough for today"}
    assert len(statuses(tmp_path / "log.db")) < plan.total
    asyncio.run(worked(tmp_path / "log.db"))
    assert list(statuses(tmp_path / "log.db")) == ["success"] * plan.total
    assert transcripts(tmp_path / "log.db") == transcripts(tmp_path / "whole.db")


def test_one_failing_episode_stops_no_other_and_is_a_row_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tertulia.environments.worlds.table_talk.world import TableTalk

    real = TableTalk.step

    def breaking(self: Any, state: Any, acts: Any, rng: Any) -> Any:
        if rng.random() < 0.25:
            raise RuntimeError("the table broke")
        return real(self, state, acts, rng)

    plan = entered(tmp_path / "log.db", a_grid(tmp_path, set={"turns.limit": 2}, seeds="0:6"))
    with monkeypatch.context() as patched:
        patched.setattr(TableTalk, "step", breaking)
        found = asyncio.run(worked(tmp_path / "log.db"))
    failed = [p for p in found if p.result.status == "error"]
    assert len(found) == plan.total
    assert 0 < len(failed) < plan.total
    with Log.open(tmp_path / "log.db") as log:
        row = log.episode(failed[0].result.episode)
        assert (row.status, row.reason) == ("error", "RuntimeError: the table broke")
    again = asyncio.run(worked(tmp_path / "log.db"))  # what failed is tried once more
    assert len(again) == len(failed)
    assert set(statuses(tmp_path / "log.db")) == {"success"}


def test_a_bug_that_keeps_one_episode_from_beginning_stops_no_other_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Plan.scenario

    def breaking(self: Plan, point: Any) -> Any:
        if point.seed == 1:
            raise RuntimeError("nobody foresaw this")
        return real(self, point)

    monkeypatch.setattr(Plan, "scenario", breaking)
    entered(tmp_path / "log.db", a_grid(tmp_path, seeds="0:4", grid={"mind.order": [1]}))
    with pytest.raises(RuntimeError, match="nobody foresaw this"):
        asyncio.run(worked(tmp_path / "log.db", at_once=1))
    assert list(statuses(tmp_path / "log.db")) == ["success"] * 3


def test_too_many_failures_stop_the_batch() -> None:
    def one(status: str) -> Any:
        return type("Played", (), {"result": type("Result", (), {"status": status})})

    failures = Failures(total=10, share=0.2)
    assert [failures.too_many(one(s)) is not None for s in ("error", "success", "error", "error")] == [
        False, False, False, True,
    ]  # fmt: skip
    unlimited = Failures(total=1)
    assert not any(unlimited.too_many(one("error")) for _ in range(5))


def test_a_wrong_key_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, api_key="another") as server:
        entered(tmp_path / "log.db", a_grid(tmp_path, set=OPENAI, seeds="0:200", grid={"mind.order": [1]}))
        found = asyncio.run(worked(tmp_path / "log.db", at_once=4))
        assert len(server.requests) <= 4 * 2
    assert len(found) <= 4
    assert all("401" in p.result.reason or "key" in p.result.reason.lower() for p in found)


async def test_two_workers_share_a_batch_and_nothing_is_played_twice(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    plan = await asyncio.to_thread(entered, db, a_grid(tmp_path, seeds="0:8"))
    with Log.open(db) as one, Log.open(db) as other:
        workers = [worker(plan, log, Backends(), at_once=3) for log in (one, other)]
        results = await asyncio.gather(*map(played, workers))
    assert sum(map(len, results)) == plan.total
    assert all(results), "both had some"
    assert len(await asyncio.to_thread(transcripts, db)) == plan.total


async def test_a_worker_waits_for_the_lease_of_another_and_then_takes_over(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    plan = await asyncio.to_thread(entered, db, a_grid(tmp_path, seeds="0:1", grid={"mind.order": [1]}))
    with Log.open(db) as log:
        silent = worker(plan, log, Backends(), lease_s=1.0)
        point = next(plan.points())
        elsewhere = Leader("another.1.1.x", lease_s=60.0, renews=True)
        episode = await Episode.begin(
            plan.scenario(point), seed=0, log=log, backends=Backends(), place=plan.place(point), leader=elsewhere
        )
        assert [one.led for one in log.standing("b")] == [True]
        await log.lease(episode.stage.episode, elsewhere.token, ttl_s=1.0)
        [found] = await played(silent)
        assert found.result.status == "success"
        assert found.result.episode == episode.stage.episode


async def test_an_episode_that_another_was_faster_to_take_over_is_taken_over_when_that_one_dies(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    plan = await asyncio.to_thread(entered, db, a_grid(tmp_path, seeds="0:1", grid={"mind.order": [1]}))
    with Log.open(db) as log:
        point = next(plan.points())
        first = Leader("another.1.1.x", lease_s=60, renews=True)
        episode = await Episode.begin(
            plan.scenario(point), seed=0, log=log, backends=Backends(), place=plan.place(point), leader=first
        )
        await log.release(episode.stage.episode, first.token)
        slower = worker(plan, log, Backends(), at_once=1, lease_s=1.0)
        await slower._claims.start()
        slower._claims.start = nothing  # type: ignore[method-assign]  it has looked already
        await log.lease(episode.stage.episode, "third.1.1.x", ttl_s=1.0)
        found = await asyncio.wait_for(played(slower), 30)
    assert [p.result.status for p in found] == ["success"]


async def test_an_episode_that_was_lost_to_another_is_taken_over_when_that_one_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    with serving(monkeypatch) as server:
        plan = await asyncio.to_thread(entered, db, a_grid(tmp_path, set=OPENAI, seeds="0:1", grid={"mind.order": [1]}))
        with Log.open(db) as log:
            one = worker(plan, log, Backends(), at_once=1, lease_s=4.0)
            with server.holding_back():
                playing = asyncio.ensure_future(played(one))
                assert await asyncio.to_thread(server.arrived.wait, 60)
                [begun] = log.standing("b")
                await log.lease(begun.episode, "another.1.1.x", ttl_s=1.0, force=True)
            found = await asyncio.wait_for(playing, 30)
            await one.backends.aclose()
    assert [p.result.status for p in found] == ["success"]


async def test_an_episode_that_another_took_is_let_go_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    with serving(monkeypatch) as server:
        plan = await asyncio.to_thread(entered, db, a_grid(tmp_path, set=OPENAI, grid={"mind.order": [1]}))
        with Log.open(db) as log:
            one = worker(plan, log, Backends(), at_once=1, lease_s=2.0)
            with server.holding_back():
                playing = asyncio.ensure_future(played(one))
                assert await asyncio.to_thread(server.arrived.wait, 60)
                [begun] = log.standing("b")
                await log.lease(begun.episode, new_token(), ttl_s=600, force=True)
            for _ in range(3000):
                if [row.status for row in log.standing("b")][1:] == ["success"]:
                    break
                await asyncio.sleep(0.02)
            one.stop()
            found = await playing
            await one.backends.aclose()
    assert [p.seed for p in found if p.result.status == "success"] == [1]
    with Log.open(db) as log:
        assert log.standing("b")[0].led


def test_a_batch_grows_but_what_was_there_must_be_what_it_was(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    entered(db, a_grid(tmp_path, seeds="0:1", grid={"mind.order": [1]}))
    asyncio.run(worked(db))
    plan = entered(db, a_grid(tmp_path, seeds="0:2", grid={"mind.order": [1, 2]}))
    assert len(asyncio.run(worked(db))) == plan.total - 1 == 3
    changed = a_grid(tmp_path, seeds="0:2", set={"turns.limit": 3})
    with pytest.raises(BatchError, match=r"another turns.limit in 2 cells: \d+ then, 3 now"):
        entered(db, changed)
    with pytest.raises(BatchError, match="another design"):
        entered(db, a_grid(tmp_path, design="counterbalance"))
    with Log.open(db) as log:
        assert Plan.load(log, "b").total == 4


def test_faults_change_no_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = a_grid(tmp_path, set=OPENAI, grid={"mind.order": [1]})
    for name, faults in (("calm", Faults()), ("wild", Faults(rate_limit=0.2, drop=0.2, server=0.2))):
        with serving(monkeypatch, faults):
            entered(tmp_path / f"{name}.db", grid)
            asyncio.run(worked(tmp_path / f"{name}.db"))
    assert transcripts(tmp_path / "calm.db") == transcripts(tmp_path / "wild.db")


def test_a_grid_in_the_log_needs_no_file(tmp_path: Path) -> None:
    grid = a_grid(tmp_path)
    plan = Plan.of(read_grid(grid))
    entered(tmp_path / "log.db", grid)
    grid.unlink()
    with Log.open(tmp_path / "log.db") as log:
        loaded = Plan.load(log, "b")
    assert list(loaded.points()) == list(plan.points())
    assert [loaded.scenario(point) for point in loaded.points()] == [plan.scenario(p) for p in plan.points()]


def test_replicates_share_their_opening_and_draw_for_themselves_from_turn_1_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch):
        sets = OPENAI | {"turns.limit": 2}
        grid = a_grid(
            tmp_path, scenario="mutual-friends", set=sets, seeds="0:1", replicates=3, grid={"mind.order": [1]}
        )
        plan = entered(tmp_path / "log.db", grid)
        asyncio.run(worked(tmp_path / "log.db"))
    with Log.open(tmp_path / "log.db") as log:
        episodes = [one.episode for one in log.standing("b")]
        openings = {log.rows(TurnRow, episode)[0].state_hash for episode in episodes}
        seeds = {call.sampling["seed"] for episode in episodes for call in log.rows(CallRow, episode) if call.turn == 1}
        chance = log.query("SELECT count(*) FROM intervention WHERE target = '(chance)' AND turn = 1").rows
    assert len(episodes) == plan.total == 3
    assert len(openings) == 1
    assert len(seeds) == 3
    assert chance == [(2,)]


def test_replicates_go_on_and_replay_with_their_own_chance(tmp_path: Path) -> None:
    from tertulia.environments.replaying import replay

    keys = {"scenario": "mutual-friends", "seeds": "0:1", "replicates": 2, "grid": {"mind.order": [1]}}
    entered(tmp_path / "whole.db", a_grid(tmp_path, **keys))
    asyncio.run(worked(tmp_path / "whole.db"))
    plan = entered(tmp_path / "log.db", a_grid(tmp_path, **keys))

    async def stopped() -> None:
        with Log.open(tmp_path / "log.db") as log:
            one = worker(plan, log, Backends(), at_once=1)
            real, left = log.commit, [2]

            async def commit(record: Any) -> None:
                await real(record)
                left[0] -= 1
                if left[0] == 0:
                    one.stop()

            monkey = pytest.MonkeyPatch()
            monkey.setattr(log, "commit", commit)
            await played(one)
            monkey.undo()

    asyncio.run(stopped())
    assert "paused" in statuses(tmp_path / "log.db")
    asyncio.run(worked(tmp_path / "log.db"))
    assert transcripts(tmp_path / "log.db") == transcripts(tmp_path / "whole.db")
    with Log.open(tmp_path / "log.db") as log:
        for one in log.standing("b"):
            assert asyncio.run(replay(log, one.episode)).difference is None
