"""Several worker processes on one machine: each claims episodes from the log for itself, and tells this one of each."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tertulia.environments.batch.plan import BatchError
from tertulia.environments.batch.settings import Settings, work
from tertulia.environments.batch.worker import INTERRUPTED, Failures, Played, Worker
from tertulia.environments.many import keep_what_is_loaded
from tertulia.storage.errors import first_line
from tertulia.storage.log import LogError

_NOW = None
"""The order to stop at once; any other is to let turns end and pause, for the reason that it says."""
_GONE = "the process that led the batch is gone"
_PATIENCE_S = 30.0
"""How long a child that was told to stop at once may take to write that its episodes paused."""
Told = Played | LogError | BatchError | str | None
"""An episode; what made the log, or the batch here, unusable; why a child stopped; None when it is done."""


class Processes:
    """`count` worker processes. One that dies is told, and its episodes are taken over by the others."""

    def __init__(self, settings: Settings, count: int, failures: Failures) -> None:
        self._settings = replace(settings, workers=count, fail_on_error=None)
        self._count = count
        self._failures = failures
        self._children: list[tuple[BaseProcess, Connection]] = []
        self._told: asyncio.Queue[tuple[int, Told]] = asyncio.Queue()
        self.stopped: str | None = None
        self.died: list[str] = []
        """What became of children that did not end by themselves."""

    def stop(self, why: str = INTERRUPTED) -> None:
        if self.stopped is None:
            self.stopped = why
            self._send(why)

    async def play(self) -> AsyncGenerator[Played, None]:
        failure: LogError | BatchError | None = None
        try:
            self._start()
            left = self._count
            while left:
                number, told = await self._told.get()
                if told is None:
                    left -= 1
                    self._buried(number)
                elif isinstance(told, Played):
                    if (why := self._failures.too_many(told)) is not None:
                        self.stop(why)
                    yield told
                else:
                    failure = failure or (None if isinstance(told, str) else told)
                    self.stop(first_line(told))
        finally:
            self._send(_NOW)
            await asyncio.to_thread(self._wait)
        if failure is not None:
            raise failure
        if len(self.died) == self._count:
            self.stopped = self.stopped or f"all worker processes died: {'; '.join(self.died)}"

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        loop = asyncio.get_running_loop()
        for number in range(self._count):
            ours, theirs = context.Pipe()
            child = context.Process(target=_child, args=(theirs, self._settings), name=f"tertulia-{number}")
            with _deaf_to_ctrl_c():
                child.start()
            theirs.close()
            self._children.append((child, ours))
            threading.Thread(target=self._listen, args=(number, ours, loop), daemon=True).start()
        if self.stopped is not None:
            self._send(self.stopped)

    def _listen(self, number: int, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread for each child: pass on what it tells, until it hangs up."""
        told: Told = ""
        while told is not None:
            try:
                told = connection.recv()
            except (EOFError, OSError):
                told = None
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(self._told.put_nowait, (number, told))

    def _buried(self, number: int) -> None:
        child, _ = self._children[number]
        child.join(_PATIENCE_S)
        if child.exitcode:
            how = signal.Signals(-child.exitcode).name if child.exitcode < 0 else f"exit code {child.exitcode}"
            self.died.append(f"worker {number + 1} of {self._count} ended with {how}")

    def _send(self, order: str | None) -> None:
        for _, connection in self._children:
            with suppress(OSError):  # it has gone already
                connection.send(order)

    def _wait(self) -> None:
        for child, connection in self._children:
            child.join(_PATIENCE_S)
            if child.is_alive():
                child.kill()
                child.join()
            connection.close()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is started within does not hear Ctrl-C, from its first moment on; we hear it when this is over."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else it is started with the first child, and unblocks the signal again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(connection: Connection, settings: Settings) -> None:
    """A worker process. Ctrl-C reaches its parent, which says what to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_what_is_loaded()
    try:
        asyncio.run(_work(connection, settings))
    except asyncio.CancelledError:
        pass
    except (LogError, BatchError) as error:
        _tell(connection, error)
    _tell(connection, None)


async def _work(connection: Connection, settings: Settings) -> None:
    orders = _Orders(connection)
    orders.start()
    async with aclosing(work(settings, hold=orders.hold)) as results:
        async for played in results:
            _tell(connection, played)
    if orders.worker is not None and orders.worker.stopped is not None:
        _tell(connection, orders.worker.stopped)


class _Orders(threading.Thread):
    """Does in a child what its parent says. A parent that is gone wants no more turns begun."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(name="orders", daemon=True)
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self.worker: Worker | None = None
        self._why: str | None = None

    def hold(self, worker: Worker) -> None:
        self.worker = worker
        if self._why is not None:
            worker.stop(self._why)

    def run(self) -> None:
        order: str | None = ""
        while order not in (_NOW, _GONE):
            try:
                order = self._connection.recv()
            except (EOFError, OSError):
                order = _GONE
            with suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
                self._loop.call_soon_threadsafe(self._obey, order)

    def _obey(self, order: str | None) -> None:
        assert self._task is not None
        if order is _NOW:
            self._task.cancel()
            return
        self._why = order
        if self.worker is not None:
            self.worker.stop(order)


def _tell(connection: Connection, told: Told) -> None:
    with suppress(OSError):  # the parent is gone; the log has it all
        connection.send(told)
