"""What a turn of three who think at once waits for, and how much of their prompts a prefix cache would have met before.

Every call takes 200 ms over a server in a process of its own. Wall is that of the turn itself, in latencies: calls that
are made at the same time count once. Tokens are those of a small tokenizer made here (words with the space before them,
marks one by one), the cache that of a server which keeps blocks of 16 tokens, as vLLM does, one for each seat.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.many import play_many
from tertulia.mind.faculties import make_faculties
from tertulia.mind.spec import PRESETS, MindSpec
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, TurnRow
from tests.loopback import loopback_process

TALK = """
scenario: three-at-a-table
world: table_talk
premise: Three friends at a table in an old house. One of them wants to sell it.
variables:
  house: {values: [kept, sold], truth: sold, static: true}
participants:
  - {name: alice, persona: "warm, curious, says what she thinks", goal: hear what others think, knows: {house: sold}}
  - {name: bob, persona: "an old friend of the house, slow to speak"}
  - {name: carol, persona: "notices everything and keeps most of it to herself"}
turns: {policy: bidding}
"""
LATENCY_MS, TURNS, LONG, BLOCK = 200, 8, 30, 16
_TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]")


async def played(folder: Path, name: str, turns: int, *sets: str) -> tuple[list[TurnRow], list[CallRow]]:
    """One conversation; its turns after the first, which pays for imports and schemas, and its calls."""
    talk, db = folder / "talk.yaml", folder / f"{name}.db"
    talk.write_text(TALK)
    scenario = tertulia.load_scenario(talk, [f"turns.limit={turns}", *sets], model="openai/any")
    backends = Backends()
    with Log.open(db) as log:
        try:
            [result] = [one async for one in play_many(scenario, [1], log=log, backends=backends, at_once=1)]
        finally:
            await backends.aclose()
        rows = sorted(log.rows(TurnRow, result.episode), key=lambda row: row.turn)
        return [row for row in rows if row.turn > 1 and not row.closing], log.rows(CallRow, result.episode)


def tokens(call: CallRow) -> list[str]:
    """A prompt as tokens."""
    return _TOKEN.findall("".join(f"{message['role']}\n{message['content']}\n" for message in call.messages))


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the common beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def until_the_moment(call: CallRow) -> list[str]:
    """A prompt up to the end of its transcript: what could still stand at the next turn."""
    system, user = call.messages[0]["content"], call.messages[1]["content"]
    return _TOKEN.findall(f"system\n{system}\nuser\n{user.rpartition('It is turn ')[0]}")


def cached(calls: Sequence[CallRow]) -> tuple[int, int, int]:
    """Of all prompts: their tokens, those that whole blocks of an earlier prompt of the same seat begin with, and those
    that could be at most (system prefix and transcript as of the seat's previous prompt)."""
    whole = met = most = 0
    seats: dict[str, list[CallRow]] = defaultdict(list)
    for call in sorted(calls, key=lambda row: (row.turn, row.started_at, row.ordinal)):
        if call.status != "error":
            seats[call.participant].append(call)
    for mine in seats.values():
        earlier: list[list[str]] = []
        for place, call in enumerate(mine):
            prompt = tokens(call)
            whole += len(prompt)
            met += max((common(prompt, one) for one in earlier), default=0) // BLOCK * BLOCK
            most += len(until_the_moment(mine[place - 1])) // BLOCK * BLOCK if place else 0
            earlier.append(prompt)
    return whole, met, most


def stages(preset: str, deliberation: str) -> int:
    """How many calls follow one another in a turn in which somebody speaks."""
    if deliberation == "fused":
        return 1
    asking = [f for f in make_faculties(MindSpec(preset=preset).parts()) if f.asks]
    return len({faculty.name for faculty in asking})


def rounds(calls: Sequence[CallRow], turn: int) -> int:
    """How many calls of a turn had to wait for one another: the longest chain of calls each of which began after the
    one before it was answered."""
    mine = sorted((call for call in calls if call.turn == turn), key=lambda call: call.started_at)
    chains: list[int] = []
    for place, call in enumerate(mine):
        done = [
            n
            for n, one in enumerate(mine[:place])
            if (call.started_at - one.started_at).total_seconds() * 1000 >= one.latency_ms
        ]
        chains.append(1 + max((chains[n] for n in done), default=0))
    return max(chains, default=0)


def main() -> None:
    """Print calls, tokens and wall a turn, and the cached share of a long conversation."""
    presets = [name for name in ("full", "inner-thoughts") if name in PRESETS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["OPENAI_API_KEY"] = "none"
        with loopback_process("--latency-ms", str(LATENCY_MS)) as url:
            os.environ["OPENAI_BASE_URL"] = url
            for preset in presets:
                for way in ("fused", "staged"):
                    sets = (f"mind.preset={preset}", f"mind.deliberation={way}")
                    began = time.process_time()
                    turns, calls = asyncio.run(played(folder, f"{preset}-{way}", TURNS, *sets))
                    cpu_ms = 1000 * (time.process_time() - began) / TURNS
                    walls = [turn.wall_ms / LATENCY_MS for turn in turns]
                    in_a_row = statistics.fmean(rounds(calls, turn.turn) for turn in turns)
                    asked = [call for call in calls if 1 < call.turn <= TURNS]
                    size = sum(len(tokens(call)) for call in asked)
                    print(
                        f"{preset:13} {way:6} {len(asked) / len(turns):5.1f} calls, {size / len(turns):6.0f} tokens, "
                        f"{cpu_ms:4.0f} ms CPU a turn; {in_a_row:.2f} of {stages(preset, way)} stages in a row; wall "
                        f"{statistics.median(walls):.2f} latencies ({min(walls):.2f} to {max(walls):.2f})",
                        flush=True,
                    )
        with loopback_process() as url:
            os.environ["OPENAI_BASE_URL"] = url
            for preset in presets:
                sets = (f"mind.preset={preset}", "mind.deliberation=fused")
                _, calls = asyncio.run(played(folder, f"{preset}-long", LONG, *sets))
                whole, met, most = cached(calls)
                print(
                    f"{preset:13} fused, {LONG} turns: {len(calls)} calls, {whole} tokens; met before "
                    f"{met / whole:.3f}, at most {most / whole:.3f}: {met / most:.3f} of it"
                )


if __name__ == "__main__":
    main()
