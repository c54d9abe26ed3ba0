"""Logs to test with: every test that asks for `target` or `log` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tests.postgres import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place without a log."""
    if request.param == "sqlite":
        return str(tmp_path / "log.db")
    server: Server = request.getfixturevalue("postgres_server")
    return server.fresh()


@pytest.fixture(scope="session")
def template(postgres_server: Server) -> str:
    """The name of a PostgreSQL database with an empty log in it, to be copied."""
    url = postgres_server.fresh()
    Log.open(url).close()
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """An empty log."""
    if request.param == "sqlite":
        where = str(tmp_path / "log.db")
    else:
        server: Server = request.getfixturevalue("postgres_server")
        where = server.fresh(request.getfixturevalue("template"))
    with Log.open(where) as opened:
        yield opened
