"""SQL from outside, strictly read-only on both databases."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from tertulia.storage.errors import QueryError, first_line
from tertulia.storage.naming import remedy
from tertulia.storage.target import Target, sqlite_uri
from tertulia.storage.types import ESCAPE, escape_text, unescape_text

R = TypeVar("R")

_SQLITE_MAY = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "data_version"}
)
_PRAGMAS_OF_PAGES = frozenset({"database_list", "foreign_key_list", "schema_version"})
"""What a program that shows the whole log asks for beyond these."""
_LONGEST_BYTES = 50_000_000
"""A text that a page may make; nothing in a log comes near."""
_LOOKED_THROUGH = 5_000
"""Rows whose values are put together to be looked through: what repeats, as most does, is looked at once."""
_NAMES = re.compile(r"\w+")
_VIRTUAL = frozenset({"event_words", "thought_words", "json_each", "json_tree"})
"""The full-text tables of a log on SQLite (`search.py` says what they are), and lists in JSON as tables."""
_BLANK = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_READS = re.compile(
    rf"{_BLANK}(?:explain\b{_BLANK}(?:\([^)]*\){_BLANK}|(?:analyze|verbose)\b{_BLANK})*)?"
    rf"(?:\({_BLANK})*(?:select|with|values|table|show)\b",
    re.DOTALL | re.IGNORECASE,
)
"""How a statement begins that can only read, or that a read-only transaction keeps from writing."""
_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ | [?%]""", re.DOTALL | re.VERBOSE
)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a query: the names of its columns, and its rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Query:
    """Asks one database. The guard is the database's own: what it is not allowed to do, no SQL can make it do."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._postgres: Any = None
        self._idle: list[sqlite3.Connection] = []
        self._asking: set[Any] = set()
        """The connections on which statements run now."""
        self._interrupted = False
        """A server may take up a request to cancel late: then it must not meet the next statement."""

    def ask(self, sql: str, params: Sequence[Any], limit: int | None) -> Result:
        """See `Log.query`."""
        return self._ask(sql, params, lambda rows: Result(rows.columns, rows.fetch(limit)))

    def ask_each(
        self, sql: str, params: Sequence[Any], take: Callable[[tuple[str, ...], list[tuple[Any, ...]]], None],
        *, limit: int | None, at_once: int,
    ) -> None:  # fmt: skip
        """See `Log.query_each`."""

        def hand_on(rows: _Rows) -> None:
            left, first = limit, True
            while left is None or left > 0 or first:
                some = rows.fetch(at_once if left is None else min(at_once, left))
                if some or first:
                    take(rows.columns, some)
                if len(some) < at_once:
                    return
                left, first = None if left is None else left - len(some), False

        self._ask(sql, params, hand_on)

    def _ask(self, sql: str, params: Sequence[Any], read: Callable[[_Rows], R]) -> R:
        """What `read` makes of the answer while it stands before its rows."""
        if not sql.strip():
            raise QueryError("nothing is asked")
        sql = escape_text(sql)
        bound = tuple(escape_text(value) if isinstance(value, str) else value for value in params)
        answer = self._ask_sqlite if self._target.dialect == "sqlite" else self._ask_postgres
        return answer(sql, bound, read)

    def interrupt(self) -> None:
        """End the statements that other threads wait for: they raise `QueryError`. Nothing happens where none runs."""
        for running in tuple(self._asking):
            self._interrupted = True
            running.interrupt() if self._target.dialect == "sqlite" else running.cancel()

    @contextmanager
    def _interruptible(self, connection: Any) -> Iterator[None]:
        self._asking.add(connection)
        try:
            yield
        finally:
            self._asking.discard(connection)

    def close(self) -> None:
        """Let go of the connection. May be called twice."""
        with self._lock:
            if self._postgres is not None:
                self._postgres.close()
                self._postgres = None
            while self._idle:
                self._idle.pop().close()

    def _ask_sqlite(self, sql: str, params: tuple[Any, ...], read: Callable[[_Rows], R]) -> R:
        try:
            with self._connected() as connection, self._interruptible(connection):
                _set_up(connection, sql)
                connection.set_authorizer(_authorize)
                with closing(connection.execute(sql, params)) as cursor:
                    if cursor.description is None:
                        raise QueryError("nothing is asked")
                    return read(_Rows(cursor, _as_written))
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
            said = first_line(error)
            reads_only = "not authorized" in said or "prohibited" in said
            raise QueryError(_READS_ONLY if reads_only else remedy(said, sql)) from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection of our own, kept for the next question: to open one is to read the whole schema again."""
        assert self._target.path is not None
        try:
            connection = self._idle.pop()
            connection.set_authorizer(None)
        except IndexError:
            connection = opened_to_read(self._target.path)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _ask_postgres(self, sql: str, params: tuple[Any, ...], read: Callable[[_Rows], R]) -> R:
        import psycopg

        if not _READS.match(sql):
            raise QueryError(_READS_ONLY)
        statement = _numbered(sql) if params else sql
        try:
            with (
                self._lock, self._reading() as connection, self._interruptible(connection),
                connection.cursor() as cursor,
            ):  # fmt: skip
                cursor.execute("SELECT 1")  # from its first snapshot on, a read-only transaction stays one
                # A prepared statement is one statement: nothing can follow a semicolon.
                cursor.execute(statement, params or None, prepare=True)
                return read(_Rows(cursor, _all_plain))
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise QueryError(_READS_ONLY) from error
        except psycopg.errors.QueryCanceled as error:
            raise QueryError("interrupted") from error
        except (psycopg.Error, OverflowError, ValueError) as error:
            raise QueryError(remedy(first_line(error), sql)) from error

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        import psycopg

        if self._interrupted and self._postgres is not None:
            self._postgres.close()
        self._interrupted = False
        if self._postgres is None or self._postgres.closed:
            assert self._target.url is not None
            whole = self._target.url.update_query_dict(self._target.connecting())
            url = whole.set(drivername="postgresql").render_as_string(hide_password=False)
            try:
                # Compiling a view takes half a second; what is asked of one episode is answered long before.
                self._postgres = psycopg.connect(url, options="-c timezone=UTC -c jit=off")
            except psycopg.Error as error:
                raise self._target.told(error) from error
            self._postgres.read_only = True
        try:
            yield self._postgres
        finally:
            if not self._postgres.closed:
                self._postgres.rollback()


