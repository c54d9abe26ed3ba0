"""A batch that would go on with something else than it was played with: refused with what differs, or accepted."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tertulia.agents.registry import Backends
from tertulia.environments.batch.plan import BatchError, Plan
from tertulia.environments.batch.reading import read_grid
from tertulia.environments.batch.worker import Worker
from tertulia.storage.log import Log
from tertulia.storage.rows import InterventionRow
from tests.environments.batch.batches import a_grid, entered, worked, worker
from tests.loopback import Loopback

LIMIT = {"turns.limit": 6}


def stopped_midway(db: Path, plan: Plan) -> None:
    """A worker of the batch that stops once a turn has been played: what is begun is paused."""

    async def play() -> None:
        with Log.open(db) as log:
            one = worker(plan, log, Backends())
            stopping = asyncio.create_task(stop(log, one))
            async for _ in one.play():
                pass
            await stopping

    async def stop(log: Log, one: Worker) -> None:
        while not log.query("SELECT 1 FROM turn WHERE turn > 0").rows:  # noqa: ASYNC110  only the log knows
            await asyncio.sleep(0.001)
        one.stop()

    asyncio.run(play())


def made_with(db: Path, table: str, key: str, **changed: Any) -> None:
    """Rewrite what the log says it was made with, as another installation would have written it."""
    with closing(sqlite3.connect(db)) as there, there:
        for name, value in changed.items():
            path = f"$.versions.{name}" if key == "grid" else f"$.{name}"
            there.execute(f"UPDATE {table} SET {key} = json_set({key}, ?, json(?))", [path, json.dumps(value)])


def interventions(db: Path) -> list[InterventionRow]:
    with Log.open(db) as log:
        return [row for episode in log.episodes() for row in log.rows(InterventionRow, episode.id)]


def enter(db: Path, grid: Path, **options: Any) -> Plan:
    plan = Plan.of(read_grid(grid))
    with Log.open(db) as log:
        asyncio.run(plan.enter(log, **options))
    return plan


def test_a_changed_batch_is_refused_and_an_accepted_change_is_kept_with_it_and_its_episodes(tmp_path: Path) -> None:
    db, grid = tmp_path / "log.db", a_grid(tmp_path, scenario="dinner-secret", set=LIMIT)
    stopped_midway(db, entered(db, grid))
    with Log.open(db) as log:
        paused = {row.id for row in log.episodes(status="paused")}
    assert paused
    made_with(db, "batch", "grid", python="3.9.1")
    made_with(db, "episode", "versions", python="3.9.1")
    with pytest.raises(BatchError) as refused:
        enter(db, grid)
    changed, remedy = str(refused.value).splitlines()
    assert changed.startswith("batch b has changed since it was played: Python: 3.9 then, ")
    assert remedy.endswith("--accept-changes")
    with Log.open(db) as log, pytest.raises(BatchError, match=r"Python: 3\.9 then"):
        asyncio.run(Plan.load(log, "b").enter(log))
    plan = enter(db, grid, accept_changes=True)
    [accepted] = plan.grid["accepted"]
    assert accepted["old"]["python"] == "3.9.1"
    enter(db, grid)  # it is not asked about again
    assert {played.result.status for played in asyncio.run(worked(db))} == {"success"}
    assert {row.episode for row in interventions(db)} == paused
    with Log.open(db) as log:
        assert Plan.load(log, "b").grid["accepted"] == [accepted]


def test_an_episode_that_other_versions_began_is_left_as_it_is_and_told(tmp_path: Path) -> None:
    """As on a worker whose packages are not those of the others."""
    db, grid = tmp_path / "log.db", a_grid(tmp_path, scenario="dinner-secret", set=LIMIT)
    stopped_midway(db, entered(db, grid))
    made_with(db, "episode", "versions", python="3.9.1")
    with Log.open(db) as log:
        before = {row.id: row for row in log.episodes(status="paused")}
    played = asyncio.run(worked(db))
    left = {one.result.episode: one.result for one in played if one.result.status == "paused"}
    assert left.keys() == before.keys()
    assert all("Python: 3.9 then" in result.reason for result in left.values())
    with Log.open(db) as log:
        assert {row.id: row for row in log.episodes(status="paused")} == before
    assert {one.result.status for one in asyncio.run(worked(db, accept_changes=True))} == {"success"}


def test_cells_that_come_bring_their_faculties_and_change_nothing_for_the_others(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    plan = entered(db, a_grid(tmp_path, grid={"mind.preset": ["reactive"]}, set=LIMIT))
    more = enter(db, a_grid(tmp_path, grid={"mind.preset": ["reactive", "full"]}, set=LIMIT))
    assert "accepted" not in more.grid
    assert plan.grid["versions"]["instructions"].keys() < more.grid["versions"]["instructions"].keys()
    fewer = enter(db, a_grid(tmp_path, grid={"mind.preset": ["full"]}, set=LIMIT))
    assert fewer.grid["versions"] == more.grid["versions"]


@pytest.mark.parametrize("heard", [False, True])
def test_the_address_of_a_model_matters_once_it_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: bool
) -> None:
    db = tmp_path / "log.db"
    settings = {"turns.limit": 1, "model": "openai/any", "mind.preset": "reactive"}
    grid = a_grid(tmp_path, scenario="dinner-secret", set=settings, seeds="0:1")
    with Loopback() as first, Loopback() as second:
        monkeypatch.setenv("OPENAI_BASE_URL", first.url)
        entered(db, grid)
        if heard:
            asyncio.run(worked(db))
            assert first.requests
        monkeypatch.setenv("OPENAI_BASE_URL", second.url)
        if heard:
            with pytest.raises(BatchError, match=f"base url of openai/any: {first.url} then, {second.url} now"):
                enter(db, grid)
        plan = enter(db, grid, accept_changes=heard)
    assert plan.grid["versions"]["models"] == {"openai/any": {"base_url": second.url}}
    assert len(plan.grid["accepted"]) == 1


def test_models_that_only_ask_for_the_floor_are_part_of_what_a_batch_is_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    floors = {"turns.policy": ["next-speaker"], "turns.model": ["openai/one", "openai/other"]}
    plan = Plan.of(read_grid(a_grid(tmp_path, scenario="dinner-secret", grid=floors)))
    assert set(plan.grid["versions"]["models"]) == {"openai/one", "openai/other"}
