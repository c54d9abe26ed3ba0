"""Killed in the middle of a turn, an episode goes on as if nothing had happened; nothing answered is asked again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    BidRow,
    CallRow,
    ClaimRow,
    EventRow,
    GoldRow,
    MemoryRow,
    Row,
    ThoughtRow,
    TurnRow,
    WitnessRow,
)
from tests.loopback import Faults, Loopback
from tests.playing import play, play_in_child, resume

KILLS = 20
SCENARIO, SEED, MODEL, SETS = "dinner-secret", 3, "openai/any", ["turns.limit=6"]
FAULTS = Faults(rate_limit=0.05, server=0.05, drop=0.05, drop_midway=0.05)
WITH_TURN: tuple[type[Row], ...] = (
    EventRow,
    WitnessRow,
    ClaimRow,
    ThoughtRow,
    AppraisalRow,
    BidRow,
    BeliefRow,
    GoldRow,
    MemoryRow,
)


def transcript(db: Path) -> list[Any]:
    """All rows of all turns, without times, and without call ids, which end in the number of attempts."""
    with Log.open(db) as log:
        [episode] = log.episodes()
        return [
            [row.model_dump(exclude={"episode", "call", "started_at", "wall_ms"}) for row in log.rows(kind, episode.id)]
            for kind in (*WITH_TURN, TurnRow)
        ]


def only_whole_turns(db: Path) -> tuple[str, list[CallRow]]:
    """The episode, and the calls it has answers to; fails where anything of an uncommitted turn is in the log."""
    with Log.open(db) as log:
        [episode] = log.episodes()
        turns = [row.turn for row in log.rows(TurnRow, episode.id)]
        assert turns == list(range(episode.head + 1))
        for kind in WITH_TURN:
            assert all(row.turn <= episode.head for row in log.rows(kind, episode.id)), kind  # type: ignore[attr-defined]
        return episode.id, [call for call in log.rows(CallRow, episode.id) if call.status != "error"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-never-in-the-log"}


@pytest.mark.slow
def test_twenty_kills_change_nothing_and_nothing_is_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Loopback(FAULTS, latency_ms=4) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert asyncio.run(play(tmp_path / "whole.db", SCENARIO, seed=SEED, model=MODEL, sets=SETS)).status == "success"
        undisturbed = transcript(tmp_path / "whole.db")
        fork = multiprocessing.get_context("forkserver")
        fork.set_forkserver_preload(["tests.playing", "openai", "langgraph.graph"])
        rng, killed_midway = Random(20), 0
        for number in range(KILLS):
            db = tmp_path / f"killed{number}.db"
            killed_midway += kill_once(fork, server, db, rng, {**environment, "OPENAI_BASE_URL": server.url})
            episode, answered = only_whole_turns(db)
            asked_before = len(server.requests)
            assert asyncio.run(resume(db, episode)).status == "success"
            again = [request.body["messages"] for request in server.requests[asked_before:]]
            assert not [call.call for call in answered if call.messages in again]
            assert transcript(db) == undisturbed
        assert killed_midway >= KILLS // 2


def kill_once(fork: Any, server: Loopback, db: Path, rng: Random, environment: dict[str, str]) -> bool:
    """Start an episode and kill it once it has asked some questions; says whether it still lived."""
    before, wanted = len(server.requests), rng.randint(1, 26)
    process = fork.Process(target=play_in_child, args=(environment, str(db), SCENARIO, SEED, MODEL, SETS))
    process.start()
    deadline = time.monotonic() + 60
    while len(server.requests) < before + wanted and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(rng.uniform(0, 0.012))
    alive = process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    return bool(alive)
