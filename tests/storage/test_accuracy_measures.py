"""Accuracy, calibration and honesty over rows, against closed forms and data whose miscalibration is known."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from tertulia.storage.measures.accuracy import BINS, LEAST, accuracy, calibration
from tertulia.storage.measures.honesty import honesty


def a_row(**given: Any) -> dict[str, Any]:
    """A belief of order 1 with certain, witnessed, robust gold that it agrees with."""
    row = {
        "episode": "one", "estimator": "verbalised", "source": "turn", "rule": "credulous", "chain_order": 1,
        "confidence": 0.9, "gold_brier": 0.02, "gold_log_loss": -math.log(0.9), "gold_entropy": 0.0,
        "gold_accuracy": 1.0, "gold_confidence": 1.0, "gold_basis": "witnessed", "robust": 1, "truth_brier": 0.02,
        "truth_log_loss": -math.log(0.9), "truth_accuracy": 1.0, "beyond_gold": 0,
    }  # fmt: skip
    return row | given


def groups(rows: list[dict[str, Any]], target: Any = "gold") -> dict[str, Any]:
    return {one.group: one for one in accuracy(rows, target)}


def test_the_headline_is_over_items_on_which_all_trust_rules_agree() -> None:
    found = groups([a_row(gold_brier=0.1), a_row(gold_brier=0.3), a_row(gold_brier=2.0, robust=0, gold_basis="told")])
    assert (found["headline"].n, found["headline"].brier.mean) == (2, pytest.approx(0.2))
    assert (found["all"].n, found["all"].brier.mean) == (3, pytest.approx(0.8))
    assert found["basis told"].brier.mean == 2.0


def test_a_belief_beyond_gold_is_set_aside_in_the_headline_and_counted_but_a_wrong_guess_stays() -> None:
    unsure = {"gold_confidence": 0.5, "gold_entropy": math.log(2), "gold_basis": "prior"}
    found = groups([a_row(gold_brier=0.32, beyond_gold=1, **unsure), a_row(gold_brier=0.32, **unsure), a_row()])
    assert (found["headline"].n, found["headline"].beyond_gold) == (2, 1)
    assert found["headline"].brier.mean == pytest.approx((0.32 + 0.02) / 2)
    assert found["headline"].least_log_loss == pytest.approx(math.log(2) / 2)
    assert (found["all"].n, found["all"].beyond_gold) == (3, 1)
    assert found["headline, gold certain"].n == 1
    assert groups([a_row(beyond_gold=1, **unsure)], "truth")["headline"].n == 1


def test_estimators_sources_and_rules_are_never_pooled() -> None:
    rows = [a_row(), a_row(estimator="choice"), a_row(source="probe"), a_row(rule="none")]
    headlines = [one for one in accuracy(rows, "gold") if one.group == "headline"]
    assert [one.n for one in headlines] == [1, 1, 1, 1]
    assert len({one.how for one in headlines}) == 4


def test_without_gold_there_are_scores_against_the_truth_alone() -> None:
    without = {name: None for name in a_row() if name.startswith("gold_")} | {"robust": None, "rule": None}
    rows = [a_row(**without, beyond_gold=None)]
    assert accuracy(rows, "gold") == calibration(rows, "gold") == []
    found = groups(rows, "truth")
    assert (found["headline"].n, found["headline"].brier, found["all"].n) == (0, None, 1)


def test_an_interval_is_over_episodes_and_one_episode_has_none() -> None:
    one = groups([a_row(gold_brier=b) for b in (0.0, 2.0)])["all"].brier
    assert (one.mean, one.low, one.high, one.n, one.episodes) == (1.0, None, None, 2, 1)
    # All items of an episode are alike: over episodes the mean is as uncertain as that of 40 figures, not of 4,000.
    rng = Random(1)
    rows = [
        a_row(episode=f"e{e}", gold_brier=value)
        for e, value in ((e, float(rng.random() < 0.5)) for e in range(40))
        for _ in range(100)
    ]
    found = groups(rows)["all"].brier
    error = math.sqrt(found.mean * (1 - found.mean) / 40)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.2)
    assert groups(rows)["all"].brier == found


def outcomes(confidence: float, right: float, n: int) -> list[dict[str, Any]]:
    return [a_row(confidence=confidence, truth_accuracy=float(i < round(right * n))) for i in range(n)]


def test_the_calibration_error_is_the_miscalibration_that_was_put_in() -> None:
    rows = outcomes(0.55, 0.55, 100) + outcomes(0.75, 0.60, 200) + outcomes(0.95, 0.70, 100)
    [found] = calibration(rows, "truth")
    assert found.error == pytest.approx((100 * 0.0 + 200 * 0.15 + 100 * 0.25) / 400)
    assert [(one.low, one.n, one.accuracy) for one in found.bins] == [
        (pytest.approx(0.5), 100, 0.55), (pytest.approx(0.7), 200, 0.6), (pytest.approx(0.9), 100, 0.7),
    ]  # fmt: skip
    assert (found.n, found.left_out) == (400, 0)


def test_a_forecaster_who_draws_outcomes_from_its_own_confidence_is_calibrated_and_a_boaster_is_not() -> None:
    rng = Random(7)
    true = [rng.uniform(0.5, 1.0) for _ in range(20_000)]
    rows = [a_row(confidence=p, truth_accuracy=float(rng.random() < p)) for p in true]
    assert calibration(rows, "truth")[0].error < 0.02
    boasting = [row | {"confidence": min(1.0, row["confidence"] + 0.2)} for row in rows]
    # of 0.2 too much everywhere, what is cut off at 1 is not felt: 0.2 up to 0.8, then 1 - p
    expected = (0.3 * 0.2 + 0.2 * 0.1) / 0.5
    assert calibration(boasting, "truth")[0].error == pytest.approx(expected, abs=0.02)


def test_a_bin_that_is_too_small_gives_no_numbers_and_is_counted() -> None:
    [found] = calibration(outcomes(0.95, 1.0, LEAST) + outcomes(0.55, 0.0, LEAST - 1), "truth")
    small, large = found.bins
    assert (small.n, small.too_small, small.confidence, small.accuracy) == (LEAST - 1, True, None, None)
    assert not large.too_small
    assert (found.error, found.n, found.left_out) == (pytest.approx(0.05), LEAST, LEAST - 1)
    assert calibration(outcomes(0.55, 0.0, LEAST - 1), "truth")[0].error is None


@pytest.mark.parametrize(("confidence", "low"), [(0.0, 0.0), (0.1, 0.1), (0.3, 0.3), (0.7, 0.7), (1.0, 0.9)])
def test_a_confidence_on_an_edge_belongs_to_the_bin_above_and_1_to_the_last(confidence: float, low: float) -> None:
    [found] = calibration(outcomes(confidence, 1.0, LEAST), "truth")
    assert found.bins[0].low == pytest.approx(low)
    assert found.bins[0].high == pytest.approx(low + 1 / BINS)


def test_calibration_against_gold_asks_only_where_gold_is_certain_and_robust() -> None:
    rows = [a_row() for _ in range(LEAST)]
    rows += [a_row(robust=0), a_row(gold_confidence=0.5)]
    assert calibration(rows, "gold")[0].n == LEAST


def a_claim(category: str | None, speaker: str = "alice", **given: Any) -> dict[str, Any]:
    row = {"episode": "one", "origin": "participant", "established": "declared", "estimator": "verbalised"}
    return row | {"speaker": speaker, "category": category} | given


def test_shares_of_claims_are_over_those_with_a_belief_behind_them() -> None:
    rows = [a_claim("honest"), a_claim("honest", "bob"), a_claim("deceptive"), a_claim("mistaken", "bob")]
    rows.append(a_claim(None, "carol", estimator=None))
    unstated, _, all_of_them, alice, bob = honesty(rows)
    assert (unstated.n, unstated.unstated, unstated.shares["honest"]) == (0, 1, None)
    assert (all_of_them.speaker, all_of_them.n) == (None, 4)
    assert all_of_them.counts == {"honest": 2, "mistaken": 1, "deceptive": 1, "unsure": 0}
    assert (alice.speaker, alice.shares["deceptive"].mean) == ("alice", 0.5)
    assert (bob.speaker, bob.shares["mistaken"].mean, bob.shares["unsure"].mean) == ("bob", 0.5, 0.0)


def test_words_that_a_script_put_into_a_mouth_are_apart() -> None:
    found = honesty([a_claim("honest"), a_claim("deceptive", origin="scripted", established="scripted")])
    assert [(one.origin, one.speaker, one.n) for one in found] == [
        ("participant", None, 1), ("participant", "alice", 1), ("scripted", None, 1), ("scripted", "alice", 1),
    ]  # fmt: skip
