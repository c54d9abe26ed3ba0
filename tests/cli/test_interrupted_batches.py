"""A batch that Ctrl-C or its log breaks off: what it says, and that it goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.environments.batch.batches import a_grid, statuses
from tests.loopback import Loopback
from tests.postgres import Server

COMMAND = (sys.executable, "-m", "tertulia.cli.main")
OPENAI = {"turns.limit": 4, "model": "openai/any", "mind.preset": "reactive"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Loopback:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    return Loopback(latency_ms=60)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c_lets_turns_end_and_the_batch_goes_on_later(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        grid = str(a_grid(Path(), scenario="dinner-secret", set=OPENAI, seeds="0:6", grid={"mind.order": [1]}))
        with Path("err").open("w") as told, server.holding_back():
            command = [*COMMAND, "batch", grid, "-j", "3", "--processes", processes]
            running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, start_new_session=True)
            assert server.arrived.wait(60)
            os.killpg(running.pid, signal.SIGINT)
            _until_it_says("letting the turns under way end", running)
        running.wait(60)
        err = Path("err").read_text()
        assert running.returncode == 130, err
        assert "go on with: " in err
        assert "resume b" in err
        assert "Traceback" not in err
        assert set(statuses("log.db")) <= {"paused", "success"}
        with Log.open() as log:
            reasons = {row.reason for row in log.episodes(status="paused")}
            assert reasons == {"interrupted"}
            assert not log.query("SELECT 1 FROM call WHERE error = 'cancelled'").rows, "every turn was let end"
        went_on = tertulia("resume", "b")
    assert went_on.code == 0, went_on.err
    assert "6 of 6 ended" in went_on.out
    assert set(statuses("log.db")) == {"success"}


def _until_it_says(what: str, running: subprocess.Popen[Any]) -> None:
    """Wait until a command has written something to the file `err`."""
    deadline = time.monotonic() + 60
    while what not in Path("err").read_text():
        assert running.poll() is None, Path("err").read_text()
        assert time.monotonic() < deadline, f"never said: {what}"
        time.sleep(0.02)


def test_ctrl_c_before_the_worker_processes_are_ready_is_no_traceback(tmp_path: Path) -> None:
    grid = str(a_grid(tmp_path, seeds="0:400"))
    running = subprocess.Popen(
        [*COMMAND, "batch", grid, "--processes", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    if not children.exists():
        running.kill()
        pytest.skip("children can only be seen in /proc")
    deadline = time.monotonic() + 60
    while not any(_is_worker(pid) for pid in children.read_text().split()):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    assert "died" not in err
    assert "go on with: " in err


def _is_worker(pid: str) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_log_that_goes_away_ends_a_batch_with_what_was_done_and_how_to_go_on(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch, postgres_server: Server, tmp_path: Path
) -> None:
    stopped = threading.Event()

    def script(body: dict[str, Any]) -> None:
        if len(server.requests) >= 120 and not stopped.is_set():  # several may arrive at once
            stopped.set()
            postgres_server.stop()

    server.script = script
    grid = str(a_grid(tmp_path, scenario="dinner-secret", set=OPENAI, seeds="0:30", grid={"mind.order": [1]}))
    monkeypatch.setattr("tertulia.storage.faults.PATIENCE_S", 0.3)
    with postgres_server.fresh() as db, server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        try:
            said = tertulia("batch", grid, "-j", "4", "--db", db)
        finally:
            postgres_server.start()
        assert said.code == 1
        assert re.match(r"episodes    [1-9]\d* ended in this run, .* paused; \d+ of 30 in all", said.out), said.out
        assert re.search(r"^error: postgresql\S+: no server answers there", said.err, re.MULTILINE)
        assert re.search(r"^go on with: .*tertulia resume b --db 'postgresql", said.err, re.MULTILINE)
        assert tertulia("resume", "b", "--db", db).code == 0


def test_a_second_ctrl_c_stops_now_and_nothing_is_lost(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        grid = str(a_grid(Path(), scenario="dinner-secret", set=OPENAI, grid={"mind.order": [1]}))
        with Path("err").open("w") as told, server.holding_back():
            running = subprocess.Popen([*COMMAND, "batch", grid], stderr=told)
            assert server.arrived.wait(60)
            running.send_signal(signal.SIGINT)
            _until_it_says("letting the turns under way end", running)
            running.send_signal(signal.SIGINT)
            running.wait(60)
        err = Path("err").read_text()
        assert running.returncode == 130
        assert "stopping now" in err
        assert "Traceback" not in err
        assert set(statuses("log.db")) == {"paused"}
        assert tertulia("resume", "b").code == 0
    assert set(statuses("log.db")) == {"success"}
