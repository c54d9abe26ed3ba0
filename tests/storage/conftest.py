"""Logs to test with: every test that asks for `log` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tertulia.storage.tables import METADATA
from tertulia.storage.target import Target
from tests.postgres import Server


@pytest.fixture(scope="session")
def one_database(postgres_server: Server) -> Iterator[str]:
    """A PostgreSQL database with a log in it, for one test after the other."""
    with postgres_server.fresh() as url:
        Log.open(url).close()
        yield url


@pytest.fixture
def postgres_log(one_database: str) -> Iterator[Log]:
    """An empty log on PostgreSQL."""
    engine = Target.of(one_database).engine()
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in METADATA.tables))
    engine.dispose()
    with Log.open(one_database) as opened:
        yield opened


@pytest.fixture
def sqlite_log(tmp_path: Path) -> Iterator[Log]:
    """An empty log on SQLite."""
    with Log.open(tmp_path / "log.db") as opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest) -> Log:
    """An empty log."""
    found: Log = request.getfixturevalue("sqlite_log" if request.param == "sqlite" else "postgres_log")
    return found