_READS_ONLY = "a query only reads: SELECT, WITH, VALUES or EXPLAIN; the log is written by runs alone"


def _set_up(connection: sqlite3.Connection, sql: str) -> None:
    """Have SQLite set up the virtual tables that a query names. To do so it declares their columns to itself, which
    the authorizer would take for a change of the schema."""
    for word in {word.casefold() for word in _NAMES.findall(sql)} & _VIRTUAL:
        with suppress(sqlite3.Error):  # a log of before there was a search; the query itself will say so
            connection.execute(f"SELECT 1 FROM {word} LIMIT 0")


class _Rows:
    """An answer whose rows have not all been read."""

    def __init__(self, cursor: Any, plain: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]]) -> None:
        self.columns = tuple(column[0] for column in cursor.description or ())
        self._cursor, self._plain = cursor, plain

    def fetch(self, limit: int | None) -> list[tuple[Any, ...]]:
        """The next rows, at most `limit` of them, as SQLite would give them."""
        if limit is not None and limit <= 0:
            return []
        found = self._cursor.fetchall() if limit is None else self._cursor.fetchmany(limit)
        return self._plain(found)


def opened_to_read(path: Path, *, for_pages: bool = False) -> sqlite3.Connection:
    """A connection to a log on SQLite that does not write, for any thread (another may interrupt it). With `for_pages`
    it is one that whatever it is asked can only read, and that also tells about the schema. Raises `sqlite3.Error`."""
    connection = sqlite3.connect(sqlite_uri(path, "ro"), uri=True, timeout=30, check_same_thread=False)
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")
    if not for_pages:
        return connection
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_BYTES)
    _set_up(connection, " ".join(_VIRTUAL))

    def authorize(
        action: int, first: str | None, second: str | None, database: str | None, source: str | None
    ) -> int:  # fmt: skip
        told = action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS_OF_PAGES
        if told and (second is None or first == "foreign_key_list"):
            return sqlite3.SQLITE_OK
        return _authorize(action, first, second, database, source)

    connection.set_authorizer(authorize)
    return connection


def _authorize(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    """SQLite asks this for every part of a statement while it compiles it."""
    if action in _SQLITE_MAY:
        return sqlite3.SQLITE_DENY if second == "load_extension" else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in _PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _numbered(sql: str) -> str:
    """`?` outside quotes and comments becomes the driver's own mark; its special character is doubled."""
    return _TOKENS.sub(lambda found: "%s" if found[0] == "?" else found[0].replace("%", "%%"), sql)


def _as_written(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of SQLite, where texts alone may stand otherwise than they were written, and hardly ever do."""
    for start in range(0, len(rows), _LOOKED_THROUGH):
        some = rows[start : start + _LOOKED_THROUGH]
        if any([type(value) is str and ESCAPE in value for value in set(chain.from_iterable(some))]):  # noqa: C419  twice as fast as a generator
            rows[start : start + _LOOKED_THROUGH] = _all_plain(some)
    return rows


def _all_plain(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(map(_plain, row)) for row in rows]


def _plain(value: Any) -> Any:
    """A value as SQLite would give it."""
    if isinstance(value, str):
        return unescape_text(value)
    if value is None or type(value) in (int, float, bytes):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 and abs(value) < 2**63 else float(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return str(value)
