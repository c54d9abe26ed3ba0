"""The one writer: a thread that takes work from a queue and commits, as one transaction, whatever has gathered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine, NestedTransaction
from sqlalchemy.exc import SQLAlchemyError

from tertulia.storage import asleep
from tertulia.storage.errors import LogError
from tertulia.storage.faults import Waiting, passing
from tertulia.storage.target import Target
from tertulia.storage.work import Work, run_many, run_one

_ENOUGH_AT_ONCE = 256
"""Items in one transaction: enough to share the cost of a commit, few enough to answer soon."""


_LONGEST_PAUSE_S = 0.005
"""Where several write at once, a pause after each transaction, as long as it took and no longer than this, lets more
gather for the next: a transaction costs about the same for one item as for twenty."""


class Lasting(asyncio.Future[Any]):
    """A wait that goes on to its end: whoever is cancelled while waiting is so when the work is durable or refused."""

    def cancel(self, msg: Any = None) -> bool:
        """Not at once."""
        return False


@dataclass(slots=True, eq=False)
class _Item:
    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Commits work in the order in which it came in. Each item is whole or absent; none harms its neighbours.

    Items that gather while a transaction is being written form the next one. They are tried together, table by
    table; if any of them is refused, the transaction is rolled back and each is tried again behind its own savepoint.
    """

    def __init__(self, engine: Engine, target: Target) -> None:
        self._engine = engine
        self._target = target
        self._queue: SimpleQueue[list[_Item] | None] = SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
        """What came in since a loop last handed over, which it does once in each of its rounds."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._connection: Connection | None = None
        self._committing = False
        self._met_a_lock = False
        self.transactions = 0
        """How many transactions have been committed."""

    def do(self, work: Work, *, lasting: bool = False) -> asyncio.Future[Any]:
        """Done when the work is durable. Raises a `LogError` when it was refused or could not be written.

        Cancelling the wait does not undo the work; a `lasting` one cannot be cancelled.
        """
        loop = asyncio.get_running_loop()
        item = _Item(work, loop, Lasting(loop=loop) if lasting else loop.create_future())
        with self._lock:
            if self._closed:
                item.future.set_exception(LogError("the log is closed"))
                return item.future
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tertulia-log", daemon=True)
                self._thread.start()
            if loop in self._gathered:
                self._gathered[loop].append(item)
            else:
                self._gathered[loop] = [item]
                loop.call_soon(self._hand_over, loop)
        return item.future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the thread once for all that a round of the loop brought: waking it costs more than a small insert."""
        with self._lock:
            items = self._gathered.pop(loop, None)
            if items is not None:
                self._queue.put(items)

    def close(self) -> None:
        """Write what is queued, then stop. May be called twice."""
        with self._lock:
            self._closed = True
            thread = self._thread
            for items in self._gathered.values():
                self._queue.put(items)
            self._gathered.clear()
            if thread is not None:
                self._queue.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        items: list[_Item] | None = []
        try:
            while (items := self._gather()) is not None:
                began, many = time.monotonic(), len(items) > 1
                self._write(items)
                _answer(items)
                items = []
                if many:
                    time.sleep(min(_LONGEST_PAUSE_S, time.monotonic() - began))
        finally:
            self._hang_up()
            self._fail_the_rest(items or [])

    def _fail_the_rest(self, items: list[_Item]) -> None:
        """Nobody may wait for ever, whatever ended this thread."""
        with self._lock:
            self._closed = True
            items += chain.from_iterable(self._gathered.values())
            self._gathered.clear()
        while True:
            try:
                items += self._queue.get_nowait() or ()
            except Empty:
                break
        for item in items:
            item.error = item.error or LogError("the log was closed before this was written")
        _answer(items)

    def _gather(self) -> list[_Item] | None:
        items = self._queue.get()
        while items is not None and len(items) < _ENOUGH_AT_ONCE:
            try:
                more = self._queue.get_nowait()
            except Empty:
                break
            if more is None:
                self._queue.put(None)
                break
            items += more
        return items

    def _write(self, items: list[_Item]) -> None:
        """Write them. What may pass (a lock, a server that is away) is waited for, unless the commit had begun: then
        nobody knows whether it was made."""
        waiting = Waiting(self._target)
        while True:
            self._committing = False
            for item in items:
                item.result = item.error = None
            try:
                connection = self._connection or self._connected()
                if not self._together(connection, items):
                    self._one_by_one(connection, items)
                self.transactions += 1
                return
            except Exception as error:  # noqa: BLE001  whatever it is, those who wait are told, and others can go on
                self._hang_up()
                fault = passing(error)
                if fault is not None and not self._committing and waiting.again(fault):
                    self._met_a_lock = fault.kind == "locked"
                    continue
                for item in items:
                    item.error = self._target.told(error)
                return

    def _together(self, connection: Connection, items: list[_Item]) -> bool:
        """Try all at once; False, with nothing kept, when one is refused or must be done alone."""
        works = [item.work for item in items]
        if any(work.special is not None for work in works):
            return False
        transaction = connection.begin()
        try:
            kept = run_many(connection, works)
        except Exception as error:
            if not isinstance(error, LogError) and passing(error) is not None:
                raise
            kept = False  # full or read-only: what of it is small enough may still be written alone
        if kept:
            self._committing = True
            transaction.commit()
        else:
            transaction.rollback()
        return kept

    def _one_by_one(self, connection: Connection, items: list[_Item]) -> None:
        """All in one transaction, each behind its savepoint."""
        transaction = connection.begin()
        for item in items:
            savepoint = connection.begin_nested()
            try:
                item.result = run_one(connection, item.work)
            except Exception as error:
                if passing(error) is not None:
                    raise
                item.error = self._target.told(error)
                if not _undone(savepoint):
                    transaction.close()
                    self._each_alone(connection, items)
                    return
            else:
                savepoint.commit()
        self._committing = True
        transaction.commit()

    def _each_alone(self, connection: Connection, items: list[_Item]) -> None:
        """Each in its own transaction: a database that is full has rolled back all of the shared one."""
        for item in items:
            item.result = item.error = None
            transaction = connection.begin()
            try:
                item.result = run_one(connection, item.work)
                transaction.commit()
            except Exception as error:  # noqa: BLE001  it is told to whoever wants it written
                item.error = self._target.told(error)
                transaction.close()

    def _connected(self) -> Connection:
        """A connection to keep; where the last one met a lock that stayed, whoever keeps it asleep loses it first."""
        connection = self._connection = self._engine.connect()
        if self._met_a_lock and connection.dialect.name == "postgresql":
            asleep.end_others(connection)
        self._met_a_lock = False
        return connection

    def _hang_up(self) -> None:
        """Let go of a connection that failed; the next transaction makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except SQLAlchemyError:
                connection.invalidate()


def _undone(savepoint: NestedTransaction) -> bool:
    """Roll back to a savepoint; False when the database has let go of the whole transaction by itself."""
    try:
        savepoint.rollback()
    except SQLAlchemyError:
        return False
    return True


def _answer(items: list[_Item]) -> None:
    """Tell each event loop once about all of its items."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Item]] = defaultdict(list)
    for item in items:
        by_loop[item.loop].append(item)
    for loop, its_items in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, its_items)
        except RuntimeError:  # that loop was closed; nobody waits there any more
            continue


def _resolve(items: list[_Item]) -> None:
    for item in items:
        if item.future.done():  # the wait was cancelled
            continue
        if item.error is not None:
            item.future.set_exception(item.error)
        else:
            item.future.set_result(item.result)
