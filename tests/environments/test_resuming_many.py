"""Going on with many episodes: one that cannot be gone on with stops no other, and leases come back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.leading import Leader
from tertulia.environments.many import resume_many
from tertulia.environments.result import EpisodeResult
from tertulia.storage.log import Log
from tests.loopback import Loopback
from tests.playing import FAST, interrupted


async def resumed(db: Path, ids: list[str]) -> list[EpisodeResult]:
    backends = Backends()
    with Log.open(db) as log:
        found = [one async for one in resume_many(ids, log=log, backends=backends, at_once=1, retry=FAST)]
    await backends.aclose()
    return found


async def test_an_episode_of_another_version_stops_no_other(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    ids = [await interrupted(db, 1, seed=seed) for seed in range(3)]
    with closing(sqlite3.connect(db)) as there, there:
        [config] = there.execute("SELECT config FROM episode WHERE id = ?", [ids[0]]).fetchone()
        changed = json.dumps(json.loads(config) | {"a_key_of_another_version": 1})
        there.execute("UPDATE episode SET config = ? WHERE id = ?", [changed, ids[0]])
    results = await resumed(db, ids)
    assert [result.status for result in results] == ["error", "success", "success"]
    assert results[0].episode == ids[0]
    assert "unknown key 'a_key_of_another_version'" in results[0].reason
    with Log.open(db) as log:
        assert log.episode(ids[0]).status == "paused"


async def test_a_model_that_refuses_is_asked_once_and_those_with_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-in-the-log")
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        ids = [await interrupted(db, 1, seed=seed, model="openai/any") for seed in range(3)]
        asked = len(server.requests)
        server.api_key = "sk-another-key-altogether"
        ids += [await interrupted(db, 1, seed=seed) for seed in range(3)]
        results = await resumed(db, ids)
        assert [result.status for result in results] == ["error", "success", "success", "success"]
        assert len({request.digest for request in server.requests[asked:]}) <= 4, "one turn of the first was asked"
    with Log.open(db) as log:
        assert [log.episode(id).status for id in ids[:3]] == ["error", "paused", "paused"]
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    unasked = await resumed(db, ids[1:3])
    assert ["needs a key" in result.reason for result in unasked] == [True, True]


def locked(db: Path) -> sqlite3.Connection:
    other = sqlite3.connect(db, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


async def test_reopening_that_is_cancelled_while_it_waits_for_the_log_keeps_no_lease(tmp_path: Path) -> None:
    db, backends = tmp_path / "log.db", Backends()
    id = await interrupted(db, 1)
    with Log.open(db) as log:
        other = locked(db)
        task = asyncio.create_task(Episode.reopen(id, log=log, backends=backends))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.sleep(0.05)
        other.execute("ROLLBACK")
        with suppress(asyncio.CancelledError):
            await task
        assert log.episode(id).lease is None
        other.close()
        episode = await Episode.reopen(id, log=log, backends=backends)
        assert (await episode.play()).status == "success"


async def test_no_sign_of_life_takes_back_a_lease_that_was_given_back(tmp_path: Path) -> None:
    """The pause waits for a file that is locked, beyond the moment of the next sign of life."""
    db, backends, others = tmp_path / "log.db", Backends(), list[sqlite3.Connection]()
    scenario = tertulia.load_scenario("dinner-secret", ["turns.limit=4"], model="rules")

    def stop() -> str | None:
        if episode.stage.head < 2:
            return None
        others.append(locked(db))
        asyncio.get_running_loop().call_later(0.5, others[0].execute, "ROLLBACK")
        return "far enough"

    with Log.open(db) as log:
        leader = Leader(lease_s=0.9)
        episode = await Episode.begin(scenario, seed=1, log=log, backends=backends, leader=leader, stop=stop)
        assert (await episode.play()).status == "paused"
        await asyncio.sleep(0.1)
        row = log.episode(episode.stage.episode)
        assert (row.status, row.reason, row.lease) == ("paused", "far enough", None)
    others[0].close()
