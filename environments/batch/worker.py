"""One worker: plays the episodes of a batch that it can claim, many at once, until nothing is left to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from tertulia.agents.caller import RetryPolicy
from tertulia.agents.registry import Backends
from tertulia.environments.batch.caps import Caps
from tertulia.environments.batch.claims import Claims
from tertulia.environments.batch.plan import Plan, Point
from tertulia.environments.changed import ChangedSince
from tertulia.environments.defaults import AT_ONCE_IN_A_BATCH, LEASE_S
from tertulia.environments.episode import AlreadyEnded, Episode
from tertulia.environments.leading import Leader
from tertulia.environments.restore import RestoreError
from tertulia.environments.result import EpisodeResult
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import Duplicate, LeaseHeld, Log, LogError, LostLease, Unusable
from tertulia.storage.readers import Standing
from tertulia.storage.rows import EpisodeStatus

_BEATS_PER_LEASE = 4
_POLL_S = 2.0
"""How often a worker that has nothing left to begin looks for what others left behind."""
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one episode under this worker."""

    cell: str
    seed: int
    replicate: int
    result: EpisodeResult


@dataclass(slots=True)
class Failures:
    """Counts episodes that failed; too many of them, as a share of the whole batch, stop it."""

    total: int
    share: float | None = None
    """0-1; None: however many fail, the rest goes on."""
    failed: int = 0

    def too_many(self, played: Played) -> str | None:
        """Count one more; why the batch should stop, if it should."""
        self.failed += played.result.status == "error"
        if self.share is None or self.failed <= self.share * self.total:
            return None
        percent = f"{100 * self.failed / self.total:.1f} %"
        return f"{self.failed} episodes failed, {percent} of the batch: more than --fail-on-error {self.share:g} allows"


