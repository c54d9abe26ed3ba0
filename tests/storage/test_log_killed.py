"""A writer that is killed at any moment leaves a log that opens and holds whole turns only."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tertulia.storage.lease import new_token
from tertulia.storage.log import Log
from tests.storage.made import a_turn

ROWS_PER_TURN = 30
EPISODES = 4

WRITE = f"""
import asyncio, sys
from datetime import timedelta
from tertulia.storage.lease import new_token
from tertulia.storage.log import Log
from tertulia.storage.types import now
from tests.storage.made import a_call, a_turn, an_episode, an_event

async def play(log, episode, token):
    turn = 0
    while True:
        await log.record_call(a_call(turn, episode=episode, reply="x" * 2000))
        print(f"call {{episode}} {{turn}}", flush=True)
        events = [an_event(turn, "y" * 300, n, episode=episode) for n in range({ROWS_PER_TURN})]
        await log.commit(a_turn(turn, *events, episode=episode, lease=token))
        print(f"turn {{episode}} {{turn}}", flush=True)
        turn += 1

async def main():
    log, token = Log.open(sys.argv[1]), new_token()
    names = ["E" + str(n) for n in range({EPISODES})]
    for name in names:
        await log.begin(an_episode(name, lease=token, lease_until=now() + timedelta(hours=1)))
    print("ready", flush=True)
    await asyncio.gather(*(play(log, name, token) for name in names))

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_whole_turns_and_nothing_it_reported_is_lost(target: str, seed: int) -> None:
    random = Random(seed)
    root = Path(__file__).parents[2]
    writer = subprocess.Popen([sys.executable, "-c", WRITE, target], stdout=subprocess.PIPE, text=True, cwd=root)
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(1 + random.randrange(120))]
    writer.kill()
    said += writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    reported = [line.split() for line in said if line.endswith("\n")]
    assert reported[0] == ["ready"]
    with Log.open(target) as log:
        assert len(log.episodes()) == EPISODES
        for episode in log.episodes():
            turns = [turn for kind, name, turn in reported[1:] if (kind, name) == ("turn", episode.id)]
            calls = [turn for kind, name, turn in reported[1:] if (kind, name) == ("call", episode.id)]
            assert episode.head + 1 >= len(turns)
            (rows,) = log.query(
                "SELECT (SELECT count(*) FROM turn WHERE episode = ?), (SELECT count(*) FROM event WHERE episode = ?), "
                "(SELECT count(*) FROM call WHERE episode = ?)",
                [episode.id] * 3,
            ).rows
            assert rows[:2] == (episode.head + 1, (episode.head + 1) * ROWS_PER_TURN)
            assert rows[2] >= max(len(calls), episode.head + 1)
            token = new_token()
            assert asyncio.run(log.lease(episode.id, token, ttl_s=60)).lease == token, "the dead leader's lease is free"
            asyncio.run(log.commit(a_turn(episode.head + 1, episode=episode.id, lease=token)))
    if target.endswith(".db"):
        with closing(sqlite3.connect(target)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
