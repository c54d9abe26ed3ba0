"""Plays table_talk on a real stage with its rules policy, without minds, models or a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import yaml

from tertulia.environments.scenario import Scenario
from tertulia.environments.scenario.build import build
from tertulia.environments.scenario.source import parse_yaml
from tertulia.environments.seeing import Happened
from tertulia.environments.stage import Stage
from tertulia.environments.world import Action, Stance

Choose = Callable[[Stage, int], Mapping[str, Action]]


def scenario_of(data: Mapping[str, Any] | str) -> Scenario:
    """A scenario from data or YAML text, through the same checks as a file."""
    text = data if isinstance(data, str) else yaml.safe_dump(dict(data), sort_keys=False)
    return build(parse_yaml(text, "test.yaml"))


def opened(scenario: Scenario) -> tuple[Stage, list[Happened]]:
    """A stage after its opening."""
    stage = Stage.of(scenario, 0, "episode")
    return stage, stage.open()[0]


def stance(stage: Stage, name: str) -> Stance:
    """What the rules make of what `name` has seen so far."""
    return stage.policy.consider(stage.seen_by(name, stage.head + 1), Random(0))


def most_motivated(stage: Stage, turn: int) -> dict[str, Action]:
    """The floor of these tests: whoever's best candidate is strongest, by seat order among equals."""
    best = {name: stance(stage, name).candidates[:1] for name in stage.seats}
    bids = [(-found[0].motivation, index, name) for index, (name, found) in enumerate(best.items()) if found]
    return {min(bids)[2]: best[min(bids)[2]][0].act} if bids else {}


def nobody(stage: Stage, turn: int) -> dict[str, Action]:
    return {}


def played(
    scenario: Scenario, choose: Choose = most_motivated, limit: int | None = None
) -> tuple[Stage, list[Happened]]:
    """Play to the end (or `limit` turns); the stage, and everything that happened."""
    stage, events = opened(scenario)
    while stage.ending(stage.head) is None and (limit is None or stage.head < limit):
        turn = stage.head + 1
        events += stage.step(turn, 0, choose(stage, turn))[0]
    return stage, events


def belief(stage: Stage, holder: str, chain: str, variable: str) -> dict[str, float]:
    """A distribution along a chain, as the rules hold it for `holder`."""
    return next(b.probabilities for b in stance(stage, holder).beliefs if (b.chain, b.variable) == (chain, variable))
