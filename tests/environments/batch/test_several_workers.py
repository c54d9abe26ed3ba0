"""Several workers in processes of their own on one log: killed, paused and woken, everything comes out once."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tertulia.environments.batch.on_dask import OnDask
from tertulia.environments.batch.plan import BatchError, Plan
from tertulia.environments.batch.settings import Settings
from tertulia.environments.batch.worker import Failures, Played
from tertulia.storage.log import Log
from tertulia.storage.readers import Standing
from tests.environments.batch.batches import a_grid, entered, transcripts, work_in_child, worked
from tests.loopback import Loopback
from tests.playing import FAST
from tests.postgres import Server

LEASE_S = 2.0
EPISODES = 12


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[str]:
    with postgres_server.fresh() as url:
        yield url


@pytest.fixture
def fork() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.environments.batch.batches", "openai", "langgraph.graph"])
    return context


def standing(db: str) -> list[Standing]:
    with Log.open(db) as log:
        return log.standing("b")


def wait_until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def a_worker(fork: Any, db: str, server: Loopback, at_once: int, lease_s: float = LEASE_S) -> Any:
    environment = {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": server.url}
    options = {"lease_s": lease_s, "at_once": at_once}
    child = fork.Process(target=work_in_child, args=(environment, db, None, options))
    child.start()
    return child


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with Loopback(latency_ms=60) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        yield running


def undisturbed(folder: Path) -> tuple[Path, dict[Any, list[Any]]]:
    """A grid, and what comes of it where nothing happens."""
    sets = {"turns.limit": 6, "model": "openai/any", "mind.preset": "reactive"}
    grid = a_grid(folder, scenario="dinner-secret", set=sets, grid={"mind.order": [1]}, seeds=f"0:{EPISODES}")
    entered(folder / "whole.db", grid)
    asyncio.run(worked(folder / "whole.db", at_once=EPISODES))
    return grid, transcripts(folder / "whole.db")


def led(db: str) -> int:
    return sum(one.led for one in standing(db))


@pytest.mark.slow
def test_on_postgresql_one_is_killed_and_one_is_paused_past_its_lease_and_woken(
    postgres: str, tmp_path: Path, fork: Any, server: Loopback
) -> None:
    grid, whole = undisturbed(tmp_path)
    entered(postgres, grid)
    with server.holding_back():
        killed, sleeper = a_worker(fork, postgres, server, 3), a_worker(fork, postgres, server, 3)
        wait_until(lambda: led(postgres) >= 6)
    os.kill(sleeper.pid, signal.SIGSTOP)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    time.sleep(LEASE_S)
    left = a_worker(fork, postgres, server, 4)
    wait_until(lambda: sum(one.status == "success" for one in standing(postgres)) >= EPISODES // 2)
    os.kill(sleeper.pid, signal.SIGCONT)
    for child in (left, sleeper):
        child.join(120)
        assert child.exitcode == 0
    assert [one.status for one in standing(postgres)] == ["success"] * EPISODES
    assert transcripts(postgres) == whole


@pytest.mark.slow
def test_on_one_file_what_a_killed_worker_led_is_taken_over_at_once(
    tmp_path: Path, fork: Any, server: Loopback
) -> None:
    grid, whole = undisturbed(tmp_path)
    db = str(tmp_path / "log.db")
    entered(db, grid)
    with server.holding_back():
        killed, left = a_worker(fork, db, server, 3, lease_s=3600.0), a_worker(fork, db, server, 3, lease_s=3600.0)
        wait_until(lambda: led(db) >= 6)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    left.join(120)
    assert left.exitcode == 0
    assert [one.status for one in standing(db)] == ["success"] * EPISODES
    assert transcripts(db) == whole


@contextmanager
def a_cluster(folder: Path, environment: dict[str, str], workers: int) -> Iterator[tuple[str, list[Any]]]:
    """A Dask scheduler and workers of one thread each, as processes of this machine; its address, and the workers."""
    dask = [sys.executable, "-m", "dask"]
    env = os.environ | environment | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "10"}
    where, children = folder / "scheduler.json", []

    def start(*arguments: str) -> None:
        with (folder / f"dask{len(children)}.log").open("w") as said:
            command = [*dask, *arguments, "--scheduler-file", str(where), "--no-dashboard"]
            children.append(subprocess.Popen(command, stdout=said, stderr=said, env=env, cwd=Path.cwd()))

    start("scheduler", "--host", "127.0.0.1", "--port", "0")
    try:
        wait_until(lambda: where.exists() and where.read_text().rstrip().endswith("}"))
        for _ in range(workers):
            start("worker", "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(folder))
        yield json.loads(where.read_text())["address"], children[1:]
    finally:
        for child in children:
            child.kill()
            child.wait()


@pytest.mark.slow
def test_on_a_dask_cluster_a_killed_workers_episodes_are_done_by_the_other(
    postgres: str, tmp_path: Path, server: Loopback
) -> None:
    grid, whole = undisturbed(tmp_path)
    plan = entered(postgres, grid)
    environment = {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": server.url}
    settings = Settings("b", postgres, at_once=3, lease_s=LEASE_S, retry=FAST)

    async def play() -> list[Played]:
        engine = OnDask(plan, settings, address, Failures(plan.total))
        return [played async for played in engine.play()]

    with a_cluster(tmp_path, environment, 2) as (address, workers), ThreadPoolExecutor(1) as beside:
        playing = beside.submit(asyncio.run, play())
        wait_until(lambda: led(postgres) >= 4)
        workers[0].kill()
        results = playing.result(120)
    assert results
    assert [one.status for one in standing(postgres)] == ["success"] * EPISODES
    assert transcripts(postgres) == whole


@pytest.mark.slow
def test_a_cap_on_time_is_one_on_the_whole_run_on_a_dask_cluster_too(tmp_path: Path, server: Loopback) -> None:
    """Each part of the batch takes less than the cap; all of them, one after the other, take more."""
    db = tmp_path / "log.db"
    sets = {"turns.limit": 6, "model": "openai/any", "mind.preset": "reactive"}
    warm = entered(db, a_grid(tmp_path, batch="warm", set=sets, grid={"mind.order": [1]}, seeds="0:1"))
    plan = entered(db, a_grid(tmp_path, set=sets, grid={"mind.order": [1]}, seeds="0:400"))

    async def play(plan: Plan, max_time_s: float | None) -> OnDask:
        settings = Settings(plan.batch, str(db), at_once=1, retry=FAST, max_time_s=max_time_s)
        engine = OnDask(plan, settings, address, Failures(plan.total))
        async for _ in engine.play():
            pass
        return engine

    with a_cluster(tmp_path, {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": server.url}, 1) as (address, _):
        asyncio.run(play(warm, None))  # what a worker takes to import everything is no part of the question
        engine = asyncio.run(play(plan, 6.0))
    assert engine.stopped == "--max-time 6 s is over"
    assert 0 < sum(one.status == "success" for one in standing(str(db))) < plan.total


def test_a_cluster_that_cannot_be_used_is_told_in_a_line(tmp_path: Path) -> None:
    plan = entered(tmp_path / "log.db", a_grid(tmp_path))

    async def play() -> None:
        engine = OnDask(plan, Settings("b", str(tmp_path / "log.db")), "tcp://127.0.0.1:1", Failures(plan.total))
        async for _ in engine.play():
            pass

    with pytest.raises(BatchError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1 .*start one with"):
        asyncio.run(play())
