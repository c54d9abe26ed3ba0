"""Which schema a database has, and how an empty one gets it. Alembic is imported only when there is work for it."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, inspect, text

from tertulia.storage.errors import LogError, SchemaMismatch
from tertulia.storage.faults import patiently
from tertulia.storage.tables import METADATA
from tertulia.storage.target import Target, sqlite_uri
from tertulia.storage.views import create_views, drop_views

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
"""The newest revision in `migrations/versions`: the schema this program reads and writes."""

_VERSION_TABLE = "alembic_version"
_WRITES_NOTHING = (
    "UPDATE episode SET head = head WHERE 1 = 0",
    "INSERT INTO episode SELECT * FROM episode WHERE 1 = 0",
    "INSERT INTO call SELECT * FROM call WHERE 1 = 0",
)
"""What a database without the right to write refuses, and any other does without a change."""
_LOCK = 7_468_293_150
"""Two programs that find the same empty PostgreSQL database take turns by this advisory lock."""


def schema_version(target: str | Path | None = None) -> str | None:
    """The schema version of a log; None where there is none yet. Raises `LogError`, also for another's database."""
    where = Target.of(target)
    if not where.exists():
        return None
    engine = where.engine(read_only=True)
    try:
        with where.told_in_one_line(), engine.connect() as connection:
            found = _version(connection)
            if found is None:
                _must_be_empty(where, connection)
            return found
    finally:
        engine.dispose()


def migrate(target: str | Path | None = None) -> tuple[str | None, str]:
    """Bring a log to this program's schema and make its views anew; gives the versions before and after.

    All or nothing. Raises `LogError`, also for a log that a newer tertulia wrote.
    """
    where = Target.of(target)
    engine = where.engine()

    def upgrade() -> str | None:
        with engine.connect() as connection, connection.begin():
            before = _version(connection)
            if before is None:
                _must_be_empty(where, connection)
            _upgrade(where, connection)
            return before

    try:
        with where.told_in_one_line():
            return patiently(where, upgrade), HEAD
    finally:
        engine.dispose()


def backup(target: str | Path | None, destination: str | Path) -> Path:
    """Copy a SQLite log, also while it is written to, into a new file. Raises `LogError`."""
    where, there = Target.of(target), Path(destination)
    if where.path is None:
        raise LogError(f"{where} is on a server; copy it with: pg_dump --format=custom --file={there} DATABASE")
    if not where.exists():
        raise LogError(f"there is no log at {where}")
    if there.exists():
        raise LogError(f"{there} is already there; a backup overwrites nothing")
    with where.told_in_one_line(), closing(sqlite3.connect(sqlite_uri(where.path, "ro"), uri=True)) as source:
        with Target(path=there).told_in_one_line():
            copy = sqlite3.connect(there)
        with closing(copy):
            source.backup(copy)
    return there


def ensure_schema(where: Target, engine: Engine) -> None:
    """Give an empty database its schema; raise `SchemaMismatch` for one of another version."""
    with where.told_in_one_line():
        check_version(where, patiently(where, lambda: _made(where, engine)))


def ensure_writable(where: Target, engine: Engine) -> None:
    """Raises `LogError` where nothing can be written: before a model is paid for an answer that could not be kept."""

    def try_it() -> None:
        with engine.connect() as connection, connection.begin() as transaction:
            for statement in _WRITES_NOTHING:
                connection.execute(text(statement))
            transaction.rollback()

    with where.told_in_one_line():
        patiently(where, try_it)


def _made(where: Target, engine: Engine) -> str | None:
    """The schema version, of a schema made now where there was none."""
    with engine.connect() as connection:
        found = _version(connection)
        if found is not None:
            return found
        connection.rollback()
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            found = _version(connection)  # another program may have been faster
            if found is None:
                _must_be_empty(where, connection)
                _upgrade(where, connection)
                found = HEAD
        return found


def check_version(where: Target, found: str | None) -> None:
    """Raises `SchemaMismatch` unless the log has this program's schema."""
    if found is not None and found > HEAD:
        raise SchemaMismatch(_newer(where, found))
    if found != HEAD:
        raise SchemaMismatch(
            f"{where} has schema {found or 'none'}, this tertulia works with {HEAD}; to bring it up to date: "
            f"tertulia db migrate --db {shlex.quote(str(where))}"
        )


def _newer(where: Target, found: str) -> str:
    return f"{where} was written by a newer tertulia (schema {found}); this one works with {HEAD}; use the newer one"


def alembic_config(connection: Connection) -> Config:
    """What Alembic needs to work on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found: Any = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def _must_be_empty(where: Target, connection: Connection) -> None:
    names = set(inspect(connection).get_table_names())
    theirs = names if where.dialect == "sqlite" else names & set(METADATA.tables)
    if theirs:
        raise LogError(f"{where} is a database of something else: it has tables ({', '.join(sorted(theirs)[:3])}, ...)")


def _upgrade(where: Target, connection: Connection) -> None:
    from alembic import command
    from alembic.util import CommandError

    found = _version(connection)
    drop_views(connection)
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError:
        raise LogError(_newer(where, found or "unknown")) from None
    create_views(connection)
