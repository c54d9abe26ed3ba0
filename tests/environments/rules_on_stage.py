"""Plays a scenario by its rules on a real stage, with no engine, no minds and no log around it: fast enough for
hundreds of seeds."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean

import tertulia
from tertulia.environments.chance import draw
from tertulia.environments.floor import after
from tertulia.environments.scenario import Scenario
from tertulia.environments.stage import Stage


def with_seats(name: str, seats: Sequence[dict[str, object]], *sets: str) -> Scenario:
    """The shipped scenario with these participants instead of its own."""
    written = ", ".join("{" + ", ".join(f"{key}: {value}" for key, value in seat.items()) + "}" for seat in seats)
    return tertulia.load_scenario(name, [f"participants=[{written}]", *sets])


def play_by_rules(scenario: Scenario, seed: int) -> Stage:
    """The stage after the last turn. All act at once, or turn by turn, as the scenario's policy says."""
    stage = Stage.of(scenario, seed, "e")
    stage.open()
    last = None
    while stage.ending(stage.head) is None:
        turn, seats = stage.head + 1, tuple(stage.seats)
        movers = seats if scenario.turns.policy == "simultaneous" else after(last, seats)[:1]
        acts = {}
        for name in movers:
            stance = stage.policy.consider(stage.seen_by(name, turn), draw(seed, turn, 0, name, "rules"))
            legal = stage.world.legal(stage.state, name)
            assert legal is not None
            acts[name] = legal.model_validate(stance.candidates[0].act.model_dump()).root
        last = movers[0]
        stage.step(turn, 0, {name: act for name, act in acts.items() if act.kind != "pass"})
    return stage


def interval(values: Sequence[float], resamples: int = 2000) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval of the mean, over whole games."""
    rng = Random(0)
    means = sorted(fmean(rng.choices(values, k=len(values))) for _ in range(resamples))
    return means[int(0.025 * resamples)], means[int(0.975 * resamples) - 1]
