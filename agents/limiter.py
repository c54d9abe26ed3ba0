"""How many requests may be in flight: as many as the provider takes, found out as TCP does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass(slots=True)
class Slot:
    """Leave to send one request. Say how it went with `succeeded` or `troubled`; say nothing and nothing changes."""

    limiter: Limiter
    epoch: int

    def succeeded(self) -> None:
        """The limit grows while it is used: until the first trouble by one for every success, so that it doubles with
        every whole round of them; from then on by about one a round (additive increase)."""
        self.limiter._grow()

    def troubled(self, retry_after_s: float | None = None) -> None:
        """Multiplicative decrease, once for all requests that were in flight together; nothing starts before
        `retry_after_s` is over."""
        self.limiter._shrink(self.epoch, retry_after_s)


class Limiter:
    """Adaptive concurrency (slow start, then additive increase and multiplicative decrease, as TCP) for one provider,
    shared by all episodes.

    First come, first served. A waiter that is cancelled leaves the queue, a holder that is cancelled gives its slot
    back. All use is from one event loop at a time.
    """

    def __init__(self, *, start: int = 16, ceiling: int = 256, decrease: float = 0.5) -> None:
        if not (1 <= start <= ceiling and 0 < decrease < 1):
            raise ValueError(
                f"a limiter needs 1 <= start <= ceiling and 0 < decrease < 1, not {start}, {ceiling}, {decrease}"
            )
        self.limit = float(start)
        self.in_flight = 0
        self._ceiling = ceiling
        self._decrease = decrease
        self._troubled = False
        self._epoch = 0
        self._not_before = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Waits for a slot, holds it for the body of the `async with`."""
        await self._acquire()
        try:
            yield Slot(self, self._epoch)
        finally:
            self.in_flight -= 1
            self._admit()

    async def _acquire(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting and self.in_flight < int(self.limit) and loop.time() >= self._not_before:
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.in_flight -= 1
            else:
                with suppress(ValueError):  # `_admit` has passed over it already
                    self._waiting.remove(turn)
            self._admit()
            if not self._waiting and self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            raise

    def _admit(self) -> None:
        if not self._waiting:
            return
        loop = self._waiting[0].get_loop()
        if loop.time() < self._not_before:
            if self._alarm is None:
                self._alarm = loop.call_at(self._not_before, self._wake)
            return
        while self._waiting and self.in_flight < int(self.limit):
            turn = self._waiting.popleft()
            if turn.done():
                continue
            self.in_flight += 1
            turn.set_result(None)

    def _wake(self) -> None:
        self._alarm = None
        self._admit()

    def _grow(self) -> None:
        if self.in_flight + 1 >= int(self.limit):
            more = 1.0 / self.limit if self._troubled else 1.0
            self.limit = min(float(self._ceiling), self.limit + more)
            self._admit()

    def _shrink(self, epoch: int, retry_after_s: float | None) -> None:
        self._troubled = True
        if epoch == self._epoch:
            self._epoch += 1
            self.limit = max(1.0, self.limit * self._decrease)
        if retry_after_s:
            until = asyncio.get_running_loop().time() + retry_after_s
            self._not_before = max(self._not_before, until)
