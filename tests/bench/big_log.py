"""A log of many turns, written and asked: `python -m tests.bench big_log --turns 1000000` (hours of play in minutes).

Episodes are real ones under new ids, through the log's own writer. Prints rows and bytes a turn by table, what is
written in a second, and the time of each view on one episode and over all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from tertulia.storage.log import Log
from tertulia.storage.tables import METADATA
from tertulia.storage.views import views
from tests.bench.sampled import LARGE, Sample, copy_in_place, play_samples, tell
from tests.postgres import server

ORDINARY = ("rules: dinner-secret", "rules: haggle-with-a-liar", "API: mutual-friends", "API: dinner-secret", LARGE)
"""The kinds of episodes on which each view is timed: 2 to 4 seats and 15 to 41 turns, and a large one."""


def sizes(log: Log) -> tuple[dict[str, int], dict[str, int], int]:
    """Rows and bytes by table (indexes included), and bytes in all."""
    rows: dict[str, int] = {}
    taken: dict[str, int] = {}
    for name in METADATA.tables:
        rows[name] = int(log.query(f'SELECT count(*) FROM "{name}"').rows[0][0])
    if log.target.path is not None:
        with closing(sqlite3.connect(log.target.path)) as connection:
            owner = dict(connection.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index'").fetchall())
            # Its sums of bytes (`pgsize`) overflow at two gigabytes; in an aggregate `pageno` counts the pages.
            pages = connection.execute(
                "SELECT d.name, d.pageno * p.page_size FROM dbstat AS d, pragma_page_size AS p WHERE d.aggregate = TRUE"
            ).fetchall()
        for name, size in pages:
            table = owner.get(name, name)
            taken[table] = taken.get(table, 0) + int(size)
    else:
        for name in METADATA.tables:
            found = log.query("SELECT pg_total_relation_size(?::regclass)", [name]).rows
            taken[name] = int(found[0][0])
    return rows, taken, sum(taken.values())


def print_sizes(log: Log, turns: int) -> None:
    rows, taken, whole = sizes(log)
    print(f"{'table':14} {'rows':>12} {'a turn':>8} {'bytes a turn':>13} {'share':>7}")
    for name in sorted(rows, key=lambda name: -taken.get(name, 0)):
        if rows[name]:
            size = taken.get(name, 0)
            print(f"{name:14} {rows[name]:12,} {rows[name] / turns:8.1f} {size / turns:13,.0f} {size / whole:7.1%}")
    print(f"{'all':14} {sum(rows.values()):12,} {sum(rows.values()) / turns:8.1f} {whole / turns:13,.0f}")
    print(f"size: {whole / 1e6:,.0f} MB", flush=True)


def write(log: Log, samples: dict[str, list[Sample]], turns: int, there: int = 0) -> dict[str, list[str]]:
    """Write the turns to a log in which so many are `there`; print what went in a second."""
    before, cpu, begun = log._writer.transactions, time.process_time(), time.perf_counter()
    told = asyncio.run(tell(log, samples, turns))
    cpu, took = time.process_time() - cpu, time.perf_counter() - begun
    count = int(log.query("SELECT count(*) FROM turn").rows[0][0]) - there
    episodes = sum(map(len, told.values()))
    print(f"{count:,} turns of {episodes:,} episodes in {took:,.0f} s: {count / took:,.0f} turns/s,", end=" ")
    print(f"{1000 * cpu / count:.2f} ms CPU a turn, {count / (log._writer.transactions - before):.0f} a transaction")
    return told


def forget_pages(log: Log) -> None:
    """Have the system let go of the file's pages, so that the next query finds it cold."""
    assert log.target.path is not None
    handle = os.open(log.target.path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def timed_ms(log: Log, view: str, episode: str, *, cpu: bool = False) -> tuple[float, int]:
    """Milliseconds for all rows of a view on an episode, and how many there are; on SQLite `cpu` is all its work."""
    clock = time.process_time if cpu else time.perf_counter
    begun = clock()
    found = log.query(f"SELECT * FROM {view} WHERE episode = ?", [episode])
    return 1000 * (clock() - begun), len(found.rows)


def ask_one(log: Log, told: dict[str, list[str]], repeats: int, slow_ms: float = 50.0) -> None:
    """Each view on single episodes: the median of some, each asked for the first time, then again; on SQLite the
    first time cold, by the clock, then warm, in CPU time, which other work on the machine does not lengthen."""
    draw = Random(3)
    cold = log.target.path is not None
    print(f"{'view, one episode: median ms':30}" + "".join(f" {kind[:26]:>27}" for kind in ORDINARY if kind in told))
    print(
        f"{'':30}"
        + "".join(
            f" {'cold' if cold else 'first':>9} {'CPU' if cold else 'again':>7} {'rows':>9}"
            for k in ORDINARY
            if k in told
        )
    )
    slow = []
    for view in views():
        line = f"{view.name:30}"
        for kind in ORDINARY:
            if kind not in told:
                continue
            first, again, rows = [], [], 0
            for episode in draw.sample(told[kind], min(repeats, len(told[kind]))):
                if cold:
                    forget_pages(log)
                first.append(timed_ms(log, view.name, episode)[0])
                took = [timed_ms(log, view.name, episode, cpu=cold) for _ in range(1 if kind == LARGE else 3)]
                again.append(statistics.median(ms for ms, _ in took))
                rows = took[0][1]
            warm = statistics.median(again)
            line += f" {statistics.median(first):9.1f} {warm:7.1f} {rows:9,}"
            if warm > slow_ms and kind != LARGE:
                slow.append(f"{view.name} on {kind}: {warm:.0f} ms")
        print(line, flush=True)
    print(f"over {slow_ms:.0f} ms: {'; '.join(slow) or 'none'}")


@contextmanager
def _asking(log: Log, cap_s: float) -> Iterator[Any]:
    """A connection on which a statement may run so long and no longer."""
    if log.target.path is not None:
        with closing(sqlite3.connect(log.target.path, check_same_thread=False)) as connection:
            timer = threading.Timer(cap_s, connection.interrupt)
            timer.start()
            try:
                yield connection
            finally:
                timer.cancel()
    else:
        with log._reads.connect() as connection:
            connection.exec_driver_sql(f"SET statement_timeout = {int(1000 * cap_s)}")
            yield connection.connection.driver_connection


def ask_all(log: Log, cap_s: float) -> None:
    """Each view over the whole log, all its columns, at most `cap_s` seconds each."""
    print(f"{'view, whole log':30} {'rows':>14} {'seconds':>10}")
    for view in views():
        columns = ", ".join(f"count({name})" for name in view.columns)
        begun, rows = time.perf_counter(), ""
        with _asking(log, cap_s) as connection:
            try:
                rows = f"{connection.execute(f'SELECT count(*), {columns} FROM {view.name}').fetchone()[0]:,}"
                said = f"{time.perf_counter() - begun:.1f}"
            except Exception as error:
                if "interrupted" not in str(error) and "timeout" not in str(error):
                    raise
                said = f"more than {cap_s:.0f}"
        print(f"{view.name:30} {rows:>14} {said:>10}", flush=True)


def measure(log: Log, samples: dict[str, list[Sample]], asked: argparse.Namespace) -> None:
    """All figures of one log."""
    told = write(log, samples, asked.turns)
    print_sizes(log, int(log.query("SELECT count(*) FROM turn").rows[0][0]))
    if asked.filled and log.target.path is not None:
        begun = time.perf_counter()
        count = copy_in_place(log, asked.filled)
        took = time.perf_counter() - begun
        print(f"filled up to {count:,} turns by SQL in {took:,.0f} s; on top of them, by the writer:", flush=True)
        for kind, more in write(log, {n: s for n, s in samples.items() if n != LARGE}, asked.turns, count).items():
            told[kind] += more
        print(f"size: {log.target.path.stat().st_size / 1e6:,.0f} MB", flush=True)
    ask_one(log, told, asked.repeats)
    if asked.cap_s > 0:
        ask_all(log, asked.cap_s)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench big_log", description=__doc__)
    parser.add_argument("--turns", type=int, default=20_000, help="how many turns to write to SQLite")
    parser.add_argument(
        "--filled", type=int, default=0, help="fill SQLite up to so many turns by SQL, then write again"
    )
    parser.add_argument("--postgres-turns", type=int, default=5_000, help="how many to PostgreSQL; 0 for none")
    parser.add_argument("--cap-s", type=float, default=60.0, help="seconds for a view over all; 0 leaves them out")
    parser.add_argument("--repeats", type=int, default=5, help="episodes of each kind on which a view is timed")
    parser.add_argument("--folder", type=Path, help="where the log is made and left; a temporary folder without")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.folder or Path(made)
        samples = play_samples(Path(made))
        for name, kind in samples.items():
            seats, turns = len(kind[0].participants), statistics.mean(len(one.turns) for one in kind)
            print(f"{name:32} {seats} seats, {turns:.0f} turns")
        print(f"SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}, {os.cpu_count()} cores", flush=True)
        with Log.open(folder / "big.db") as log:
            measure(log, samples, asked)
        if asked.postgres_turns:
            with server() as running, running.fresh() as url, Log.open(url) as log:
                version = log.query("SHOW server_version").rows[0][0]
                print(f"PostgreSQL {version}, its files not synced")
                asked.turns = asked.postgres_turns
                measure(log, samples, asked)


if __name__ == "__main__":
    main()
