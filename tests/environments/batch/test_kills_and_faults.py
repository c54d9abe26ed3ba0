"""Killed at any moment, also inside a commit, with a fifth of all requests going wrong: a batch completes as if nothing
had happened, and what had been answered and recorded is not asked again."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, TurnRow
from tests.environments.batch.batches import a_grid, entered, statuses, transcripts, work_in_child, worked
from tests.loopback import Faults, Loopback

SEEDS = 50
FAULTS = Faults(
    rate_limit=0.04, server=0.04, drop=0.03, drop_midway=0.02, slow=0.03, slow_ms=20, wrong_schema=0.02, prose=0.01,
    truncated=0.01, last_chance=True,
)  # fmt: skip
"""A fifth of all requests; a re-ask is answered properly."""
IN_FLIGHT = 8


def asked(messages: Any, seed: Any) -> str:
    """What tells a request apart."""
    return json.dumps([messages, seed], sort_keys=True)


def recorded(db: Path | str) -> list[CallRow]:
    with Log.open(db) as log:
        return [call for one in log.standing("b") for call in log.rows(CallRow, one.episode)]


def only_whole_turns(db: Path | str) -> None:
    with Log.open(db) as log:
        for one in log.standing("b"):
            head = log.episode(one.episode).head
            assert [row.turn for row in log.rows(TurnRow, one.episode)] == list(range(head + 1))


@pytest.mark.slow
@pytest.mark.parametrize("in_commit", [True, False], ids=["inside a commit", "anywhere"])
def test_fifty_kills_at_random_moments_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_commit: bool
) -> None:
    always = {"turns.limit": 2, "model": "openai/any"}
    grid = a_grid(tmp_path, scenario="dinner-secret", set=always, seeds="0:2", grid={"mind.order": [1]})
    environment = {"OPENAI_API_KEY": "sk-never-in-the-log"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Loopback(FAULTS, latency_ms=3) as server:
        environment["OPENAI_BASE_URL"] = server.url
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        entered(tmp_path / "whole.db", grid)
        asyncio.run(worked(tmp_path / "whole.db"))
        undisturbed = transcripts(tmp_path / "whole.db")
        commits = len(recorded(tmp_path / "whole.db")) // 2
        fork = multiprocessing.get_context("forkserver")
        fork.set_forkserver_preload(["tests.environments.batch.batches", "openai", "langgraph.graph"])
        rng, killed_midway = Random(f"5/{in_commit}"), 0
        for number in range(SEEDS // 2):
            db = tmp_path / f"killed{number}.db"
            entered(db, grid)
            before = len(server.requests)
            alive = _killed(fork, server, db, rng, environment, rng.randint(1, commits) if in_commit else None)
            killed_midway += alive
            known, arrived = recorded(db), len(server.requests)
            only_whole_turns(db)
            asyncio.run(worked(db))
            assert set(statuses(db)) == {"success"}
            again = [asked(r.body["messages"], r.body.get("seed")) for r in server.requests[arrived:]]
            answered = [asked(c.messages, c.sampling.get("seed")) for c in known if c.status != "error"]
            assert not set(answered) & set(again), "an answer that was in the log was asked for again"
            first = [asked(r.body["messages"], r.body.get("seed")) for r in server.requests[before:arrived]]
            in_flight = len(first) - len(known)
            errors = [asked(c.messages, c.sampling.get("seed")) for c in known if c.status == "error"]
            repeated = [one for one in set(again) if one in first and one not in errors]
            assert len(repeated) <= in_flight
            assert transcripts(db) == undisturbed
            db.unlink()
        assert killed_midway >= SEEDS // 4


def _killed(
    fork: Any, server: Loopback, db: Path, rng: Random, environment: dict[str, str], commit: int | None
) -> bool:
    """Let a child work on the batch and kill it; says whether it still lived."""
    before, wanted = len(server.requests), rng.randint(1, 14)
    child = fork.Process(target=work_in_child, args=(environment, str(db), commit, {}))
    child.start()
    deadline = time.monotonic() + 60
    if commit is None:
        while len(server.requests) < before + wanted and child.is_alive() and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.012))
        os.kill(child.pid, signal.SIGKILL)
    child.join(60)
    return bool(child.exitcode == -signal.SIGKILL)
