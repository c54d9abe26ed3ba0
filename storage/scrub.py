"""After rows were forgotten: rid the database's own files of them, as far as that can be done from here."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError

from tertulia.storage.errors import first_line
from tertulia.storage.target import Target, sqlite_uri

_PATIENCE_S = 30.0
ALWAYS = (
    "copies made before: backups (`tertulia db backup`), exports, and files that commands printed into",
    "the disk below: blocks that were freed may be read until they are written over; so may snapshots of it",
)
"""What no program can reach from within a database."""


def scrub(target: Target, tables: Sequence[str]) -> list[str]:
    """Write the database anew without its free pages, and empty its write-ahead log. Returns what may still be
    somewhere, a line each."""
    with target.told_in_one_line():
        found = _sqlite(target) if target.path is not None else _postgres(target, tables)
    return [*found, *ALWAYS]


def _sqlite(target: Target) -> list[str]:
    assert target.path is not None
    uri = sqlite_uri(target.path, "rw")
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE_S)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        _optimize(connection)
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        return [f"{target.path.name}-wal: another program reads the log; close it and run the same command again"]
    return []


def _optimize(connection: sqlite3.Connection) -> None:
    """Full-text indexes keep words in segments of their own until these are merged; one that is added to the schema is
    reached here, whatever its name."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5%'"
    ).fetchall()
    for (name,) in rows:
        quoted = '"' + name.replace('"', '""') + '"'
        connection.execute(f"INSERT INTO {quoted}({quoted}) VALUES ('rebuild')")
        connection.execute(f"INSERT INTO {quoted}({quoted}) VALUES ('optimize')")


def _postgres(target: Target, tables: Sequence[str]) -> list[str]:
    assert target.url is not None
    engine = create_engine(target.url.update_query_dict(target.connecting()), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for table in tables:
                connection.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{table}"')
        left = [
            "the server's write-ahead log: what was written is in it until it is recycled, and in its archives and"
            " replicas for as long as these are kept"
        ]
        return [*left, *_statistics(engine)]
    finally:
        engine.dispose()


def _statistics(engine: Engine) -> list[str]:
    """The planner keeps samples of columns; the old ones are dead rows of a table that only a superuser may rewrite."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM (FULL) pg_catalog.pg_statistic")
            connection.exec_driver_sql("CHECKPOINT")  # files of tables that were written anew are removed by then
    except DBAPIError as error:
        return [
            f"samples that the planner keeps; let a superuser run VACUUM FULL pg_statistic ({first_line(error.orig)})"
        ]
    return []
