"""What a conversation costs: beside two bare loops, by the part of the work, and from ten at once to a thousand.

The server runs in a process of its own, and only this process is measured. Conversations have two participants with the
`reactive` mind: one call a turn, as in the loops. Compare only what one run printed side by side.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.many import keep_what_is_loaded, play_many
from tertulia.storage.log import Log
from tests.loopback import loopback_process

TALK = """
scenario: two-at-a-table
world: table_talk
premise: Two friends at a table.
participants:
  - {name: alice, persona: "warm, curious, says what she thinks"}
  - {name: bob, persona: "an old friend of the house"}
"""
"""What the loops do as well: two who talk in turn."""
GAME = "mutual-friends"
"""A world whose acts are its own in every episode: their types and schemas have to be made anew."""
CONVERSATIONS, TURNS, ROUNDS = 20, 20, 15
AT_ONCE, SHORT_TURNS, LATENCY_S = (10, 100, 1000), 10, 0.2
_SAMPLE_S = 0.001

Loop = Callable[[str, Path], Awaitable[int]]
"""Plays all conversations over the server at this URL, and says how many turns there were."""


async def openai_loop(url: str, _: Path) -> int:
    """What people write first: the openai client on its default transport, nothing kept."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def one(number: int) -> None:
            said: list[str] = []
            for turn in range(TURNS):
                asked = await client.chat.completions.create(model="any", messages=_prompt(number, said))  # type: ignore[arg-type]
                said.append(f"{turn}: {asked.choices[0].message.content}")

        await asyncio.gather(*(one(number) for number in range(CONVERSATIONS)))
    return CONVERSATIONS * TURNS


async def aiohttp_loop(url: str, folder: Path) -> int:
    """The least that it could cost: aiohttp itself, and one SQLite transaction a turn with prompt and answer."""
    import aiohttp

    kept = sqlite3.connect(folder / "bare.db", isolation_level=None)
    kept.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; DROP TABLE IF EXISTS turn")
    kept.execute("CREATE TABLE turn (episode INTEGER, turn INTEGER, prompt TEXT, reply TEXT)")
    async with aiohttp.ClientSession() as client:

        async def one(number: int) -> None:
            said: list[str] = []
            for turn in range(TURNS):
                prompt = json.dumps({"model": "any", "messages": _prompt(number, said)})
                async with client.post(f"{url}/chat/completions", data=prompt) as answer:
                    reply = json.loads(await answer.read())
                kept.execute("INSERT INTO turn VALUES (?, ?, ?, ?)", (number, turn, prompt, json.dumps(reply)))
                said.append(f"{turn}: {reply['choices'][0]['message']['content']}")

        await asyncio.gather(*(one(number) for number in range(CONVERSATIONS)))
    kept.close()
    return CONVERSATIONS * TURNS


def _prompt(number: int, said: list[str]) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Episode {number}.\n" + "\n".join(said)}]


async def ours(url: str, folder: Path, count: int = CONVERSATIONS, turns: int = TURNS, game: bool = False) -> int:
    """The same over tertulia: every turn, call, memory and witness in the log."""
    talk = folder / "two-at-a-table.yaml"
    talk.write_text(TALK)
    sets = ["mind.preset=reactive", "turns.policy=alternate", f"turns.limit={turns}"]
    scenario = tertulia.load_scenario(GAME if game else talk, sets, model="openai/any")
    backends = Backends()
    with Log.open(folder / "ours.db") as log:
        try:
            played = play_many(scenario, range(count), log=log, backends=backends, at_once=count)
            results = [result async for result in played]
        finally:
            await backends.aclose()
    failed = [result for result in results if result.status not in ("success", "degraded")]
    assert not failed, failed[0]
    return sum(result.turns for result in results)


def cpu_ms(loop: Loop, url: str, folder: Path) -> float:
    """CPU milliseconds of this process per turn, all its threads together."""
    gc.collect()
    begun = time.process_time()
    turns = asyncio.run(_await(loop, url, folder))
    return 1000 * (time.process_time() - begun) / turns


async def _await(loop: Loop, url: str, folder: Path) -> int:
    return await loop(url, folder)


