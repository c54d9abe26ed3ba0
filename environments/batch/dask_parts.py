"""What a worker process of a Dask cluster does with its parts of a batch.

All parts of a run share one event loop and one set of backends: a local model is loaded once, and what a provider
takes is found out once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Any

from tertulia.agents.registry import Backends
from tertulia.environments.batch.plan import Point
from tertulia.environments.batch.settings import Settings, work
from tertulia.environments.batch.worker import Played, Worker

_LOOK_S = 1.0
_LOCK = threading.Lock()
_RUNS: dict[str, _Run] = {}
"""What this process keeps of each run of a batch, by its name."""


class _Run:
    """One run of a batch in this process: its loop in a thread of its own, and its backends."""

    def __init__(self, share: int) -> None:
        self.backends = Backends(share=share)
        self.loop = asyncio.new_event_loop()
        self.parts = 0
        """How many are being played now."""
        self.over = False
        self.why: str | None = None
        """Why the run was stopped, as soon as anybody here knows: parts that come later are not begun."""
        threading.Thread(target=self._serve, name="tertulia-parts", daemon=True).start()

    def _serve(self) -> None:
        self.loop.run_forever()
        self.loop.close()

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop)

    async def _end(self) -> None:
        try:
            await self.backends.aclose()
        finally:
            self.loop.stop()


def play_part(settings: Settings, points: Sequence[Point], run: str) -> tuple[list[Played], str | None]:
    """A task: some episodes of the batch; what came of those that were played here, and why it stopped, if it did."""
    with _LOCK:
        if run not in _RUNS:
            _RUNS[run] = _Run(settings.workers)
        mine = _RUNS[run]
        mine.parts += 1
    try:
        if mine.why is not None:
            return [], mine.why
        return asyncio.run_coroutine_threadsafe(_part(settings, points, run, mine), mine.loop).result()
    finally:
        with _LOCK:
            mine.parts -= 1
            _end_what_is_over()


def forget(run: str) -> None:
    """Let go of what was kept for a run, once its last part here is done."""
    with _LOCK:
        if run in _RUNS:
            _RUNS[run].over = True
        _end_what_is_over()


def _end_what_is_over() -> None:
    for name in [name for name, one in _RUNS.items() if one.over and not one.parts]:
        _RUNS.pop(name).end()


async def _part(settings: Settings, points: Sequence[Point], run: str, mine: _Run) -> tuple[list[Played], str | None]:
    played = []
    watch = _Watch(run, mine)
    watch.start()
    try:
        async with aclosing(work(settings, points, watch.hold, mine.backends)) as results:
            async for one in results:
                played.append(one)
    finally:
        watch.over.set()
    return played, watch.worker.stopped if watch.worker is not None else None


class _Watch(threading.Thread):
    """Looks, at once and while a part is played, whether the batch was stopped, and why."""

    def __init__(self, run: str, mine: _Run) -> None:
        super().__init__(name="tertulia-watch", daemon=True)
        from distributed import get_client

        self._run, self._mine, self._client = run, mine, get_client()
        self._loop = asyncio.get_running_loop()
        self._why: str | None = None
        self.worker: Worker | None = None
        self.over = threading.Event()

    def hold(self, worker: Worker) -> None:
        self.worker = worker
        if self._why is not None:
            worker.stop(self._why)

    def run(self) -> None:
        while (why := self._told()) is None:
            if self.over.wait(_LOOK_S):
                return
        self._mine.why = why
        with suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
            self._loop.call_soon_threadsafe(self._let_end, why)

    def _told(self) -> str | None:
        try:
            found: Any = self._client.get_metadata([self._run], None)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError):  # the scheduler is away; the log is what counts
            return None
        return None if found is None else str(found)

    def _let_end(self, why: str) -> None:
        self._why = why
        if self.worker is not None:
            self.worker.stop(why)
