"""What asking does: the same seeds with beliefs asked inline, asked of copies, and not asked at all, side by side."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.arms import Arms, play_each, requests, tokens
from tertulia.environments.defaults import AT_ONCE
from tertulia.environments.result import EpisodeResult
from tertulia.environments.scenario import Scenario
from tertulia.environments.seeing import uttered
from tertulia.mind.probing import PROBE
from tertulia.storage.intervals import Mean, mean_of
from tertulia.storage.log import Log
from tertulia.storage.rows import (
    WORLD,
    BeliefRow,
    CallRow,
    ClaimRow,
    EventRow,
    GoldRow,
    ProbeBeliefRow,
    ProbeRow,
    TurnRow,
)

ARMS = ("inline", "probe", "none")
PAIRS = (("inline", "none"), ("probe", "none"), ("inline", "probe"))
FIGURES = {
    "reward": "0-1, where the world sets a task",
    "turns": "turns played, silences included",
    "utterances": "what was said or whispered",
    "words": "words said, utterances together",
    "claims": "claims that utterances asserted; models tag theirs only where they are told the variables",
    "calls": "requests that minds made of models, `rules` included",
    "tokens": "tokens these read and wrote",
    "probe_calls": "requests of probes",
    "probe_tokens": "tokens these read and wrote",
    "brier": "Brier score of what each believes of the world, against truth: 0 is right, 2 is sure and wrong",
}
"""What is measured of each episode, with what it means."""

Item = tuple[int, str, str]
"""A belief that can be scored: turn, holder, variable."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One episode's figures. None: not measured there, for want of a reward, of token counts, or of stated beliefs."""

    episode: str
    seed: int
    figures: dict[str, float | None]
    briers: dict[Item, float] = field(default_factory=dict)
    """The Brier score of each belief, so that two episodes can be compared on those that both have."""


@dataclass(slots=True)
class Comparison(Arms[Measured]):
    """Episodes of the three arms as they come in; what they show once all are there."""

    arms: dict[str, dict[int, Measured]] = field(default_factory=lambda: {arm: {} for arm in ARMS})

    def arm(self, arm: str, figure: str) -> Mean | None:
        """The mean of a figure over the episodes of an arm where it was measured."""
        found = [one.figures[figure] for one in self.arms[arm].values()]
        return mean_of([value for value in found if value is not None])

    def difference(self, one: str, other: str, figure: str) -> Mean | None:
        """The mean of `one` minus `other` over the seeds where both were measured, with its interval."""
        found = [_difference(first, second, figure) for first, second in self.pairs(one, other)]
        return mean_of([value for value in found if value is not None])

    def report(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "batch": self.batch,
            "scenario": self.scenario,
            "seeds": len(self.seeds),
            "left_out": [asdict(result) for result in self.left_out],
            "arms": {arm: {name: _plain(self.arm(arm, name)) for name in FIGURES} for arm in ARMS},
            "differences": {
                f"{one}-{other}": {name: _plain(self.difference(one, other, name)) for name in FIGURES}
                for one, other in PAIRS
            },
        }


def _plain(mean: Mean | None) -> dict[str, Any] | None:
    return None if mean is None else asdict(mean)


def _difference(one: Measured, other: Measured, figure: str) -> float | None:
    """Beliefs are compared item by item, on those that both have; all else as one figure an episode."""
    if figure == "brier":
        shared = [item for item in one.briers if item in other.briers]
        return math.fsum(one.briers[i] - other.briers[i] for i in shared) / len(shared) if shared else None
    first, second = one.figures[figure], other.figures[figure]
    return None if first is None or second is None else first - second


def with_elicit(scenario: Scenario, arm: str) -> Scenario:
    """The same scenario in one of the arms."""
    return Scenario.from_resolved(scenario.resolved() | {"elicit": arm})


