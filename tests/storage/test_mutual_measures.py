"""Measures of mutual theory of mind: against the views, against figures worked out by hand, and what has no answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.scenario import load_scenario
from tertulia.storage.log import Log
from tertulia.storage.measures import cycles, mutual
from tertulia.storage.measures.clustered import interval, slope
from tertulia.storage.rows import Row
from tests.storage.made import ID, a_turn, an_episode, beliefs
from tests.storage.test_mutual_views import gold, said, stated

SURE = {"kitchen": 1.0, "cellar": 0.0}


@pytest.fixture
def log(tmp_path: Path) -> Any:
    with Log.open(tmp_path / "log.db") as opened:
        yield opened


async def begin(log: Log, id: str = ID, *parts: Any, last: int = 8, **given: Any) -> None:
    await log.begin(an_episode(id, **given))
    rows: list[Row] = [row for turn in range(last + 1) for row in a_turn(turn, episode=id).rows]
    for part in parts:
        rows += [row.model_copy(update={"episode": id}) for row in part]
    await log.record(rows)


def figures(log: Log, predictor: str, target: str, chosen: str = "all", *episodes: str, **kept: Any) -> dict[str, Any]:
    (row,) = [
        row for row in mutual.summary(log, episodes or [ID])["scores"]
        if (row["predictor"], row["target"], row["set"]) == (predictor, target, chosen)
        and all(row[key] == value for key, value in kept.items())
    ]  # fmt: skip
    return row


def played(log: Log, scenario: str, *sets: str) -> str:
    async def one() -> str:
        episode = await Episode.begin(load_scenario(scenario, sets), seed=0, log=log, backends=Backends())
        return (await episode.play()).episode

    return asyncio.run(one())


@pytest.mark.parametrize("scenario", ["misunderstanding", "dinner-secret", "sally-anne"])
def test_the_model_has_the_scores_that_the_view_gives_it(log: Log, scenario: str) -> None:
    episode = played(log, scenario)
    for target in mutual.TARGETS:
        for chosen, where in (("all", ""), ("headline", " AND differs = 1 AND robust = 1")):
            sql = f"""SELECT count(*) AS n, avg({target}_brier) AS brier, avg({target}_probability) AS probability,
                avg({target}_hit) AS hit FROM v_mutual WHERE episode = ? AND {target}_brier IS NOT NULL{where}"""
            (wanted,) = log.query(sql, [episode]).dicts()
            row = figures(log, "model", target, chosen, episode)
            for name, value in wanted.items():
                assert row[name] == (pytest.approx(value) if value is not None else None), (target, chosen, name)


def test_the_ideal_observer_is_never_wrong_about_gold_and_projection_always_where_they_differ(log: Log) -> None:
    episode = played(log, "misunderstanding")
    ideal, projection = (figures(log, p, "gold", "headline", episode) for p in ("ideal observer", "self-projection"))
    assert (ideal["brier"], ideal["hit"]) == (0.0, 1.0)
    assert projection["hit"] == 0.0
    assert ideal["n"] == projection["n"] > 0
    assert ideal["excess"]["mean"] == projection["brier"]


async def test_baselines_on_items_made_by_hand(log: Log) -> None:
    await begin(
        log, ID,
        beliefs(1, "alice", "cake", kitchen=0.0, cellar=1.0),
        beliefs(1, "alice>bob", "cake", kitchen=0.8, cellar=0.2),
        beliefs(1, "bob", "cake", kitchen=1.0, cellar=0.0),
        gold(1, "alice", kitchen=0.0, cellar=1.0),
        gold(1, "alice>bob", kitchen=1.0, cellar=0.0),
        said(1, "bob", ("kitchen", True)),
        said(2, "bob", ("cellar", True)),
        cast=("alice", "bob"), last=2,
    )  # fmt: skip
    at = {p: figures(log, p, "gold", "headline") for p in mutual.PREDICTORS}
    assert {p: row["n"] for p, row in at.items()} == dict.fromkeys(at, 2) | {"shuffled partner": 0}
    assert at["model"]["brier"] == pytest.approx(0.08)
    assert at["self-projection"]["brier"] == 2.0
    assert at["uninformed"]["brier"] == 0.5
    assert at["majority"]["brier"] == 0.0
    assert at["shuffled partner"]["brier"] is None
    assert at["repeat-last"]["brier"] == pytest.approx((0.5 + 0.0) / 2), "at turn 1 nothing was said yet"
    excess = at["model"]["excess"]
    assert (excess["mean"], excess["n"], excess["low"]) == (pytest.approx(1.92), 2, None)
    acts = {p: figures(log, p, "act") for p in mutual.PREDICTORS}
    assert acts["repeat-last"]["hit"] == pytest.approx((0.5 + 0.0) / 2)
    assert acts["majority"]["hit"] == 0.5, "kitchen once, cellar once: alike"
    reports = {p: figures(log, p, "report") for p in mutual.PREDICTORS}
    assert reports["repeat-last"]["hit"] == pytest.approx((0.5 + 1.0) / 2)


async def test_a_third_one_is_the_shuffled_partner_and_without_one_the_same_seat_elsewhere(log: Log) -> None:
    model = [beliefs(1, "alice>bob", "cake", **SURE), gold(1, "alice>bob", **SURE), gold(1, "alice", **SURE)]
    await begin(log, "three", *model, beliefs(1, "alice>carol", "cake", kitchen=0.0, cellar=1.0), last=1)
    assert figures(log, "shuffled partner", "gold", "all", "three", rule="none")["brier"] == 2.0
    await begin(log, "one", *model, last=1)
    await begin(log, "two", beliefs(1, "alice>bob", "cake", kitchen=0.5, cellar=0.5), last=1)
    assert figures(log, "shuffled partner", "gold", "all", "one", "two", rule="none")["brier"] == 0.5


async def test_the_majority_leaves_the_episode_out(log: Log) -> None:
    for id, value in (("one", "kitchen"), ("two", "cellar"), ("three", "cellar")):
        held = {"kitchen": 0.0, "cellar": 0.0, value: 1.0}
        await begin(log, id, beliefs(1, "alice>bob", "cake", **held), gold(1, "alice>bob", **held), last=1)
    row = figures(log, "majority", "gold", "all", "one", "two", "three")
    # for "one" the others say cellar, wrong; for "two" and "three" one says kitchen and one cellar: a half
    assert (row["hit"], row["n"]) == (pytest.approx((0.0 + 0.5 + 0.5) / 3), 3)


async def test_estimators_and_ways_of_asking_are_never_pooled(log: Log) -> None:
    await begin(
        log, ID, beliefs(1, "alice>bob", "cake", **SURE), stated(1, "alice>bob", kitchen=0.0, cellar=1.0),
        gold(1, "alice>bob", **SURE), last=1,
    )  # fmt: skip
    assert figures(log, "model", "gold", elicited="inline")["brier"] == 0.0
    assert figures(log, "model", "gold", elicited="probe")["brier"] == 2.0


async def test_repeated_probes_of_one_belief_are_the_ceiling_and_without_them_nothing_is_measured(log: Log) -> None:
    await begin(log, ID, stated(3, "bob", kitchen=1.0, cellar=0.0))
    assert mutual.summary(log, [ID])["retest"] == {"n": 0, "brier": None, "hit": None}
    await begin(
        log, "again", stated(3, "bob", kitchen=1.0, cellar=0.0), stated(3, "bob", 1, kitchen=0.9, cellar=0.1),
        stated(4, "bob", kitchen=0.0, cellar=1.0),
    )  # fmt: skip
    found = mutual.summary(log, ["again"])["retest"]
    assert (found["n"], found["brier"], found["hit"]) == (1, pytest.approx(0.02), 1.0)


async def test_cycles_are_counted_by_what_came_of_them(log: Log) -> None:
    told = said(3, "alice", ("kitchen", True, "bob"))
    held = [beliefs(1, "alice>bob", "cake", **SURE), beliefs(1, "bob", "cake", kitchen=0.0, cellar=1.0)]
    revised = beliefs(5, "alice>bob", "cake", kitchen=0.2, cellar=0.8)
    await begin(log, "revised", *held, told, said(4, "bob", ("cellar", True)), revised)
    await begin(log, "kept", *held, told, said(4, "bob", ("cellar", True)))
    await begin(log, "late", *held, told, said(4, "bob", ("cellar", True)),
                beliefs(8, "alice>bob", "cake", kitchen=0.2, cellar=0.8))  # fmt: skip
    await begin(log, "ignored", *held, told)
    (found,) = cycles.summary(log, ["revised", "kept", "late", "ignored"])
    assert (found["disclosures"], found["kinds"]["correct"], found["kinds"]["ignore"]) == (4, 3, 1)
    assert (found["revision_rate"]["mean"], found["revision_rate"]["n"]) == (pytest.approx(1 / 3), 3)
    assert 0.0 <= found["revision_rate"]["low"] <= 1 / 3 <= found["revision_rate"]["high"] <= 1.0
    assert (found["gain"]["mean"], found["gain"]["n"]) == (pytest.approx(0.8), 1)
    assert found["recognition_lag"] == {"mean": 1.0, "n": 3}
    assert found["revision_lag"] == {"mean": 1.0, "n": 1}
    # 1.0 before the cycle; after it 0.2 in two episodes, where the distance is taken once it has gone round, else 1.0
    assert (found["convergence"]["mean"], found["convergence"]["n"]) == (pytest.approx((-0.8 - 0.8) / 4), 4)
    assert cycles.summary(log, ["nowhere"]) == []


def test_the_interval_draws_episodes_and_holds_the_mean_about_as_often_as_it_says() -> None:
    assert interval({}) is None
    one = interval({"a": [1.0, 2.0]})
    assert one is not None
    assert (one.mean, one.low, one.n, one.episodes) == (1.5, None, 2, 1)
    same = interval({"a": [1.0] * 5, "b": [1.0]})
    assert same is not None
    assert (same.low, same.high) == (1.0, 1.0)
    rng, held = Random(4), 0
    for trial in range(120):
        sample = {str(n): [rng.gauss(0, 1)] * 3 for n in range(40)}
        found = interval(sample, trial, draws=300)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert 0.87 <= held / 120 <= 1.0
    assert interval(sample, 1) == interval(sample, 1)


def test_a_slope_is_that_of_the_line() -> None:
    assert slope([3.0, 2.5, 2.0, 1.5]) == pytest.approx(-0.5)
    assert slope([1.0]) is None
