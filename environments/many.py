"""Many episodes in one process: a scenario, one seed after the other, several at once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import TypeVar

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.changed import ChangedSince
from tertulia.environments.defaults import AT_ONCE
from tertulia.environments.episode import AlreadyEnded, Episode
from tertulia.environments.leading import Place
from tertulia.environments.restore import RestoreError
from tertulia.environments.result import EpisodeResult
from tertulia.environments.scenario import Scenario, ScenarioError
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import Log, LogError, Unusable

_YOUNG = 5_000
"""New objects between two looks of the garbage collector (700 otherwise): a few megabytes, of which a turn has let go
of most by then."""


def keep_what_is_loaded() -> None:
    """For a process that is about to play many episodes: what is in memory now stays to the end.

    Otherwise the garbage collector goes through half a million objects of imported packages again and again, which
    takes a tenth of the time of a turn; and through what a turn is just using, which takes a twentieth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


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
    key, an unknown name), or the log cannot be used, no further episode begins. Each is entered at this `place` in a
    batch. Raises `Unusable` after all results where it was the log that ended it.
    """

    async def one(seed: int) -> Came:
        if _refused(scenario, backends):
            return None, None
        try:
            episode = await Episode.begin(scenario, seed=seed, log=log, backends=backends, retry=retry, place=place)
            return await episode.play(), _stopper(episode)
        except Unusable as failure:
            return None, failure
        except LogError as failure:  # somebody else has the episode
            return _untold(scenario.scenario, seed, str(failure)), None

    async with aclosing(_several(one, seeds, at_once)) as results:
        async for result in results:
            yield result


async def resume_many(
    episodes: Sequence[str],
    *,
    log: Log,
    backends: Backends,
    at_once: int = AT_ONCE,
    retry: RetryPolicy | None = None,
    accept_changes: bool = False,
) -> AsyncGenerator[EpisodeResult, None]:
    """Go on with episodes that have not ended; else as `play_many`, but that they need not have their models in common:
    where one refuses, those with others go on. One that cannot be gone on with comes as `error`, with the reason, and
    stands in the log as it did."""

    async def one(id: str) -> Came:
        try:
            row = await asyncio.to_thread(log.episode, id)
            if _refused(Scenario.from_resolved(row.config), backends):
                return None, None
            episode = await Episode.reopen(id, log=log, backends=backends, retry=retry, accept_changes=accept_changes)
            result = await episode.play()
            return result, episode.failure if isinstance(episode.failure, Unusable) else None
        except Unusable as failure:
            return None, failure
        except ChangedSince as failure:
            why = failure.in_one_line()
        except (LogError, AlreadyEnded, RestoreError, ModelTrouble, ScenarioError) as failure:
            why = str(failure)
        row = await asyncio.to_thread(log.episode, id)
        return _untold(row.scenario, row.seed, why, row.id), None

    async with aclosing(_several(one, episodes, at_once)) as results:
        async for result in results:
            yield result


Which = TypeVar("Which", int, str)
Stopper = ModelTrouble | Unusable
"""What ends not only one episode: a model that refuses, a log that cannot be used."""
Came = tuple[EpisodeResult | None, Stopper | None]


async def _several(
    play: Callable[[Which], Awaitable[Came]], which: Iterable[Which], at_once: int
) -> AsyncGenerator[EpisodeResult, None]:
    """Several at once, results in their order; none begins once something stops them all."""
    gate = asyncio.Semaphore(at_once)
    stoppers: list[Stopper] = []

    async def one(of: Which) -> EpisodeResult | None:
        async with gate:
            if stoppers:
                return None
            result, stopper = await play(of)
            if stopper is not None:
                stoppers.append(stopper)
            return result

    tasks = [asyncio.create_task(one(of)) for of in which]
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
    unusable = next((stopper for stopper in stoppers if isinstance(stopper, Unusable)), None)
    if unusable is not None:
        raise unusable


def _refused(scenario: Scenario, backends: Backends) -> bool:
    """Whether it has a model that refused by now."""
    return any(backends.refusal(uri) for uri in scenario.models)


def _stopper(episode: Episode) -> Stopper | None:
    trouble = episode.failure
    if isinstance(trouble, ModelTrouble):
        return trouble if trouble.kind == "refused" else None
    return trouble if isinstance(trouble, Unusable) else None


def _untold(scenario: str, seed: int, why: str, episode: str = "") -> EpisodeResult:
    """The result of an episode of which the log cannot tell more."""
    return EpisodeResult(episode, scenario, seed, "error", why, {}, 0, 0, 0, 0, None, 0.0)
