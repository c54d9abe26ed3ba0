"""Whole episodes with rules: solved, reproducible, folded from the log, and the same from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import AlreadyEnded, Episode
from tertulia.environments.many import play_many
from tertulia.environments.restore import restore
from tertulia.storage.log import Log
from tertulia.storage.rows import EventRow, GoldRow
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import scenario_of
from tests.playing import paused_after, play, resume
from tests.postgres import Server

SHIPPED = ["dinner-secret", "mutual-friends", "planning-meeting", "sally-anne"]


def transcript(log: Log, episode: str) -> list[tuple[Any, ...]]:
    return [(e.turn, e.ordinal, e.kind, e.actor, e.text, e.data) for e in log.rows(EventRow, episode)]


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_shipped_scenario_plays_to_its_end_by_rules(tmp_path: Path, name: str) -> None:
    result = await play(tmp_path / "log.db", name, seed=1)
    assert result.status == "success"
    assert result.fallbacks == 0
    assert result.cost_usd == 0.0
    assert result.reward in (None, 1.0)
    with Log.open(tmp_path / "log.db") as log:
        row = log.episode(result.episode)
        assert (row.status, row.reason, row.reward) == (result.status, result.reason, result.reward)
        assert row.head == result.turns + 1, "the closing turn comes after the last"
        [counted] = log.query(
            "SELECT turns, utterances, calls, fallbacks, cost_usd FROM v_outcomes WHERE episode = ?", [row.id]
        ).rows
    assert tuple(counted) == (result.turns, result.utterances, result.calls, result.fallbacks, result.cost_usd)


async def test_friends_are_found_in_a_handful_of_words(tmp_path: Path) -> None:
    scenario = tertulia.load_scenario("mutual-friends")
    with Log.open(tmp_path / "log.db") as log:
        results = [r async for r in play_many(scenario, range(20), log=log, backends=Backends())]
    assert [result.seed for result in results] == list(range(20))
    assert all(result.reward == 1 for result in results)
    assert sum(result.utterances for result in results) / len(results) <= 8


PRINT = """
import sys, tertulia
from tertulia.storage.rows import EventRow, BeliefRow, ThoughtRow, AppraisalRow
for name in ("mutual-friends", "dinner-secret"):
    result = tertulia.run(name, seed=int(sys.argv[2]), db=sys.argv[1])
    with tertulia.open_log(sys.argv[1]) as log:
        for kind in (EventRow, BeliefRow, ThoughtRow, AppraisalRow):
            for row in log.rows(kind, result.episode):
                print(row.model_dump_json(exclude={"episode"}))
