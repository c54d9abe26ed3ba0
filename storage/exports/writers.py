"""Rows as JSON lines and as CSV, one after the other."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from tertulia.storage.exports.columns import Column, Kind
from tertulia.storage.spreadsheets import inert
from tertulia.storage.types import escape_text, write_json

Rows = Sequence[tuple[Any, ...]]


class RowWriter(Protocol):
    """Takes rows as they come; what it was given is in its file when it is closed."""

    def write(self, rows: Rows) -> None: ...
    def close(self) -> None: ...


class Lines(Protocol):
    """Where lines of text go."""

    def write(self, text: str, /) -> int: ...
    def flush(self) -> None: ...


class JsonLines:
    """One object a line, in ASCII: every text exactly, lone surrogates and NUL as JSON escapes them. JSON columns are
    values, times are ISO 8601 in UTC; what JSON has no number for (infinity) is a word."""

    def __init__(self, file: Lines, columns: Sequence[Column]) -> None:
        self._file, self._columns = file, columns

    def write(self, rows: Rows) -> None:
        for row in rows:
            values = {column.name: _json(value) for column, value in zip(self._columns, row, strict=True)}
            self._file.write(json.dumps(values, allow_nan=False) + "\n")

    def close(self) -> None:
        self._file.flush()


class Csv:
    """As RFC 4180 has it, in UTF-8: texts stand in quotation marks, NULL is an empty field without them; true and false
    are words, times ISO 8601 in UTC, JSON is JSON.

    A text that a spreadsheet would run gets an apostrophe before it (`inert`; `as_it_was` takes it away). What UTF-8
    lacks, and NUL, is written as the log keeps it (`storage.types.unescape_text` reads it).
    """

    def __init__(self, file: Lines, columns: Sequence[Column]) -> None:
        self._file, self._kinds = file, [column.kind for column in columns]
        self._line(column.name for column in columns)

    def write(self, rows: Rows) -> None:
        for row in rows:
            self._line(_cell(kind, value) for kind, value in zip(self._kinds, row, strict=True))

    def close(self) -> None:
        self._file.flush()

    def _line(self, cells: Iterable[str]) -> None:
        self._file.write(",".join(cells) + "\r\n")


def _cell(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind is Kind.text:
        return _quoted(inert(escape_text(value)))
    if kind is Kind.json:
        return _quoted(write_json(value))
    if isinstance(value, datetime):
        return iso(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def iso(value: datetime) -> str:
    """A time in UTC, to the microsecond, as `2026-03-01T12:30:15.250001Z`."""
    return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
