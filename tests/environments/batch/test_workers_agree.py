"""Workers of one batch agree: on what is tried again, on why they stop, on what the batch is, on what it may cost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tertulia.agents.registry import Backends
from tertulia.environments.batch import dask_parts
from tertulia.environments.batch.claims import failed_in
from tertulia.environments.batch.on_dask import OnDask
from tertulia.environments.batch.plan import BatchError, Plan
from tertulia.environments.batch.processes import Processes
from tertulia.environments.batch.reading import read_grid
from tertulia.environments.batch.settings import Settings
from tertulia.environments.batch.worker import Failures, Played
from tertulia.environments.episode import Episode
from tertulia.storage.log import Log, Unusable
from tests.environments.batch.batches import a_grid, entered, statuses, worked
from tests.environments.batch.test_changed_batches import made_with
from tests.loopback import Loopback
from tests.playing import FAST, interrupted


@pytest.fixture
def always_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    from tertulia.environments.worlds.table_talk.world import TableTalk

    def breaking(self: Any, state: Any, acts: Any, rng: Any) -> Any:
        raise RuntimeError("the table broke")

    monkeypatch.setattr(TableTalk, "step", breaking)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with Loopback(latency_ms=20) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def failed(db: Path) -> dict[str, Any]:
    with Log.open(db) as log:
        return failed_in(log.standing("b"))


def test_what_failed_is_tried_again_by_one_worker_of_a_run(tmp_path: Path, always_failing: None) -> None:
    db = tmp_path / "log.db"
    plan = entered(db, a_grid(tmp_path))
    asyncio.run(worked(db))
    before = failed(db)
    assert len(before) == plan.total
    assert len(asyncio.run(worked(db, failed=before))) == plan.total
    assert asyncio.run(worked(db, failed=before)) == [], "a worker of the same run that came later"
    anew = failed(db)

    async def at_once() -> list[list[Played]]:
        return await asyncio.gather(*(worked(db, failed=anew) for _ in range(3)))

    assert sum(map(len, asyncio.run(at_once()))) == plan.total


async def test_one_that_failed_anew_while_its_lease_was_asked_for_is_left(tmp_path: Path, always_failing: None) -> None:
    from tertulia.storage.log import LeaseHeld

    db = tmp_path / "log.db"
    await asyncio.to_thread(entered, db, a_grid(tmp_path, seeds="0:1", grid={"mind.order": [1]}))
    await worked(db)
    [(episode, moment)] = failed(db).items()
    await worked(db)
    with Log.open(db) as log:
        with pytest.raises(LeaseHeld, match=r"has tried episode .* once more"):
            await Episode.reopen(episode, log=log, backends=Backends(), failed_at=moment)
        assert log.episode(episode).lease is None


OPENAI = {"turns.limit": 8, "model": "openai/any", "mind.preset": "reactive"}


def reasons_of_paused(db: Path) -> set[str | None]:
    with Log.open(db) as log:
        return {row.reason for row in log.episodes(status="paused")}


def test_why_a_batch_stops_is_what_episodes_of_all_processes_say(tmp_path: Path, server: Loopback) -> None:
    db = tmp_path / "log.db"
    plan = entered(db, a_grid(tmp_path, set=OPENAI, seeds="0:60", grid={"mind.order": [1]}))

    async def play() -> None:
        engine = Processes(Settings("b", str(db), at_once=3, retry=FAST), 2, Failures(plan.total))
        async for _ in engine.play():
            engine.stop("enough for today")

    asyncio.run(play())
    assert reasons_of_paused(db) == {"enough for today"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """A Dask cluster within this process: one worker with two threads. Its address."""
    from distributed import LocalCluster

    options: dict[str, Any] = {"processes": False, "protocol": "tcp://", "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(n_workers=1, threads_per_worker=2, local_directory=str(tmp_path), **options) as made:  # type: ignore[no-untyped-call]
        yield made.scheduler_address


class Counted(Backends):
    made: list[Backends] = []
    closed = threading.Event()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.made.append(self)

    async def aclose(self) -> None:
        await super().aclose()
        self.closed.set()


def test_a_dask_worker_makes_backends_once_for_all_its_parts_and_is_told_why_to_stop(
    tmp_path: Path, server: Loopback, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_parts, "Backends", Counted)
    monkeypatch.setattr(dask_parts, "_LOOK_S", 0.02)
    db = tmp_path / "log.db"
    plan = entered(db, a_grid(tmp_path, set=OPENAI, seeds="0:60", grid={"mind.order": [1]}))

    async def play() -> None:
        engine = OnDask(plan, Settings("b", str(db), at_once=3, retry=FAST), cluster, Failures(plan.total))
        stopping = asyncio.create_task(stop(engine))
        async for _ in engine.play():
            pass
        await stopping

    async def stop(engine: OnDask) -> None:
        async with asyncio.timeout(120):
            while len(server.requests) < 50:  # noqa: ASYNC110  of 480, when the second parts are under way
                await asyncio.sleep(0.01)
        engine.stop("enough for today")

    asyncio.run(play())
    assert reasons_of_paused(db) == {"enough for today"}
    assert len(Counted.made) == 1
    assert Counted.closed.wait(30)
    assert not dask_parts._RUNS


async def test_two_growths_of_one_grid_at_the_same_time_are_both_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    await asyncio.to_thread(entered, db, a_grid(tmp_path, seeds="0:2"))
    mine, theirs = (Plan.of(read_grid(a_grid(tmp_path, seeds=seeds))) for seeds in ("2:4", "4:6"))
    real = Log.set_grid
    with Log.open(db) as log, Log.open(db) as other:

        async def racing(self: Log, *arguments: Any, **options: Any) -> bool:
            """Between our look at the log and our writing, somebody else grows the batch."""
            monkeypatch.setattr(Log, "set_grid", real)
            await theirs.enter(other)
            return await real(self, *arguments, **options)

        monkeypatch.setattr(Log, "set_grid", racing)
        await mine.enter(log)
        assert sorted(Plan.load(log, "b").grid["seeds"]) == list(range(6))
    assert sorted(mine.grid["seeds"]) == list(range(6))


def test_a_worker_with_other_packages_begins_nothing(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    plan = entered(db, a_grid(tmp_path))
    made_with(db, "batch", "grid", python="3.9.1")
    with pytest.raises(BatchError, match=r"Python: 3\.9 then.*\n.*--accept-changes"):
        asyncio.run(worked(db))
    assert not statuses(db)
    asyncio.run(worked(db, accept_changes=True, max_time_s=1e-9))
    asyncio.run(worked(db, accept_changes=True))
    assert list(statuses(db)) == ["success"] * plan.total
    with Log.open(db) as log:
        [accepted] = Plan.load(log, "b").grid["accepted"]
    assert accepted["old"]["python"] == "3.9.1"


def test_a_worker_process_with_other_packages_says_so_to_its_parent(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    plan = entered(db, a_grid(tmp_path))
    made_with(db, "batch", "grid", python="3.9.1")

    async def play() -> None:
        engine = Processes(Settings("b", str(db)), 2, Failures(plan.total))
        async for _ in engine.play():
            pass

    with pytest.raises(BatchError, match=r"Python: 3\.9 then"):
        asyncio.run(play())
    assert not statuses(db)


async def test_others_play_while_an_episode_that_goes_on_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 1)
    read, real = threading.Event(), Log.rows

    def waiting(self: Log, *arguments: Any, **options: Any) -> Any:
        """As where the log is away for a while."""
        assert read.wait(20), "nothing else ran meanwhile"
        return real(self, *arguments, **options)

    with Log.open(db) as log:
        monkeypatch.setattr(Log, "rows", waiting)
        reopening = asyncio.create_task(Episode.reopen(episode, log=log, backends=Backends()))
        while log.episode(episode).lease is None:  # noqa: ASYNC110  only the log knows
            await asyncio.sleep(0.01)
        read.set()
        assert (await (await reopening).play()).status == "success"


def test_a_log_that_stays_away_stops_a_worker_at_its_first_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once for each of its players, one after the other."""
    db = tmp_path / "log.db"
    entered(db, a_grid(tmp_path))
    asyncio.run(worked(db, max_time_s=1e-9))
    looks: list[int] = []
    real = Log.standing

    def away(self: Log, batch: str) -> Any:
        looks.append(1)
        if len(looks) > 1:
            raise Unusable("no server answers there")
        return real(self, batch)

    monkeypatch.setattr(Log, "standing", away)
    with pytest.raises(Unusable, match="no server answers"):
        asyncio.run(worked(db, at_once=16))
    assert len(looks) == 2


def test_what_was_spent_is_waited_for_where_the_server_is_away_like_all_reading(tmp_path: Path) -> None:
    import psycopg

    db = tmp_path / "log.db"
    entered(db, a_grid(tmp_path))
    asyncio.run(worked(db))
    with pytest.raises(psycopg.OperationalError) as nobody:
        psycopg.connect(host="127.0.0.1", port=1)
    with Log.open(db) as log:
        real, away = log._reads.connect, OperationalError("SELECT", {}, nobody.value)
        turns = iter([away, None])

        def connect() -> Any:
            if (error := next(turns, None)) is not None:
                raise error
            return real()

        log._reads.connect = connect  # type: ignore[method-assign]
        assert log.spent("b").calls
