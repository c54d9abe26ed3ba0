"""Probes that meet trouble: servers away, kills, two who ask at once, turns that are not there. Nothing is lost."""

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

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.probes import due
from tertulia.environments.probing import ProbeError, open_interview
from tertulia.environments.restore import restore
from tertulia.environments.scenario.probes import beliefs_of
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import LeaseHeld, Log
from tertulia.storage.rows import CallRow, ProbeRow
from tests.environments.probe_kit import PROBES, ask, played, probed
from tests.loopback import Faults, Loopback
from tests.playing import FAST, play, play_in_child, resume


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-in-the-log")
    return monkeypatch


async def test_a_paused_episode_is_probed_where_it_stands_and_goes_on_as_if_it_had_not_been(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    sets = ["turns.limit=3", "elicit=probe", PROBES]
    options: dict[str, Any] = {"seed": 6, "model": "openai/any", "sets": sets}
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        smooth = await play(tmp_path / "smooth.db", "dinner-secret", **options)
    with Loopback(Faults(server=1.0, transport_cap=10_000)) as away:
        openai.setenv("OPENAI_BASE_URL", away.url)
        paused = await play(tmp_path / "log.db", "dinner-secret", **options)
        assert paused.status == "paused"
        with Log.open(tmp_path / "log.db") as log, pytest.raises(ModelTrouble, match="attempts failed"):
            await ask(log, paused.episode, None, beliefs_of("bob"))
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        with Log.open(tmp_path / "log.db") as log:
            stage = open_interview(log, paused.episode).stage
            found = await ask(log, paused.episode, 1, beliefs_of("bob"), beliefs_of("alice"))
            assert [one.row.ordinal for one in found] == [len(due(stage, 1)) + 1, len(due(stage, 1)) + 2]
        resumed = await resume(tmp_path / "log.db", paused.episode)
    with Log.open(tmp_path / "log.db") as log, Log.open(tmp_path / "smooth.db") as undisturbed:
        assert resumed.status == "success"
        assert probed(log, paused.episode) == probed(undisturbed, smooth.episode)
        assert len(probed(log, paused.episode, scheduled=False)) > 2
        ours, theirs = played(log, paused.episode), played(undisturbed, smooth.episode)
        for table in ("event", "turn", "witness", "claim", "thought", "bid", "gold"):
            assert [{**row, "call": None} for row in ours[table]] == [{**row, "call": None} for row in theirs[table]]


async def test_an_episode_that_is_being_played_is_not_probed(tmp_path: Path) -> None:
    backends = Backends()
    with Log.open(tmp_path / "log.db") as log:
        episode = await Episode.begin(tertulia.load_scenario("sally-anne"), seed=0, log=log, backends=backends)
        with pytest.raises(LeaseHeld, match="is being played now; ask once it has paused or ended"):
            open_interview(log, episode.stage.episode, 1)
        await episode.play()
        assert open_interview(log, episode.stage.episode, 1).turn == 1
    await backends.aclose()


async def test_turns_that_are_not_there_are_refused_with_those_that_are(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "sally-anne")
    with Log.open(tmp_path / "log.db") as log:
        head = log.episode(result.episode).head
        for turn in (0, head + 2):
            with pytest.raises(ProbeError, match=f"turn {turn}: episode {result.episode} has turns 1 to {head}, and"):
                open_interview(log, result.episode, turn)
        for turn in range(1, head + 2):
            stage = open_interview(log, result.episode, turn).stage
            assert stage.head == turn - 1
            for name in stage.seats:
                assert all(event.turn < turn for event in stage.seen_by(name, turn).events)
        last = restore(log, log.episode(result.episode)).stage
        assert last.minds == stage.minds
        assert last.state_hash() == stage.state_hash()


KILLS, KILLED = 6, ["turns.limit=5", "elicit=probe", PROBES]


@pytest.mark.slow
def test_kills_neither_lose_nor_double_a_probe_and_nothing_is_paid_twice(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    faults = Faults(rate_limit=0.05, server=0.05, drop=0.05)
    with Loopback(faults, latency_ms=4) as server:
        environment = {"OPENAI_API_KEY": "sk-never-in-the-log", "OPENAI_BASE_URL": server.url}
        openai.setenv("OPENAI_BASE_URL", server.url)
        smooth = asyncio.run(play(tmp_path / "smooth.db", "dinner-secret", seed=3, model="openai/any", sets=KILLED))
        with Log.open(tmp_path / "smooth.db") as log:
            undisturbed = probed(log, smooth.episode)
        assert len(undisturbed) > 100
        fork = multiprocessing.get_context("forkserver")
        fork.set_forkserver_preload(["tests.playing", "openai", "langgraph.graph"])
        rng, midway = Random(7), 0
        for number in range(KILLS):
            db, before = tmp_path / f"killed{number}.db", len(server.requests)
            arguments = (environment, str(db), "dinner-secret", 3, "openai/any", KILLED)
            process = fork.Process(target=play_in_child, args=arguments)
            process.start()
            wanted, deadline = rng.randint(3, 55), time.monotonic() + 60
            while len(server.requests) < before + wanted and process.is_alive() and time.monotonic() < deadline:
                time.sleep(0.0005)
            midway += process.is_alive()
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join(30)
            with Log.open(db) as log:
                [row] = log.episodes()
                assert all(probe.turn <= row.head for probe in log.rows(ProbeRow, row.id))
                answered = [call for call in log.rows(CallRow, row.id) if call.status != "error"]
            asked_before = len(server.requests)
            assert asyncio.run(resume(db, row.id)).status == "success"
            again = [(request.body["messages"], request.body["seed"]) for request in server.requests[asked_before:]]
            assert not [call.call for call in answered if (call.messages, call.sampling["seed"]) in again]
            with Log.open(db) as log:
                assert probed(log, row.id) == undisturbed
        assert midway >= KILLS // 2


@pytest.mark.parametrize("model", ["rules", "openai/loopback"])
async def test_two_who_ask_at_the_same_turn_at_once_both_have_their_answers(
    target: str, model: str, openai: pytest.MonkeyPatch
) -> None:
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        result = await play(target, "dinner-secret", model=model, sets=["turns.limit=4"])
        backends = Backends()
        with Log.open(target) as one, Log.open(target) as other:
            first, second = open_interview(one, result.episode, 3), open_interview(other, result.episode, 3)
            assert first.first == second.first
            both = await asyncio.gather(
                first.ask([beliefs_of("alice"), beliefs_of("bob")], backends=backends, retry=FAST),
                second.ask([beliefs_of("alice"), beliefs_of("carol")], backends=backends, retry=FAST),
            )
            await backends.aclose()
            asked = [[probed.row.participant for probed in answers] for answers in both]
            written = one.rows(ProbeRow, result.episode)
        assert [sorted(names) for names in asked] == [["alice", "bob"], ["alice", "carol"]]
        assert sorted(row.participant for row in written) == ["alice", "alice", "bob", "carol"]
        assert len({row.ordinal for row in written}) == len(written)
