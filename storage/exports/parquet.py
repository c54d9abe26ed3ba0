"""Rows as Parquet: typed columns, a row group for each some thousands of rows, and in the file what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tertulia.storage.errors import LogError
from tertulia.storage.exports.columns import Column, Kind
from tertulia.storage.exports.writers import Rows
from tertulia.storage.types import escape_text, write_json

_GROUP_ROWS = 100_000
_GROUP_BYTES = 8_000_000
"""A row group is written when either is reached: what is held in memory for a file, however large the log."""


class Parquet:
    """Text is UTF-8; what UTF-8 lacks is written as the log keeps it (`storage.types.unescape_text` reads it). Times
    are microseconds in UTC. JSON is text, its column marked `json` in the field's metadata. NULL is null."""

    def __init__(self, path: Path, columns: Sequence[Column], about: Mapping[str, str]) -> None:
        pa, pq = arrow()
        types = {
            Kind.text: pa.string(), Kind.json: pa.string(), Kind.integer: pa.int64(), Kind.number: pa.float64(),
            Kind.boolean: pa.bool_(), Kind.time: pa.timestamp("us", tz="UTC"),
        }  # fmt: skip
        fields = [
            pa.field(column.name, types[column.kind], metadata={"kind": column.kind.value, "about": column.about})
            for column in columns
        ]
        self._schema = pa.schema(fields, metadata={f"tertulia.{name}": value for name, value in about.items()})
        self._pa, self._kinds = pa, [column.kind for column in columns]
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[Any] = []
        self._rows = self._bytes = 0

    def write(self, rows: Rows) -> None:
        if not rows:
            return
        columns = zip(*rows, strict=True)
        arrays = [
            self._pa.array([_value(kind, value) for value in values], field.type)
            for kind, values, field in zip(self._kinds, columns, self._schema, strict=True)
        ]
        batch = self._pa.record_batch(arrays, self._schema)
        self._waiting.append(batch)
        self._rows, self._bytes = self._rows + len(rows), self._bytes + batch.nbytes
        if self._rows >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(self._pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows, self._bytes = [], 0, 0


def arrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet part. Raises `LogError` where the extra is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise LogError("parquet needs the extra: pip install 'tertulia[data]'; or take --to jsonl") from None
    return pyarrow, pyarrow.parquet


def _value(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.json:
        return write_json(value)
    return escape_text(value) if kind is Kind.text else value
