"""Playing whole episodes in tests, also in a process of their own that can be killed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tertulia
from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.result import EpisodeResult
from tertulia.storage.log import Log

FAST = RetryPolicy(base_s=0.001, cap_s=0.01)


async def play(
    db: Path | str, scenario: str, *, seed: int = 0, model: str = "rules", sets: Sequence[str] = ()
) -> EpisodeResult:
    """Begin and play one episode, with retries that do not wait long."""
    backends = Backends()
    with Log.open(db) as log:
        try:
            loaded = tertulia.load_scenario(scenario, sets, model=model)
            episode = await Episode.begin(loaded, seed=seed, log=log, backends=backends, retry=FAST)
            return await episode.play()
        finally:
            await backends.aclose()


async def resume(db: Path | str, episode: str) -> EpisodeResult:
    """Go on with an episode where its log ends."""
    backends = Backends()
    with Log.open(db) as log:
        try:
            reopened = await Episode.reopen(episode, log=log, backends=backends, retry=FAST)
            return await reopened.play()
        finally:
            await backends.aclose()


async def interrupted(
    db: Path | str, turn: int, *, model: str = "rules", seed: int = 3, sets: Sequence[str] = ("turns.limit=4",)
) -> str:
    """Begin an episode of `dinner-secret` and have it paused after `turn`; its id."""
    playing: asyncio.Task[EpisodeResult] | None = None

    def listen(event: dict[str, Any]) -> None:
        if event["kind"] == "turn" and event["turn"] == turn:
            assert playing is not None
            playing.cancel()

    backends = Backends()
    with Log.open(db) as log:
        scenario = tertulia.load_scenario("dinner-secret", sets, model=model)
        episode = await Episode.begin(scenario, seed=seed, log=log, backends=backends, listen=listen, retry=FAST)
        playing = asyncio.create_task(episode.play())
        with suppress(asyncio.CancelledError):
            await playing
        row = log.episode(episode.stage.episode)
        assert (row.head, row.status) == (turn, "paused")
    await backends.aclose()
    return row.id


def play_in_child(environment: dict[str, str], db: str, scenario: str, seed: int, model: str, sets: list[str]) -> None:
    """What a child process runs until it is done or killed."""
    os.environ.update(environment)
    asyncio.run(play(db, scenario, seed=seed, model=model, sets=sets))


async def paused_after(episode: Episode, turns: int) -> EpisodeResult:
    """Play so many turns, or to an end before that, and pause."""
    episode.stop = lambda: "far enough" if episode.stage.head >= turns else None
    return await episode.play()