async def play_arms(
    scenario: Scenario, comparison: Comparison, *, log: Log, backends: Backends, at_once: int = AT_ONCE,
    retry: RetryPolicy | None = None,
) -> AsyncGenerator[tuple[str, EpisodeResult], None]:  # fmt: skip
    """Play every seed in every arm, as one batch with a cell for each arm; the comparison takes in every result.

    Raises `ScenarioError` for a scenario that cannot be played in one of the arms. A model that refuses stops all.
    """
    playing = play_each(
        "elicit", {arm: with_elicit(scenario, arm) for arm in ARMS}, comparison, partial(measure, log),
        log=log, backends=backends, at_once=at_once, retry=retry,
    )  # fmt: skip
    async with aclosing(playing) as results:
        async for arm_and_result in results:
            yield arm_and_result


def measure(log: Log, result: EpisodeResult, arm: str) -> Measured:
    """The figures of an episode that has ended."""
    episode = result.episode
    said = [event for event in log.rows(EventRow, episode) if uttered(event)]
    calls = log.rows(CallRow, episode)
    minds = [call for call in calls if call.purpose != PROBE]
    probes = [call for call in calls if call.purpose == PROBE]
    briers = _briers(log, episode, arm)
    figures: dict[str, float | None] = {
        "reward": result.reward,
        "turns": result.turns,
        "utterances": result.utterances,
        "words": sum(len(event.text.split()) for event in said),
        "claims": _claims(log, episode, arm, said),
        "calls": requests(minds),
        "tokens": tokens(minds),
        "probe_calls": requests(probes),
        "probe_tokens": tokens(probes) if probes else 0,
        "brier": math.fsum(briers.values()) / len(briers) if briers else None,
    }
    return Measured(episode, result.seed, figures, briers)


def _claims(log: Log, episode: str, arm: str, said: Sequence[EventRow]) -> int | None:
    """None where models speak that are told of no variables: what they tag then names nothing that there is."""
    if arm != "inline" and any(seat.model != RULES for seat in log.participants(episode)):
        return None
    places = {(event.turn, event.ordinal) for event in said}
    return sum((claim.turn, claim.event) in places for claim in log.rows(ClaimRow, episode))


def _briers(log: Log, episode: str, arm: str) -> dict[Item, float]:
    """The Brier score of every belief about the world (chains of one name) at every turn, against truth at that turn.

    A belief holds until the next one of the same holder and variable; before the first there is nothing to score.
    """
    truths = _truths(log, episode)
    stated = _asked_out_of_band(log, episode) if arm == PROBE else _stated_inline(log, episode)
    turns = [row.turn for row in log.rows(TurnRow, episode) if row.turn > 0]
    found: dict[Item, float] = {}
    for (holder, variable), by_turn in sorted(stated.items()):
        held: dict[str, float] | None = None
        for turn in sorted(turns):
            held = by_turn.get(turn, held)
            truth = next((value for at, value in reversed(truths[variable]) if at <= turn), None)
            if held is not None and truth is not None:
                values = {**{truth: 0.0}, **held}
                found[turn, holder, variable] = math.fsum((p - (v == truth)) ** 2 for v, p in values.items())
    return found


Stated = dict[tuple[str, str], dict[int, dict[str, float]]]


def _stated_inline(log: Log, episode: str) -> Stated:
    rows = [row for row in log.rows(BeliefRow, episode) if row.declared and row.chain == row.holder]
    return _put_together(rows)


def _asked_out_of_band(log: Log, episode: str) -> Stated:
    """What the copies stated that `elicit: probe` asks, the first of each participant and turn."""
    first: dict[tuple[int, str], int] = {}
    for probe in log.rows(ProbeRow, episode, kind="beliefs", scheduled=True):
        key = (probe.turn, probe.participant)
        first[key] = min(first.get(key, probe.ordinal), probe.ordinal)
    rows = log.rows(ProbeBeliefRow, episode)
    return _put_together(
        [row for row in rows if row.chain == row.holder and first.get((row.turn, row.holder)) == row.ordinal]
    )


def _put_together(rows: Sequence[BeliefRow] | Sequence[ProbeBeliefRow]) -> Stated:
    found: Stated = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        found[row.holder, row.variable][row.turn][row.value] = row.probability
    return found


def _truths(log: Log, episode: str) -> dict[str, list[tuple[int, str]]]:
    """The true values by variable, each with the turn from which on it holds."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in log.rows(GoldRow, episode, chain=WORLD):
        if row.probability == 1.0:
            found[row.variable].append((row.turn, row.value))
    return found
