"""What a comparison says is what the views of the log say, computed another way."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tertulia.agents.registry import Backends
from tertulia.environments.comparing import DISTANCE, TRUTH, Effects, effects
from tertulia.environments.forking import NULL, SET, plan_forks
from tertulia.environments.many import resume_many
from tertulia.environments.parting import Told, beliefs_part, distance, parting
from tertulia.storage.intervals import mean_of
from tertulia.storage.log import Log
from tertulia.storage.rows import EpisodeRow, EventRow
from tests.playing import play


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    with Log.open(tmp_path / "log.db") as opened:
        yield opened


async def fork(log: Log, parent: str, at: int, *sets: str, **how: Any) -> dict[str, list[EpisodeRow]]:
    """The episodes of each cell, played."""
    plan, backends = plan_forks(log, parent, at, sets=sets, **how), Backends()
    await plan.enter(log)
    async for _ in resume_many([branch.episode for branch in plan.branches], log=log, backends=backends):
        pass
    await backends.aclose()
    cells: dict[str, list[EpisodeRow]] = {}
    for branch in plan.branches:
        cells.setdefault(branch.cell, []).append(log.episode(branch.episode))
    return cells


async def parent_of(log: Log, name: str, *sets: str, seed: int = 3) -> str:
    assert log.target.path is not None
    return (await play(log.target.path, name, seed=seed, sets=sets)).episode


def truths(log: Log, episode: str) -> dict[tuple[int, str, str], tuple[float, str]]:
    """What the view says of every belief at every turn: what the truth is given, and by which estimator."""
    sql = "SELECT DISTINCT turn, chain, variable, true_probability, estimator FROM v_beliefs_held WHERE episode = ?"
    return {(turn, chain, name): (p, by) for turn, chain, name, p, by in log.query(sql, [episode]).rows}


async def test_effects_on_beliefs_are_those_of_the_view_of_what_was_held(log: Log) -> None:
    parent = await parent_of(log, "dinner-secret", "turns.policy=random")
    cells = await fork(log, parent, 8, "alice.belief.cake=kitchen:0.8,cellar:0.2", replicates=4)
    found = effects(log, (SET, NULL), cells[SET], cells[NULL])
    assert found.n == 4
    wanted: dict[tuple[str, str], list[float]] = {}
    lasts: dict[tuple[str, str], list[float]] = {}
    for one, other in zip(cells[SET], cells[NULL], strict=True):
        here, there = truths(log, one.id), truths(log, other.id)
        until = min(one.head, other.head)
        for chain, name in {key[1:] for key in here} & {key[1:] for key in there}:
            by_turn = []
            for turn in range(8, until + 1):
                (p, by), (q, _) = here[turn, chain, name], there[turn, chain, name]
                if by != "set":
                    by_turn.append(p - q)
                    if turn == until:
                        lasts.setdefault((chain, name), []).append(p - q)
            if by_turn:
                wanted.setdefault((chain, name), []).append(math.fsum(by_turn) / len(by_turn))
    assert {(one.chain, one.variable) for one in found.beliefs} == set(wanted)
    for one in found.beliefs:
        assert (one.measure, one.by_a, one.by_b) == (TRUTH, "rules", "rules")
        assert one.mean == mean_of(wanted[one.chain, one.variable])
        assert one.last == mean_of(lasts.get((one.chain, one.variable), []))
    assert found.set_apart == [("alice", "cake")]
    assert any(one.mean and abs(one.mean.mean) > 0.05 for one in found.beliefs), "nothing changed: nothing is tested"


async def test_outcomes_are_paired_by_replicate_and_those_of_the_outcomes_view(log: Log) -> None:
    parent = await parent_of(log, "mutual-friends", "turns.policy=random", seed=7)
    cells = await fork(log, parent, 2, "alice.mind.preset=reactive", replicates=5)
    found = effects(log, ("a", "b"), cells[SET], cells[NULL])

    def figures(row: EpisodeRow) -> dict[str, float]:
        sql = "SELECT reward, turns, utterances FROM v_outcomes WHERE episode = ?"
        [(reward, turns, utterances)] = log.query(sql, [row.id]).rows
        silent = "SELECT avg(silent * 1.0) FROM turn WHERE episode = ? AND turn > 0 AND NOT closing"
        [(silence,)] = log.query(silent, [row.id]).rows
        return {"reward": reward, "turns": turns, "utterances": utterances, "silence": silence}

    pairs = [(figures(a), figures(b)) for a, b in zip(cells[SET], cells[NULL], strict=True)]
    for name, (a, b, difference) in found.figures.items():
        assert a == mean_of([float(one[name]) for one, _ in pairs])
        assert b == mean_of([float(other[name]) for _, other in pairs])
        assert difference == mean_of([float(one[name]) - float(other[name]) for one, other in pairs])
    assert found.by_chance is not None
    assert found.by_chance[1] == 4


async def test_replicates_that_share_a_seed_are_drawn_together(log: Log) -> None:
    """Three seeds with four replicates each, all alike within a seed: three figures, not twelve."""
    ones, others = [], []
    for seed in (3, 4, 5):
        parent = await parent_of(log, "dinner-secret", f"turns.limit={seed + 3}", seed=seed)
        cells = await fork(log, parent, 3, "turns.limit=12", replicates=4)
        ones += cells[SET]
        others += cells[NULL]
    found = effects(log, (SET, NULL), ones, others)
    assert (found.n, found.seeds, found.interval_over) == (12, 3, "seeds")
    difference = found.figures["turns"][2]
    by_seed = [
        math.fsum(a.head - b.head for a, b in zip(ones, others, strict=True) if a.seed == seed) / 4
        for seed in (3, 4, 5)
    ]
    assert len(set(by_seed)) == 3
    assert difference is not None
    assert difference.low is not None
    assert difference.mean == pytest.approx(math.fsum(by_seed) / 3)
    # Of 27 equally likely draws of three seeds, one has the least alone and one the greatest: 1/27 > 2.5 %.
    assert (difference.low, difference.high) == pytest.approx((min(by_seed), max(by_seed)))
    within = effects(log, (SET, NULL), ones[:4], others[:4])
    assert (within.n, within.seeds, within.interval_over) == (4, 1, "pairs")


async def test_the_first_event_that_differs_is_where_transcripts_part(log: Log) -> None:
    parent = await parent_of(log, "dinner-secret")
    cells = await fork(log, parent, 8, "alice.belief.cake=kitchen")
    a, b = (Told.of(log, cells[cell][0]) for cell in (SET, NULL))
    parts = parting(a, b)
    assert parts is not None
    texts = [[(event.turn, event.actor, event.text) for event in log.rows(EventRow, one.row.id)] for one in (a, b)]
    first = next(one for one, other in zip(*texts, strict=False) if one != other)
    assert parts.a is not None
    assert (parts.turn, parts.a["actor"], parts.a["text"]) == first
    assert parts.b is None, "where one speaks at turn 8, the other is silent until bob comes in"
    assert (parts.admitted_a, parts.admitted_b) == (["alice"], [])
    believed = {(one.chain, one.variable): one for one in parts.beliefs}
    assert list(believed) == [("alice", "cake")]
    assert believed["alice", "cake"].by_a == "set"
    turn, belief = beliefs_part(a, b) or (0, None)
    assert turn == 8
    assert belief == believed["alice", "cake"]


async def test_an_episode_beside_itself_or_a_null_fork_never_parts(log: Log) -> None:
    parent = await parent_of(log, "dinner-secret")
    cells = await fork(log, parent, 5)
    a, b = Told.of(log, log.episode(parent)), Told.of(log, cells[NULL][0])
    assert parting(a, b) is None
    assert beliefs_part(a, b) is None
    found = effects(log, ("a", "b"), cells[NULL], cells[NULL])
    assert (found.n, found.parted, found.turn) == (1, 0, None)
    assert all(one.mean and one.mean.mean == 0.0 for one in found.beliefs)


async def test_where_one_ended_sooner_that_is_where_they_part(log: Log) -> None:
    parent = await parent_of(log, "dinner-secret")
    cells = await fork(log, parent, 8, "turns.limit=10")
    a, b = (Told.of(log, cells[cell][0]) for cell in (SET, NULL))
    parts = parting(a, b)
    assert parts is not None
    assert (parts.turn, parts.ended, parts.a) == (11, "a", None)


async def test_where_the_world_decides_nothing_beliefs_are_compared_by_how_far_they_lie_apart(log: Log) -> None:
    """Told once, and trusted to 0.9: from one half to 0.95, so 0.45 apart from who was not told."""
    parent = await parent_of(log, "dinner-secret", "variables.taste={values: [good, bad]}")
    said = "{say: 'The wine is good.', by: dan, asserts: {taste: good}}"
    cells = await fork(log, parent, 8, events=[said], replicates=2)
    found = effects(log, ("a", "b"), cells[SET], cells[NULL])
    of_taste = {one.chain: one for one in found.beliefs if one.variable == "taste"}
    assert {one.measure for one in of_taste.values()} == {DISTANCE}
    assert {one.measure for one in found.beliefs if one.variable != "taste"} == {TRUTH}
    one, other = (Told.of(log, cells[cell][0]) for cell in (SET, NULL))
    apart = {name: distance(one.held((name, "taste"), 9), other.held((name, "taste"), 9)) for name in ("alice", "bob")}
    assert round(apart["alice"], 9) == 0.45
    assert apart["bob"] == 0.0, "bob is away at turn 8 and hears nothing of it"
    by_turn = [
        distance(one.held(("alice", "taste"), turn), other.held(("alice", "taste"), turn))
        for turn in range(8, min(one.row.head, other.row.head) + 1)
    ]
    measured = of_taste["alice"]
    assert measured.mean is not None
    assert measured.last is not None
    assert (measured.mean.mean, measured.mean.n) == (math.fsum(by_turn) / len(by_turn), 2)
    assert measured.last.mean == by_turn[-1]


async def test_what_has_not_ended_or_has_no_counterpart_is_left_out_and_counted(log: Log) -> None:
    parent = await parent_of(log, "sally-anne")
    plan = plan_forks(log, parent, 3, sets=["turns.limit=9"], replicates=2)
    await plan.enter(log)
    waiting = [branch for branch in plan.branches if (branch.cell, branch.replicate) == (NULL, 1)]
    backends = Backends()
    to_play = [branch.episode for branch in plan.branches if branch not in waiting]
    async for _ in resume_many(to_play, log=log, backends=backends):
        pass
    await backends.aclose()
    rows = {cell: [log.episode(b.episode) for b in plan.branches if b.cell == cell] for cell in (SET, NULL)}
    found: Effects = effects(log, (SET, NULL), rows[SET], rows[NULL])
    assert found.n == 1
    assert found.left_out == {"not ended (paused)": 1, "without a counterpart": 1}
    assert found.report()["figures"]["turns"]["difference"]["n"] == 1


async def test_estimators_are_never_pooled(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.loopback import Loopback

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    parent = await parent_of(log, "dinner-secret")
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        cells = await fork(log, parent, 11, "bob.model=openai/any")
    found = effects(log, (SET, NULL), cells[SET], cells[NULL])
    by = {(one.by_a, one.by_b) for one in found.beliefs if one.chain.startswith("bob")}
    assert ("verbalised", "rules") in by
    assert all(one.by_a == one.by_b == "rules" for one in found.beliefs if not one.chain.startswith("bob"))
