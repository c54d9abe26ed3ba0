"""CPU time of one call to a chat completions server: the SDK's usual way beside ours, at 50 in flight.

The server runs in a process of its own; only this process is measured. Rounds alternate, the median counts.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from tertulia.agents.backends.base import Prompt
from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.backends.schema import strict_schema
from tertulia.agents.caller import SeatModel
from tertulia.agents.limiter import Limiter
from tertulia.mind.model import Message, Sampling
from tests.agents.seat import Kept, Opinion, ask_for
from tests.loopback import loopback_process

IN_FLIGHT = 50
CALLS = 300
ROUNDS = 5
Call = Callable[[int], Awaitable[Any]]

MESSAGES = [Message("system", "You are Alice. " * 100), *(Message("user", f"Bob says hello, {n}.") for n in range(20))]
PROMPT = Prompt(MESSAGES, Opinion, Sampling(max_tokens=200, seed=1))


def _body() -> dict[str, Any]:
    strict = strict_schema(Opinion)
    return {
        "model": "any",
        "messages": [{"role": m.role, "content": m.content} for m in MESSAGES],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": strict.name, "strict": True, "schema": strict.schema},
        },
        "max_completion_tokens": 200,
        "temperature": 0.7,
        "top_p": 1.0,
        "seed": 1,
    }


async def _ways(url: str, stack: AsyncExitStack) -> dict[str, Call]:
    import aiohttp
    from openai import AsyncOpenAI, DefaultAioHttpClient

    usual = await stack.enter_async_context(AsyncOpenAI(api_key="none", base_url=url, max_retries=0))
    http = DefaultAioHttpClient(trust_env=False)
    quick = await stack.enter_async_context(AsyncOpenAI(api_key="none", base_url=url, max_retries=0, http_client=http))
    ours, bare = OpenAIBackend("any", base_url=url), await stack.enter_async_context(aiohttp.ClientSession())
    stack.push_async_callback(ours.aclose)
    limiter = Limiter(start=IN_FLIGHT, ceiling=IN_FLIGHT)

    async def by_create(client: AsyncOpenAI) -> None:
        answer = await client.chat.completions.create(**_body())
        Opinion.model_validate_json(answer.choices[0].message.content or "")

    async def by_parse(_: int) -> None:
        body = _body()
        del body["response_format"]
        await usual.chat.completions.parse(**body, response_format=Opinion)

    async def by_seat(_: int) -> None:
        seat = SeatModel(ours, ours.uri, "e", 1, 0, "alice", Kept(), limiter)
        await seat.ask(ask_for())

    async def by_bare(_: int) -> None:
        async with bare.post(f"{url}/chat/completions", data=json.dumps(_body())) as answer:
            json.loads(await answer.read())

    return {
        "SDK parse, its own transport": by_parse,
        "SDK create, its own transport": lambda _: by_create(usual),
        "SDK create, aiohttp": lambda _: by_create(quick),
        "OpenAIBackend.complete": lambda _: ours.complete(PROMPT),
        "SeatModel.ask (with hash, row, validation)": by_seat,
        "bare aiohttp": by_bare,
    }


async def _cpu_ms(call: Call) -> float:
    """CPU milliseconds of this process per call, `IN_FLIGHT` at a time."""
    left = iter(range(CALLS))

    async def worker() -> None:
        for number in left:
            await call(number)

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return 1000 * (time.process_time() - began) / CALLS


async def measure(url: str) -> dict[str, float]:
    """Median CPU milliseconds per call, by the way it is made."""
    async with AsyncExitStack() as stack:
        ways = await _ways(url, stack)
        for call in ways.values():
            await call(0)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, call in ways.items():
                taken[name].append(await _cpu_ms(call))
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> None:
    """Print CPU time per call and its ratio to ours."""
    with loopback_process("--latency-ms", "5") as url:
        taken = asyncio.run(measure(url))
    ours = taken["OpenAIBackend.complete"]
    for name, cpu_ms in taken.items():
        sys.stdout.write(f"{name:45} {cpu_ms:6.2f} ms CPU a call  {cpu_ms / ours:5.2f} x ours\n")


if __name__ == "__main__":
    main()
