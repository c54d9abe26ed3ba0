"""Where a log is: a SQLite file or a PostgreSQL database, and how connections to it are set up."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from tertulia.storage.errors import LogError, first_line

_DEFAULT = "tertulia.db"
_BUSY_S = 30.0
"""How long a writer waits for another process that holds the SQLite file's one write lock."""

_ASLEEP_MS = 15_000
"""A PostgreSQL session that sleeps within a transaction for so long (its process was stopped) loses it: whoever takes
over its episodes must not wait for its locks."""


@dataclass(frozen=True, slots=True)
class Target:
    """A SQLite file (`path`) or a PostgreSQL database (`url`). As text it shows no password."""

    path: Path | None = None
    url: URL | None = None

    @classmethod
    def of(cls, target: str | Path | None = None) -> Target:
        """None is the environment variable TERTULIA_DB, or `./tertulia.db`. Raises `LogError`."""
        if target is None:
            target = os.environ.get("TERTULIA_DB") or _DEFAULT
        if isinstance(target, Path) or "://" not in target:
            return cls(path=Path(target))
        try:
            url = make_url(target)
        except (ArgumentError, ValueError):
            raise LogError("the database URL cannot be read; right would be " + _RIGHT) from None
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            return cls(path=Path(url.database))
        if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
            return cls(url=url.set(drivername="postgresql+psycopg"))
        raise LogError(f"no log can be kept at '{url.drivername}://'; right would be {_RIGHT}")

    def __str__(self) -> str:
        if self.path is not None:
            return str(self.path)
        assert self.url is not None
        return self.url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.path is not None else "postgresql"

    def exists(self) -> bool:
        """Whether there is something to open. Of a PostgreSQL database only its server can tell."""
        return self.path is None or (self.path.exists() and self.path.stat().st_size > 0)

    def engine(self, *, read_only: bool = False, pool_size: int = 4) -> Engine:
        """Connections that begin a transaction only when told, and take the write lock at once when they do."""
        if self.path is not None:
            return _sqlite_engine(self.path, read_only)
        assert self.url is not None
        theirs = self.url.query.get("options", "")
        try:
            return create_engine(
                self.url, pool_size=pool_size, max_overflow=16, pool_pre_ping=read_only,
                connect_args={"options": f"{theirs} -c idle_in_transaction_session_timeout={_ASLEEP_MS}".strip()},
            )  # fmt: skip
        except ModuleNotFoundError:
            raise LogError("a log on PostgreSQL needs the extra: pip install 'tertulia[postgres]'") from None

    @contextmanager
    def told_in_one_line(self) -> Iterator[None]:
        """Turns what the driver raises into a `LogError` that names this log."""
        try:
            yield
        except DBAPIError as error:
            raise LogError(f"{self}: {self._reason(error.orig)}") from error
        except (sqlite3.Error, OSError) as error:
            raise LogError(f"{self}: {self._reason(error)}") from error

    def _reason(self, error: object) -> str:
        said = first_line(error)
        if self.path is None:
            return said
        if self.path.is_dir():
            return "this is a folder; a log is a file"
        if not self.path.parent.is_dir():
            return f"there is no folder {self.path.parent}"
        if "not a database" in said:
            return "this file is not a SQLite database"
        if "unable to open" in said or "readonly" in said:
            return "this file or its folder cannot be written"
        return said


_RIGHT = "a path, 'sqlite:///PATH' or 'postgresql+psycopg://USER@HOST/DATABASE'"


def sqlite_uri(path: Path, mode: str) -> str:
    """The file as a SQLite URI; `mode` is `ro`, `rw` or `rwc`."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def _sqlite_engine(path: Path, read_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            sqlite_uri(path, "ro" if read_only else "rwc"),
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,  # the driver's own idea of transactions off: we begin, commit and roll back
            check_same_thread=False,
        )
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        return connection

    engine = create_engine("sqlite://", creator=connect, pool_size=4, max_overflow=16, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
