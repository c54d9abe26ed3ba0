"""Rows into tables, by the shortest way: one prepared INSERT a table, parameters converted column by column.

SQLAlchemy's own `insert()` converts each value of each row through several calls; this costs a third of it in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.types import TypeEngine

from tertulia.storage.rows import Row
from tertulia.storage.tables import table_of
from tertulia.storage.types import Json, Text, Utc, escape_text, write_json


class Inserter:
    """Writes rows of one type, given as the rows' own dictionaries, on SQLite or on PostgreSQL."""

    def __init__(self, row_type: type[Row], dialect: str) -> None:
        table = table_of(row_type)
        names = list(table.columns.keys())
        mark = "?" if dialect == "sqlite" else "%s"
        columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join([mark] * len(names))
        self._sql = f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})'
        self._values = itemgetter(*names)
        converters = [(place, _converter(column.type, dialect)) for place, column in enumerate(table.columns)]
        self._converters = [(place, convert) for place, convert in converters if convert is not None]

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert all rows, or raise what the driver raises."""
        columns: list[Sequence[Any]] = list(zip(*map(self._values, rows), strict=True))
        for place, convert in self._converters:
            columns[place] = [None if value is None else convert(value) for value in columns[place]]
        connection.exec_driver_sql(self._sql, list(zip(*columns, strict=True)))


def _converter(kind: TypeEngine[Any], dialect: str) -> Callable[[Any], Any] | None:
    """What the column type's own `process_bind_param` does; None where the driver takes the value as it is."""
    if isinstance(kind, Text):
        return escape_text
    if isinstance(kind, Json):
        return write_json
    if isinstance(kind, Utc):
        return _utc_text if dialect == "sqlite" else _utc
    return None


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


@cache
def inserter(row_type: type[Row], dialect: str) -> Inserter:
    """The inserter of a row type for `sqlite` or `postgresql`; made once."""
    return Inserter(row_type, dialect)
