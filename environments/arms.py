"""The same seeds played in several arms: one scenario in several ways, side by side in one batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ulid import ULID

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.defaults import AT_ONCE
from tertulia.environments.leading import Place
from tertulia.environments.many import play_many
from tertulia.environments.result import EpisodeResult
from tertulia.environments.scenario import Scenario
from tertulia.storage.log import Log
from tertulia.storage.rows import BatchRow, CallRow
from tertulia.storage.statuses import PLAYED_OUT
from tertulia.storage.types import now

Measured = TypeVar("Measured")


@dataclass(slots=True)
class Arms(Generic[Measured]):
    """Episodes of all arms as they come in, each measured as soon as it has ended."""

    scenario: str
    seeds: Sequence[int]
    batch: str = field(default_factory=lambda: str(ULID()))
    """The batch of its episodes in the log; an episode's cell is its arm."""
    arms: dict[str, dict[int, Measured]] = field(default_factory=dict)
    """By arm and seed."""
    left_out: list[EpisodeResult] = field(default_factory=list)
    """Episodes that did not end: they are compared with nothing."""

    @property
    def played(self) -> int:
        """How many episodes have come in."""
        return len(self.left_out) + sum(map(len, self.arms.values()))

    @property
    def missing(self) -> int:
        """How many episodes are in no comparison: they did not end, or were not played."""
        return sum(len(self.seeds) - len(ended) for ended in self.arms.values())

    def pairs(self, one: str, other: str) -> list[tuple[Measured, Measured]]:
        """The episodes of two arms by seed, as far as both have ended."""
        first, second = self.arms[one], self.arms[other]
        return [(first[seed], second[seed]) for seed in self.seeds if seed in first and seed in second]


async def play_each(
    treatment: str, scenarios: Mapping[str, Scenario], arms: Arms[Measured],
    measure: Callable[[EpisodeResult, str], Measured],
    *, log: Log, backends: Backends, at_once: int = AT_ONCE, retry: RetryPolicy | None = None,
) -> AsyncGenerator[tuple[str, EpisodeResult], None]:  # fmt: skip
    """Play every seed in every arm (`scenarios`), as one batch named after the treatment, with a cell for each arm.

    `arms` takes in every result. A model that refuses stops all.
    """
    seeds = list(arms.seeds)
    grid = {treatment: list(scenarios), "seeds": seeds}
    row = BatchRow(id=arms.batch, name=f"{treatment} {arms.scenario}", grid=grid, created_at=now())
    await log.record([row])
    for arm, scenario in scenarios.items():
        came = 0
        options: dict[str, Any] = {"at_once": at_once, "retry": retry, "place": Place(arms.batch, arm)}
        async with aclosing(play_many(scenario, seeds, log=log, backends=backends, **options)) as results:
            async for result in results:
                came += 1
                if result.status in PLAYED_OUT:
                    arms.arms[arm][result.seed] = measure(result, arm)
                else:
                    arms.left_out.append(result)
                yield arm, result
        if came < len(seeds):
            return


def requests(calls: Sequence[CallRow]) -> int:
    """How many requests these attempts belong to."""
    return len({(call.turn, call.take, call.participant, call.purpose, call.ordinal) for call in calls})


def tokens(calls: Sequence[CallRow]) -> int | None:
    """Tokens read and written; None where no answer came with counts, as from rules."""
    counted = [call for call in calls if call.input_tokens is not None]
    return sum((call.input_tokens or 0) + (call.output_tokens or 0) for call in counted) if counted else None
