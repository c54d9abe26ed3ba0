"""What one call a turn does to inner thoughts: the same seeds deliberated in stages, as the paper does, and fused."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.arms import Arms, play_each, requests
from tertulia.environments.defaults import AT_ONCE
from tertulia.environments.result import EpisodeResult
from tertulia.environments.scenario import Scenario
from tertulia.environments.seeing import uttered
from tertulia.mind.probing import PROBE
from tertulia.storage.intervals import Mean, mean_of
from tertulia.storage.log import Log
from tertulia.storage.measures.clustered import Interval, interval
from tertulia.storage.rows import AppraisalRow, BidRow, CallRow, EventRow, ThoughtRow, TurnRow

ARMS = ("staged", "fused")
FIGURES = {
    "spoken turns": "share of turns in which somebody spoke",
    "speaks": "share of turns in which NAME spoke",
    "of the talk": "share of all utterances that are NAME's",
    "motivation": "of all appraisals, 1.0-5.0",
    "motivation spoken": "of the thoughts that were spoken, when they were",
    "volunteers": "share of bids that were motivated enough to take an open floor",
    "thoughts formed": "an episode, all participants together",
    "thoughts spoken": "of them, spoken",
    "thoughts spoken later": "of them, spoken in a later turn than the one they were formed in",
    "thoughts dropped": "of them, dropped: said by somebody, or not to be kept",
    "thoughts expired": "of them, gone stale or crowded out",
    "turns": "turns played, silences included",
    "calls": "requests to models, `rules` included",
    "tokens in": "tokens read; not measured with rules",
    "tokens out": "tokens written",
}
"""What is measured, with what it means. Those with NAME stand once for each participant, as `NAME speaks`."""
AGREEMENT = {
    "same speaker": "share of turns, as far as both go, in which the same one spoke, or nobody in both",
    "by chance": "what that would be if who speaks in one arm had nothing to do with who does in the other",
    "same shares": "1 - total variation distance of the shares of the talk",
}
"""What both arms of a seed have in common, 0-1."""


@dataclass(frozen=True, slots=True)
class Deliberated:
    """One episode: what was measured of it, item by item, and who spoke at each turn (nobody: an empty tuple)."""

    episode: str
    seed: int
    items: dict[str, list[float]]
    speakers: list[tuple[str, ...]]
    shares: dict[str, float]


@dataclass(slots=True)
class Comparison(Arms[Deliberated]):
    """Episodes of both arms as they come in; what they show once all are there."""

    arms: dict[str, dict[int, Deliberated]] = field(default_factory=lambda: {arm: {} for arm in ARMS})

    def figures(self) -> list[str]:
        """The names of all figures, those of participants by seat order."""
        found = (name for ended in self.arms.values() for one in ended.values() for name in one.items)
        return list(dict.fromkeys(found))

    def arm(self, arm: str, figure: str) -> Interval | None:
        """The mean over all items of an arm, with its interval from draws of whole episodes."""
        return interval({str(seed): one.items.get(figure, []) for seed, one in self.arms[arm].items()})

    def difference(self, figure: str) -> Mean | None:
        """Staged minus fused, seed by seed: the mean of the differences of the episodes' own means."""
        pairs = [(a.items.get(figure), b.items.get(figure)) for a, b in self.pairs(*ARMS)]
        return mean_of([_mean(a) - _mean(b) for a, b in pairs if a and b])

    def agreement(self) -> dict[str, Mean | None]:
        """How much who spoke agrees, seed by seed."""
        found = [_agreement(a, b) for a, b in self.pairs(*ARMS)]
        return {name: mean_of([one[name] for one in found if name in one]) for name in AGREEMENT}

    def report(self) -> dict[str, Any]:
        """Everything as plain data."""
        figures = self.figures()
        return {
            "batch": self.batch,
            "scenario": self.scenario,
            "seeds": len(self.seeds),
            "left_out": [asdict(result) for result in self.left_out],
            "arms": {arm: {name: _plain(self.arm(arm, name)) for name in figures} for arm in ARMS},
            "difference": {name: _plain(self.difference(name)) for name in figures},
            "agreement": {name: _plain(value) for name, value in self.agreement().items()},
        }


