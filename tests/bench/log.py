"""How fast the log writes: `python -m tests.bench.log [TARGET]`. Figures are for the machine it runs on."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tertulia.storage.log import Log
from tertulia.storage.record import TurnRecord
from tertulia.storage.rows import BeliefRow
from tests.storage.made import a_bid, a_call, a_thought, a_turn, a_witness, an_appraisal, an_episode, an_event, beliefs

VALUES = {f"value{n}": 0.1 for n in range(10)}


def typical(turn: int, episode: str) -> TurnRecord:
    """A turn of two minds on two levels: 59 rows in eight tables."""
    at = {"episode": episode}
    rows = [an_event(turn, "I know somebody who paints and lives by the sea.", **at)]
    both = ("alice", "bob")
    return a_turn(
        turn, *rows, *(a_witness(turn, name, **at) for name in both), *(a_bid(turn, name, **at) for name in both),
        *(a_thought(turn, f"t{turn}.{n}", "perhaps the painter", **at) for n in range(6)),
        *(an_appraisal(turn, f"t{turn}.{n}", "kept", 3.0, **at) for n in range(6)),
        *(row for chain in (*both, "alice>bob", "bob>alice") for row in beliefs(turn, chain, "friend", **at, **VALUES)),
        episode=episode,
    )  # fmt: skip


async def timed(name: str, count: int, work: Callable[[], Awaitable[object]], unit: str = "commits") -> float:
    begun = time.perf_counter()
    await work()
    rate = count / (time.perf_counter() - begun)
    print(f"{name:48} {rate:10.0f} {unit}/s")
    return rate


async def measure(log: Log) -> None:
    alone, turns, many, each = "alone", 300, 200, 20
    await log.begin(an_episode(alone))
    records = [typical(turn, alone) for turn in range(turns)]
    rows = len(records[0].rows)

    async def one() -> None:
        for record in records:
            await log.commit(record)

    rate = await timed(f"turns of {rows} rows, one committer", turns, one)
    print(f"{'':48} {rate * rows:10.0f} rows/s")

    async def calls() -> None:
        for n in range(500):
            await log.record_call(a_call(n, episode=alone))

    await timed("calls, one after the other", 500, calls, "calls")
    await asyncio.gather(*(log.begin(an_episode(f"E{n}")) for n in range(many)))
    crowd = [[typical(turn, f"E{n}") for turn in range(each)] for n in range(many)]

    async def play(records: list[TurnRecord]) -> None:
        for record in records:
            await log.commit(record)

    async def all_of_them() -> None:
        await asyncio.gather(*map(play, crowd))

    before = log._writer.transactions
    rate = await timed(f"turns of {rows} rows, {many} committers", many * each, all_of_them)
    print(f"{'':48} {rate * rows:10.0f} rows/s, {many * each / (log._writer.transactions - before):.0f} a transaction")

    async def crowd_calls() -> None:
        await asyncio.gather(*(log.record_call(a_call(1000 + n, episode=f"E{n % many}")) for n in range(4000)))

    await timed(f"calls, {many} at a time", 4000, crowd_calls, "calls")
    begun = time.perf_counter()
    found = sum(len(log.rows(BeliefRow, f"E{n}")) for n in range(20))
    print(f"{'belief rows read back':48} {found / (time.perf_counter() - begun):10.0f} rows/s")
    for view in ("v_beliefs", "v_thoughts", "v_outcomes"):
        begun = time.perf_counter()
        log.query(f"SELECT * FROM {view} WHERE episode = ?", ["E1"])
        print(f"{view + ' of one episode of 20 turns':48} {1000 * (time.perf_counter() - begun):10.1f} ms")
    if log.target.path is not None:
        print(f"{'size of the file':48} {log.target.path.stat().st_size / 1e6:10.1f} MB")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        target = sys.argv[1] if len(sys.argv) > 1 else str(Path(folder) / "log.db")
        with Log.open(target) as log:
            asyncio.run(measure(log))


if __name__ == "__main__":
    main()
