"""Which episode a worker plays next: what was begun and is led by nobody, then what nobody has begun, then what others
leave behind."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from random import Random

from tertulia.environments.batch.plan import Plan, Point
from tertulia.storage.log import Log
from tertulia.storage.readers import Standing
from tertulia.storage.statuses import ONGOING

_NEVER = object()
_REST, _LONGEST_REST_S = 10.0, 15.0
"""How much longer we wait than looking took, and how long at most: looking must not become the work itself."""


def failed_in(standing: Iterable[Standing]) -> dict[str, datetime | None]:
    """The episodes that have failed, and when they did: one that is tried again has another time, or none."""
    return {one.episode: one.ended_at for one in standing if one.status == "error"}


class Claims:
    """The work of one worker on one batch. Nothing here is exclusive: the log decides who has an episode, when it is
    begun (its place is unique) or taken over (by its lease). `only` limits it to some of the episodes.

    What had `failed` when the run began (in the log, at that time), or by None when this worker begins, is tried again
    by one of its workers, once; what fails now is left as it is. What a worker pauses, each other one tries once more:
    trouble with a server may have passed, and a worker that was told to stop leaves its episodes to them.
    """

    def __init__(
        self,
        plan: Plan,
        log: Log,
        *,
        poll_s: float,
        only: Iterable[Point] | None = None,
        failed: Mapping[str, datetime | None] | None = None,
    ) -> None:
        self._plan, self._log, self._poll_s, self._failed = plan, log, poll_s, failed
        points = plan.points() if only is None else only
        self._unbegun: dict[tuple[str, int, int], Point] = {point.key: point for point in points}
        self._mine = set(self._unbegun)
        self._next = deque(self._unbegun)
        """In which order they are begun; what others have begun meanwhile is passed over."""
        self._left: deque[Standing] = deque()
        self._tried: set[str] = set()
        self._handed: dict[tuple[str, int, int], int] = {}
        """What was given out to be begun, and after how many looks."""
        self._looks = 0
        self._look_s = 0.0
        self._done = False
        """Nothing is left to do, unless an episode goes to another that was to be played here."""
        self._rng = Random()
        self._lock = asyncio.Lock()
        self._given_up = asyncio.Event()

    async def start(self) -> None:
        """See what is there already."""
        found = await self._standing()
        failed = failed_in(found) if self._failed is None else self._failed
        for one in found:
            if not one.led and (one.status in ONGOING or failed.get(one.episode, _NEVER) == one.ended_at):
                self._left.append(one)

    async def next(self) -> Point | Standing | None:
        """An episode to begin, or one to take over; None when all there was to do is done, by whomever. Waits while
        others lead what is left, in case they die."""
        async with self._lock:
            while not (self._given_up.is_set() or self._done):
                if self._left:
                    one = self._left.popleft()
                    self._tried.add(one.episode)
                    return one
                if self._unbegun:
                    return self._choose()
                waiting = [one for one in await self._standing() if self._may_come_free(one)]
                if not waiting:
                    self._done = True
                    return None
                self._left += [one for one in waiting if not one.led]
                if not self._left:
                    with suppress(TimeoutError):
                        rest_s = min(_LONGEST_REST_S, _REST * self._look_s)
                        async with asyncio.timeout(max(self._poll_s, rest_s)):
                            await self._given_up.wait()
            return None

    def give_up(self) -> None:
        """Whoever waits for an episode gets none."""
        self._given_up.set()

    async def taken(self, point: Point) -> None:
        """Another worker was faster: look again at what is begun, unless somebody here has looked since, and go on
        somewhere else, where it is likely that nobody is."""
        async with self._lock:
            self._done = False  # should that one die, it is taken over
            if self._handed.pop(point.key) == self._looks:
                await self._standing()
                self._next = deque(self._unbegun)
                self._next.rotate(self._rng.randrange(len(self._next)) if self._next else 0)

    def played(self, one: Point | Standing, episode: str) -> None:
        """This worker has led it: it is not taken up again."""
        self._handed.pop(one.key, None)
        self._tried.add(episode)

    def lost(self, episode: str) -> None:
        """Another worker leads it. Should that one die, it is taken up like any other."""
        self._tried.discard(episode)
        self._done = False

    def _choose(self) -> Point:
        while (point := self._unbegun.pop(self._next.popleft(), None)) is None:
            pass
        self._handed[point.key] = self._looks
        return point

    def _may_come_free(self, one: Standing) -> bool:
        return one.status in ONGOING and one.episode not in self._tried

    async def _standing(self) -> list[Standing]:
        began = time.monotonic()
        found = await asyncio.to_thread(self._log.standing, self._plan.batch)
        self._looks, self._look_s = self._looks + 1, time.monotonic() - began
        for one in found:
            self._unbegun.pop(one.key, None)
        return [one for one in found if one.key in self._mine]
