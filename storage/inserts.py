"""Rows into tables, by the shortest way: one prepared INSERT a table, parameters converted column by column.

SQLAlchemy's own `insert()` converts each value of each row through several calls, and its connection puts several
layers above the cursor; this costs a fifth of it in all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from tertulia.storage.rows import Row
from tertulia.storage.tables import table_of
from tertulia.storage.types import Json, Text, Utc, escape_text, needs_escape, write_json

_AT_ONCE = (32, 8, 3)
"""So many rows go into SQLite by one statement, where that has no more than `_PARAMETERS`. The driver lets go of the
interpreter's lock for each statement that it runs, and may have to wait for it. One row or two go by themselves."""
_PARAMETERS = 999
"""What every SQLite takes; newer ones take more."""


class Inserter:
    """Writes rows of one type, given as the rows' own dictionaries, on SQLite or on PostgreSQL."""

    def __init__(self, row_type: type[Row], dialect: str) -> None:
        table = table_of(row_type)
        names = list(table.columns.keys())
        mark = "?" if dialect == "sqlite" else "%s"
        columns, marks = ", ".join(f'"{name}"' for name in names), f"({', '.join([mark] * len(names))})"
        self._sql = f'INSERT INTO "{table.name}" ({columns}) VALUES {marks}'
        self._together = [
            (rows, f"{self._sql}{f', {marks}' * (rows - 1)}")
            for rows in _AT_ONCE
            if dialect == "sqlite" and rows * len(names) <= _PARAMETERS
        ]
        self._values = itemgetter(*names)
        converters = [(place, _converter(column.type, dialect)) for place, column in enumerate(table.columns)]
        self._converters = [(place, convert) for place, convert in converters if convert is not None]

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert all rows, or raise what SQLAlchemy makes of what the driver raises."""
        columns: list[Sequence[Any]] = list(zip(*map(self._values, rows), strict=True))
        for place, convert in self._converters:
            columns[place] = convert(columns[place])
        params, begun = list(zip(*columns, strict=True)), 0
        for together, sql in self._together:
            while begun + together <= len(params):
                execute(connection, sql, [tuple(chain.from_iterable(params[begun : begun + together]))])
                begun += together
        if begun < len(params):
            execute(connection, self._sql, params[begun:])


def execute(connection: Connection, sql: str, params: Sequence[Any]) -> int:
    """One `executemany`, straight to the driver: how many rows it changed. Raises the errors that SQLAlchemy raises.

    The layers above a cursor (contexts, events, results) take several times what SQLite needs for a small statement.
    """
    dialect, raw = connection.dialect, connection.connection.dbapi_connection
    assert raw is not None
    cursor = None
    try:
        cursor = raw.cursor()
        cursor.executemany(sql, params)
        return int(cursor.rowcount)
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, raw, cursor)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql, params, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
        ) from error
    finally:
        if cursor is not None:
            cursor.close()


class Statement:
    """One statement over `:named` parameters that the driver takes as they are: plain texts and numbers of ours."""

    def __init__(self, sql: str) -> None:
        self._sql = {"sqlite": sql, "postgresql": re.sub(r":(\w+)", r"%(\1)s", sql)}

    def run(self, connection: Connection, params: Sequence[Mapping[str, Any]]) -> int:
        """Run it once for each; how many rows were changed in all."""
        return execute(connection, self._sql[connection.dialect.name], params)


Convert = Callable[[Sequence[Any]], Sequence[Any]]
"""From a column of values to what the driver takes."""


def _converter(kind: TypeEngine[Any], dialect: str) -> Convert | None:
    """What the column type's own `process_bind_param` does; None where the driver takes the values as they are."""
    if isinstance(kind, Text):
        return _texts
    if isinstance(kind, Json):
        return partial(_each, write_json)
    if isinstance(kind, Utc):
        return partial(_each, _utc_text if dialect == "sqlite" else _utc)
    return None


def _texts(column: Sequence[str | None]) -> Sequence[str | None]:
    """Nearly always nothing has to be escaped, and one look at all of them tells."""
    if needs_escape("".join([text for text in column if text])):
        return _each(escape_text, column)
    return column


def _each(convert: Callable[[Any], Any], column: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else convert(value) for value in column]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


@cache
def inserter(row_type: type[Row], dialect: str) -> Inserter:
    """The inserter of a row type for `sqlite` or `postgresql`; made once."""
    return Inserter(row_type, dialect)
