"""Views and tables as files: one file each, with a page beside them that says what they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tertulia.storage.exports.chosen import Asks, Chosen
from tertulia.storage.exports.columns import Source
from tertulia.storage.exports.files import MANIFEST, whole_file, whole_folder
from tertulia.storage.exports.parquet import Parquet, arrow
from tertulia.storage.exports.writers import Csv, JsonLines, Lines, RowWriter, iso
from tertulia.storage.schema import HEAD
from tertulia.storage.types import now

FORMATS = ("parquet", "jsonl", "csv")
_BEGINS = {"parquet": b"PAR1", "jsonl": b"{", "csv": b""}
"""How a file of each begins; a table as CSV with the name of its first column."""
Told = Callable[[], None]


@dataclass(slots=True)
class Written:
    """A file, the view or table in it, and how many rows."""

    name: str
    file: str
    rows: int = 0


def export_folder(
    log: Asks, chosen: Chosen, sources: Sequence[Source], format: str, path: Path, *, version: str, dialect: str,
    replace: bool = False, told: Told = lambda: None,
) -> list[Written]:  # fmt: skip
    """One file for each view or table, and `export.json`. The log is read episode by episode: memory holds the rows of
    one at a time. Raises `CannotWrite`, `QueryError`."""
    _ready(format)
    with whole_folder(path, replace=replace) as folder:
        files = [Written(source.name, f"{source.name}.{format}") for source in sources]
        about = {"version": version, "schema": HEAD, "exported_at": iso(now())}
        with ExitStack() as stack:
            writers = [
                stack.enter_context(_writing(folder / one.file, source, format, about))
                for one, source in zip(files, sources, strict=True)
            ]
            for episode in chosen.episodes:
                for source, writer, file in zip(sources, writers, files, strict=True):
                    file.rows += _copy(log, source, episode, writer)
                told()
        manifest = _manifest(chosen, sources, format, files, {**about, "database": dialect})
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="ascii")
    return files


def export_file(
    log: Asks, chosen: Chosen, source: Source, format: str, path: Path, *, version: str, replace: bool = False
) -> Written:
    """One view or table as one file, without a page beside it."""
    _ready(format)
    written = Written(source.name, str(path))
    about = {"version": version, "schema": HEAD, "exported_at": iso(now())}
    begins = [_BEGINS[format] or f"{source.columns[0].name},".encode()]
    with (
        whole_file(path, begins=begins, replace=replace) as beside,
        _writing(beside, source, format, about) as writer,
    ):
        for episode in chosen.episodes:
            written.rows += _copy(log, source, episode, writer)
    return written


def export_stream(log: Asks, chosen: Chosen, source: Source, format: str, file: Lines) -> Written:
    """One view or table on an open file, as it is read; `jsonl` or `csv`."""
    written = Written(source.name, "-")
    writer = _row_writer(file, source, format)
    for episode in chosen.episodes:
        written.rows += _copy(log, source, episode, writer)
    writer.close()
    return written


def _copy(log: Asks, source: Source, episode: str, writer: RowWriter) -> int:
    rows = source.in_order(log.query(source.sql, [episode]))
    writer.write(rows)
    return len(rows)


def _ready(format: str) -> None:
    if format == "parquet":
        arrow()  # what is missing is told before anything is written


@contextmanager
def _writing(path: Path, source: Source, format: str, about: dict[str, str]) -> Iterator[RowWriter]:
    if format == "parquet":
        writer: RowWriter = Parquet(path, source.columns, {**about, "source": source.name, "query": source.sql})
        yield writer
        writer.close()
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = _row_writer(file, source, format)
        yield writer
        writer.close()


def _row_writer(file: Lines, source: Source, format: str) -> RowWriter:
    return JsonLines(file, source.columns) if format == "jsonl" else Csv(file, source.columns)


def _manifest(
    chosen: Chosen, sources: Sequence[Source], format: str, files: Sequence[Written], about: dict[str, str]
) -> dict[str, Any]:
    """What was written, from what, and what was left out."""
    tables = [
        {
            **asdict(file), "about": source.about, "query": source.sql,
            "columns": [asdict(column) for column in source.columns],
        }
        for file, source in zip(files, sources, strict=True)
    ]  # fmt: skip
    return {
        "tertulia": about["version"], "log_schema": about["schema"], "database": about["database"],
        "exported_at": about["exported_at"], "format": format, "episodes": len(chosen.episodes),
        "left_out": dict(chosen.left_out), "episodes_with_people": chosen.people, "local_only": chosen.local_only,
        "query_parameter": "each query is asked once for each episode, with its id for the ?", "tables": tables,
    }  # fmt: skip
