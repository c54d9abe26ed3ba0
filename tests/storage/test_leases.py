"""Leases and fencing: one worker leads an episode, and one that lost it cannot write."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
from datetime import timedelta

import pytest

from tertulia.storage.lease import is_dead, new_token
from tertulia.storage.log import LeaseHeld, Log, LostLease, NotFound
from tertulia.storage.record import Closing
from tertulia.storage.rows import EpisodeRow, EventRow
from tertulia.storage.types import now
from tests.storage.made import ID, a_turn, an_episode, an_event


async def test_only_the_holder_of_the_lease_commits(log: Log) -> None:
    await log.begin(an_episode(lease="first"))
    await log.commit(a_turn(0, lease="first"))
    await log.lease(ID, "second", ttl_s=60, force=True)
    with pytest.raises(LostLease, match="another worker leads"):
        await log.commit(a_turn(1, an_event(1), lease="first"))
    await log.commit(a_turn(1, lease="second"))
    assert log.episode(ID).head == 1
    assert log.rows(EventRow, ID) == []


async def test_of_two_workers_with_one_lease_one_commits_each_turn(log: Log) -> None:
    """Two logs on one database, each with its own writer, as two processes would have."""
    await log.begin(an_episode())
    with Log.open(str(log.target)) as other:
        for turn in range(10):
            both = (one.commit(a_turn(turn, an_event(turn, str(n)))) for n, one in enumerate((log, other)))
            results = await asyncio.gather(*both, return_exceptions=True)
            assert sorted(type(result).__name__ for result in results) == ["LostLease", "NoneType"]
            kept = results.index(None)
            assert [row.text for row in log.rows(EventRow, ID) if row.turn == turn] == [str(kept)]
    assert log.episode(ID).head == 9


async def test_of_many_workers_that_want_a_free_lease_one_gets_it(log: Log) -> None:
    await log.begin(an_episode(lease=None))
    tokens = [new_token() for _ in range(8)]
    with Log.open(str(log.target)) as other:
        wanted = ((log, other)[n % 2].lease(ID, token, ttl_s=60) for n, token in enumerate(tokens))
        results = await asyncio.gather(*wanted, return_exceptions=True)
    assert sum(isinstance(result, LeaseHeld) for result in results) == 7
    (winner,) = [token for token, result in zip(tokens, results, strict=True) if isinstance(result, EpisodeRow)]
    assert log.episode(ID).lease == winner


@pytest.mark.parametrize("turn", [0, 2, 7])
async def test_a_turn_that_does_not_follow_the_head_is_refused(log: Log, turn: int) -> None:
    await log.begin(an_episode())
    await log.commit(a_turn(0))
    with pytest.raises(LostLease, match=f"turn {turn} of episode {ID} cannot follow turn 0"):
        await log.commit(a_turn(turn, an_event(turn)))
    assert log.episode(ID).head == 0
    assert log.rows(EventRow, ID) == []


async def test_a_turn_of_an_unknown_episode_is_refused(log: Log) -> None:
    with pytest.raises(LostLease, match="there is no episode"):
        await log.commit(a_turn(0))
    with pytest.raises(NotFound):
        await log.lease(ID, "x", ttl_s=1)


async def test_two_workers_cannot_both_lead(log: Log) -> None:
    mine, yours = new_token(), new_token()
    await log.begin(an_episode(lease=mine, lease_until=now() + timedelta(seconds=60)))
    with pytest.raises(LeaseHeld, match="runs out in"):
        await log.lease(ID, yours, ttl_s=60)
    renewed = await log.lease(ID, mine, ttl_s=600)
    assert renewed.lease == mine
    assert renewed.lease_until is not None
    assert renewed.lease_until > now() + timedelta(seconds=500)
    assert log.episode(ID) == renewed


@pytest.mark.parametrize("ahead_h", [1, -1])
async def test_a_first_lease_lasts_as_long_as_the_databases_clock_says(
    postgres_log: Log, monkeypatch: pytest.MonkeyPatch, ahead_h: int
) -> None:
    """Whatever the clock of the worker that begins the episode says."""
    before = now()
    for module in ("work", "types"):
        monkeypatch.setattr(f"tertulia.storage.{module}.now", lambda: before + timedelta(hours=ahead_h))
    await postgres_log.begin(an_episode(lease=new_token()), lease_s=60)
    until = postgres_log.episode(ID).lease_until
    assert until is not None
    assert timedelta(seconds=59) < until - before < timedelta(minutes=30)


async def test_a_first_lease_is_there_on_both_databases(log: Log) -> None:
    await log.begin(an_episode(lease=new_token()), lease_s=60)
    with pytest.raises(LeaseHeld, match="runs out in"):
        await log.lease(ID, new_token(), ttl_s=60)


async def test_a_lease_that_ran_out_is_free(log: Log) -> None:
    await log.begin(an_episode(lease=new_token(), lease_until=now() - timedelta(seconds=1)))
    yours = new_token()
    assert (await log.lease(ID, yours, ttl_s=60)).lease == yours


async def test_a_lease_that_was_let_go_is_free_and_only_its_holder_lets_go(log: Log) -> None:
    mine, yours = new_token(), new_token()
    await log.begin(an_episode(lease=mine, lease_until=now() + timedelta(seconds=60)))
    await log.release(ID, yours)
    assert log.episode(ID).lease == mine
    await log.release(ID, mine)
    await log.release(ID, mine)
    assert log.episode(ID).lease is None
    assert (await log.lease(ID, yours, ttl_s=60)).head == -1


def token_of_a_process_that_ended() -> str:
    code = "from tertulia.storage.lease import new_token; print(new_token())"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


async def test_the_lease_of_a_process_that_ended_is_free_at_once(log: Log) -> None:
    dead = token_of_a_process_that_ended()
    await log.begin(an_episode(lease=dead, lease_until=now() + timedelta(hours=1)))
    mine = new_token()
    assert (await log.lease(ID, mine, ttl_s=60)).lease == mine
    with pytest.raises(LostLease):
        await log.commit(a_turn(0, lease=dead))


def test_whether_a_leader_lives_is_only_said_where_it_is_known() -> None:
    dead, mine = token_of_a_process_that_ended(), new_token()
    assert is_dead(dead)
    assert not is_dead(mine)
    machine, pid, started, nonce = mine.split(".")
    assert int(pid) == os.getpid()
    assert not is_dead(".".join(["0" * 16, *dead.split(".")[1:]])), "a process of another machine"
    assert not is_dead("anything")
    if started != "0":
        assert is_dead(f"{machine}.{pid}.{int(started) + 1}.{nonce}"), "another process took its number"


def test_a_token_names_nobody() -> None:
    token = new_token()
    assert platform.node() not in token
    assert token != new_token()
    assert token.isascii()


async def test_renewing_leaves_alone_what_is_over_and_what_is_not_ours(log: Log) -> None:
    others = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
    for episode, lease in ((ID, "mine"), (others, "theirs")):
        await log.begin(an_episode(id=episode, lease=lease), lease_s=60)
    assert await log.renew("mine", ttl_s=600) == 1
    renewed, left = log.episode(ID).lease_until, log.episode(others).lease_until
    assert renewed is not None
    assert left is not None
    assert renewed > left
    last = a_turn(0, lease="mine")
    last.closing = Closing("success", "done", {}, 1.0, now())
    await log.commit(last)
    assert await log.renew("mine", ttl_s=6000) == 0
    assert log.episode(ID).lease_until == renewed
