"""The effect of asking is measured on paired seeds; figures agree with the log another way, intervals with theory."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.eliciting import ARMS, FIGURES, Comparison, Measured, play_arms
from tertulia.mind.state import fold
from tertulia.storage.intervals import mean_of
from tertulia.storage.log import Log
from tertulia.storage.rows import WORLD, BeliefRow, GoldRow
from tests.loopback import Faults, Loopback
from tests.playing import FAST


async def compared(db: Path, scenario: str, seeds: list[int], *sets: str, model: str = "rules") -> Comparison:
    loaded, backends = tertulia.load_scenario(scenario, sets, model=model), Backends()
    comparison = Comparison(loaded.scenario, seeds)
    with Log.open(db) as log:
        async for _ in play_arms(loaded, comparison, log=log, backends=backends, retry=FAST):
            pass
        await backends.aclose()
    return comparison


async def test_asking_rules_changes_nothing_and_copies_are_as_right_as_the_minds(tmp_path: Path) -> None:
    comparison = await compared(tmp_path / "log.db", "dinner-secret", [0, 1, 2], "turns.limit=9")
    for one, other in (("inline", "none"), ("probe", "none"), ("inline", "probe")):
        for figure in ("turns", "utterances", "words", "claims", "calls"):
            difference = comparison.difference(one, other, figure)
            assert difference is not None
            assert (difference.mean, difference.low, difference.high, difference.n) == (0.0, 0.0, 0.0, 3)
    scored = comparison.difference("inline", "probe", "brier")
    assert scored is not None
    assert scored.mean == pytest.approx(0.0, abs=1e-12)
    assert comparison.arm("none", "brier") is None
    assert comparison.arm("inline", "tokens") is None


async def test_the_brier_score_is_that_of_the_folded_minds_at_every_turn(tmp_path: Path) -> None:
    comparison = await compared(tmp_path / "log.db", "dinner-secret", [4])
    one = comparison.arms["inline"][4]
    scores = []
    with Log.open(tmp_path / "log.db") as log:
        for turn in range(1, log.episode(one.episode).head + 1):
            truth = {
                r.variable: r.value
                for r in log.rows(GoldRow, one.episode, upto_turn=turn, chain=WORLD)
                if r.probability
            }
            for name in ("alice", "bob", "carol", "dan"):
                mind = fold(name, log.rows(BeliefRow, one.episode, upto_turn=turn))
                for variable, value in truth.items():
                    held = mind.belief(name, variable)
                    assert held is not None
                    scores.append(sum((p - (v == value)) ** 2 for v, p in held.probabilities.items()))
    assert one.figures["brier"] == pytest.approx(sum(scores) / len(scores))
    assert len(one.briers) == len(scores)


async def test_the_episodes_are_a_batch_with_a_cell_for_each_arm(tmp_path: Path) -> None:
    comparison = await compared(tmp_path / "log.db", "mutual-friends", [7, 9])
    with Log.open(tmp_path / "log.db") as log:
        found = log.query(
            "SELECT cell, seed, episode FROM v_outcomes WHERE batch = ? ORDER BY cell, seed", [comparison.batch]
        ).rows
        elicited = {row.cell: row.config["elicit"] for row in log.episodes(batch=comparison.batch)}
    assert found == [(arm, seed, comparison.arms[arm][seed].episode) for arm in sorted(ARMS) for seed in (7, 9)]
    assert elicited == {arm: arm for arm in ARMS}


async def test_under_a_model_copies_cost_calls_and_the_minds_play_as_if_nobody_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-in-the-log")
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        comparison = await compared(
            tmp_path / "log.db", "dinner-secret", [0, 1], "turns.limit=3", "mind.order=1", model="openai/any"
        )
    differences: dict[str, Any] = comparison.report()["differences"]["probe-none"]
    for figure in ("turns", "utterances", "words", "calls", "tokens"):
        assert differences[figure]["mean"] == 0.0, figure
    assert differences["claims"] is None  # minds that are told of no variables cannot tag what they assert
    assert differences["probe_calls"]["mean"] == 4 * 4  # four seats, three turns and the closing one
    assert differences["probe_tokens"]["mean"] > 0
    for arm in ("inline", "probe"):
        score = comparison.arm(arm, "brier")
        assert score is not None
        assert 0 <= score.mean <= 2


async def test_what_does_not_end_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-in-the-log")
    with Loopback(Faults(server=1.0, transport_cap=10_000)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        comparison = await compared(tmp_path / "log.db", "sally-anne", [0], model="openai/any")
    assert [result.status for result in comparison.left_out] == ["paused"] * 3
    assert all(comparison.arm(arm, figure) is None for arm in ARMS for figure in FIGURES)


def test_beliefs_are_compared_on_the_items_that_both_episodes_of_a_pair_have() -> None:
    early, late, other = (1, "alice", "cake"), (2, "alice", "cake"), (2, "bob", "cake")
    blank: dict[str, float | None] = dict.fromkeys(FIGURES)
    comparison = Comparison("x", [3, 4, 5])
    comparison.arms["inline"] = {
        3: Measured("a", 3, blank, {late: 0.5, other: 1.0}),
        4: Measured("b", 4, blank, {early: 0.0}),
        5: Measured("c", 5, blank, {early: 2.0}),
    }
    comparison.arms["probe"] = {
        3: Measured("d", 3, blank, {early: 2.0, late: 0.25, other: 0.25}),
        4: Measured("e", 4, blank, {late: 0.3}),
    }
    found = comparison.difference("inline", "probe", "brier")
    assert found is not None
    assert (found.mean, found.n, found.low) == (0.5, 1, None)


def test_the_interval_of_a_mean_is_about_that_of_theory_and_always_the_same() -> None:
    rng = Random(1)
    figures = [rng.gauss(5.0, 2.0) for _ in range(200)]
    found = mean_of(figures)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    mean = sum(figures) / 200
    half = 1.96 * math.sqrt(sum((x - mean) ** 2 for x in figures) / 199 / 200)
    assert found.mean == pytest.approx(mean)
    assert found.low == pytest.approx(mean - half, abs=0.1 * half)
    assert found.high == pytest.approx(mean + half, abs=0.1 * half)
    assert mean_of(figures) == found
    assert mean_of([]) is None
    alone = mean_of([3.0])
    assert alone is not None
    assert (alone.mean, alone.low, alone.n) == (3.0, None, 1)
