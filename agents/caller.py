"""One seat's model in one turn: asks the backend, retries, repairs, asks again, and writes every attempt down first."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Protocol

from tertulia.agents.backends.base import Backend, BackendFailure, Completion, Prompt
from tertulia.agents.backends.schema import canonical_schema
from tertulia.agents.limiter import LONGEST_WAIT_S, Limiter, Slot
from tertulia.agents.reading import Reading, read, reask
from tertulia.mind.model import Message, ModelTrouble, Reply, Request, Sampling, T
from tertulia.storage.errors import first_line
from tertulia.storage.rows import CallRow
from tertulia.storage.types import dump_json, now
from tertulia.storage.writer import Lasting

_SAMPLING = tuple(field.name for field in fields(Sampling))
_ABOUT_THE_ACCOUNT = (401, 402, 429)
"""HTTP statuses with which a provider refuses whoever asks, whatever model they ask."""


class StaleTake(Exception):
    """What was recorded for this take answers another question than is asked now: the turn begins again, take + 1."""

    def __init__(self, turn: int, take: int) -> None:
        super().__init__(f"turn {turn}, take {take}: the recorded calls were made with other inputs")
        self.turn = turn
        self.take = take


class Ledger(Protocol):
    """The calls of one participant in one turn and take."""

    def recorded(self, purpose: str, ordinal: int) -> Sequence[CallRow]:
        """What an interrupted run of this take left behind, in the order of attempts."""
        ...

    def record(self, row: CallRow) -> Awaitable[None]:
        """To be awaited: then it is durable."""
        ...


class Budget(Protocol):
    """A cap in dollars or tokens, shared by all who spend from it."""

    async def admit(self, uri: str, prompt: Prompt) -> str | None:
        """Why this may not be asked of this model, in one line; None where it may, and then it is in flight until its
        attempt is spent. May wait for what others have in flight."""
        ...

    def spend(self, row: CallRow) -> None:
        """Counts one new attempt, which has returned; reused rows are not spent again."""
        ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How transport trouble is waited out: exponential backoff with seeded jitter, or as long as the server says.

    A server that asks for more than `longest_wait_s` is not waited for: the episode pauses instead.
    """

    max_attempts: int = 6
    base_s: float = 0.5
    cap_s: float = 30.0
    longest_wait_s: float = LONGEST_WAIT_S

    def wait_s(self, failed: int, failure: BackendFailure, seed: str) -> float:
        """Seconds before the next attempt after `failed` failed ones. Jitter takes off up to half of a backoff."""
        if failure.retry_after_s is not None:
            return failure.retry_after_s
        return min(self.cap_s, self.base_s * 2.0 ** (failed - 1)) * Random(f"{seed}/{failed}").uniform(0.5, 1.0)


@dataclass(slots=True)
class _Asking:
    """One prompt on its way to an answer; a re-ask is another prompt with another hash, counted on from the first."""

    request: Request[Any]
    prompt: Prompt
    hash: str
    attempt: int
    recorded: Sequence[CallRow]
    value: Any = None
    """What came of it, where it was answered just now."""


