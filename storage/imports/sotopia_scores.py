"""What Sotopia's judge said of each agent, as scores: a judgement that failed is missing, never a zero."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tertulia.storage.imports.conversation import Score

MEASURE = "sotopia:"
GOAL, OVERALL = "goal", "overall_score"
RANGES: dict[str, tuple[float, float]] = {
    "believability": (0, 10), "relationship": (-5, 5), "knowledge": (0, 10), "secret": (-10, 0),
    "social_rules": (-10, 0), "financial_and_material_benefits": (-5, 5), GOAL: (0, 10),
}  # fmt: skip
"""The seven dimensions of Sotopia-Eval (Zhou et al. 2024, section 3.2), lowest and highest."""


def scores_of(rewards: Sequence[Any], seats: Sequence[str]) -> list[Score]:
    """A row for each agent and dimension; `value` is None, `n` 0 and `detail.why` says so where it is missing.

    Sotopia writes 0.0 in place of a whole judgement that failed: that is told from a judgement, which has dimensions.
    """
    if len(rewards) != len(seats):
        why = f"{len(rewards)} rewards for {len(seats)} agents"
        return [_missing(OVERALL, seat, why, list(rewards)) for seat in seats]
    return [score for seat, reward in zip(seats, rewards, strict=True) for score in _of_seat(seat, reward)]


def reward_of(scores: Sequence[Score]) -> float | None:
    """The mean of the agents' goal dimension, 0-1; None unless there is one for each that was judged at all."""
    goals = [score.value for score in scores if score.measure == MEASURE + GOAL]
    failed = any(score.measure == MEASURE + OVERALL and score.value is None for score in scores)
    found = [value for value in goals if value is not None]
    return sum(found) / len(found) / 10 if found and len(found) == len(goals) and not failed else None


def _of_seat(seat: str, reward: Any) -> Iterator[Score]:
    overall, dimensions = _parts(reward)
    if not dimensions:
        failed = _number(overall) in (None, 0.0)
        yield _missing(OVERALL, seat, "the judge failed", reward) if failed else _score(OVERALL, seat, overall)
        return
    told = {_slug(name): value for name, value in dimensions.items()}
    for name, value in ({OVERALL: overall} | told).items():
        yield _score(name, seat, value)


def _parts(reward: Any) -> tuple[Any, Mapping[str, Any]]:
    """The overall number and the dimensions: a pair of both, or a number alone."""
    if isinstance(reward, list | tuple) and len(reward) == 2 and isinstance(reward[1], dict):
        return reward[0], reward[1]
    return (None if isinstance(reward, list | tuple | dict) else reward), {}


def _score(name: str, seat: str, value: Any) -> Score:
    number = _number(value)
    if number is None:
        return _missing(name, seat, "the judge gave no number", value)
    low, high = RANGES.get(name, (-math.inf, math.inf))
    if not low <= number <= high:
        return _missing(name, seat, f"outside {low:g} to {high:g}", value)
    detail = {"range": [low, high]} if name in RANGES else None
    return Score(MEASURE + name, number, seat, detail=detail)


def _missing(name: str, seat: str, why: str, given: Any) -> Score:
    return Score(MEASURE + name, None, seat, n=0, detail={"why": why, "given": given})


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")
