"""What plays a batch: this process, several processes of this machine, or a Dask cluster; all alike to who watches."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from tertulia.environments.batch.settings import Settings, work
from tertulia.environments.batch.worker import INTERRUPTED, Played, Worker


class Engine(Protocol):
    """Plays a batch that is in the log."""

    @property
    def stopped(self) -> str | None:
        """Why it stopped before all was done; None while nothing stopped it."""
        ...

    @property
    def died(self) -> list[str]:
        """What became of workers that did not end by themselves."""
        ...

    def play(self) -> AsyncGenerator[Played, None]:
        """Each episode as it ends or pauses. Raises `LogError` where the log cannot be used."""
        ...

    def stop(self, why: str = INTERRUPTED) -> None:
        """Let turns that are under way end, and pause. Closing or cancelling `play` stops at once."""
        ...


class Here:
    """One worker in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: Worker | None = None
        self._why: str | None = None
        self.died: list[str] = []

    @property
    def stopped(self) -> str | None:
        return self._worker.stopped if self._worker is not None else self._why

    def stop(self, why: str = INTERRUPTED) -> None:
        self._why = self._why or why
        if self._worker is not None:
            self._worker.stop(why)

    def _hold(self, worker: Worker) -> None:
        self._worker = worker
        if self._why is not None:
            worker.stop(self._why)

    async def play(self) -> AsyncGenerator[Played, None]:
        async with aclosing(work(self._settings, hold=self._hold)) as results:
            async for played in results:
                yield played
