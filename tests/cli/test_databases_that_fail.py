"""A database that cannot be used is one line that says where and what would be right, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import logging
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage import faults
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, TurnRow
from tests.cli.command import Said, Tertulia
from tests.loopback import Loopback
from tests.places import Disk, locked, small_disk
from tests.playing import interrupted, play
from tests.postgres import Server

SCENARIO = ("dinner-secret", "-S", "turns.limit=2")
VERBS: dict[str, Callable[[Made], tuple[str, ...]]] = {
    "run": lambda made: ("run", *SCENARIO, "--display", "none"),
    "run --seeds": lambda made: ("run", *SCENARIO, "--seeds", "0:1000", "--display", "none"),
    "resume": lambda made: ("resume", made.paused, "--display", "none"),
    "probe": lambda made: ("probe", made.ended, "--beliefs"),
    "elicit": lambda made: ("elicit", *SCENARIO, "--seeds", "0:1000"),
    "batch": lambda made: ("batch", "grid.yaml"),
    "resume --all": lambda made: ("resume", "--all"),
}
GRID = "batch: b\nscenario: dinner-secret\nset: {turns.limit: 2}\ngrid: {mind.order: [1, 2]}\nseeds: 0:500\n"


@dataclass(frozen=True)
class Made:
    """A log with an episode that has ended and one that has paused."""

    db: str
    ended: str
    paused: str


async def _made(db: str) -> Made:
    ended = (await play(db, "dinner-secret", sets=["turns.limit=1"])).episode
    return Made(db, ended, await interrupted(db, 1))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return asyncio.run(_made(str(tmp_path_factory.mktemp("made") / "log.db")))


@pytest.fixture
def made(original: Made, tmp_path: Path) -> Made:
    path = tmp_path / "log.db"
    shutil.copy(original.db, path)
    return Made(str(path), original.ended, original.paused)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk") as found:
        yield found


@pytest.fixture
def on_disk(original: Made, disk: Disk) -> Made:
    shutil.copy(original.db, disk.folder / "log.db")
    return Made(str(disk.folder / "log.db"), original.ended, original.paused)


@pytest.fixture(scope="module")
def on_server(postgres_server: Server) -> Iterator[Made]:
    with postgres_server.fresh() as url:
        yield asyncio.run(_made(url))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "TRY_S", 0.05)
    monkeypatch.setattr(faults, "PATIENCE_S", 0.4)
    monkeypatch.setattr(faults, "FIRST_WORD_S", 0.1)


def counted(db: str) -> list[Any]:
    with Log.open(db, create=False) as log:
        tables = ("episode", "turn", "call", "probe", "batch")
        return [log.query(f"SELECT count(*) FROM {table}").rows[0][0] for table in tables]


def refused(tertulia: Tertulia, made: Made, verb: str, db: str | None = None) -> str:
    """The one line with which a verb refuses to begin."""
    Path("grid.yaml").write_text(GRID)
    said = tertulia(*VERBS[verb](made), "--db", db or made.db)
    assert (said.code, said.out) == (2, ""), said
    [line] = said.err.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("verb", VERBS)
def test_a_log_that_can_only_be_read_is_read_and_refused_to_who_writes(
    tertulia: Tertulia, disk: Disk, on_disk: Made, verb: str
) -> None:
    before = counted(on_disk.db)
    disk.read_only()
    line = refused(tertulia, on_disk, verb)
    assert line == f"error: {on_disk.db}: {faults._UNWRITABLE.said}"
    assert counted(on_disk.db) == before
    assert "alice" in tertulia("show", on_disk.ended, "--db", on_disk.db).out
    disk.writable()
    assert tertulia("resume", on_disk.paused, "--display", "none", "--db", on_disk.db).code == 0


def test_a_folder_that_can_only_be_read_gets_no_log(tertulia: Tertulia, disk: Disk) -> None:
    disk.read_only()
    said = tertulia("run", *SCENARIO, "--db", str(disk.folder / "new.db"))
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {disk.folder / 'new.db'}: {faults._UNWRITABLE.said}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_a_disk_that_is_full_from_the_start_lets_nothing_begin(
    tertulia: Tertulia, disk: Disk, on_disk: Made, verb: str
) -> None:
    before = counted(on_disk.db)
    disk.fill()
    line = refused(tertulia, on_disk, verb)
    assert line.startswith(f"error: {on_disk.db}: the disk ")
    assert "full" in line
    disk.make_room()
    assert counted(on_disk.db) == before
    assert tertulia("resume", on_disk.paused, "--display", "none", "--db", on_disk.db).code == 0


def in_a_process(*arguments: str, **options: Any) -> Said:
    """The command in a process of its own, which is dead afterwards: its leases are free."""
    done = subprocess.run(
        [sys.executable, "-m", "tertulia.cli.main", *arguments], capture_output=True, text=True, check=False, **options
    )
    return Said(done.returncode, done.stdout, done.stderr)


def nothing_recorded_is_asked_again(db: str, server: Loopback, go_on: Callable[[], Said]) -> None:
    """Whole turns only; and when it goes on to its end, no answer that is in the log is asked for a second time."""
    with Log.open(db, create=False) as log:
        [episode] = log.episodes()
        assert [row.turn for row in log.rows(TurnRow, episode.id)] == list(range(episode.head + 1))
        kept = [call for call in log.rows(CallRow, episode.id) if call.status != "error"]
    assert kept, "nothing was answered before: this proves nothing"
    asked = len(server.requests)
    said = go_on()
    assert said.code == 0, said
    again = [request.body["messages"] for request in server.requests[asked:]]
    assert again
    assert not [call.call for call in kept if call.messages in again]
    with Log.open(db, create=False) as log:
        row = log.episode(episode.id)
        assert row.status == "success"
        assert [turn.turn for turn in log.rows(TurnRow, row.id)] == list(range(row.head + 1))
        answered = [call for call in log.rows(CallRow, row.id) if call.status != "error"]
        assert [call for call in answered if call.call in {old.call for old in kept}] == kept


LONG = ("run", "dinner-secret", "-S", "turns.limit=6", "--model", "openai/any", "--display", "none")


def test_a_disk_that_becomes_full_pauses_and_with_room_again_nothing_is_asked_twice(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = str(disk.folder / "log.db")

    def script(body: dict[str, Any]) -> None:
        if len(server.requests) == 12:
            disk.fill(leave=30_000)

    with Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = in_a_process(*LONG, "--db", db)
        assert said.code == 1
        paused, remedy = said.err.splitlines()
        assert paused.startswith(f"paused: {db}: the disk ")
        assert "full" in paused
        assert remedy.startswith("go on with: ")
        disk.make_room()
        nothing_recorded_is_asked_again(db, server, lambda: in_a_process("resume", "last", "--json", "--db", db))


def test_a_disk_that_becomes_full_stops_many_episodes_and_says_how_many_did_not_begin(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = str(disk.folder / "log.db")

    def script(body: dict[str, Any]) -> None:
        if len(server.requests) == 40:
            disk.fill()

    with Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = in_a_process(*LONG, "--seeds", "0:1000", "-j", "4", "--db", db)
        asked = len(server.requests)
    assert said.code == 1
    with Log.open(db, create=False) as log:
        begun = log.episodes()
        kept = [call for row in begun for call in log.rows(CallRow, row.id)]
    assert len(begun) <= 8
    assert asked - len(kept) <= 4 * 4, "what was in flight"
    stopped = next(line for line in said.err.splitlines() if line.startswith("stopped early: "))
    assert f"{db}: the disk " in stopped
    assert stopped.endswith("did not begin")
    assert "Traceback" not in said.err


def test_forks_that_a_full_disk_breaks_off_say_how_to_go_on(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    db = str(disk.folder / "log.db")
    asked_by_the_parent: list[int] = []

    def script(body: dict[str, Any]) -> None:
        if len(server.requests) == sum(asked_by_the_parent, 20) and asked_by_the_parent:
            disk.fill()

    with Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert in_a_process(*LONG, "--db", db).code == 0
        asked_by_the_parent.append(len(server.requests))
        said = in_a_process("fork", "last", "--at", "2", "--replicates", "8", "-j", "2", "--db", db)
        assert said.code == 1
        lines = said.err.splitlines()
        assert any(line.startswith(f"error: {db}: the disk ") for line in lines), lines
        [advice] = [line for line in lines if "go on with: " in line]
        disk.make_room()
        batch = advice.split(" resume ")[1].split()[0]
        assert in_a_process("resume", batch, "--db", db).code == 0
    with Log.open(db, create=False) as log:
        assert {row.status for row in log.episodes(batch=batch)} <= {"success", "degraded"}


def test_a_file_that_may_not_grow_is_told_as_well(made: Made) -> None:
    """What a quota does, for those who cannot mount: writes past a size fail."""
    size = Path(made.db).stat().st_size

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 8, size // 8))

    said = in_a_process(*VERBS["run"](made), "--db", made.db, preexec_fn=limited)
    assert said.code in (1, 2)
    assert f"{made.db}: the disk does not take what is written" in said.err.splitlines()[0]
    assert counted(made.db)[0] >= 2


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_that_stays_locked_is_given_up_with_a_word_before(
    tertulia: Tertulia, made: Made, verb: str, impatient: None, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted(made.db)
    with caplog.at_level(logging.WARNING), locked(Path(made.db)):
        line = refused(tertulia, made, verb)
    assert line == f"error: {made.db}: another program keeps this file locked; end it, or wait until it is done"
    assert [record.getMessage().partition("; trying")[0] for record in caplog.records] == [line[len("error: ") :]]
    assert counted(made.db) == before


def test_a_lock_that_is_let_go_was_only_waited_for(made: Made) -> None:
    with locked(Path(made.db)) as holder:
        running = subprocess.Popen(
            [sys.executable, "-m", "tertulia.cli.main", *VERBS["run"](made), "--json", "--db", made.db],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert running.stderr is not None
        word = running.stderr.readline()
        assert holder.stdin is not None
        holder.stdin.close()
        out, err = running.communicate(timeout=60)
    assert word.startswith(f"{made.db}: another program keeps this file locked")
    assert word.endswith("trying for 30 s\n")
    assert (running.returncode, err) == (0, "")
    assert '"status": "success"' in out


def version(db: str, number: str) -> None:
    with closing(sqlite3.connect(db)) as there, there:
        there.execute("UPDATE alembic_version SET version_num = ?", [number])


@pytest.mark.parametrize("verb", VERBS)
def test_a_log_of_another_schema_says_which_side_is_to_be_brought_up_to_date(
    tertulia: Tertulia, made: Made, verb: str
) -> None:
    version(made.db, "0001")
    assert refused(tertulia, made, verb).endswith(f"to bring it up to date: tertulia db migrate --db {made.db}")
    version(made.db, "9999")
    assert "was written by a newer tertulia (schema 9999)" in refused(tertulia, made, verb)


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_log_is_called_what_it_is(tertulia: Tertulia, made: Made, tmp_path: Path, verb: str) -> None:
    (tmp_path / "letter.txt").write_text("Dear Carol, I sold the house. " * 100)
    damaged = bytearray(Path(made.db).read_bytes())
    damaged[4096 : 4096 * 40] = b"\xee" * (4096 * 39)
    (tmp_path / "damaged.db").write_bytes(damaged)
    cases = {
        str(tmp_path): "this is a folder; a log is a file",
        str(tmp_path / "letter.txt"): "this file is not a SQLite database",
        str(tmp_path / "damaged.db"): "this file is damaged",
        "postgresql://ann:hunter2@127.0.0.1:1/logs": "no server answers there: Connection refused; is it running",
        "postgresql://ann:hunter2@/logs?host=/nowhere": "no server answers there: No such file or directory",
    }
    for db, what in cases.items():
        line = refused(tertulia, made, verb, db)
        assert what in line
        assert "hunter2" not in line


@pytest.mark.parametrize("verb", VERBS)
def test_a_server_that_does_not_let_us_in_or_write_says_why(
    tertulia: Tertulia, postgres_server: Server, on_server: Made, verb: str, users: None
) -> None:
    database = on_server.db.partition("@/")[2].partition("?")[0]
    before = counted(on_server.db)
    cases = {
        postgres_server.url("none_such"): 'database "none_such" does not exist; make it with createdb',
        postgres_server.url(database, "nobody_here"): 'role "nobody_here" does not exist',
        postgres_server.url(database, "careful:wrong"): "wrong password: password authentication failed for user",
        postgres_server.url(database, "careful"): "wrong password: ",
        postgres_server.url(database, "reader"): "this user lacks a right: permission denied for table ",
        postgres_server.url(database, "stranger"): "this user lacks a right: permission denied for ",
        postgres_server.url(database, "standby"): "this database only lets itself be read: cannot execute ",
    }
    for db, what in cases.items():
        assert what in refused(tertulia, on_server, verb, db), db
    assert counted(on_server.db) == before


@pytest.fixture(scope="module")
def users(postgres_server: Server, on_server: Made) -> None:
    database = on_server.db.partition("@/")[2].partition("?")[0]
    postgres_server.ask_for_a_password("careful", "right")
    for user in ("reader", "stranger", "standby"):
        postgres_server.run(f"CREATE ROLE {user} LOGIN")
    postgres_server.run("ALTER ROLE standby SUPERUSER")
    postgres_server.run("ALTER ROLE standby SET default_transaction_read_only = on")
    import psycopg

    url = postgres_server.url(database).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")


def test_a_server_that_is_restarted_is_waited_for_and_nothing_pauses(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(body: dict[str, Any]) -> None:
        if len(server.requests) == 12:
            time.sleep(1.0)  # nothing is answered meanwhile: a commit that is cut off would pause, and must
            postgres_server.stop()
            threading.Thread(target=lambda: (time.sleep(0.5), postgres_server.start())).start()

    with postgres_server.fresh() as db, Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = in_a_process(*LONG, "--db", db, "--json")
        assert said.code == 0, str(said)
        with Log.open(db, create=False) as log:
            [row] = log.episodes()
            answered = [call for call in log.rows(CallRow, row.id) if call.status != "error"]
    assert row.status == "success"
    assert len(answered) == len(server.requests), "each answer is kept, and was asked for once"


def test_a_server_that_stays_away_pauses_and_the_episode_goes_on_once_it_is_back(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(body: dict[str, Any]) -> None:
        if len(server.requests) == 12:
            postgres_server.stop()

    impatient = (
        "from tertulia.storage import faults; faults.PATIENCE_S = 0.3; from tertulia.cli.main import main; main()"
    )
    with postgres_server.fresh() as db, Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        try:
            done = subprocess.run(
                [sys.executable, "-c", impatient, *LONG, "--db", db], capture_output=True, text=True, check=False
            )
        finally:
            postgres_server.start()
        assert done.returncode == 1
        paused, remedy = done.stderr.splitlines()
        assert paused.startswith("paused: postgresql+psycopg://postgres@/")
        assert "no server answers there" in paused or "the server is away" in paused
        assert paused.endswith("the log does not know of it yet")
        assert remedy.startswith("go on with: ")
        nothing_recorded_is_asked_again(db, server, lambda: in_a_process("resume", "last", "--json", "--db", db))
