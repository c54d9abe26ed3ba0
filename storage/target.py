"""Where a log is: a SQLite file or a PostgreSQL database, and how connections to it are set up."""

from __future__ import annotations

import logging
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

from tertulia.storage import asleep, faults
from tertulia.storage.errors import LogError, Unusable, first_line

_DEFAULT = "tertulia.db"
_CONNECT_S = 10
"""How long a PostgreSQL server may take to answer at all."""

_NAME = "tertulia"
"""What our sessions on a server are called, unless the URL says otherwise."""


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

    def place(self) -> str:
        """Where what is logged is kept, in words that name no user and no folder."""
        if self.path is not None:
            return f"the log {self.path.name}, a file on this machine"
        assert self.url is not None
        host = self.url.host or self.url.query.get("host")
        away = isinstance(host, str) and not host.startswith("/") and host not in ("localhost", "127.0.0.1", "::1")
        return f"the log, a database on {host if away else 'this machine'}"

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
        _quiet_driver()
        theirs = self.url.query.get("options", "")
        try:
            return create_engine(
                self.url.update_query_dict(self.connecting()), pool_size=pool_size, max_overflow=16,
                pool_pre_ping=read_only,
                connect_args={"options": " ".join(part for part in (str(theirs), *self._options(read_only)) if part)},
            )  # fmt: skip
        except ModuleNotFoundError:
            raise LogError("a log on PostgreSQL needs the extra: pip install 'tertulia[postgres]'") from None

    def _options(self, read_only: bool) -> list[str]:
        """Settings of a session on a server: whoever sleeps keeps nobody waiting, no try waits long for a lock."""
        return [asleep.option()] if read_only else [asleep.option(), f"-c lock_timeout={int(1000 * faults.TRY_S)}"]

    def connecting(self) -> dict[str, str]:
        """What connections to a server need beyond the URL."""
        given = {} if self.url is None else self.url.query
        ours = {"connect_timeout": str(_CONNECT_S), "application_name": _NAME}
        return {key: value for key, value in ours.items() if key not in given}

    @contextmanager
    def told_in_one_line(self) -> Iterator[None]:
        """Turns what the driver raises into a `LogError` that names this log."""
        try:
            yield
        except (DBAPIError, sqlite3.Error, OSError) as error:
            raise self.told(error) from error

    def told(self, error: BaseException) -> LogError:
        """An error in one line that names this log: `Unusable` where it is the database that cannot be used."""
        if isinstance(error, LogError):
            return error
        if self.path is not None and self.path.is_dir():
            return Unusable(f"{self}: this is a folder; a log is a file")
        if self.path is not None and not self.path.parent.is_dir():
            return Unusable(f"{self}: there is no folder {self.path.parent}")
        fault = faults.fault_of(error)
        if fault is not None:
            return Unusable(f"{self}: {fault.said}")
        return LogError(f"{self}: {first_line(getattr(error, 'orig', None) or error)}")


_RIGHT = "a path, 'sqlite:///PATH' or 'postgresql+psycopg://USER@HOST/DATABASE'"


def sqlite_uri(path: Path, mode: str) -> str:
    """The file as a SQLite URI; `mode` is `ro`, `rw` or `rwc`.

    A log in a place where nothing can be written is read as one that nobody writes: SQLite would else make files there.
    """
    unchanging = mode == "ro" and not os.access(path.parent, os.W_OK) and not _has_open_wal(path)
    return f"{path.absolute().as_uri()}?mode={mode}" + ("&immutable=1" if unchanging else "")


def _has_open_wal(path: Path) -> bool:
    """Whether something of the log may still stand in its write-ahead log."""
    try:
        return Path(f"{path}-wal").stat().st_size > 0
    except OSError:
        return False


def _quiet_driver() -> None:
    """The driver's warnings about a connection that broke go to whoever set up logging, not to stderr: we tell it."""
    driver = logging.getLogger("psycopg")
    if not driver.handlers:
        driver.addHandler(logging.NullHandler())


def _sqlite_engine(path: Path, read_only: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            sqlite_uri(path, "ro" if read_only else "rwc"),
            uri=True,
            timeout=faults.PATIENCE_S if read_only else faults.TRY_S,
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
