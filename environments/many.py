"""Many episodes in one process: a scenario, one seed after the other, several at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode, EpisodeResult, Place
from tertulia.environments.scenario import Scenario
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import Log, LogError

AT_ONCE = 16


async def play_many(
    scenario: Scenario,
    seeds: Iterable[int],
    *,
    log: Log,
    backends: Backends,
    at_once: int = AT_ONCE,
    retry: RetryPolicy | None = None,
    place: Place | None = None,
) -> AsyncGenerator[EpisodeResult, None]:
    """Play one episode for each seed; results come in the order of seeds, each as soon as those before it are there.

    An episode that fails is a result like any other (`error`, with its reason). Once a model has refused (a wrong
    key, an unknown name), no further episode begins. Each is entered at this `place` in a batch.
    """
    gate = asyncio.Semaphore(at_once)
    refused: list[ModelTrouble] = []

    async def one(seed: int) -> EpisodeResult | None:
        async with gate:
            if refused:
                return None
            try:
                episode = await Episode.begin(scenario, seed=seed, log=log, backends=backends, retry=retry, place=place)
                result = await episode.play()
            except LogError as failure:  # somebody else has the episode, or the log cannot be written now
                return _untold(scenario, seed, failure)
            if isinstance(episode.failure, ModelTrouble) and episode.failure.kind == "refused":
                refused.append(episode.failure)
            return result

    tasks = [asyncio.create_task(one(seed)) for seed in seeds]
    try:
        for task in tasks:
            await asyncio.wait([task])  # not `await task`: a cancel must reach all of them at once
            result = task.result()
            if result is not None:
                yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _untold(scenario: Scenario, seed: int, failure: LogError) -> EpisodeResult:
    """The result of an episode of which the log cannot tell more."""
    return EpisodeResult("", scenario.scenario, seed, "error", str(failure), {}, 0, 0, 0, 0, None, 0.0)