@dataclass
class SeatModel:
    """A `LanguageModel` for one seat in one turn and take. Safe to ask several times at once.

    Every attempt becomes one row, durable before its answer is used; recorded attempts of an interrupted run are
    walked through first, and an answer among them is not asked for again. `rows` holds all of them, new and reused.
    Raises `ModelTrouble`, and `StaleTake` where a recorded attempt was made with other inputs.
    """

    backend: Backend
    uri: str
    episode: str
    turn: int
    take: int
    participant: str
    ledger: Ledger
    limiter: Limiter
    retry: RetryPolicy = RetryPolicy()
    budget: Budget | None = None
    clock: Callable[[], datetime] = now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    waits_out: Callable[[str, BackendFailure, float], None] | None = None
    """Told when trouble is about to be waited out: by whom, what it was, for how many seconds."""
    rows: list[CallRow] = field(default_factory=list)
    _asked: set[tuple[str, int]] = field(default_factory=set)

    async def ask(self, request: Request[T]) -> Reply[T]:
        """One instance of `request.schema`, or after one repair and one re-ask the declared fallback, with its reason.

        Raises `ValueError` when the same purpose and ordinal are asked twice.
        """
        key = (request.purpose, request.ordinal)
        if key in self._asked:
            raise ValueError(f"{self.participant} asked {request.purpose!r} number {request.ordinal} twice in one turn")
        self._asked.add(key)
        messages, attempt, recorded = request.messages(), 0, self.ledger.recorded(*key)
        for last in (False, True):
            asking = self._asking(request, messages, attempt, recorded)
            row = await self._answered(asking, last)
            if row.status in ("ok", "repaired"):
                value = self._value(request, row) if asking.value is None else asking.value
                return Reply(value, row.call, "verbalised")
            messages, attempt = reask(messages, row.reply or "", row.error or ""), row.attempt + 1
        return Reply(None, row.call, "verbalised", f"no valid reply after a re-ask: {row.error}")

    def _asking(
        self, request: Request[Any], messages: list[Message], attempt: int, recorded: Sequence[CallRow]
    ) -> _Asking:
        prompt = Prompt(messages, request.schema, request.sampling())
        return _Asking(request, prompt, call_hash(self.uri, prompt), attempt, recorded)

    async def _answered(self, asking: _Asking, last: bool) -> CallRow:
        """The row of the first attempt that got an answer, valid or not: a recorded one, or a new one."""
        while asking.attempt < len(asking.recorded):
            row = asking.recorded[asking.attempt]
            if row.hash != asking.hash or row.attempt != asking.attempt:
                raise StaleTake(self.turn, self.take)
            self.rows.append(row)
            if row.status != "error":
                return row
            asking.attempt += 1
        failed = 0
        while True:
            row, failure = await self._attempt(asking, last)
            if failure is None:
                return row
            failed += 1
            await self._wait(asking, failed, failure)
            asking.attempt += 1

    async def _wait(self, asking: _Asking, failed: int, failure: BackendFailure) -> None:
        if not failure.passing:
            said = failure.message if self.uri in failure.message else f"{self.uri}: {failure.message}"
            if failure.kind == "too_long":
                said += "; a larger context would help, or a smaller mind.context in another run"
            raise ModelTrouble("too_long" if failure.kind == "too_long" else "refused", said) from failure
        if failed >= self.retry.max_attempts:
            said = f"{self.uri}: {failed} attempts failed; the last: {failure.kind}: {failure.message}"
            raise ModelTrouble("transport", said) from failure
        wait_s = self.retry.wait_s(failed, failure, f"{asking.hash}/{asking.attempt}")
        if wait_s > self.retry.longest_wait_s:
            raise ModelTrouble("transport", f"{self.uri}: the server asks to wait {wait_s:.0f} s") from failure
        if self.waits_out is not None:
            self.waits_out(self.participant, failure, wait_s)
        await self.sleep(wait_s)

    async def _attempt(self, asking: _Asking, last: bool) -> tuple[CallRow, BackendFailure | None]:
        async with self.limiter.slot(self.uri) as slot:
            if self.budget is not None and (reason := await self.budget.admit(self.uri, asking.prompt)) is not None:
                raise ModelTrouble("cap", reason)
            started, clock = self.clock(), time.perf_counter()
            failure: BackendFailure | None = None
            row_of = partial(self._row, asking, started, clock)
            try:
                completion = await self.backend.complete(asking.prompt)
                reading = read(completion, asking.request.schema)
                row = row_of(**_outcome(reading, completion, last))
                asking.value = reading.value
            except BackendFailure as caught:
                given_up = last and caught.kind == "too_long"  # the question fitted, with the bad reply it does not
                failure = None if given_up else caught
                # What was refused unread costs nothing; what else went wrong may have been read.
                outcome = {"status": "fallback", "cost_usd": 0.0} if given_up else {"status": "error"}
                row = row_of(error=f"{caught.kind}: {caught.message}", **outcome)
            except (Exception, asyncio.CancelledError) as broken:
                # It may have reached the server and may have to be paid: it is an attempt like any other.
                cancelled = isinstance(broken, asyncio.CancelledError)
                row = row_of(status="error", error="cancelled" if cancelled else _in_a_line(broken))
                self._spend(row)
                await self._keep(row)
                raise
            self._spend(row)  # before anybody has the slot: a cap counts what has been answered
            _tell(slot, failure)
        await self._keep(row)
        return row, failure

    def _spend(self, row: CallRow) -> None:
        """What was asked is in flight no more, and counts, also where it cannot be written down."""
        if self.budget is not None:
            self.budget.spend(row)

    async def _keep(self, row: CallRow) -> None:
        """Write a row down to the end, even when cancelled meanwhile: what was answered has been paid."""
        writing = asyncio.ensure_future(self.ledger.record(row))  # a task only where it is no future already
        cancelled: asyncio.CancelledError | None = None
        while not writing.done():
            try:
                await (writing if isinstance(writing, Lasting) else asyncio.shield(writing))
            except asyncio.CancelledError as error:
                cancelled = error
        writing.result()
        self.rows.append(row)
        if cancelled is not None:
            raise cancelled

    def _row(self, asking: _Asking, started: datetime, clock: float, **outcome: Any) -> CallRow:
        request = asking.request
        return CallRow.made(
            episode=self.episode,
            call=f"{self.turn}/{self.take}/{self.participant}/{request.purpose}/{request.ordinal}/{asking.attempt}",
            turn=self.turn,
            take=self.take,
            participant=self.participant,
            purpose=request.purpose,
            ordinal=request.ordinal,
            attempt=asking.attempt,
            hash=asking.hash,
            uri=self.uri,
            messages=[{"role": m.role, "content": m.content} for m in asking.prompt.messages],
            schema_name=request.schema.__name__,
            sampling=sampling_of(asking.prompt),
            started_at=started,
            latency_ms=1000 * (time.perf_counter() - clock),
            **outcome,
        )

    def _value(self, request: Request[T], row: CallRow) -> T:
        """The value of a recorded reply that was found valid; one that no longer is was made by other code."""
        value = read(Completion(row.reply or "", row.finish or "stop"), request.schema).value
        if value is None:
            raise StaleTake(self.turn, self.take)
        return value


