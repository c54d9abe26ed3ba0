"""The episode: opening, turns, closing; begun anew, or resumed from the log where it stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ulid import ULID

from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.caller import Budget, RetryPolicy, StaleTake
from tertulia.agents.registry import Backends
from tertulia.environments.answering import Answering, backend_of
from tertulia.environments.restore import restore
from tertulia.environments.scenario import Scenario
from tertulia.environments.seeing import uttered
from tertulia.environments.stage import Stage
from tertulia.environments.turn import TurnWork, play_turn
from tertulia.environments.versions import versions
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import Log, LostLease, new_token
from tertulia.storage.record import Closing, EpisodeRecord, TurnRecord
from tertulia.storage.rows import CallRow, EpisodeRow, EpisodeStatus, ParticipantRow, TurnRow
from tertulia.storage.types import now

LEASE_S = 600.0
"""How long an episode stays ours without a sign of life; renewed at turn boundaries."""

Listen = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """How an episode ended or paused: one JSON line of `tertulia run --json`."""

    episode: str
    scenario: str
    seed: int
    status: EpisodeStatus
    reason: str
    outcome: dict[str, Any]
    turns: int
    """Turns played, without the opening and the closing."""
    utterances: int
    calls: int
    """Requests to models; one that took several attempts counts once."""
    fallbacks: int
    cost_usd: float | None
    """None where a price is unknown."""
    wall_ms: float

    @property
    def reward(self) -> float | None:
        reward = self.outcome.get("reward")
        return None if reward is None else float(reward)


class AlreadyEnded(Exception):
    """An episode that has ended cannot be resumed."""


@dataclass(slots=True)
class Episode:
    """One episode while it is led by this process. Make one with `begin` or `reopen`, then `play` it."""

    log: Log
    stage: Stage
    answering: Answering
    token: str
    listen: Listen | None = None
    utterances: int = 0
    closed: bool = False
    failure: Exception | None = None
    """What ended it as `error` or paused it, for whoever wants more than the reason."""
    _renewed: float = field(default_factory=time.monotonic)
    _clock: float = field(default_factory=time.perf_counter)

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
    ) -> Episode:
        """Enter a new episode into the log. Raises `ModelTrouble` first where a seat's model cannot answer."""
        for uri in sorted({scenario.model_of(name) for name in scenario.names} - {RULES}):
            backend_of(backends, uri)
        stage = Stage.of(scenario, seed, str(ULID()))
        token = new_token()
        row = EpisodeRow(
            id=stage.episode, scenario=scenario.scenario, world=scenario.world, config=scenario.resolved(), seed=seed,
            lease=token, lease_until=now() + timedelta(seconds=LEASE_S), versions=versions(stage), created_at=now(),
        )  # fmt: skip
        seats = [
            ParticipantRow(
                episode=stage.episode, name=seat.name, ordinal=ordinal, persona=seat.persona, goal=seat.goal,
                model=seat.model, mind=seat.spec.model_dump(mode="json"),
            )
            for ordinal, seat in enumerate(stage.seats.values())
        ]  # fmt: skip
        await log.begin(EpisodeRecord(row, seats))
        answering = Answering(stage, log, backends, retry=retry or RetryPolicy(), budget=budget)
        return cls(log, stage, answering, token, listen)

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
    ) -> Episode:
        """Take over an episode where its log ends. Raises `AlreadyEnded`, `LeaseHeld`, `NotFound`, `RestoreError`."""
        found = log.episode(episode)
        if found.status in ("success", "degraded", "cancelled"):
            raise AlreadyEnded(f"episode {found.id} has ended ({found.status}: {found.reason}); nothing to resume")
        token = new_token()
        row = await log.lease(found.id, token, ttl_s=LEASE_S)
        restored = restore(log, row)
        calls = log.rows(CallRow, row.id)
        left_behind = [call for call in calls if call.turn == row.head + 1]
        answering = Answering(restored.stage, log, backends, left_behind, retry or RetryPolicy(), budget)
        answering.totals.add(calls)
        return cls(log, restored.stage, answering, token, listen, restored.utterances)

    async def play(self) -> EpisodeResult:
        """Play to the end. Trouble with a model that outlasts the retries pauses the episode, as does cancelling;
        any other failure ends it as `error`, with the reason in the log. Raises `LostLease` when it is not ours
        any more."""
        try:
            return await self._play()
        except LostLease:
            raise
        except ModelTrouble as trouble:
            self.failure = trouble
            status: EpisodeStatus = "error" if trouble.kind == "refused" else "paused"
            return await self._close_early(status, trouble.message)
        except asyncio.CancelledError:
            await asyncio.shield(self._close_early("paused", "interrupted"))
            raise
        except Exception as failure:  # noqa: BLE001  whatever it is, it ends this episode, and others go on
            self.failure = failure
            return await self._close_early("error", f"{type(failure).__name__}: {failure}")

    async def _play(self) -> EpisodeResult:
        if self.stage.head < 0:
            await self._open()
        while (reason := self.stage.ending(self.stage.head)) is None:
            await self._renew()
            await self._turn(self.stage.head + 1)
        return await self._close(reason)

    async def _open(self) -> None:
        events, rows = self.stage.open()
        record = TurnRecord(self.stage.episode, 0, 0, self.token)
        record.rows.append(
            TurnRow(
                episode=self.stage.episode, turn=0, policy=self.stage.scenario.turns.policy, silent=True,
                state_hash=self.stage.state_hash(), started_at=now(),
            )
        )  # fmt: skip
        for one in events:
            record.add(one.rows())
            self._tell({"kind": "event", "turn": 0, "event": one.event})
        record.add(rows)
        await self.log.commit(record)
        self._tell({"kind": "turn", "turn": 0, "rows": record.rows})

    async def _turn(self, turn: int) -> None:
        work = await self._take(turn, closing=False)
        record = work.record(self.token)
        await self.log.commit(record)
        self.utterances += sum(uttered(one.event) for one in work.events)
        self._tell({"kind": "turn", "turn": turn, "rows": record.rows})

    async def _take(self, turn: int, *, closing: bool) -> TurnWork:
        """One turn, in as many takes as it needs: recorded calls that answer other questions begin a new one."""
        take = self.answering.take_for(turn)
        while True:
            work = TurnWork(self.stage, turn, take, self.answering.model_for, closing=closing)
            await play_turn(work, self.listen)
            self.answering.count()
            if not work.failures:
                return work
            trouble = [failure for failure in work.failures if isinstance(failure, ModelTrouble)]
            if trouble:
                raise min(trouble, key=lambda failure: ("refused", "cap", "transport").index(failure.kind))
            assert all(isinstance(failure, StaleTake) for failure in work.failures)
            take += 1

    async def _close(self, reason: str) -> EpisodeResult:
        """The closing turn: every mind takes in the last event, and the episode has its outcome."""
        turn = self.stage.head + 1
        work = await self._take(turn, closing=True)
        record = work.record(self.token)
        rate = self.answering.totals.fallback_rate
        status: EpisodeStatus = "degraded" if rate > self.stage.scenario.max_fallback_rate else "success"
        outcome = self.stage.outcome()
        record.closing = Closing(status, reason, self._outcome(), outcome.reward)
        await self.log.commit(record)
        self.closed = True
        self._tell({"kind": "turn", "turn": turn, "rows": record.rows})
        result = self._result(status, reason)
        self._tell({"kind": "end", "result": result})
        return result

    async def _close_early(self, status: EpisodeStatus, reason: str) -> EpisodeResult:
        self.answering.count()
        outcome = self._outcome() if self.stage.state is not None else {}
        await self.log.close_episode(
            self.stage.episode, self.token, Closing(status, reason, outcome, outcome.get("reward"))
        )
        await self.log.release(self.stage.episode, self.token)
        result = self._result(status, reason)
        self._tell({"kind": "end", "result": result})
        return result

    def _outcome(self) -> dict[str, Any]:
        outcome = self.stage.outcome()
        return {"reward": outcome.reward, "done": outcome.done, **outcome.detail}

    def _result(self, status: EpisodeStatus, reason: str) -> EpisodeResult:
        stage, totals = self.stage, self.answering.totals
        return EpisodeResult(
            episode=stage.episode,
            scenario=stage.scenario.scenario,
            seed=stage.seed,
            status=status,
            reason=reason,
            outcome=self._outcome() if stage.state is not None else {},
            turns=max(0, stage.head - self.closed),
            utterances=self.utterances,
            calls=len(totals.requests),
            fallbacks=totals.fallbacks,
            cost_usd=totals.cost_usd,
            wall_ms=1000 * (time.perf_counter() - self._clock),
        )

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed > LEASE_S / 3:
            await self.log.lease(self.stage.episode, self.token, ttl_s=LEASE_S)
            self._renewed = time.monotonic()

    def _tell(self, event: dict[str, Any]) -> None:
        if self.listen is not None:
            self.listen(event)
