"""Why to say something now: the eight sub-scores of a motivation, each from a quantity of the moment."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

NAMES = (
    "relevance", "information_gap", "expected_impact", "urgency", "coherence", "originality", "balance", "dynamics",
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """What holds for all candidates of a turn. `quiet`: turns since I last spoke; spoken: utterances by each."""

    gap: float
    """How much the partner is not yet sure, 0-1."""
    quiet: int
    mine_spoken: int
    theirs_spoken: int
    answered: bool
    """Whether mine was the last word."""


def scores(
    moment: Moment, *, touches: float, gain: float, new: float, urgent: float, gap: float | None = None
) -> dict[str, float]:
    """1.0-5.0 each, after the heuristics Inner Thoughts names (Liu et al. 2025); the quantities are our own.

    All arguments are 0-1: `touches`, how much of it is about friends who may be shared, or about what the partner
    named; `gain`, expected nats as a share of what there is to learn; `new`, how much of an utterance is not yet said;
    `urgent`, how much is lost by waiting; `gap`, what is missing without it, else `moment.gap`.
    """
    spoken = moment.mine_spoken + moment.theirs_spoken
    parts = (
        touches,
        moment.gap if gap is None else gap,
        gain,
        urgent,
        0.25 if moment.answered else 1.0 if moment.theirs_spoken else 0.5,
        new,
        moment.theirs_spoken / spoken if spoken else 0.5,
        min(moment.quiet, 4) / 4,
    )
    return {name: round(1.0 + 4.0 * min(max(part, 0.0), 1.0), 3) for name, part in zip(NAMES, parts, strict=True)}


def motivation(sub_scores: dict[str, float]) -> float:
    """Their mean, 1.0-5.0."""
    return round(fsum(sub_scores.values()) / len(sub_scores), 3)
