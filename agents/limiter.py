"""How many requests may be in flight: as many as the provider takes, found out as TCP does; none once it refuses."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from tertulia.mind.model import ModelTrouble

_EVERY_MODEL = ""
_TRIAL_PARTS = 5
LONGEST_WAIT_S = 120.0
"""A provider that asks for more than this is not waited for: what needs it pauses."""


class Slot:
    """Leave to send one request, for the body of an `async with`. Say how it went with `succeeded` or `troubled`; say
    nothing and nothing changes."""

    __slots__ = ("epoch", "limiter", "uri")

    def __init__(self, limiter: Limiter, uri: str) -> None:
        self.limiter, self.uri, self.epoch = limiter, uri, 0

    async def __aenter__(self) -> Slot:
        await self.limiter._acquire(self.uri)
        self.epoch = self.limiter._epoch
        if (why := self.limiter.refusal(self.uri)) is not None:
            self.limiter._release()
            raise ModelTrouble("refused", why)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.limiter._release()

    def succeeded(self) -> None:
        """The limit grows while it is used: until the first trouble by one for every success, so that it doubles with
        every whole round of them; from then on by about one a round (additive increase)."""
        self.limiter._grow()

    def troubled(self, retry_after_s: float | None = None) -> None:
        """Multiplicative decrease, once for all requests that were in flight together; nothing starts before
        `retry_after_s` is over. Where that is longer than anybody waits, whoever asks until then is told so at once,
        and so are those who wait."""
        self.limiter._shrink(self.epoch, retry_after_s)

    def refused(self, why: str, *, every_model: bool) -> None:
        """Nobody asks this model again, or any model of the provider, where it is the key or the quota: those who wait
        are told the same at once."""
        self.limiter._refuse(_EVERY_MODEL if every_model else self.uri, why)


class Limiter:
    """Adaptive concurrency (slow start, then additive increase and multiplicative decrease, as TCP) for one provider,
    shared by all episodes.

    First come, first served. A waiter that is cancelled leaves the queue, a holder that is cancelled gives its slot
    back. All use is from one event loop at a time.

    The first request goes alone for `trial_s` seconds, or until it is over: a wrong key is answered quickly, and then
    one request has been refused, not `start` of them. Longer than that, nobody waits for another's answer.
    """

    def __init__(
        self, *, start: int = 16, ceiling: int = 256, decrease: float = 0.5, trial_s: float = 0.0,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:  # fmt: skip
        if not (1 <= start <= ceiling and 0 < decrease < 1):
            raise ValueError(
                f"a limiter needs 1 <= start <= ceiling and 0 < decrease < 1, not {start}, {ceiling}, {decrease}"
            )
        self.limit = float(start)
        self.in_flight = 0
        self._ceiling = ceiling
        self._decrease = decrease
        self._troubled = False
        self._trial_s = trial_s
        self._longest_wait_s = longest_wait_s
        self._tried = trial_s <= 0
        self._refusals: dict[str, str] = {}
        self._epoch = 0
        self._not_before = 0.0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        """Each is told whether it may ask."""
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def _most(self) -> int:
        return int(self.limit) if self._tried else 1

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    def refusal(self, uri: str) -> str | None:
        """Why the model, or its whole provider, answers nobody any more; None while it may."""
        why = self._refusals.get(_EVERY_MODEL) or self._refusals.get(uri)
        return why if why is None or uri in why else f"{uri}: {why}"

    def slot(self, uri: str = _EVERY_MODEL) -> Slot:
        """Waits for a slot to ask the model `uri`, holds it for the body of the `async with`.

        Raises `ModelTrouble` instead, also while it waits: `refused` once the model has refused, `transport` where the
        provider asks for a longer wait than anybody waits.
        """
        return Slot(self, uri)

    def _release(self) -> None:
        self.in_flight -= 1
        self._tried = True
        self._admit()

    async def _acquire(self, uri: str) -> None:
        loop = asyncio.get_running_loop()
        if self._left_s(loop) > self._longest_wait_s:
            raise self._too_long(uri, loop)
        if not self._waiting and self.in_flight < self._most and loop.time() >= self._not_before:
            self.in_flight += 1
            if not self._tried:
                self._end_trial(_TRIAL_PARTS)
            return
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            admitted = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.in_flight -= turn.result()
            else:
                with suppress(ValueError):  # `_admit` has passed over it already
                    self._waiting.remove(turn)
            self._admit()
            if not self._waiting and self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            raise
        if not admitted:
            raise self._too_long(uri, loop)

    def _left_s(self, loop: asyncio.AbstractEventLoop) -> float:
        """For how long nothing may start."""
        return self._not_before - loop.time()

    def _too_long(self, uri: str, loop: asyncio.AbstractEventLoop) -> ModelTrouble:
        who = uri or "the provider"
        return ModelTrouble("transport", f"{who}: the server asks to wait {self._left_s(loop):.0f} s")

    def _admit(self) -> None:
        if not self._waiting:
            return
        loop = self._waiting[0].get_loop()
        if loop.time() < self._not_before:
            if self._alarm is None:
                self._alarm = loop.call_at(self._not_before, self._wake)
            return
        while self._waiting and self.in_flight < self._most:
            turn = self._waiting.popleft()
            if turn.done():
                continue
            self.in_flight += 1
            turn.set_result(True)

    def _wake(self) -> None:
        self._alarm = None
        self._admit()

    def _end_trial(self, parts: int) -> None:
        """Counted in parts: a loop that was kept busy (by the import of a client) comes too late to one, not to all."""
        if parts:
            asyncio.get_running_loop().call_later(self._trial_s / _TRIAL_PARTS, self._end_trial, parts - 1)
        else:
            self._tried = True
            self._admit()

    def _refuse(self, whom: str, why: str) -> None:
        self._refusals.setdefault(whom, why)
        if whom == _EVERY_MODEL:
            self._not_before = 0.0  # nothing is left to be waited for

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
            if retry_after_s > self._longest_wait_s:
                while self._waiting:
                    turn = self._waiting.popleft()
                    if not turn.done():
                        turn.set_result(False)
