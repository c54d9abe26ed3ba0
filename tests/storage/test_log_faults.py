"""What ails a database is told apart from what is wrong with a row, and what may pass is waited for."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tertulia.storage import asleep, faults
from tertulia.storage.log import Log, LogError, Unusable
from tertulia.storage.rows import CallRow, EventRow
from tests.postgres import Server
from tests.storage.made import ID, a_call, a_turn, an_episode, an_event


async def test_a_turn_waits_for_a_lock_and_says_what_for(
    sqlite_log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(faults, "FIRST_WORD_S", 0.0)
    await sqlite_log.begin(an_episode())
    path = sqlite_log.target.path
    assert path is not None
    with caplog.at_level(logging.WARNING), closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        commit = asyncio.create_task(sqlite_log.commit(a_turn(0, an_event(0, "hello"))))
        while not caplog.records:  # noqa: ASYNC110  it comes from a thread that knows no loop
            await asyncio.sleep(0.05)
        assert not commit.done()
        other.execute("COMMIT")
        await commit
    assert [row.text for row in sqlite_log.rows(EventRow, ID)] == ["hello"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: another program keeps this file locked; end it, or wait until it is done; trying for 30 s"
    ]


async def test_a_lock_that_stays_gives_up_and_what_follows_is_written(
    sqlite_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PATIENCE_S", 0.0)
    await sqlite_log.begin(an_episode())
    with closing(sqlite3.connect(str(sqlite_log.target), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unusable, match="keeps this file locked"):
            await sqlite_log.commit(a_turn(0))
    await sqlite_log.commit(a_turn(0))
    assert sqlite_log.episode(ID).head == 0


async def test_a_server_that_is_restarted_is_waited_for_by_all_who_write(postgres_server: Server) -> None:
    with postgres_server.fresh() as url, Log.open(url) as log:
        episodes = [f"E{number}" for number in range(20)]
        await asyncio.gather(*(log.begin(an_episode(episode)) for episode in episodes))
        postgres_server.stop()
        later = threading.Thread(target=lambda: (time.sleep(0.3), postgres_server.start()))
        later.start()
        await asyncio.gather(*(log.commit(a_turn(0, episode=episode)) for episode in episodes))
        later.join()
        assert {row.head for row in log.episodes()} == {0}


async def test_two_programs_that_get_in_each_others_way_are_put_in_a_row(postgres_log: Log) -> None:
    """A deadlock is broken by the server, at the cost of one of the two: it is done once more."""
    for episode in ("E1", "E2"):
        await postgres_log.begin(an_episode(episode))
    engine = postgres_log._engine
    update = text("UPDATE episode SET seed = seed + 1 WHERE id = :id")
    with Log.open(str(postgres_log.target)) as log:
        with engine.connect() as other, other.begin():
            other.execute(text("SET LOCAL deadlock_timeout = '10s'"))  # so that it is ours that is broken
            other.execute(update, {"id": "E2"})
            turns = [a_turn(0, episode=episode) for episode in ("E1", "E2")]
            both = asyncio.gather(*(log.commit(turn) for turn in turns))
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not other.execute(waiting).scalar():  # noqa: ASYNC110  only the server knows
                await asyncio.sleep(0.01)
            await asyncio.to_thread(other.execute, update, {"id": "E1"})
        await both
        assert {(row.head, row.seed) for row in log.episodes()} == {(0, 8)}


@pytest.mark.parametrize("amid", ["rows", "statements"])
async def test_a_program_that_sleeps_within_a_transaction_keeps_nobody_waiting(
    postgres_log: Log, monkeypatch: pytest.MonkeyPatch, amid: str
) -> None:
    """In the middle of many rows the server takes it to be at work, and its own limit for sleepers does not count."""
    import psycopg

    monkeypatch.setattr(asleep, "AFTER_S", 2.0)
    await postgres_log.begin(an_episode())
    target = postgres_log.target
    with Log.open(str(target)) as other, other._engine.connect() as connection:
        sleeper = connection.connection.dbapi_connection
        assert isinstance(sleeper, psycopg.Connection)
        server = sleeper.pgconn
        server.exec_(b"BEGIN")
        if amid == "rows":
            server.enter_pipeline_mode()
            server.send_query_params(b"UPDATE episode SET seed = seed + 1", None)
            server.send_flush_request()
            server.flush()
        else:
            server.exec_(b"UPDATE episode SET seed = seed + 1")
        await postgres_log.commit(a_turn(0))
        assert [(row.head, row.seed) for row in postgres_log.episodes()] == [(0, 7)]
        connection.invalidate()


async def test_a_reader_that_takes_its_time_is_left_alone(postgres_log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has written nothing keeps nobody waiting."""
    monkeypatch.setattr(asleep, "AFTER_S", 0.0)
    await postgres_log.begin(an_episode())
    ended: list[int] = []

    def take(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        with postgres_log._engine.connect() as connection:
            ended.append(asleep.end_others(connection))

    with Log.open(str(postgres_log.target)) as other:
        other.query_each("SELECT id FROM episode", (), take)
    assert ended == [0]


async def test_a_log_in_a_place_that_is_never_written_can_be_read(tmp_path: Path) -> None:
    """A read-only medium has no room for the files with which readers and writers keep apart."""
    from tests.places import small_disk

    with small_disk(tmp_path / "disk") as disk:
        path = disk.folder / "log.db"
        with Log.open(path) as log:
            await log.begin(an_episode())
            await log.record_call(a_call())
        disk.read_only()
        with Log.open(path, create=False) as log:
            assert [row.call for row in log.rows(CallRow, ID)] == ["0/0/alice/think/0/0"]
            assert log.query("SELECT count(*) FROM episode").rows == [(1,)]
        for create in (True, False):
            with pytest.raises(Unusable, match="cannot be written"):
                Log.open(path, create=create, writing=True)


def test_whoever_reads_needs_no_right_to_write(tmp_path: Path) -> None:
    Log.open(tmp_path / "log.db").close()
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        Log.open(tmp_path / "log.db", create=False).close()


def test_an_error_of_a_statement_is_no_fault_of_the_database(log: Log) -> None:
    with log._engine.connect() as connection:
        for statement in ("SELECT nothing FROM nowhere", "INSERT INTO score (id) VALUES (NULL)"):
            with pytest.raises(LogError) as raised, log.target.told_in_one_line():
                connection.execute(text(statement))
            connection.rollback()
            assert type(raised.value) is LogError
            assert "\n" not in str(raised.value)
