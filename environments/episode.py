"""The episode: opening, turns, closing; begun anew, or resumed from the log where it stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, cast

from ulid import ULID

from tertulia.agents.backends.base import BackendFailure
from tertulia.agents.caller import Budget, RetryPolicy, StaleTake
from tertulia.agents.registry import Backends
from tertulia.environments.answering import Answering, check_models
from tertulia.environments.changed import accepted_change
from tertulia.environments.interventions import Interventions, own_chance
from tertulia.environments.leading import Leader, Place
from tertulia.environments.people.consent import words_go_to
from tertulia.environments.people.local import keep_local, keep_words_local
from tertulia.environments.people.pseudonyms import discreet
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.people.table import Table, Withdrawn
from tertulia.environments.restore import Restored, restore
from tertulia.environments.result import EpisodeResult
from tertulia.environments.rows_of_stage import outcome_of, seats_of
from tertulia.environments.scenario import Scenario
from tertulia.environments.seeing import uttered
from tertulia.environments.stage import Stage
from tertulia.environments.take import TurnWork, open_turn
from tertulia.environments.turn import Turns
from tertulia.environments.versions import versions
from tertulia.mind.model import ModelTrouble
from tertulia.storage.errors import first_line
from tertulia.storage.log import Ended, LeaseHeld, Log, LogError, LostLease, Refused, Unusable
from tertulia.storage.record import Closing, EpisodeRecord, TurnRecord
from tertulia.storage.rows import CallRow, EpisodeRow, EpisodeStatus, InterventionRow
from tertulia.storage.statuses import ENDED
from tertulia.storage.types import dump_json, now

Listen = Callable[[dict[str, Any]], None]
Stop = Callable[[], str | None]
"""Asked between two turns: why the episode should pause now, or None."""


class AlreadyEnded(Exception):
    """An episode that has ended cannot be resumed."""


@dataclass(slots=True)
class Episode:
    """One episode while it is led by this process. Make one with `begin` or `reopen`, then `play` it."""

    log: Log
    stage: Stage
    answering: Answering
    leader: Leader
    listen: Listen | None = None
    stop: Stop | None = None
    people: Table | None = None
    utterances: int = 0
    closed: bool = False
    head: int = -1
    """The last turn that is in the log."""
    standing: Any = None
    """The world's state after it."""
    failure: Exception | None = None
    """What ended it as `error` or paused it, for whoever wants more than the reason."""
    _ended: EpisodeResult | None = None
    _clock: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.answering.waits_out = self._wait_out

    @classmethod
    async def begin(
        cls,
        scenario: Scenario,
        *,
        seed: int,
        log: Log,
        backends: Backends,
        listen: Listen | None = None,
        retry: RetryPolicy | None = None,
        budget: Budget | None = None,
        place: Place | None = None,
        leader: Leader | None = None,
        stop: Stop | None = None,
        people: Table | None = None,
    ) -> Episode:
        """Enter a new episode into the log, at its `place` in a batch where it belongs to one. Where people take seats
        (`human`), `people` is where they sit.

        Raises `ModelTrouble` first where a seat's model cannot answer, and `Duplicate` where the place is taken.
        """
        _can_answer(scenario, backends, people)
        stage = Stage.of(scenario, seed, str(ULID()))
        leader = leader or Leader()
        own = own_chance(stage.episode, 1, place.replicate if place else 0)
        stage.interventions = Interventions.of(own)
        row = EpisodeRow(
            id=stage.episode, scenario=scenario.scenario, world=scenario.world, config=scenario.resolved(), seed=seed,
            lease=leader.token, versions=versions(stage, backends), created_at=now(),
            batch=place.batch if place else None, cell=place.cell if place else None,
            replicate=place.replicate if place else 0,
        )  # fmt: skip
        answering = Answering(stage, log, backends, leader.token, retry=retry or RetryPolicy(), budget=budget)
        episode = cls(log, stage, answering, leader, listen, stop, people)
        try:
            await log.begin(EpisodeRecord(row, seats_of(stage, people), own), lease_s=leader.lease_s)
        except asyncio.CancelledError:  # it may be in the log by now, and then it must not look as if it ran
            await asyncio.shield(episode._close_early("paused", "interrupted"))
            raise
        return episode

    @classmethod
    async def reopen(
        cls,
        episode: str,
        *,
        log: Log,
        backends: Backends,
        listen: Listen | None = None,
        retry: RetryPolicy | None = None,
        budget: Budget | None = None,
        accept_changes: bool = False,
        leader: Leader | None = None,
        stop: Stop | None = None,
        failed_at: datetime | None = None,
        people: Table | None = None,
    ) -> Episode:
        """Take over an episode where its log ends. Raises `AlreadyEnded`, `LeaseHeld`, `NotFound`, `RestoreError`,
        `ModelTrouble` where a seat's model cannot answer, and `ChangedSince` where it would go on with other packages,
        instructions or models than it was last played with; `accept_changes` records the change and goes on.

        One that failed is tried again only if nobody has done so since `failed_at`, unless that is None: else
        `LeaseHeld`."""
        found = _not_ended(await asyncio.to_thread(log.episode, episode))
        leader = leader or Leader()
        token = leader.token
        try:
            row = await log.lease(found.id, token, ttl_s=leader.lease_s)
        except asyncio.CancelledError:  # it may be ours by now
            with suppress(LogError):
                await asyncio.shield(log.release(found.id, token))
            raise
        try:
            if failed_at is not None and row.ended_at != failed_at:
                raise LeaseHeld(f"another worker has tried episode {row.id} once more by now")
            unplayed = Stage.of(Scenario.from_resolved(_not_ended(row).config), row.seed, row.id)
            _can_answer(unplayed.scenario, backends, people)
            # In a thread: reading waits for a log that is away, and others play meanwhile.
            await asyncio.to_thread(keep_words_local, log, row, unplayed.scenario, backends)
            reading = partial(_as_it_stands, log, row, backends, unplayed, accept=accept_changes)
            calls, changed, restored = await asyncio.to_thread(reading)
            if changed is not None:
                await log.record([changed], token)
        except BaseException:
            with suppress(LogError):  # what went wrong first is what is told
                await log.release(row.id, token)
            raise
        left_behind = [call for call in calls if call.turn == row.head + 1]
        answering = Answering(restored.stage, log, backends, token, left_behind, retry or RetryPolicy(), budget)
        answering.totals.add(calls)
        stage = restored.stage
        return cls(
            log, stage, answering, leader, listen, stop, people, restored.utterances, head=stage.head,
            standing=stage.state,
        )  # fmt: skip

    async def play(self) -> EpisodeResult:
        """Play to the end. Trouble with a model that outlasts the retries, trouble with the log, and cancelling pause
        the episode; any other failure ends it as `error`, with the reason in the log. What has ended stays so.
        Raises `LostLease` when it is not ours any more."""
        status: EpisodeStatus
        beat = None if self.leader.renews else asyncio.create_task(self._keep_lease())
        try:
            return await self._play()
        except LostLease:
            raise
        except ModelTrouble as trouble:
            self.failure = trouble
            status = "error" if trouble.kind in ("refused", "too_long") else "paused"
            return await asyncio.shield(self._close_early(status, trouble.message))
        except asyncio.CancelledError:
            withdrawn = self.people.withdrawn() if self.people is not None else None
            if withdrawn is not None and (task := asyncio.current_task()) is not None:
                task.uncancel()
                return await asyncio.shield(self._close_early("cancelled", str(withdrawn)))
            await asyncio.shield(self._close_early("paused", "interrupted"))
            raise
        except Withdrawn as withdrawn:
            return await asyncio.shield(self._close_early("cancelled", str(withdrawn)))
        except Exception as failure:  # noqa: BLE001  whatever it is, it ends this episode, and others go on
            self.failure = failure
            status = "paused" if _is_passing(failure) else "error"
            kind = "" if isinstance(failure, LogError) else f"{type(failure).__name__}: "
            return await asyncio.shield(self._close_early(status, kind + first_line(failure)))
        finally:
            if beat is not None:
                beat.cancel()
            if self.people is not None and self.closed:  # a lease tells until when there was a sign of life
                await asyncio.shield(self.log.release(self.stage.episode, self.leader.token))

    async def _play(self) -> EpisodeResult:
        if self.people is not None:
            self.people.when_withdrawn = cast("asyncio.Task[Any]", asyncio.current_task()).cancel
            self.people.open(self.stage, self.log, self._words_go_to())
            await self.people.gather()
        if self.stage.head < 0:
            await self._open()
        await Turns(self.listen).play(self._takes())
        assert self._ended is not None, "takes go on to the end"
        return self._ended

    def _words_go_to(self) -> list[str]:
        scenario, made_of = self.stage.scenario, self.answering.backends.made_of
        behind = {uri: made_of(uri) for uri in scenario.models | scenario.embedders}
        return words_go_to(self.stage, behind, self.log.target.place())

    async def _commit(self, record: TurnRecord) -> None:
        """What is not in the log has not happened, whatever the stage has come to."""
        await self.log.commit(record)
        self.head, self.standing = record.turn, self.stage.state

    async def _open(self) -> None:
        events, record = open_turn(self.stage, self.leader.token)
        for one in events:
            self._tell({"kind": "event", "turn": 0, "event": one.event})
        await self._commit(record)
        if self.people is not None:
            self.people.opened()
        self._tell({"kind": "turn", "turn": 0, "rows": record.rows})

    async def _takes(self) -> AsyncGenerator[TurnWork, None]:
        """All takes of all turns, one after the other. Each is played before the next is asked for; once a turn is
        whole, it is committed."""
        stage = self.stage
        while self._ended is None:
            await _interruption()  # before anything of the next turn happens
            reason = stage.ending(stage.head)
            if reason is None and self.stop is not None and (why := self.stop()) is not None:
                self._ended = await self._close_early("paused", why)
                return
            turn = stage.head + 1
            take = self.answering.take_for(turn)
            while True:
                work = TurnWork(
                    stage, turn, take, self.answering.model_for, closing=reason is not None, people=self.people,
                    embedder_for=self.answering.embedder_for,
                )  # fmt: skip
                yield work
                await _interruption()  # before it is committed
                if not work.failures:
                    break
                self._heed(work.failures)
                take += 1
            if reason is None:
                await self._keep(work)
            else:
                self._ended = await self._close(work, reason)

    def _heed(self, failures: Sequence[Exception]) -> None:
        """Recorded calls that answer other questions begin a new take; raises any other failure, the worst first."""
        self.answering.count(committed=False)
        unforeseen = [f for f in failures if not isinstance(f, ModelTrouble | StaleTake)]
        if unforeseen:
            raise unforeseen[0]
        trouble = [failure for failure in failures if isinstance(failure, ModelTrouble)]
        if trouble:
            raise min(trouble, key=lambda failure: ("refused", "too_long", "cap", "transport").index(failure.kind))

    async def _keep(self, work: TurnWork) -> None:
        """Commit a turn that was played."""
        record = work.record(self.leader.token)
        await self._commit(record)
        self.answering.count(committed=True)
        self.utterances += sum(uttered(one.event) for one in work.events)
        if self.people is not None:
            self.people.committed(work)
        self._tell({"kind": "turn", "turn": work.turn, "rows": record.rows})

    async def _close(self, work: TurnWork, reason: str) -> EpisodeResult:
        """The closing turn: every mind has taken in the last event, and the episode has its outcome."""
        rate = self.answering.worst_fallback_rate()
        status: EpisodeStatus = "degraded" if rate > self.stage.scenario.max_fallback_rate else "success"
        record = work.record(self.leader.token)
        outcome = self._outcome(self.stage.state), self.stage.outcome().reward
        record.closing = Closing(status, reason, *outcome, ended_at=self.stage.stamp(now()))
        await self._commit(record)
        self.answering.count(committed=True)
        self.closed = True
        self._tell({"kind": "turn", "turn": work.turn, "rows": record.rows})
        result = self._result(status, reason)
        self._tell({"kind": "end", "result": result})
        if self.people is not None:
            await self.people.part(status, reason)
        return result

    async def _close_early(self, status: EpisodeStatus, reason: str) -> EpisodeResult:
        """Write that it paused or failed. An episode that had ended by then is reported as it ended."""
        self.answering.count(committed=False)
        try:
            reason = discreet(reason) if self.people is not None else reason
            closing = Closing(status, reason, self._outcome_so_far(), ended_at=self.stage.stamp(now()))
            await self.log.close_episode(self.stage.episode, self.leader.token, closing)
        except Ended:
            row = await asyncio.to_thread(self.log.episode, self.stage.episode)
            self.closed = True
            return self._result(cast(EpisodeStatus, row.status), row.reason or "")
        except LogError as error:
            same = str(error) in reason or (isinstance(error, Unusable) and isinstance(self.failure, Unusable))
            reason += "; the log does not know of it yet" if same else f"; and the log could not be told: {error}"
        result = self._result(status, reason)
        self._tell({"kind": "end", "result": result})
        if self.people is not None:
            self.people.tell_all({"kind": "end", "status": status, "reason": reason})
        return result

    def _outcome(self, state: Any) -> dict[str, Any]:
        return outcome_of(self.stage, state)

    def _outcome_so_far(self) -> dict[str, Any]:
        """How things stand in an episode that did not end: no reward yet; nothing from a world that broke."""
        try:
            known = {} if self.standing is None else self._outcome(self.standing)
            found = {**known, "reward": None, "done": False} if known else {}
            dump_json(found)
        except Exception:  # noqa: BLE001  what ended the episode is told; this may only be its echo
            return {}
        return found

    def _result(self, status: EpisodeStatus, reason: str) -> EpisodeResult:
        stage, totals = self.stage, self.answering.totals
        return EpisodeResult(
            episode=stage.episode,
            scenario=stage.scenario.scenario,
            seed=stage.seed,
            status=status,
            reason=reason,
            outcome=self._outcome(stage.state) if self.closed else self._outcome_so_far(),
            turns=max(0, self.head - self.closed),
            utterances=self.utterances,
            calls=len(totals.requests),
            fallbacks=totals.fallbacks,
            cost_usd=totals.cost_usd,
            wall_ms=1000 * (time.perf_counter() - self._clock),
        )

    async def _keep_lease(self) -> None:
        """Renew the lease while we play, however long a turn takes. Once it is lost, the next commit says so."""
        while True:
            await asyncio.sleep(self.leader.lease_s / 3)
            try:
                await self.log.renew(self.leader.token, ttl_s=self.leader.lease_s)  # takes none that was given back
            except Unusable:  # it may come back; until then nobody else can take the lease either
                continue
            except LogError:
                return

    def _wait_out(self, name: str, failure: BackendFailure, wait_s: float) -> None:
        """Say that a model is in trouble, and when it is asked again. People learn that somebody is slow, not who."""
        again = f"trying again in {wait_s:.0f} s" if wait_s >= 1 else "trying again"
        self._tell({"kind": "trouble", "name": name, "text": f"{failure.kind}: {failure.message}; {again}"})
        if self.people is not None:
            self.people.tell_all({"kind": "trouble", "text": f"no answer yet ({failure.kind}), {again}"})

    def _tell(self, event: dict[str, Any]) -> None:
        if self.listen is not None:
            self.listen(event)


