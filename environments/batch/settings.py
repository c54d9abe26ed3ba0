"""How a batch is to be worked on: plain data, so that it reaches worker processes and other machines; and the work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.batch.caps import Caps
from tertulia.environments.batch.plan import Plan, Point
from tertulia.environments.batch.worker import AT_ONCE, LEASE_S, Failures, Played, Worker
from tertulia.storage.log import Log


@dataclass(frozen=True, slots=True)
class Settings:
    """Which batch in which log (a path or URL, as `Log.open` takes it), how much at once, within which caps."""

    batch: str
    db: str
    at_once: int = AT_ONCE
    """Episodes at once in each worker."""
    workers: int = 1
    """How many share what a provider takes; each begins with its part and finds the rest out for itself."""
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_time_s: float | None = None
    fail_on_error: float | None = None
    lease_s: float = LEASE_S
    accept_changes: bool = False
    """Whether to go on although packages, prompts or models have changed since an episode was begun."""
    retry: RetryPolicy | None = None

    def caps(self) -> Caps:
        """The caps of one worker."""
        return Caps(self.max_cost_usd, self.max_tokens, self.max_time_s)


async def work(
    settings: Settings, only: Iterable[Point] | None = None, hold: Callable[[Worker], None] | None = None
) -> AsyncGenerator[Played, None]:
    """Be one worker, with a log and backends of its own. `hold` is given the worker, so that it can be stopped."""
    backends = Backends(share=settings.workers)
    with Log.open(settings.db, create=False, writing=True) as log:
        plan = Plan.load(log, settings.batch)
        worker = Worker(
            plan, log, backends, at_once=settings.at_once, caps=settings.caps(), lease_s=settings.lease_s,
            failures=Failures(plan.total, settings.fail_on_error), retry=settings.retry, only=only,
            accept_changes=settings.accept_changes or "accepted" in plan.grid,
        )  # fmt: skip
        if hold is not None:
            hold(worker)
        try:
            async with aclosing(worker.play()) as results:
                async for played in results:
                    yield played
        finally:
            await backends.aclose()