def _plain(found: Mean | Interval | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def with_deliberation(scenario: Scenario, arm: str) -> Scenario:
    """The same scenario with all minds deliberating in one way."""
    resolved = scenario.resolved()
    seats = [seat | {"mind": seat["mind"] | {"deliberation": arm}} for seat in resolved["participants"]]
    mind = resolved["mind"] | {"deliberation": arm}
    return Scenario.from_resolved(resolved | {"mind": mind, "participants": seats})


async def play_both(
    scenario: Scenario, comparison: Comparison, *, log: Log, backends: Backends, at_once: int = AT_ONCE,
    retry: RetryPolicy | None = None,
) -> AsyncGenerator[tuple[str, EpisodeResult], None]:  # fmt: skip
    """Play every seed in both ways; the comparison takes in every result."""
    playing = play_each(
        "deliberation", {arm: with_deliberation(scenario, arm) for arm in ARMS}, comparison, partial(measure, log),
        log=log, backends=backends, at_once=at_once, retry=retry,
    )  # fmt: skip
    async with aclosing(playing) as results:
        async for arm_and_result in results:
            yield arm_and_result


def measure(log: Log, result: EpisodeResult, arm: str) -> Deliberated:
    """The figures of an episode that has ended."""
    episode = result.episode
    names = [seat.name for seat in sorted(log.participants(episode), key=lambda seat: seat.ordinal)]
    said = [event for event in log.rows(EventRow, episode) if uttered(event)]
    turns = sorted(row.turn for row in log.rows(TurnRow, episode) if row.turn > 0 and not row.closing)
    speakers = [tuple(event.actor or "" for event in said if event.turn == turn) for turn in turns]
    counts = Counter(event.actor for event in said)
    shares = {name: counts[name] / len(said) for name in names} if said else {}
    items = {"spoken turns": [float(bool(spoke)) for spoke in speakers]}
    items |= {f"{name} speaks": [float(name in spoke) for spoke in speakers] for name in names}
    items |= {f"{name} of the talk": [share] for name, share in shares.items()}
    items |= _of_thoughts(log, episode) | {"turns": [float(len(turns))]} | _of_calls(log.rows(CallRow, episode))
    return Deliberated(episode, result.seed, items, speakers, shares)


def _of_thoughts(log: Log, episode: str) -> dict[str, list[float]]:
    thoughts = log.rows(ThoughtRow, episode)
    appraisals = log.rows(AppraisalRow, episode)
    formed = {(thought.holder, thought.thought): thought.turn for thought in thoughts}
    by_status = Counter(row.status for row in appraisals)
    spoken = [row for row in appraisals if row.status == "spoken"]
    return {
        "motivation": [row.motivation for row in appraisals],
        "motivation spoken": [row.motivation for row in spoken],
        "volunteers": [float(bid.volunteers) for bid in log.rows(BidRow, episode)],
        "thoughts formed": [float(len(thoughts))],
        "thoughts spoken": [float(len(spoken))],
        "thoughts spoken later": [float(sum(row.turn > formed[row.holder, row.thought] for row in spoken))],
        "thoughts dropped": [float(by_status["dropped"])],
        "thoughts expired": [float(by_status["expired"])],
    }


def _of_calls(calls: Sequence[CallRow]) -> dict[str, list[float]]:
    minds = [call for call in calls if call.purpose != PROBE]
    counted = [call for call in minds if call.input_tokens is not None]
    return {
        "calls": [float(requests(minds))],
        "tokens in": [float(sum(call.input_tokens or 0 for call in counted))] if counted else [],
        "tokens out": [float(sum(call.output_tokens or 0 for call in counted))] if counted else [],
    }


def _agreement(a: Deliberated, b: Deliberated) -> dict[str, float]:
    both = list(zip(a.speakers, b.speakers, strict=False))
    found: dict[str, float] = {}
    if both:
        n = len(both)
        ones, others = Counter(one for one, _ in both), Counter(other for _, other in both)
        found["same speaker"] = sum(one == other for one, other in both) / n
        found["by chance"] = math.fsum(ones[spoke] * others[spoke] for spoke in ones) / n**2
    if a.shares and b.shares:
        found["same shares"] = 1.0 - _distance(a.shares, b.shares)
    return found


def _distance(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    return math.fsum(abs(a.get(name, 0.0) - b.get(name, 0.0)) for name in {**a, **b}) / 2


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