"""


def test_the_same_seed_gives_the_same_minds_and_words_whatever_the_hash_seed(tmp_path: Path) -> None:
    def run(seed: int, hash_seed: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-c", PRINT, str(tmp_path / f"{hash_seed}.db"), str(seed)],
            capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=120,
        )  # fmt: skip
        return done.stdout

    first = run(5, "1")
    assert first == run(5, "2")
    assert first != run(6, "3")


@settings(
    max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(data=table_scenarios(), mind=st.sampled_from(["full", "minddial", "reactive"]), stop=st.integers(1, 7))
async def test_a_stage_restored_at_any_turn_is_the_live_one(
    tmp_path: Path, data: dict[str, Any], mind: str, stop: int
) -> None:
    scenario = scenario_of({**data, "mind": {"preset": mind, "order": 2}})
    with Log.open(tmp_path / "log.db") as log:
        episode = await Episode.begin(scenario, seed=stop, log=log, backends=Backends())
        await paused_after(episode, stop)
        live, restored = episode.stage, restore(log, log.episode(episode.stage.episode)).stage
        assert restored.minds == live.minds
        assert restored.state == live.state
        assert restored.eyes == live.eyes
        for name in live.seats:
            assert restored.seen_by(name, live.head + 1) == live.seen_by(name, live.head + 1)
        parts = (
            "shown",
            "opening",
            "truths",
            "silent_turns",
            "last_actor",
            "addressed",
            "interrupted",
            "heard",
            "standings",
            "clock_s",
            "lasted_s",
            "premise",
            "variables",
            "head",
        )
        assert [getattr(restored, part) for part in parts] == [getattr(live, part) for part in parts]


async def test_an_interrupted_episode_of_rules_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = await play(tmp_path / "whole.db", "mutual-friends", seed=3)
    with Log.open(tmp_path / "part.db") as log:
        scenario = tertulia.load_scenario("mutual-friends")
        episode = await Episode.begin(scenario, seed=3, log=log, backends=Backends())
        await paused_after(episode, 1)
        await log.release(episode.stage.episode, episode.leader.token)
    resumed = await resume(tmp_path / "part.db", episode.stage.episode)
    with Log.open(tmp_path / "whole.db") as first, Log.open(tmp_path / "part.db") as second:
        assert transcript(first, whole.episode) == transcript(second, resumed.episode)
    same = ("status", "reason", "outcome", "turns", "utterances", "calls", "fallbacks", "cost_usd")
    assert [getattr(whole, part) for part in same] == [getattr(resumed, part) for part in same]
    with pytest.raises(AlreadyEnded, match="nothing to resume"):
        await resume(tmp_path / "part.db", episode.stage.episode)


async def test_a_world_that_breaks_ends_the_episode_with_the_reason_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tertulia.environments.worlds.mutual_friends import MutualFriends

    def broken(*args: Any) -> Any:
        raise RuntimeError("the floor gave way")

    monkeypatch.setattr(MutualFriends, "step", broken)
    result = await play(tmp_path / "log.db", "mutual-friends")
    assert (result.status, result.reason) == ("error", "RuntimeError: the floor gave way")
    with Log.open(tmp_path / "log.db") as log:
        assert log.episode(result.episode).reason == result.reason


async def test_truth_is_in_the_log_whenever_it_changes(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "dinner-secret")
    with Log.open(tmp_path / "log.db") as log:
        rows = log.rows(GoldRow, result.episode, chain="world", variable="cake")
    truth = {row.turn: row.value for row in rows if row.probability == 1}
    assert truth == {1: "kitchen", 7: "cellar"}, "as the events before the turn left it, like beliefs"


def test_from_python_it_is_one_call(tmp_path: Path) -> None:
    heard: list[str] = []
    result = tertulia.run(
        "mutual-friends",
        seed=7,
        model="rules",
        db=tmp_path / "log.db",
        listen=lambda event: heard.append(event["kind"]),
    )
    assert (result.status, result.reward) == ("success", 1.0)
    assert heard[-1] == "end"
    assert {"event", "deliberated", "floor", "turn"} <= set(heard)


async def test_postgresql_keeps_the_same_episode_and_resumes_it(tmp_path: Path, postgres_server: Server) -> None:
    whole = await play(tmp_path / "log.db", "dinner-secret", seed=4)
    with postgres_server.fresh() as url:
        with Log.open(url) as log:
            scenario = tertulia.load_scenario("dinner-secret")
            episode = await Episode.begin(scenario, seed=4, log=log, backends=Backends())
            await paused_after(episode, 5)
            await log.release(episode.stage.episode, episode.leader.token)
        resumed = await resume(url, episode.stage.episode)
        asked = [
            f"SELECT {columns} FROM {view} WHERE episode = ? ORDER BY {order}"
            for view, columns, order in (
                ("v_beliefs", "probability, gap, overlap, truth", "turn, holder, chain, variable, value"),
                ("v_thoughts", "holder, thought, text, status, history", "holder, thought"),
                ("v_floor", "turn, participant, wants, won, reason", "turn, participant"),
                ("v_transcript", "turn, ordinal, actor, text, witnesses", "turn, ordinal"),
            )
        ]
        with Log.open(tmp_path / "log.db") as first, Log.open(url) as second:
            assert transcript(first, whole.episode) == transcript(second, resumed.episode)
            for sql in asked:
                assert first.query(sql, [whole.episode]).rows == second.query(sql, [resumed.episode]).rows


@pytest.mark.parametrize("name", SHIPPED)
async def test_a_scenario_that_does_not_elicit_beliefs_plays_and_writes_none(tmp_path: Path, name: str) -> None:
    result = await play(tmp_path / "log.db", name, sets=["elicit=none"])
    assert (result.status, result.fallbacks) == ("success", 0)
    with Log.open(tmp_path / "log.db") as log:
        assert log.query("SELECT count(*) FROM belief").rows == [(0,)]
