"""A batch on a Dask cluster: its episodes go out in parts, each worked on like any other worker would.

Dask runs the tasks of a killed worker again. That is safe here: an episode is led by one worker at a time, whoever
runs a part again takes over what the dead one led, and what had ended is left.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from ulid import ULID

from tertulia.environments.batch.caps import Caps
from tertulia.environments.batch.dask_parts import forget, play_part
from tertulia.environments.batch.plan import BatchError, Plan
from tertulia.environments.batch.settings import Settings
from tertulia.environments.batch.worker import INTERRUPTED, Failures, Played
from tertulia.storage.errors import first_line
from tertulia.storage.log import LogError

_PARTS_PER_SLOT = 4
"""So many parts for every thread of the cluster, that none is left long with nothing to do."""
_REACHED_S = 10.0
_MISSING = "--engine dask needs the extra: pip install 'tertulia[distributed]'"


class OnDask:
    """The workers of the cluster behind `scheduler`; each of their threads is one worker of the batch.

    Raises `BatchError` for a scheduler that cannot be reached, has no workers, or workers that cannot reach the log.
    """

    def __init__(self, plan: Plan, settings: Settings, scheduler: str, failures: Failures) -> None:
        # Time is measured here: a part begins to count when it is its turn.
        self._plan, self._settings = plan, replace(settings, fail_on_error=None, max_time_s=None)
        self._time = Caps(max_time_s=settings.max_time_s)
        self._scheduler, self._failures = scheduler, failures
        self._run = f"tertulia-{ULID()}"
        self._client: Any = None
        self._telling: set[asyncio.Task[Any]] = set()
        self.stopped: str | None = None
        self.died: list[str] = []

    def stop(self, why: str = INTERRUPTED) -> None:
        self.stopped = self.stopped or why
        if self._client is not None:
            task = asyncio.create_task(self._spread())
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def play(self) -> AsyncGenerator[Played, None]:
        if find_spec("distributed") is None:
            raise BatchError(_MISSING)
        self._client = await self._connected()
        try:
            async with aclosing(self._results()) as results:
                async for played in results:
                    yield played
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped = self.stopped or INTERRUPTED
            await self._spread()
            raise
        finally:
            client, self._client = self._client, None
            await asyncio.gather(*self._telling, return_exceptions=True)
            with suppress(OSError, TimeoutError):  # whoever is gone keeps nothing
                await client.run(forget, self._run, on_error="ignore")
            await client.close()

    async def _results(self) -> AsyncGenerator[Played, None]:
        futures = self._submitted(await self._slots())
        if self.stopped is not None:
            await self._spread()
        keeping_time = asyncio.create_task(self._keep_time())
        try:
            async with aclosing(self._told(futures)) as told:
                async for played in told:
                    yield played
        finally:
            keeping_time.cancel()

    async def _keep_time(self) -> None:
        if self._time.max_time_s is not None:
            await asyncio.sleep(self._time.max_time_s)
            self.stop(self._time.out_of_time() or INTERRUPTED)

    async def _told(self, futures: list[Any]) -> AsyncGenerator[Played, None]:
        from distributed import as_completed

        failure: LogError | BatchError | None = None
        async for future in as_completed(futures):  # type: ignore[no-untyped-call]
            try:
                part, stopped = await future
            except (LogError, BatchError) as error:
                failure = failure or error
                self.stop(first_line(error))
            except Exception as error:  # noqa: BLE001  whatever Dask makes of a part, the others go on
                self.died.append(f"a part of the batch was given up: {_in_one_line(error)}")
            else:
                for played in part:
                    if (why := self._failures.too_many(played)) is not None:
                        self.stop(why)
                    yield played
                if stopped is not None:
                    self.stop(stopped)
        if failure is not None:
            raise failure

    async def _connected(self) -> Any:
        from distributed import Client

        try:
            return await Client(self._scheduler, asynchronous=True, timeout=_REACHED_S)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError) as error:
            said = f"no Dask scheduler answers at {self._scheduler} ({_in_one_line(error)})"
            raise BatchError(f"{said}; start one with `dask scheduler`") from None

    async def _slots(self) -> int:
        """How many threads the cluster has."""
        try:
            await self._client.wait_for_workers(1, timeout=_REACHED_S)
        except TimeoutError:
            said = f"the cluster at {self._scheduler} has no workers; start one with `dask worker {self._scheduler}`"
            raise BatchError(said) from None
        workers = (await self._client.scheduler.identity(n_workers=-1))["workers"]
        hosts = {urlsplit(address).hostname for address in workers}
        if "://" not in self._settings.db and not hosts <= {"127.0.0.1", "::1", "localhost"}:
            raise BatchError("a log in a file can be shared on one machine only; give --db postgresql+psycopg://...")
        return sum(int(worker["nthreads"]) for worker in workers.values())

    def _submitted(self, slots: int) -> list[Any]:
        points = list(self._plan.points())
        size = max(1, min(self._settings.at_once, math.ceil(len(points) / (slots * _PARTS_PER_SLOT))))
        settings = replace(self._settings, workers=slots)
        parts = [points[start : start + size] for start in range(0, len(points), size)]
        return [self._client.submit(play_part, settings, part, self._run, pure=False) for part in parts]

    async def _spread(self) -> None:
        """Tell all workers to stop, and why; where all is over there is nobody to tell."""
        if self._client is not None:
            await self._client.set_metadata([self._run], self.stopped or INTERRUPTED)


def _in_one_line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
