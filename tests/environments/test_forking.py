"""Forks share a past and part where they were told to; without a change, the first goes on as its parent did."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.changes import ForkError
from tertulia.environments.differing import OF_A_TURN
from tertulia.environments.episode import Episode
from tertulia.environments.forking import NULL, SET, Forking, plan_forks
from tertulia.environments.hindsight import Hindsight
from tertulia.environments.many import resume_many
from tertulia.environments.probing import open_interview
from tertulia.environments.replaying import replay
from tertulia.environments.result import EpisodeResult
from tertulia.environments.scenario import ScenarioError
from tertulia.environments.scenario.probes import beliefs_of
from tertulia.storage.log import Log
from tertulia.storage.rows import (
    BatchRow,
    BeliefRow,
    CallRow,
    EpisodeRow,
    EventRow,
    GoldRow,
    InterventionRow,
    ParticipantRow,
    Row,
    TurnRow,
)
from tertulia.storage.types import now
from tests.loopback import Faults, Loopback
from tests.playing import FAST, play, resume

TABLES: tuple[type[Row], ...] = (EpisodeRow, ParticipantRow, *OF_A_TURN, InterventionRow)


@pytest.fixture
async def backends() -> AsyncIterator[Backends]:
    made = Backends()
    yield made
    await made.aclose()


async def forked(
    log: Log, backends: Backends, episode: str, at: int, *sets: str, play: bool = True, **how: Any
) -> tuple[Forking, list[EpisodeResult]]:
    """Plan, enter and play."""
    plan = plan_forks(log, episode, at, sets=sets, backends=backends, **how)
    await plan.enter(log)
    ids = [branch.episode for branch in plan.branches]
    if not play:
        return plan, []
    return plan, [one async for one in resume_many(ids, log=log, backends=backends, retry=FAST)]


def everything(log: Log, episode: str, kinds: Sequence[type[Row]] = TABLES) -> list[Any]:
    return [[row.model_dump() for row in log.rows(kind, episode)] for kind in kinds]


def story(log: Log, episode: str) -> list[Any]:
    """All rows of all turns but calls, without times and ids."""
    without = {"episode", "started_at", "wall_ms", "created_at"}
    return [[row.model_dump(exclude=without) for row in log.rows(k, episode)] for k in OF_A_TURN if k is not CallRow]


def held(log: Log, episode: str, turn: int, chain: str, variable: str) -> dict[str, float]:
    rows = log.query(
        "SELECT value, probability FROM v_beliefs_held WHERE episode = ? AND turn = ? AND chain = ? AND variable = ?",
        [episode, turn, chain, variable],
    )
    return dict(rows.rows)


@pytest.mark.parametrize(("name", "at"), [("dinner-secret", 8), ("mutual-friends", 4), ("haggle", 3)])
async def test_a_fork_without_a_change_goes_on_as_its_parent_did_and_leaves_it_as_it_was(
    target: str, backends: Backends, name: str, at: int
) -> None:
    parent = (await play(target, name, seed=7)).episode
    with Log.open(target) as log:
        before = everything(log, parent)
        plan, [result] = await forked(log, backends, parent, at)
        assert story(log, result.episode) == story(log, parent)
        assert everything(log, parent) == before
        fork, whole = log.episode(result.episode), log.episode(parent)
        assert (fork.parent_episode, fork.parent_turn, fork.seed) == (parent, at - 1, whole.seed)
        assert (fork.status, fork.reason, fork.outcome) == (whole.status, whole.reason, whole.outcome)
        assert (fork.batch, fork.cell, fork.replicate) == (plan.batch.id, NULL, 0)
        calls = log.rows(CallRow, result.episode)
        assert {call.turn for call in calls} == set(range(at, whole.head + 1))
        assert log.rows(InterventionRow, result.episode) == []


async def test_replicates_share_their_chance_across_cells_and_with_nobody_else(target: str, backends: Backends) -> None:
    parent = (await play(target, "mutual-friends", seed=7, sets=["turns.policy=random"])).episode
    with Log.open(target) as log:
        plan, results = await forked(log, backends, parent, 2, replicates=4)
        told = [str(story(log, result.episode)) for result in results]
        assert told[0] == str(story(log, parent))
        assert len(set(told)) > 1, "all replicates went on alike: this test asserts nothing"
        again, _ = await forked(log, backends, parent, 2, replicates=4)
        assert [str(story(log, branch.episode)) for branch in again.branches] == told
        changed, _ = await forked(log, backends, parent, 2, "turns.limit=99", replicates=4)
        assert [branch.cell for branch in changed.branches] == [SET] * 4 + [NULL] * 4
        with_change = [str(story(log, branch.episode)) for branch in changed.branches]
        assert with_change == told * 2, "a change that changes nothing must leave the paired chance as it is"
        [row] = log.rows(InterventionRow, plan.branches[3].episode)
        assert (row.turn, row.target, row.new) == (2, "(chance)", 3)


async def test_a_set_belief_is_held_from_its_turn_on_acted_upon_and_never_scored_as_the_minds_own(
    target: str, backends: Backends
) -> None:
    parent = (await play(target, "dinner-secret", seed=3)).episode
    with Log.open(target) as log:
        _, [changed, null] = await forked(log, backends, parent, 8, "alice.belief.cake=kitchen")
        assert held(log, parent, 8, "alice", "cake") == {"cellar": 1.0, "kitchen": 0.0}
        assert held(log, changed.episode, 7, "alice", "cake") == {"cellar": 1.0, "kitchen": 0.0}
        assert held(log, changed.episode, 8, "alice", "cake") == {"cellar": 0.0, "kitchen": 1.0}
        rows = [r for r in log.rows(BeliefRow, changed.episode, turn=8) if r.chain == "alice" and r.variable == "cake"]
        assert {row.estimator for row in rows} == {"set"}
        said = [e.text for e in log.rows(EventRow, changed.episode, turn=8) if e.actor == "alice"]
        assert said == ["The cake is in the kitchen."]
        assert not [e for e in log.rows(EventRow, null.episode, turn=8) if e.actor == "alice"]
        [row] = log.rows(InterventionRow, changed.episode)
        assert (row.turn, row.target) == (8, "alice.belief.cake")
        assert row.old == {"cellar": 1.0, "kitchen": 0.0}
        assert row.new == {"cellar": 0.0, "kitchen": 1.0}
        scored = log.query("SELECT DISTINCT estimator FROM v_belief_accuracy WHERE episode = ?", [changed.episode])
        assert scored.rows == [("rules",)]
        of_alice = "SELECT count(*) FROM v_belief_accuracy WHERE episode = ? AND chain = 'alice' AND variable = 'cake'"
        assert log.query(f"{of_alice} AND turn < 8", [changed.episode]).rows == [(7,)]
        assert log.query(f"{of_alice} AND turn >= 8", [changed.episode]).rows == [(0,)]


async def test_what_is_seen_afterwards_revises_a_set_belief(target: str, backends: Backends) -> None:
    """Bob is away when the cake is moved, and is told; what he is told revises a doubt that was set."""
    parent = (await play(target, "dinner-secret", seed=3)).episode
    with Log.open(target) as log:
        _, [changed, _] = await forked(
            log, backends, parent, 3, "bob.belief.cake=kitchen:0.4,cellar:0.6", "carol>bob.belief.house=sold:1"
        )
        assert held(log, changed.episode, 3, "bob", "cake") == {"cellar": 0.6, "kitchen": 0.4}
        assert held(log, changed.episode, 3, "carol>bob", "house") == {"kept": 0.0, "sold": 1.0}
        last = max(row.turn for row in log.rows(TurnRow, changed.episode))
        assert held(log, changed.episode, last, "bob", "cake")["cellar"] > 0.9
        estimators = [
            row.estimator for row in log.rows(BeliefRow, changed.episode) if row.chain == "bob" and row.turn > 3
        ]
        assert set(estimators) == {"rules"}


async def test_forks_of_forks_keep_all_changes_and_all_chance(target: str, backends: Backends) -> None:
    parent = (await play(target, "mutual-friends", seed=3, sets=["turns.policy=random"])).episode
    with Log.open(target) as log:
        first, _ = await forked(log, backends, parent, 2, replicates=3, null=False)
        third = first.branches[2].episode
        head = log.episode(third).head
        second, _ = await forked(log, backends, third, 4, replicates=2)
        same, other = (branch.episode for branch in second.branches)
        assert story(log, same) == story(log, third)
        assert story(log, third) != story(log, parent)
        targets = [(row.turn, row.ordinal, row.target, row.new) for row in log.rows(InterventionRow, other)]
        assert targets == [(2, 0, "(chance)", 2), (4, 0, "(chance)", 1)]
        at_the_same_turn, _ = await forked(log, backends, other, 4, "turns.limit=9")
        again = at_the_same_turn.branches[1].episode
        assert story(log, again) == story(log, other)
        numbered = [(row.turn, row.ordinal) for row in log.rows(InterventionRow, at_the_same_turn.branches[0].episode)]
        assert numbered == [(2, 0), (4, 0), (4, 1)]
        assert head >= 4


async def test_forks_of_a_fork_with_a_set_belief_fold_resume_and_replay_the_same(
    target: str, backends: Backends
) -> None:
    parent = (await play(target, "dinner-secret", seed=3)).episode
    with Log.open(target) as log:
        _, [changed, _] = await forked(log, backends, parent, 8, "alice.belief.cake=kitchen")
        _, [later] = await forked(log, backends, changed.episode, 10)
        _, [sooner] = await forked(log, backends, changed.episode, 8)
        assert story(log, later.episode) == story(log, changed.episode) == story(log, sooner.episode)
        for episode in (changed.episode, later.episode, sooner.episode):
            found = await replay(log, episode)
            assert found.difference is None, found.difference
            assert found.since == log.episode(episode).parent_turn + 1  # type: ignore[operator]
            assert found.parent == log.episode(episode).parent_episode


async def test_an_event_of_its_own_happens_in_the_turn_of_the_fork_and_in_no_other_cell(
    target: str, backends: Backends
) -> None:
    parent = (await play(target, "sally-anne")).episode
    with Log.open(target) as log:
        event = "{enter: sally, text: Sally comes back early.}"
        plan, results = await forked(log, backends, parent, 3, events=[event])
        changed, null = results
        texts = [[e.text for e in log.rows(EventRow, one.episode, turn=3)] for one in (changed, null)]
        assert "Sally comes back early." in texts[0]
        assert "Sally comes back early." not in texts[1]
        [row] = log.rows(InterventionRow, changed.episode)
        assert (row.target, row.old) == ("(event)", None)
        assert (row.new["turn"], row.new["enter"]) == (3, "sally")
        assert plan.batch.grid["event"] == [event]
        assert (await replay(log, changed.episode)).difference is None


async def test_a_finished_conversation_goes_on_with_a_higher_limit(target: str, backends: Backends) -> None:
    parent = await play(target, "guess-the-mean", sets=["turns.limit=4"])
    with Log.open(target) as log:
        [closing] = [turn.turn for turn in log.rows(TurnRow, parent.episode) if turn.closing]
        with pytest.raises(ForkError, match=r"ended before it.*turns\.limit=N"):
            plan_forks(log, parent.episode, closing)
        _, [longer] = await forked(log, backends, parent.episode, closing, "turns.limit=6", null=False)
        assert (parent.turns, longer.turns) == (4, 6)
        assert not [turn for turn in log.rows(TurnRow, longer.episode) if turn.closing and turn.turn == closing]


async def test_a_mind_that_goes_deeper_from_a_turn_on_has_gold_for_its_new_chains(
    tmp_path: Path, backends: Backends
) -> None:
    db = tmp_path / "log.db"
    parent = (await play(db, "dinner-secret", seed=3)).episode
    with Log.open(db) as log:
        sets = ("alice.mind.order=3", "alice>bob>alice.belief.cake=kitchen")
        _, [deeper] = await forked(log, backends, parent, 8, *sets, null=False)
        chain = "alice>bob>alice"
        assert held(log, deeper.episode, 8, chain, "cake") == {"cellar": 0.0, "kitchen": 1.0}
        gold = log.rows(GoldRow, deeper.episode, chain=chain, variable="cake")
        assert gold[0].turn == 8
        [meant] = Hindsight(log, log.episode(parent)).all_held([chain], ["cake"], 8)
        assert {row.value: row.probability for row in gold if row.turn == 8} == meant.distribution
        assert not [row for row in log.rows(GoldRow, deeper.episode, turn=8) if row.chain == "bob"]
        assert (await replay(log, deeper.episode)).difference is None


async def test_a_probe_sees_a_set_belief_and_does_not_take_it_for_the_minds_own(
    tmp_path: Path, backends: Backends
) -> None:
    db = tmp_path / "log.db"
    parent = (await play(db, "dinner-secret", seed=3)).episode
    with Log.open(db) as log:
        _, [changed] = await forked(log, backends, parent, 8, "alice.belief.cake=kitchen", null=False)
        interview = open_interview(log, changed.episode, 8)
        [probed] = await interview.ask([beliefs_of("alice")], backends=backends)
        stated = {(row.chain, row.variable): row.estimator for row in probed.beliefs}
        assert stated["alice", "cake"] == "set"
        assert {by for key, by in stated.items() if key != ("alice", "cake")} == {"rules"}
        sql = "SELECT count(*) FROM v_belief_accuracy WHERE episode = ? AND source = 'probe' AND chain = 'alice'"
        assert log.query(sql, [changed.episode]).rows == [(1,)]


REFUSED = {
    "alice.belief.cak=cellar": "nearest: 'cake'",
    "alice.belief.cake=celler": "nearest: 'cellar'",
    "alise.belief.cake=cellar": "nearest: 'alice'",
    "alice>bobb.belief.cake=cellar": "nearest: 'alice>bob'",
    "alice>bob>alice.belief.cake=cellar": "--set alice.mind.order=3",
    "alice.belief.cake=cellar:0.4,kitchen:0.4": "sum to 0.8",
    "alice.belief.cake=cellar:0.4,cellar:0.6": "each value once",
    "alice.belief.cake=cellar:2": "kitchen:0.7",
    "turns.limt=9": "nearest: 'limit'",
    "turns.limit=24": "that is what it is already",
    "alise.model=rules": "nearest: 'alice'",
    "alice.mind.preset=fulll": "nearest: 'full'",
    "mind.preset=reactive": "alice.mind.order=1",
    "alice.name=alicia": "a name stands in everything",
    "world=negotiation": "same world",
    "gold.rule=none": "tertulia gold EPISODE --rule",
    "variables.cake.truth=cellar": "the same for a whole episode",
    "dan.knows={house: sold}": "changes what happened before",
    "turns.limit=5": "no turn is played",
    "nonsense": "KEY=VALUE",
}


@pytest.mark.parametrize("given", REFUSED)
async def test_what_cannot_be_set_is_one_line_that_says_what_would_be_right(tmp_path: Path, given: str) -> None:
    db = tmp_path / "log.db"
    parent = (await play(db, "dinner-secret", seed=3)).episode
    with Log.open(db) as log:
        with pytest.raises((ForkError, ScenarioError)) as told:
            plan_forks(log, parent, 8, sets=[given])
        [line] = str(told.value).splitlines()
        assert REFUSED[given] in line, line
        assert len(log.episodes()) == 1
        assert log.batches() == []


async def test_other_things_that_cannot_be_forked(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    parent = (await play(db, "mutual-friends", seed=7)).episode
    table = (await play(db, "dinner-secret", seed=3)).episode
    with Log.open(db) as log:
        refused: list[tuple[str, dict[str, Any], str]] = [
            (parent, {"at": 0}, "turns 1 to"),
            (parent, {"at": 99}, "turns 1 to"),
            (parent, {"at": 3, "events": ["{leave: bob}"]}, "no script"),
            (parent, {"at": 3, "sets": ["alice.belief.alice.friend=other"]}, "compute what alice believes"),
            (parent, {"at": 3, "sets": ["alice.belief.bob.friend=other"]}, "nearest: 'alice.friend'"),
            (table, {"at": 3, "events": ["{leave: bobb}"]}, "--event event.leave: no participant 'bobb'"),
            (table, {"at": 3, "events": ["leave bob"]}, "in braces"),
            (table, {"at": 3, "events": ["{turn: 4, leave: bob}"]}, "leave `turn` out"),
            (table, {"at": 3, "sets": ["alice.model=rules", "alice.model=openai/x"]}, "set twice"),
        ]
        for episode, how, hint in refused:
            with pytest.raises((ForkError, ScenarioError)) as told:
                plan_forks(log, episode, **how)
            [line] = str(told.value).splitlines()
            assert hint in line, line


async def test_models_see_a_set_belief_and_forks_over_a_server_replay_without_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backends: Backends
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    db = tmp_path / "log.db"
    sets = ["turns.limit=5"]
    with Loopback(Faults(rate_limit=0.1, wrong_schema=0.1), latency_ms=1) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        parent = (await play(db, "dinner-secret", seed=2, model="openai/any", sets=sets)).episode
        with Log.open(db) as log:
            plan, results = await forked(log, backends, parent, 4, "dan.belief.house=sold", replicates=2)
            assert [result.status for result in results] == ["success"] * 4
            asked = {
                branch.episode: log.rows(CallRow, branch.episode, turn=4, participant="dan") for branch in plan.branches
            }
            for branch in plan.branches:
                shown = any("sold 100%" in str(call.messages) for call in asked[branch.episode])
                assert shown == (branch.cell == SET)
            seeds = [asked[branch.episode][0].sampling["seed"] for branch in plan.branches]
            assert seeds[:2] == seeds[2:]
            assert seeds[0] != seeds[1]
            sent = len(server.requests)
            for branch in plan.branches:
                found = await replay(log, branch.episode)
                assert found.difference is None, found.difference
            assert len(server.requests) == sent


async def test_another_model_from_a_turn_on_leaves_the_past_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backends: Backends
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    db = tmp_path / "log.db"
    parent = (await play(db, "dinner-secret", seed=3)).episode
    with Loopback() as server, Log.open(db) as log:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        _, [changed] = await forked(log, backends, parent, 11, "bob.model=openai/any", "turns.limit=12", null=False)
        assert changed.status == "success"
        assert {call.uri for call in log.rows(CallRow, changed.episode, participant="bob")} == {"openai/any"}
        assert {seat.name: seat.model for seat in log.participants(changed.episode)}["bob"] == "openai/any"
        told = "SELECT DISTINCT established FROM claim WHERE episode = ? AND speaker = 'bob' AND turn < 11"
        assert log.query(told, [changed.episode]).rows == [("rules",)]
        assert (await replay(log, changed.episode)).difference is None


def play_on(environment: dict[str, str], target: str, episode: str) -> None:
    """What a child process runs until it is done or killed."""
    os.environ.update(environment)
    asyncio.run(resume(target, episode))


def kill_once(
    children: Any, server: Loopback, target: str, episode: str, rng: Random, environment: dict[str, str]
) -> bool:
    """Go on with an episode in a process that is killed once it has asked some questions; whether it still lived."""
    before, wanted = len(server.requests), rng.randint(1, 16)
    process = children.Process(target=play_on, args=(environment, target, episode))
    process.start()
    deadline = time.monotonic() + 60
    while len(server.requests) < before + wanted and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(rng.uniform(0, 0.012))
    alive = process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    return bool(alive)


@pytest.mark.slow
async def test_a_fork_that_is_killed_at_any_moment_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backends: Backends
) -> None:
    db, rng, killed = str(tmp_path / "log.db"), Random(5), 0
    environment = {"OPENAI_API_KEY": "sk-test"}
    with Loopback(Faults(rate_limit=0.05, drop=0.05), latency_ms=4) as server:
        environment["OPENAI_BASE_URL"] = server.url
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        parent = (await play(db, "dinner-secret", seed=3, model="openai/any", sets=["turns.limit=6"])).episode
        with Log.open(db) as log:
            change = "carol.belief.cake=cellar:0.9,kitchen:0.1"
            _, [whole] = await forked(log, backends, parent, 3, change, null=False)
            undisturbed = without_calls(log, whole.episode)
            children = multiprocessing.get_context("forkserver")
            children.set_forkserver_preload(["tests.playing", "openai", "langgraph.graph"])
            for _ in range(6):
                plan, _ = await forked(log, backends, parent, 3, change, null=False, play=False)
                [branch] = plan.branches
                killed += kill_once(children, server, db, branch.episode, rng, environment)
                if log.episode(branch.episode).status != "success":
                    assert (await resume(db, branch.episode)).status == "success"
                assert without_calls(log, branch.episode) == undisturbed
                assert (await replay(log, branch.episode)).difference is None
    assert killed >= 3


def without_calls(log: Log, episode: str) -> list[Any]:
    """All rows of turns, without call ids, which end in the number of attempts."""
    found = story(log, episode)
    return [[{name: value for name, value in row.items() if name != "call"} for row in rows] for rows in found]


async def test_what_its_parent_was_gone_on_with_at_that_turn_is_none_of_a_forks(
    target: str, backends: Backends
) -> None:
    parent = (await play(target, "dinner-secret", seed=3)).episode
    with Log.open(target) as log:
        accepted = {"target": "versions", "old": {}, "new": {"python": "0.1"}, "created_at": now()}
        await log.record([InterventionRow(episode=parent, turn=turn, ordinal=0, **accepted) for turn in (5, 8)])
        plan, [fork] = await forked(log, backends, parent, 8, "turns.limit=9", null=False)
        rows = [(row.turn, row.ordinal, row.target) for row in log.rows(InterventionRow, fork.episode)]
        assert rows == [(5, 0, "versions"), (8, 1, "turns.limit")]
        assert (fork.status, plan.parent.id) == ("success", parent)


async def test_a_batch_of_forks_is_entered_whole_or_not_at_all(target: str) -> None:
    parent = (await play(target, "sally-anne")).episode
    with Log.open(target) as log:
        plan = plan_forks(log, parent, 3, replicates=2)
        plan.branches[1].fork.episode.id = parent
        with pytest.raises(tertulia.storage.log.Duplicate):
            await plan.enter(log)
        assert [row.id for row in log.episodes()] == [parent]
        assert log.batches() == []


async def test_a_fork_can_part_from_an_episode_that_has_not_ended(tmp_path: Path, backends: Backends) -> None:
    db = tmp_path / "log.db"
    with Log.open(db) as log:
        scenario = tertulia.load_scenario("sally-anne")
        far = asyncio.Event()

        def listen(event: dict[str, Any]) -> None:
            if event["kind"] == "turn" and event["turn"] == 2:
                far.set()

        episode = await Episode.begin(scenario, seed=0, log=log, backends=backends, listen=listen)
        task = asyncio.create_task(episode.play())
        await far.wait()
        _, [fork] = await forked(log, backends, episode.stage.episode, 2)
        whole = await task
        assert story(log, fork.episode) == story(log, whole.episode)
        assert isinstance(log.batches()[0], BatchRow)
