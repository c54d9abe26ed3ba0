"""A public conformance kit: `await check_backend(MyBackend(...))` says in one line what a backend does not keep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, create_model

from tertulia.agents.backends.base import Backend, BackendFailure, Completion, Prompt
from tertulia.mind.model import Message, Sampling

_TRIES = 6
_BLOCKED_S = 0.3
_CROWD = 6


class Flat(BaseModel):
    """A short text, a bounded number, a choice and a truth value."""

    text: Annotated[str, Field(min_length=1, max_length=24)]
    score: Annotated[int, Field(ge=1, le=5)]
    mood: Literal["calm", "curious", "cross"]
    sure: bool


class Leaf(BaseModel):
    """The inner part of `Nested`."""

    name: Annotated[str, Field(max_length=12)]
    weight: Annotated[float, Field(ge=0, le=100)]


class Nested(BaseModel):
    """Objects in bounded lists in objects, with an optional part."""

    first: Leaf
    others: Annotated[tuple[Leaf, ...], Field(min_length=1, max_length=2)]
    note: Annotated[str, Field(max_length=12)] | None


class Speak(BaseModel):
    """One arm of a union told apart by `kind`."""

    kind: Literal["speak"]
    words: Annotated[str, Field(max_length=16)]


class Wait(BaseModel):
    """The other arm."""

    kind: Literal["wait"]
    turns: Annotated[int, Field(ge=1, le=9)]


class Acts(BaseModel):
    """A bounded list of a discriminated union."""

    acts: Annotated[tuple[Annotated[Speak | Wait, Field(discriminator="kind")], ...], Field(min_length=1, max_length=2)]


class Long(BaseModel):
    """Too long for a few tokens, whatever it says."""

    lines: Annotated[tuple[Annotated[str, Field(min_length=24, max_length=32)], ...], Field(min_length=4, max_length=4)]


SCHEMAS: tuple[type[BaseModel], ...] = (Flat, Nested, Acts)
_HARD_TEXTS = (
    "nul \x00 and escape \x1b[31m",
    "lone \ud800 surrogate",
    "\u202eright to left\u202c",
    '{"a": `\'',
    "x" * 3000,
)


async def check_backend(backend: Backend, *, max_tokens: int = 700, deterministic: bool = False) -> None:
    """Raises `AssertionError` with one line for the first promise that `backend` does not keep.

    Checked: replies valid for several schemas; no mixing of requests that are in flight together; `max_tokens`; only
    `BackendFailure` is raised; hard texts; a cancelled request harms no other; the event loop stays free; the prompt is
    left as it was; `aclose` twice (it is closed afterwards). `max_tokens` must suffice for 200 characters of JSON.
    With `deterministic`, equal prompts and seeds must give equal replies, alone and in a crowd.
    """
    _require(isinstance(backend.uri, str) and backend.uri != "", "a backend needs a uri")
    await _answers_validly(backend, max_tokens)
    await _keeps_requests_apart(backend, max_tokens)
    await _keeps_to_max_tokens(backend, max_tokens)
    await _survives_hard_texts(backend, max_tokens)
    await _survives_cancellation(backend, max_tokens)
    if deterministic:
        await _repeats_itself(backend, max_tokens)
    await _closes_twice(backend)


def _require(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(otherwise)


def _prompt(schema: type[BaseModel], max_tokens: int, said: str = "Say something.", seed: int = 1) -> Prompt:
    messages = [Message("system", "You answer in JSON."), Message("user", said)]
    return Prompt(messages, schema, Sampling(temperature=0.7, max_tokens=max_tokens, seed=seed))


async def _complete(backend: Backend, prompt: Prompt) -> Completion:
    """One completion; passing failures are tried again, as callers do."""
    before = list(prompt.messages)
    for attempt in range(_TRIES):
        try:
            completion = await backend.complete(prompt)
        except BackendFailure as failure:
            last = not failure.passing or attempt == _TRIES - 1
            _require(not last, f"{backend.uri} could not be asked: {failure.message}")
            await asyncio.sleep(failure.retry_after_s or 0.05)
            continue
        except Exception as error:  # whatever else it raises is what is tested
            raise AssertionError(f"complete raised {type(error).__name__}, not BackendFailure: {error}") from error
        _require(prompt.messages == before, "complete changed the messages of its prompt")
        _check_shape(completion)
        return completion
    raise AssertionError(f"{backend.uri} could not be asked")


def _check_shape(completion: Completion) -> None:
    kind = type(completion).__name__
    _require(isinstance(completion, Completion), f"complete returned a {kind}, not a Completion")
    _require(isinstance(completion.text, str), "Completion.text is not a str")
    _require(isinstance(completion.finish, str) and completion.finish != "", "Completion.finish is empty")
    for name in ("input_tokens", "cached_tokens", "output_tokens", "cost_usd"):
        value = getattr(completion, name)
        _require(value is None or value >= 0, f"Completion.{name} is {value}; where it is unknown it must be None")


def _check_valid(completion: Completion, schema: type[BaseModel], when: str) -> None:
    try:
        schema.model_validate_json(completion.text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the reply"
        wrong = f"{where}: {problem['msg']}; finish {completion.finish!r}"
        raise AssertionError(f"{when}: the reply is not a valid {schema.__name__} ({wrong})") from error


async def _answers_validly(backend: Backend, max_tokens: int) -> None:
    for schema in SCHEMAS:
        _check_valid(await _complete(backend, _prompt(schema, max_tokens)), schema, "asked alone")


async def _keeps_requests_apart(backend: Backend, max_tokens: int) -> None:
    schemas = [_tagged(number) for number in range(_CROWD)]
    prompts = [_prompt(schema, max_tokens, f"You are number {n}.", seed=n) for n, schema in enumerate(schemas)]
    for schema, completion in zip(schemas, await _crowd(backend, prompts), strict=True):
        _check_valid(completion, schema, f"asked {_CROWD} at once")


def _tagged(number: int) -> type[BaseModel]:
    fields: dict[str, Any] = {"tag": (Literal[f"k{number}"], ...), "n": (Annotated[int, Field(ge=0, le=9)], ...)}
    return create_model(f"Tagged{number}", **fields)


async def _crowd(backend: Backend, prompts: Sequence[Prompt]) -> list[Completion]:
    """All prompts at once, while another task looks whether the event loop still turns."""
    beats = 0

    async def heart() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    async def all_of(asked: Sequence[Awaitable[Completion]]) -> list[Completion]:
        return list(await asyncio.gather(*asked))

    beating, began = asyncio.ensure_future(heart()), time.perf_counter()
    try:
        completions = await all_of([_complete(backend, prompt) for prompt in prompts])
    finally:
        beating.cancel()
    took_s = time.perf_counter() - began
    free = beats > 0 or took_s < _BLOCKED_S
    _require(free, f"complete blocks the event loop: nothing else ran for {took_s:.1f} s")
    return completions


async def _keeps_to_max_tokens(backend: Backend, max_tokens: int) -> None:
    few = 4
    small, large = await _crowd(backend, [_prompt(Long, few), _prompt(Flat, max_tokens)])
    _check_valid(large, Flat, "asked beside a request with another max_tokens")
    written = small.output_tokens
    _require(written is None or written <= few, f"max_tokens={few}, yet {written} tokens were written")
    finish = small.finish
    _require(finish == "length", f"a reply cut off by max_tokens must finish with 'length', not {finish!r}")


async def _survives_hard_texts(backend: Backend, max_tokens: int) -> None:
    completions = await _crowd(backend, [_prompt(Flat, max_tokens, text) for text in _HARD_TEXTS])
    for text, completion in zip(_HARD_TEXTS, completions, strict=True):
        _check_valid(completion, Flat, f"given the text {text[:24]!r}")


async def _survives_cancellation(backend: Backend, max_tokens: int) -> None:
    for after_s in (0.0, 0.002):  # as it begins, and on its way
        doomed = asyncio.ensure_future(backend.complete(_prompt(Nested, max_tokens, "This will be cancelled.", seed=8)))
        other = asyncio.ensure_future(_complete(backend, _prompt(Flat, max_tokens, "This will not.", seed=9)))
        await asyncio.sleep(after_s)
        doomed.cancel()
        await asyncio.wait([doomed])
        _check_valid(await other, Flat, "asked beside a request that was cancelled")
    _check_valid(await _complete(backend, _prompt(Flat, max_tokens)), Flat, "asked after a cancelled request")


async def _repeats_itself(backend: Backend, max_tokens: int) -> None:
    prompts = [_prompt(schema, max_tokens, seed=seed) for schema in SCHEMAS for seed in (1, 2)]
    alone = [(await _complete(backend, prompt)).text for prompt in prompts]
    together = [completion.text for completion in await _crowd(backend, prompts)]
    _require(alone == together, "equal prompts and seeds gave other replies in a crowd than alone")
    _require(len(set(alone)) > len(SCHEMAS), "the seed makes no difference")


async def _closes_twice(backend: Backend) -> None:
    for time_ in ("first", "second"):
        try:
            await backend.aclose()
        except Exception as error:  # whatever it raises is what is tested
            raise AssertionError(f"the {time_} aclose raised {type(error).__name__}: {error}") from error