async def _interruption() -> None:
    """Let an interruption come out that nothing has waited for so far, as happens where rules play."""
    if cast("asyncio.Task[Any]", asyncio.current_task()).cancelling():
        await asyncio.sleep(0)


def _as_it_stands(
    log: Log, row: EpisodeRow, backends: Backends, unplayed: Stage, *, accept: bool
) -> tuple[list[CallRow], InterventionRow | None, Restored]:
    """The calls of an episode that is to go on, what has changed since, and its stage. Raises as `Episode.reopen`."""
    calls = log.rows(CallRow, row.id)
    changed = accepted_change(log, row, backends, calls, unplayed, accept=accept)
    return calls, changed, restore(log, row)


def _can_answer(scenario: Scenario, backends: Backends, people: Table | None) -> None:
    """Raises `ModelTrouble` where a seat's model can be asked nothing at all, or a person has nowhere to sit."""
    taken = [name for name in scenario.names if scenario.model_of(name) == HUMAN]
    if taken and people is None:
        raise ModelTrouble("refused", f"{taken[0]} is a person's seat; to take it: tertulia play ... --as {taken[0]}")
    keep_local(scenario, backends)
    check_models(scenario, backends)


def _not_ended(row: EpisodeRow) -> EpisodeRow:
    if row.status in ENDED:
        raise AlreadyEnded(f"episode {row.id} has ended ({row.status}: {row.reason}); nothing to resume")
    return row


def _is_passing(failure: Exception) -> bool:
    """Trouble with the log passes, unless it is the rows themselves that it refuses."""
    return isinstance(failure, LogError) and not isinstance(failure, Refused)
