"""The conformance kit passes for ours and fails, in one line, for backends broken on purpose."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.testing import Flat, check_backend
from tertulia.mind.model import Message
from tests.agents.seat import backend_of
from tests.loopback import Faults, Loopback


async def test_the_openai_backend_passes() -> None:
    with Loopback(latency_ms=5) as server:
        await check_backend(backend_of(server), deterministic=True)


async def test_the_openai_backend_passes_before_a_server_that_fails_now_and_then() -> None:
    with Loopback(Faults(rate_limit=0.2, drop=0.2, server=0.2, transport_cap=3)) as server:
        await check_backend(backend_of(server))


class Ours:
    """Passes everything on to the real backend; broken ones change one thing."""

    def __init__(self, real: OpenAIBackend) -> None:
        self.real = real
        self.uri = "broken/by-design"
        self.count = 0

    async def complete(self, prompt: Prompt) -> Completion:
        return await self.real.complete(prompt)

    async def aclose(self) -> None:
        await self.real.aclose()


class Prose(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        return replace(await self.real.complete(prompt), text="I could not possibly say.")


class OnlyFlat(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        return await self.real.complete(replace(prompt, schema=Flat))


class MixesUp(Ours):
    """Keeps the prompt of the moment in one place for all."""

    async def complete(self, prompt: Prompt) -> Completion:
        self.prompt = prompt
        await asyncio.sleep(0.002)
        return await self.real.complete(self.prompt)


class IgnoresMaxTokens(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        return await self.real.complete(replace(prompt, sampling=replace(prompt.sampling, max_tokens=4000)))


class HidesTruncation(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        return replace(await self.real.complete(prompt), finish="stop")


class LeaksErrors(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        if "\ud800" in prompt.messages[-1].content:
            raise KeyError("choices")
        return await self.real.complete(prompt)


class Refuses(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        raise BackendFailure("refused", "no such model")


class CountsBelowZero(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        return replace(await self.real.complete(prompt), input_tokens=-1)


class Appends(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        prompt.messages.append(Message("user", "Reply in JSON."))
        return await self.real.complete(prompt)


class ClosesOnce(Ours):
    async def aclose(self) -> None:
        self.count += 1
        if self.count > 1:
            raise RuntimeError("already closed")
        await self.real.aclose()


class DiesOfCancellation(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        if self.count:
            raise BackendFailure("refused", "the worker is gone")
        try:
            return await self.real.complete(prompt)
        except asyncio.CancelledError:
            self.count = 1
            raise


class OneSeed(Ours):
    async def complete(self, prompt: Prompt) -> Completion:
        return await self.real.complete(replace(prompt, sampling=replace(prompt.sampling, seed=1)))


class Nameless(Ours):
    def __init__(self, real: OpenAIBackend) -> None:
        super().__init__(real)
        self.uri = ""


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        (Prose, "asked alone: the reply is not a valid Flat"),
        (OnlyFlat, "asked alone: the reply is not a valid Nested"),
        (MixesUp, "asked 6 at once: the reply is not a valid Tagged"),
        (IgnoresMaxTokens, "max_tokens=4, yet"),
        (HidesTruncation, "must finish with 'length'"),
        (LeaksErrors, "complete raised KeyError, not BackendFailure"),
        (Refuses, "could not be asked: no such model"),
        (CountsBelowZero, "input_tokens is -1"),
        (Appends, "complete changed the messages of its prompt"),
        (ClosesOnce, "the second aclose raised RuntimeError"),
        (DiesOfCancellation, "the worker is gone"),
        (OneSeed, "the seed makes no difference"),
        (Nameless, "a backend needs a uri"),
    ],
)
async def test_a_broken_backend_fails_with_one_line(broken: type[Ours], line: str) -> None:
    with Loopback(latency_ms=5) as server:
        backend = broken(backend_of(server))
        try:
            with pytest.raises(AssertionError) as failure:
                await check_backend(backend, deterministic=broken is OneSeed)
        finally:
            await backend.real.aclose()
    assert line in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_backend_that_blocks_the_event_loop_fails() -> None:
    """A synchronous client behind an async function: gathered calls run one after the other."""

    class Synchronous:
        uri = "broken/synchronous"

        async def complete(self, prompt: Prompt) -> Completion:
            return _in_a_thread(server, prompt)

        async def aclose(self) -> None:
            pass

    with Loopback(latency_ms=80) as server, pytest.raises(AssertionError, match="blocks the event loop"):
        await check_backend(Synchronous())


def _in_a_thread(server: Loopback, prompt: Prompt) -> Completion:
    """Waits for an answer as a synchronous client does."""
    from concurrent.futures import ThreadPoolExecutor

    async def once() -> Any:
        backend = backend_of(server)
        try:
            return await backend.complete(prompt)
        finally:
            await backend.aclose()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, once()).result()
