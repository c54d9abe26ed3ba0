"""A private PostgreSQL server for the tests: made in a temporary folder, reached by a Unix socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

_HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest where there are several."""
    found = [Path(home) for home in os.environ.get("PATH", "").split(os.pathsep) if home]
    for pattern in _HOMES:
        found += sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    return next((home for home in found if (home / "initdb").is_file() and (home / "postgres").is_file()), None)


class Server:
    """A running server; `fresh()` makes an empty database and gives its URL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run a statement as the superuser, outside any transaction."""
        import psycopg

        with psycopg.connect(f"postgresql://postgres@/postgres?host={self.folder}", autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """An empty database, gone afterwards: each takes seven megabytes and a thousand files."""
        name = f"t{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


def _identity() -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise OSError("neither a user 'postgres' nor 'nobody' to run PostgreSQL as")


@contextmanager
def server() -> Iterator[Server]:
    """Start a server of our own, and stop it. Without PostgreSQL the test is skipped, or fails where
    TERTULIA_REQUIRE_POSTGRES is set."""
    home = binaries()
    if home is None:
        message = "PostgreSQL is not installed (no initdb in PATH or in /usr/lib/postgresql/*/bin)"
        if os.environ.get("TERTULIA_REQUIRE_POSTGRES"):
            pytest.fail(message)
        pytest.skip(message)
    who = _identity()
    folder = Path(tempfile.mkdtemp(prefix="tpg"))
    if who:
        os.chown(folder, who["user"], who["group"])  # type: ignore[arg-type]
    data = folder / "data"
    process = None
    try:
        subprocess.run(
            [home / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **who,  # type: ignore[call-overload]
        )  # fmt: skip
        settings = (
            "fsync=off",
            "full_page_writes=off",
            "listen_addresses=",
            f"unix_socket_directories={folder}",
            "max_connections=50",
        )
        process = subprocess.Popen(
            [home / "postgres", "-D", data, *(part for setting in settings for part in ("-c", setting))],
            stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"), cwd=folder, **who,  # type: ignore[call-overload]
        )  # fmt: skip
        running = Server(folder)
        _wait(running, process)
        yield running
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once; there is nothing to keep
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(running: Server, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    for _ in range(300):
        try:
            return running.run("SELECT 1")
        except psycopg.OperationalError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {(running.folder / 'log').read_text()[-500:]}")
