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
    """A running server; `fresh()` makes an empty database and gives its URL. It can be stopped, and started again."""

    def __init__(self, home: Path, folder: Path, who: dict[str, object]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._home, self._who = home, who
        self._numbers = count()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = (
            "fsync=off",
            "full_page_writes=off",
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "max_connections=50",
        )
        self._process = subprocess.Popen(
            [self._home / "postgres", "-D", self.data, *(part for setting in settings for part in ("-c", setting))],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("a"), cwd=self.folder,
            **self._who,  # type: ignore[call-overload]
        )  # fmt: skip
        _wait(self, self._process)

    def stop(self) -> None:
        """Stop it at once, as a crash would; every connection is dropped."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Down, and up again afterwards."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def ask_for_a_password(self, user: str, password: str) -> None:
        """A user that has to give a password, the only one here."""
        self.run(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n" + rules.read_text())
        self.run("SELECT pg_reload_conf()")

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
    running = Server(home, folder, who)
    try:
        subprocess.run(
            [home / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **who,  # type: ignore[call-overload]
        )  # fmt: skip
        running.start()
        yield running
    finally:
        running.stop()
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
