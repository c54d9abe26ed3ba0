"""Datasette over one log, with connections that cannot write, and the server that leads to it."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import sys
import threading
import webbrowser
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn
from datasette import hookimpl
from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import DEFAULT_PLUGINS, pm
from markupsafe import Markup

from tertulia.cli.browse.describing import LOG, by_episode, described
from tertulia.cli.browse.guard import Guard
from tertulia.cli.display.harmless import one_line
from tertulia.cli.errors import note
from tertulia.storage.named import THESE
from tertulia.storage.query import opened_to_read

SQL_MS = 10_000
"""How long one statement may take."""
_SETTINGS = {
    "sql_time_limit_ms": SQL_MS,
    "facet_time_limit_ms": 1_000,
    "suggest_facets": False,  # each would read the whole view
    "allow_download": False,
    "default_cache_ttl": 0,
    "max_csv_mb": 50,
    "num_sql_threads": 3,
}
_SHUT_DOWN_S = 2


class ReadOnly(Database):  # type: ignore[misc]
    """A log as Datasette's database. The guard is SQLite's own, on each connection."""

    def connect(self, write: bool = False) -> sqlite3.Connection:
        if write:
            raise PermissionError("the log is only read here")
        connection = opened_to_read(Path(self.path), for_pages=True)
        self._all_file_connections.append(connection)
        return connection

    async def execute(self, sql: str, params: Any = None, **more: Any) -> Any:
        """Errors stand on the page, not also on the terminal: what was asked may hold what a terminal obeys.

        Of a query that is kept to one episode SQLite is told which, for then it reads no other.
        """
        quiet = {**more, "log_sql_errors": False}
        if THESE in sql and params and params.get("episode"):
            params = dict(params)
            found = await super().execute(f"{THESE} LIMIT 2", params, **quiet)
            if len(found.rows) == 1:
                sql, params["episode"] = sql.replace(f"IN ({THESE})", "= :episode"), found.rows[0][0]
        return await super().execute(sql, params, **quiet)


class EpisodeLinks:
    """An episode's id leads to its transcript."""

    __name__ = "tertulia"

    @staticmethod
    @hookimpl  # type: ignore[untyped-decorator]
    def render_cell(value: Any, column: str) -> Markup | None:
        if column not in ("episode", "parent_episode") or not isinstance(value, str):
            return None
        return Markup('<a href="/{}/v_transcript?episode={}&amp;_sort=turn">{}</a>').format(LOG, quote(value), value)


class Serving:
    """A log that is served on this machine: `address`, with the key in it, leads to it while `run` runs."""

    def __init__(self, path: Path, port: int) -> None:
        """Raises `QueryError` for a query of one's own that cannot be read."""
        key = secrets.token_urlsafe(16)
        self.address = f"http://127.0.0.1:{port}/{LOG}?key={key}"
        _alone()
        self._by_episode = by_episode()
        self._pages = Datasette([], metadata=described(), settings=_SETTINGS, cache_headers=False)
        self._pages.remove_database("_memory")
        self._pages.add_database(ReadOnly(self._pages, str(path), is_mutable=True), name=LOG)
        self._reads = opened_to_read(path, for_pages=True)
        config = uvicorn.Config(
            Guard(self._pages.app(), key, port, self._begins), log_level="warning", access_log=False, lifespan="on",
            timeout_graceful_shutdown=_SHUT_DOWN_S,
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    def _begins(self, path: str) -> str | None:
        """What a page of a view or of a query opens with: the newest episode, where there is one."""
        name = path.removeprefix(f"/{LOG}/")
        if name not in self._by_episode:
            return None
        newest = self._reads.execute("SELECT id FROM episode ORDER BY created_at DESC, id DESC LIMIT 1").fetchone()
        return None if newest is None else f"episode={quote(newest[0])}"

    def run(self, listening: socket.socket, *, open_it: bool) -> None:
        """Serve until Ctrl-C."""
        if open_it:
            threading.Timer(0.5, webbrowser.open, [self.address]).start()
        try:
            self._server.run([listening])
        except KeyboardInterrupt:  # which the server hands on once it has closed
            pass
        finally:
            self._pages.databases[LOG].close()
            self._reads.close()


def _alone() -> None:
    """No plugin that happens to be installed has a part in this, and no error is painted with all its variables."""
    for plugin in pm.get_plugins():
        if getattr(plugin, "__name__", "") not in DEFAULT_PLUGINS:
            pm.unregister(plugin)
    pm.register(EpisodeLinks(), "tertulia")
    handling = import_module("datasette.handle_exception")
    setattr(handling, "rich", None)  # noqa: B010  it has no types
    setattr(handling, "traceback", _OnThePage)  # noqa: B010


class _OnThePage:
    """In place of a traceback for each address that Datasette cannot make a page of: the page says why."""

    @staticmethod
    def print_exc() -> None:
        note(f"a page could not be shown: {one_line(sys.exc_info()[1])}")