@dataclass(slots=True)
class Worker:
    """Plays a batch, or the part of it in `only`. Several workers, in one process or on many machines, may play the
    same batch in the same log: each episode is led by one of them at a time, and what a dead one leaves is taken over.

    One episode that fails never stops the rest, unless `failures` finds that too many did. A
    model that refuses (a wrong key, an unknown name) stops all: the others would only be refused as well.
    """

    plan: Plan
    log: Log
    backends: Backends
    at_once: int = AT_ONCE_IN_A_BATCH
    caps: Caps = field(default_factory=Caps)
    failures: Failures | None = None
    lease_s: float = LEASE_S
    retry: RetryPolicy | None = None
    only: Iterable[Point] | None = None
    failed: Mapping[str, datetime | None] | None = None
    """As `Claims` has it."""
    accept_changes: bool = False
    """Whether to go on with episodes that other packages, instructions or models began."""
    stopped: str | None = None
    """Why no further episode or turn is begun."""
    failure: LogError | None = None
    """What made the log unusable, where something did."""
    unforeseen: Exception | None = None
    """The first that kept an episode from being begun or reopened and that nobody foresaw: a bug."""
    leader: Leader = field(init=False)
    _claims: Claims = field(init=False)
    _results: asyncio.Queue[Played | None] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.leader = Leader(lease_s=self.lease_s, renews=True)
        poll_s = min(_POLL_S, self.lease_s / _BEATS_PER_LEASE)
        self._claims = Claims(self.plan, self.log, poll_s=poll_s, only=self.only, failed=self.failed)

    def stop(self, why: str = INTERRUPTED) -> None:
        """Let the turns that are under way end, and pause. The first reason stays."""
        self.stopped = self.stopped or why
        self._claims.give_up()

    async def play(self) -> AsyncGenerator[Played, None]:
        """Play; gives each episode as it ends or pauses. Cancelling interrupts the turns that are under way; what was
        answered meanwhile is in the log. Raises `LogError` where the log cannot be used, and what was unforeseen, once
        the rest has been played."""
        await self._claims.start()
        if self.caps.counts_others:
            await self.caps.read(self.log, self.plan.batch)
        helpers = [asyncio.create_task(self._beat()), asyncio.create_task(self.caps.watch(self.log, self.plan.batch))]
        players = [asyncio.create_task(self._player()) for _ in range(self.at_once)]
        everybody = asyncio.create_task(self._gathered(players))
        try:
            while (played := await self._results.get()) is not None:
                yield played
        finally:
            for task in (*players, *helpers):
                task.cancel()
            await asyncio.gather(everybody, *helpers, return_exceptions=True)
        if (failure := self.failure or self.unforeseen) is not None:
            raise failure

    async def _gathered(self, players: list[asyncio.Task[None]]) -> None:
        for outcome in await asyncio.gather(*players, return_exceptions=True):
            if isinstance(outcome, LogError):
                self.failure = self.failure or outcome
            elif isinstance(outcome, Exception):
                self.unforeseen = self.unforeseen or outcome
        self._results.put_nowait(None)

    async def _player(self) -> None:
        """One of many: play one episode after the other."""
        while self._stopping() is None and (claimed := await self._claimed()) is not None:
            if self._stopping() is not None:
                return
            try:
                played = await (self._begin(claimed) if isinstance(claimed, Point) else self._take_over(claimed))
            except Duplicate:
                if isinstance(claimed, Point):
                    await self._claims.taken(claimed)
                continue
            except (LeaseHeld, LostLease, AlreadyEnded):  # it is another worker's now
                continue
            except Unusable as fault:
                self.stop(str(fault))
                return
            except ModelTrouble as trouble:  # the model cannot even be asked
                self.stop(trouble.message)
                return
            except LogError:
                self.stop("the log cannot be used")
                raise
            except Exception as bug:  # noqa: BLE001  one episode stops no other; it is raised in the end
                self.unforeseen = self.unforeseen or bug
                continue
            if self.failures is not None and (why := self.failures.too_many(played)) is not None:
                self.stop(why)
            self._results.put_nowait(played)

    async def _claimed(self) -> Point | Standing | None:
        try:
            return await self._claims.next()
        except LogError:
            self.stop("the log cannot be used")  # the others need not wait for it as well, one after the other
            raise

    async def _begin(self, point: Point) -> Played:
        scenario = self.plan.scenario(point)
        episode = await Episode.begin(
            scenario, seed=point.seed, log=self.log, backends=self.backends, retry=self.retry, budget=self.caps,
            place=self.plan.place(point), leader=self.leader, stop=self._stopping,
        )  # fmt: skip
        return await self._play(point, episode)

    async def _take_over(self, found: Standing) -> Played:
        try:
            episode = await Episode.reopen(
                found.episode, log=self.log, backends=self.backends, retry=self.retry, budget=self.caps,
                leader=self.leader, stop=self._stopping, accept_changes=self.accept_changes,
                failed_at=found.ended_at if found.status == "error" else None,
            )  # fmt: skip
        except LeaseHeld:
            self._claims.lost(found.episode)
            raise
        except RestoreError as error:
            return await self._left(found, "error", str(error))
        except ChangedSince as changed:
            return await self._left(found, "paused", changed.in_one_line())
        return await self._play(found, episode)

    async def _left(self, found: Standing, status: EpisodeStatus, why: str) -> Played:
        """An episode that stays as it is in the log."""
        row = await asyncio.to_thread(self.log.episode, found.episode)
        result = EpisodeResult(row.id, row.scenario, row.seed, status, why, {}, max(0, row.head), 0, 0, 0, None, 0.0)
        return Played(found.cell, found.seed, found.replicate, result)

    async def _play(self, place: Point | Standing, episode: Episode) -> Played:
        self._claims.played(place, episode.stage.episode)
        try:
            result = await episode.play()
        except LostLease:
            with suppress(LogError):  # only where it is ours after all, and the log has gone on without us
                await self.log.release(episode.stage.episode, self.leader.token)
            self._claims.lost(episode.stage.episode)
            raise
        trouble = episode.failure
        if isinstance(trouble, ModelTrouble) and trouble.kind in ("refused", "cap"):
            self.stop(trouble.message)
        if isinstance(trouble, Unusable):
            self.stop(str(trouble))
        return Played(place.cell, place.seed, place.replicate, result)

    def _stopping(self) -> str | None:
        if self.stopped is None and (over := self.caps.out_of_time()) is not None:
            self.stop(over)
        return self.stopped

    async def _beat(self) -> None:
        """Renew the leases of all that this worker leads. A lease that is lost shows at the next commit."""
        while True:
            await asyncio.sleep(self.lease_s / _BEATS_PER_LEASE)
            with suppress(LogError):
                await self.log.renew(self.leader.token, ttl_s=self.lease_s)