def _in_a_line(broken: BaseException) -> str:
    return f"{type(broken).__name__}: {first_line(broken)}"


def sampling_of(prompt: Prompt) -> dict[str, Any]:
    """The sampling of a prompt as it is hashed and kept."""
    return {name: getattr(prompt.sampling, name) for name in _SAMPLING}


def call_hash(uri: str, prompt: Prompt) -> str:
    """SHA-256 of the canonical JSON of URI, messages, JSON schema and sampling."""
    messages = ",".join([f'{{"content":{m.json},"role":"{m.role}"}}' for m in prompt.messages])
    sampling, schema = dump_json(sampling_of(prompt)), canonical_schema(prompt.schema)
    text = f'{{"messages":[{messages}],"sampling":{sampling},"schema":{schema},"uri":{dump_json(uri)}}}'
    return hashlib.sha256(text.encode()).hexdigest()


def _outcome(reading: Reading[Any], completion: Completion, last: bool) -> dict[str, Any]:
    """The columns of a row that say what came back."""
    status = (
        ("repaired" if reading.repaired else "ok") if reading.value is not None else ("fallback" if last else "invalid")
    )
    return {
        "status": status,
        "error": reading.error,
        "reply": completion.text,
        "served_model": completion.served_model,
        "fingerprint": completion.fingerprint,
        "finish": completion.finish,
        "input_tokens": completion.input_tokens,
        "cached_tokens": completion.cached_tokens,
        "output_tokens": completion.output_tokens,
        "cost_usd": completion.cost_usd,
    }


def _tell(slot: Slot, failure: BackendFailure | None) -> None:
    """Busy servers slow everybody down; a parameter that is left out from now on (400, 422) says nothing about load.
    A refusal holds for everybody who asks the same: a wrong key or a used-up quota for all models of the provider."""
    if failure is None:
        slot.succeeded()
    elif failure.kind in ("rate_limit", "server") and failure.status not in (400, 422):
        slot.troubled(failure.retry_after_s)
    elif failure.kind == "refused":
        slot.refused(failure.message, every_model=failure.status in _ABOUT_THE_ACCOUNT)