def side_by_side(url: str, folder: Path) -> None:
    """All in turn, round after round, forwards and back; medians, and ours as a multiple of each of the others in the
    same round, since a machine that is shared is at times a third slower than at others."""
    loops: dict[str, Loop] = {
        "bare loop, openai client, nothing kept": openai_loop,
        "bare loop, aiohttp, one SQLite transaction a turn": aiohttp_loop,
        "tertulia, a world with types of its own": lambda url, folder: ours(url, folder, game=True),
        "tertulia, all logged": ours,
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for round_ in range(ROUNDS + 1):
        for name in list(loops) if round_ % 2 else reversed(loops):
            cost = cpu_ms(loops[name], url, folder)
            if round_:  # the first pays for imports and schemas
                taken[name].append(cost)
        keep_what_is_loaded()
    *_, mine = taken.values()
    for name, costs in taken.items():
        spread = f"{min(costs):.2f} to {max(costs):.2f}"
        multiple = statistics.median(ours / theirs for ours, theirs in zip(mine, costs, strict=True))
        told = f"{statistics.median(costs):6.2f} ms CPU a turn ({spread}); ours is {multiple:.2f} x"
        print(f"{name:50} {told}", flush=True)


PARTS = {
    "graph": ("/langgraph/", "/langchain_core/", "/langsmith/"),
    "client": ("/aiohttp/", "/yarl/", "/multidict/", "/agents/"),
    "mind": ("/mind/",),
    "storage": ("/storage/", "/sqlalchemy/", "/sqlmodel/"),
    "world, floor, gold": ("/environments/",),
    "event loop": ("/asyncio/", "/selectors.py"),
}


def part_of(frame: FrameType | None) -> str:
    """The part of the work whose code is innermost. The standard library and pydantic work for whoever called them;
    asyncio does so as well, where anybody did."""
    found = "event loop"
    while frame is not None:
        path = frame.f_code.co_filename
        for part, places in PARTS.items():
            if part != "event loop" and any(place in path for place in places):
                return part
        frame = frame.f_back
    return found


def shares(url: str, folder: Path) -> None:
    """Where the CPU time goes: the main thread by samples of its stack, the log's thread by its own clock."""
    seen: Counter[str] = Counter()
    previous = signal.signal(signal.SIGPROF, lambda _, frame: seen.update([part_of(frame)]))
    whole, main = time.process_time(), time.thread_time()
    signal.setitimer(signal.ITIMER_PROF, _SAMPLE_S, _SAMPLE_S)
    turns = sum(asyncio.run(_await(ours, url, folder)) for _ in range(3))
    signal.setitimer(signal.ITIMER_PROF, 0)
    main, whole = time.thread_time() - main, time.process_time() - whole
    signal.signal(signal.SIGPROF, previous)
    spent = {part: main * seen[part] / seen.total() for part in PARTS} | {"storage, its own thread": whole - main}
    print(f"\nof {1000 * whole / turns:.2f} ms CPU a turn (sampled, so a little more than above):")
    for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {part:26} {1000 * seconds / turns:5.2f} ms {seconds / whole:5.0%}")


@dataclass(frozen=True, slots=True)
class Load:
    """So many conversations at once, in a process of their own."""

    conversations: int
    turns: int
    cpu_s: float
    wall_s: float
    rss_mb: float
    """The most the process had in memory."""

    def told(self) -> str:
        ideal_s = SHORT_TURNS * LATENCY_S
        bound_s = max(ideal_s, self.cpu_s)
        return (
            f"{self.conversations:5} at once: {1000 * self.cpu_s / self.turns:5.2f} ms CPU a turn; "
            f"{self.rss_mb:.0f} MB; wall {self.wall_s:6.2f} s = {self.wall_s / bound_s:.2f} x "
            f"max(ideal {ideal_s:.1f} s, CPU {self.cpu_s:.1f} s)"
        )


def child(conversations: int, url: str) -> Load:
    """Play so many in this process. What comes before the first turn counts; imports do not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(ours(url, folder, 2, 1))
        keep_what_is_loaded()
        begun, cpu = time.perf_counter(), time.process_time()
        turns = asyncio.run(ours(url, folder, conversations, SHORT_TURNS))
        wall_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    return Load(conversations, turns, cpu_s, wall_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def loads() -> None:
    """From few to many at once, each in a process of its own, so that its memory is its own."""
    with loopback_process("--talk", "--latency-ms", str(1000 * LATENCY_S)) as url:
        print(f"\n{SHORT_TURNS} turns each, {1000 * LATENCY_S:.0f} ms latency:", flush=True)
        for count in AT_ONCE:
            command = [sys.executable, "-m", "tests.bench.conversations", str(count), url]
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(url))
            print(Load(**json.loads(done.stdout)).told() if done.returncode == 0 else done.stderr, flush=True)


def _environment(url: str) -> dict[str, Any]:
    return {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-none"}


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(asdict(child(int(sys.argv[1]), sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory() as name, loopback_process("--talk") as url:
        os.environ.update(_environment(url))
        side_by_side(url, Path(name))
        shares(url, Path(name))
    loads()


if __name__ == "__main__":
    main()
