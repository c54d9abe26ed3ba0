"""What a committed turn costs in CPU: with rules, and over a loopback server beside a bare loop that keeps nothing."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.many import play_many
from tertulia.storage.log import Log
from tests.loopback import loopback_process

EPISODES, TURNS = 10, 20


async def episodes(folder: Path, name: str, count: int, model: str, sets: list[str]) -> int:
    """Play, and say how many turns were committed."""
    scenario = tertulia.load_scenario(name, sets, model=model)
    backends = Backends()
    with Log.open(folder / f"{name}-{model.replace('/', '-')}.db") as log:
        try:
            results = [r async for r in play_many(scenario, range(count), log=log, backends=backends)]
        finally:
            await backends.aclose()
    assert all(result.status == "success" for result in results), results[0]
    return sum(result.turns for result in results)


async def bare_loop(url: str, count: int, turns: int) -> int:
    """What people write first: the client's default transport, one call per turn, nothing kept."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

    async def one(number: int) -> None:
        said: list[str] = []
        for turn in range(turns):
            asked = await client.chat.completions.create(
                model="any", messages=[{"role": "user", "content": f"Episode {number}.\n" + "\n".join(said)}]
            )
            said.append(f"{turn}: {asked.choices[0].message.content}")

    await asyncio.gather(*(one(number) for number in range(count)))
    await client.close()
    return count * turns


def cpu_ms(work: Callable[[], Awaitable[int]]) -> float:
    """CPU milliseconds of this process per turn."""
    begun = time.process_time()
    turns = asyncio.run(_await(work))
    return 1000 * (time.process_time() - begun) / turns


async def _await(work: Callable[[], Awaitable[int]]) -> int:
    return await work()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(episodes(folder, "sally-anne", 1, "rules", []))  # imports and schemas are paid here
        for scenario, count in (("mutual-friends", 40), ("planning-meeting", 40)):
            cost = cpu_ms(lambda scenario=scenario, count=count: episodes(folder, scenario, count, "rules", []))  # type: ignore[misc]
            print(f"rules, {scenario:18} {cost:8.2f} ms CPU a turn")
        with loopback_process() as url:
            os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"] = url, "sk-none"
            sets = ["mind.preset=reactive", f"turns.limit={TURNS}", "turns.policy=alternate"]
            for repeat in (1, 2):
                bare = cpu_ms(lambda: bare_loop(url, EPISODES, TURNS))
                ours = cpu_ms(lambda: episodes(folder, "mutual-friends", EPISODES, "openai/any", sets))
                ratio = f"{ours / bare:.2f} x"
                print(f"run {repeat}: bare loop {bare:.2f} ms, ours with all logged {ours:.2f} ms CPU a turn: {ratio}")


if __name__ == "__main__":
    main()
