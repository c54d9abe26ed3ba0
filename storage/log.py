"""The log: everything that happened in every episode, written turn by turn and read back as rows or by SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tertulia.storage import work
from tertulia.storage.errors import (
    Duplicate,
    Ended,
    LeaseHeld,
    LogError,
    LostLease,
    NotFound,
    QueryError,
    Refused,
    SchemaMismatch,
    Unusable,
)
from tertulia.storage.forks import fork_work
from tertulia.storage.lease import new_token
from tertulia.storage.prompts import Prompts
from tertulia.storage.query import Query, Result
from tertulia.storage.readers import Readers
from tertulia.storage.record import Closing, EpisodeRecord, TurnRecord
from tertulia.storage.rows import BatchRow, CallRow, EpisodeRow, Row
from tertulia.storage.rows_of_people import ConsentRow
from tertulia.storage.schema import check_version, ensure_schema, ensure_writable, schema_version
from tertulia.storage.target import Target
from tertulia.storage.writer import Writer

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "Duplicate", "Ended", "LeaseHeld", "Log", "LogError", "LostLease", "NotFound", "QueryError", "Refused", "Result",
    "SchemaMismatch", "Unusable", "new_token",
]  # fmt: skip


class Log(Readers):
    """A log on SQLite or PostgreSQL.

    Writing is asynchronous, from any number of event loops and threads; every method returns when what it wrote is
    durable, and one that fails harms no other. Reading is synchronous. Close it, or use it in a `with`.
    """

    def __init__(self, target: Target) -> None:
        """Use `Log.open`."""
        self.target = target
        self._engine = target.engine()
        self._reads = target.engine(read_only=True)
        self._writer = Writer(self._engine, target)
        self._query = Query(target)
        self._prompts = Prompts()

    @classmethod
    def open(cls, target: str | Path | None = None, *, create: bool = True, writing: bool | None = None) -> Log:
        """Open a log, and make it first where there is none.

        `target` is a path, `sqlite:///PATH` or `postgresql+psycopg://...`; None is TERTULIA_DB or `./tertulia.db`.
        Who wants to write (`writing`; unless said, whoever may `create`) learns at once whether it can be.
        Raises `SchemaMismatch` for a log of another schema version, `LogError` for what is no log or cannot be
        reached or written, and, unless `create`, for what does not exist.
        """
        where = Target.of(target)
        if not create:
            found = schema_version(target)
            if found is None:
                raise LogError(f"there is no log at {where}; the first run makes one")
            check_version(where, found)
        log = cls(where)
        try:
            if create:
                ensure_schema(where, log._engine)
            if create if writing is None else writing:
                ensure_writable(where, log._engine)
        except LogError:
            log.close()
            raise
        return log

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Write what is queued and let go of all connections. May be called twice."""
        self._writer.close()
        self._query.close()
        self._reads.dispose()
        self._engine.dispose()

    async def begin(self, record: EpisodeRecord, *, lease_s: float | None = None) -> None:
        """Enter a new episode with its seats. Raises `Duplicate`.

        With `lease_s`, its lease lasts so long from the moment it is entered, by the database's clock.
        """
        rows = [record.episode, *record.participants, *record.interventions]
        await self._writer.do(work.Work(rows=rows, lease_s=lease_s))

    async def commit(self, record: TurnRecord) -> None:
        """Commit one turn, whole or not at all, and the episode's closing with it.

        Raises `LostLease` when the record's lease is not the episode's, or its turn does not follow the head.
        The record belongs to the log until this returns.
        """
        await self._writer.do(work.turn_work(record))

    def record_call(self, call: CallRow, lease: str | None = None) -> asyncio.Future[None]:
        """Enter one attempt at one call, whether or not its turn will ever be committed; to be awaited, also by those
        who are cancelled meanwhile (`Lasting`): what was answered has been paid. Raises `Duplicate`.

        With `lease`, only the worker that leads the episode may: raises `LostLease`.
        """
        guard = None if lease is None else {"b_episode": call.episode, "b_lease": lease}
        kept = self._prompts.shorten(call)
        written = self._writer.do(work.Work(rows=[kept], guard=guard), lasting=True)
        if kept.messages:
            written.add_done_callback(lambda _: self._remember(kept, written))
        return written

    def _remember(self, kept: CallRow, written: asyncio.Future[None]) -> None:
        """What is durable can be referred to by the calls that follow."""
        if not written.cancelled() and written.exception() is None:
            self._prompts.remember(kept)

    async def record(self, rows: Sequence[Row], lease: str | None = None) -> None:
        """Enter rows beside the turns (scores, a person's input, a batch), all or none. Raises `Duplicate`.

        With `lease`, the rows are of one episode, and only the worker that leads it may: raises `LostLease`.
        """
        guard = None if lease is None else {"b_episode": rows[0].__dict__["episode"], "b_lease": lease}
        await self._writer.do(work.Work(rows=list(rows), guard=guard))

    async def agree(self, consent: ConsentRow) -> None:
        """Enter that a person agreed to take part, and their pseudonym at their seat with it. Raises `Duplicate`."""
        await self._writer.do(work.agree_work(consent))

    async def withdraw(self, episode: str, participant: str) -> None:
        """Write at a person's consent, if they were asked for it, that they took their part back."""
        await self._writer.do(work.withdraw_work(episode, participant))

    async def fork(self, batch: BatchRow, forks: Sequence[EpisodeRecord]) -> None:
        """Enter a batch of forks, each with a copy of the turns it shares with its parent, all or none.

        The parents stay as they are. Raises `Duplicate`.
        """
        await self._writer.do(fork_work(batch, forks))

    async def lease(self, episode: str, token: str, *, ttl_s: float, force: bool = False) -> EpisodeRow:
        """Take or renew the lease of an episode for `ttl_s` seconds from now, and read where it stands.

        It is free when nobody has it, when it ran out, or when its holder was a process of this machine that has
        ended. Raises `LeaseHeld` otherwise, unless `force`; `NotFound` for an unknown episode.
        """
        row: EpisodeRow = await self._writer.do(work.lease_work(episode, token, ttl_s, force))
        return row

    async def release(self, episode: str, token: str) -> None:
        """Let go of a lease; nothing happens where it is no longer ours."""
        await self._writer.do(work.release_work(episode, token))

    async def renew(self, token: str, *, ttl_s: float) -> int:
        """Renew all leases of one worker for `ttl_s` seconds from now, in one statement; how many it still has."""
        count: int = await self._writer.do(work.renew_work(token, ttl_s))
        return count

    async def set_grid(self, batch: str, grid: Any, *, was: Any) -> bool:
        """Keep a batch's grid anew, which has grown from what it `was`. False, with nothing changed, where it is
        something else by now."""
        kept: bool = await self._writer.do(work.grid_work(batch, grid, was))
        return kept

    async def close_episode(self, episode: str, token: str, closing: Closing) -> None:
        """Write how an episode ended or paused, outside a turn, and let go of its lease.

        Raises `LostLease`, and `Ended` where it had ended already.
        """
        await self._writer.do(work.Work(closing=work.closing_params(episode, token, closing)))

    async def special(self, item: work.Work) -> None:
        """Do something that must read before it writes, in one transaction of its own."""
        await self._writer.do(item)

    def query(self, sql: str, params: Sequence[Any] = (), limit: int | None = None) -> Result:
        """The answer to one SQL statement that only reads; `?` stands for a parameter on both databases.

        At most `limit` rows. Values are str, int, float, bytes or None, texts as they were written, times as
        `YYYY-MM-DD HH:MM:SS.ffffff` in UTC, truth values 1 and 0: the same on both databases.
        Raises `QueryError` for what is wrong or tries to write.
        """
        return self._query.ask(sql, params, limit)

    def query_each(
        self, sql: str, params: Sequence[Any], take: Callable[[tuple[str, ...], list[tuple[Any, ...]]], None],
        *, limit: int | None = None, at_once: int = 10_000,
    ) -> None:  # fmt: skip
        """`query` for an answer that is larger than memory should be: `take` gets the names of the columns and at most
        `at_once` rows, as often as there are more, and once where there are none. It must not ask this log itself."""
        self._query.ask_each(sql, params, take, limit=limit, at_once=at_once)

    def df(
        self, what: str, /, params: Sequence[Any] | Mapping[str, Any] = (), *, episode: Any = None,
        batch: str | None = None, limit: int | None = None, **where: Any,
    ) -> DataFrame:  # fmt: skip
        """A view, a table, a named query or any SQL that reads, as a pandas DataFrame.

            log.df("v_beliefs", episode="last", holder="alice", variable=["cake", "house"])
            log.df("who-changed-their-mind", {"most": 10}, batch="study")
            log.df("SELECT turn, count(*) AS n FROM v_transcript WHERE episode = ? GROUP BY turn", [id])

        `episode` is an id, the beginning of one, `last`, what `tertulia.run` returned, or a list of these; `batch` a
        batch's id or its beginning. Other keywords are columns of the view or table: a value, a list of values, or
        None for NULL. `params` are the values for `?` in SQL, by name for a named query.

        The dtypes of a view's and a table's columns are the same whatever stands in them: `str`, `Int64`, `float64`,
        `boolean` (all with missing values) and UTC times; JSON is left as text. Of SQL and named queries they are those
        of the values, with truth values as 1 and 0. A lone surrogate, which no file takes, is written as `\\udc00`.
        Raises `QueryError` for what is wrong, `NotFound` for an episode or a batch there is not, `LogError` without
        the extra `data`.
        """
        from tertulia.storage.frames import frame

        return frame(self, what, params, episode=episode, batch=batch, limit=limit, where=where)

    def measure(
        self, names: str | Sequence[str] = (), *, episode: Any = None, batch: str | None = None,
        by: str | Sequence[str] = (), baseline: str | None = None,
    ) -> DataFrame:  # fmt: skip
        """Measures by name or family (all where none is named) as a pandas DataFrame: what `tertulia measures run`
        computes, over all episodes that were played to their end, those of a `batch`, or those given as in `df`.

        A row is a figure (`kind` is `figure`) or, between the cells of a batch, what differs from the `baseline`,
        pair by pair (`difference`), with its interval (95 %, bootstrap) and n; what a measure is kept apart by
        (`by`, and what it never pools) are columns. Raises `QueryError` and what `df` raises.
        """
        from tertulia.storage.measures.frames import measured_frame

        return measured_frame(self, names, episode=episode, batch=batch, by=by, baseline=baseline)

    def interrupt(self) -> None:
        """End the queries that other threads wait for: they raise `QueryError`."""
        self._query.interrupt()
