"""How a batch is to be worked on: plain data, so that it reaches worker processes and other machines; and the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.batch.caps import Caps
from tertulia.environments.batch.plan import Plan, Point
from tertulia.environments.batch.worker import Failures, Played, Worker
from tertulia.environments.defaults import AT_ONCE_IN_A_BATCH, LEASE_S
from tertulia.storage.log import Log


@dataclass(frozen=True, slots=True)
class Settings:
    """Which batch in which log (a path or URL, as `Log.open` takes it), how much at once, within which caps."""

    batch: str
    db: str
    at_once: int = AT_ONCE_IN_A_BATCH
    """Episodes at once in each worker."""
    workers: int = 1
    """How many share what a provider takes; each begins with its part and finds the rest out for itself."""
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_time_s: float | None = None
    fail_on_error: float | None = None
    lease_s: float = LEASE_S
    failed: Mapping[str, datetime | None] | None = None
    """The episodes that had failed when the run began, and when: each is tried once more by one of its workers. None:
    every worker looks for itself."""
    accept_changes: bool = False
    """Whether to go on although packages, prompts or models have changed since an episode was begun."""
    retry: RetryPolicy | None = None

    def caps(self) -> Caps:
        """The caps of one worker."""
        return Caps(self.max_cost_usd, self.max_tokens, self.max_time_s)


async def work(
    settings: Settings,
    only: Iterable[Point] | None = None,
    hold: Callable[[Worker], None] | None = None,
    backends: Backends | None = None,
) -> AsyncGenerator[Played, None]:
    """Be one worker, with a log of its own and, unless they are given, backends of its own. `hold` is given the worker,
    so that it can be stopped. Raises `BatchError` where packages, instructions or models here are not the batch's."""
    mine = Backends(share=settings.workers) if backends is None else backends
    log = await asyncio.to_thread(Log.open, settings.db, create=False, writing=True)
    try:
        worker = await _worker(settings, log, mine, None if only is None else list(only))
        if hold is not None:
            hold(worker)
        async with aclosing(worker.play()) as results:
            async for played in results:
                yield played
    finally:
        if backends is None:
            await mine.aclose()
        await asyncio.to_thread(log.close)


async def _worker(settings: Settings, log: Log, backends: Backends, only: list[Point] | None) -> Worker:
    plan = await asyncio.to_thread(Plan.load, log, settings.batch)
    cells = plan.cells if only is None else [point.cell for point in only]
    await plan.check_here(log, cells, backends, accept_changes=settings.accept_changes)
    return Worker(
        plan, log, backends, at_once=settings.at_once, caps=settings.caps(), lease_s=settings.lease_s,
        failures=Failures(plan.total, settings.fail_on_error), retry=settings.retry, only=only, failed=settings.failed,
        accept_changes=settings.accept_changes or "accepted" in plan.grid,
    )  # fmt: skip
