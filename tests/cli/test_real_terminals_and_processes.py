"""The command as a shell runs it: in a real terminal, in a pipe, interrupted, without Unicode."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.loopback import Loopback

COMMAND = (sys.executable, "-m", "tertulia.cli.main")
HEAVY = (
    "sqlalchemy",
    "sqlmodel",
    "pydantic",
    "langgraph",
    "langchain_core",
    "openai",
    "torch",
    "alembic",
    "rich",
    "yaml",
)
SGR = re.compile(r"\x1b\[[0-9;]*m")
"""What sets a colour or a style; the only sequence we write outside a status line."""
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]")
HOSTILE = '"Look \\e[2J\\e]0;owned\\a \\x9b31m \\u202egnp.exe \\u2066x [bold]b[/bold] :smile: \\b\\r end"'

SCENARIO = f"""
scenario: hostile
world: table_talk
premise: {HOSTILE}
participants: [{{name: ann, goal: {HOSTILE}}}, {{name: ben, persona: {HOSTILE}}}]
script:
  - {{turn: 1, text: {HOSTILE}}}
  - {{turn: 2, say: {HOSTILE}, by: ann, to: [ben]}}
turns: {{limit: 4}}
"""


def in_terminal(arguments: list[str], *, columns: int = 80, **environment: str) -> tuple[int, str]:
    """Run the command in a pseudo-terminal; its exit code and everything the terminal was sent."""
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    given = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
    given.pop("COLUMNS", None)
    process = subprocess.Popen([*COMMAND, *arguments], stdin=child, stdout=child, stderr=child, env=given)
    os.close(child)
    received = b""
    while True:
        ready, _, _ = select.select([parent], [], [], 60)
        try:
            part = os.read(parent, 65536) if ready else b""
        except OSError:  # the other side is closed
            break
        if not part:
            break
        received += part
    os.close(parent)
    return process.wait(60), received.decode()


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    listed = "import sys; from tertulia.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert "tertulia run mutual-friends" in done.stdout
    modules = set(done.stderr.split())
    assert "tertulia.cli.run" in modules
    assert modules.isdisjoint(HEAVY)


def test_a_terminal_obeys_no_word_of_a_scenario(tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(SCENARIO)
    code, shown = in_terminal(["run", str(file), "--minds"])
    assert code == 0
    assert "\u241b[2J\u241b]0;owned\u2407 \ufffd31m \ufffdgnp.exe" in " ".join(SGR.sub("", shown).split())
    assert "[bold]b[/bold] :smile:" in " ".join(SGR.sub("", shown).split())
    left = SGR.sub("", shown).replace("\r\n", "")
    assert not set(left) & {chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0), 0x202E, 0x2066)}
    assert max(len(SGR.sub("", line)) for line in shown.split("\r\n") if "tertulia sql" not in line) <= 80


def test_a_terminal_obeys_no_word_of_an_exported_table(tertulia: Tertulia, tmp_path: Path) -> None:
    (tmp_path / "hostile.yaml").write_text(SCENARIO)
    assert tertulia("run", str(tmp_path / "hostile.yaml"), "--display", "none").code == 0
    code, shown = in_terminal(["export", "--to", "csv", "--table", "v_transcript", "-o", "-"])
    assert code == 0
    assert "\u241b[2J\u241b]0;owned\u2407" in shown
    assert not set(shown.replace("\r\n", "")) & {chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0), 0x202E)}


def test_colours_are_for_terminals_that_want_them(tertulia: Tertulia) -> None:
    tertulia("run", "dinner-secret", "-S", "turns.limit=2", "--display", "none")
    _, coloured = in_terminal(["show", "last", "--minds"])
    _, plain = in_terminal(["show", "last", "--minds"], NO_COLOR="1")
    assert COLOUR.search(coloured)
    assert not COLOUR.search(plain)
    assert SGR.sub("", coloured) == SGR.sub("", plain)


def test_a_terminal_without_unicode_is_shown_everything(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "TERTULIA_DISPLAY": "rich"}
    file = tmp_path / "hostile.yaml"
    file.write_text(SCENARIO.replace("limit: 4", "limit: 2") + "description: \u6f22\n")
    done = subprocess.run([*COMMAND, "run", str(file), "--minds"], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    done.stdout.decode("ascii")
    assert b"\\u241b[2J" in done.stdout
    assert b"\x1b" not in done.stdout


def test_an_interrupted_episode_is_paused_and_goes_on(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(latency_ms=150) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        command = [*COMMAND, "run", "dinner-secret", "--model", "openai/any", "--json", "-S", "turns.limit=6"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert server.arrived.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert out == ""
        with Log.open() as log:
            [row] = log.episodes()
        assert row.status == "paused"
        assert err == f"paused; go on with: tertulia resume {row.id}\n"
        server.latency_ms = 0
        said = tertulia("resume", row.id[:-2], "--json")
    assert said.code == 0
    assert said.lines()[0]["episode"] == row.id


def test_an_episode_whose_reader_leaves_is_paused(tertulia: Tertulia) -> None:
    command = [*COMMAND, "run", "mutual-friends", "--display", "rich"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert "tertulia resume" in err
    assert tertulia("resume", "last", "--json").lines()[0]["status"] == "success"


def test_a_table_whose_reader_leaves_is_quiet(tertulia: Tertulia) -> None:
    tertulia("db", "migrate")
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n"
    process = subprocess.Popen(
        [*COMMAND, "sql", many, "--csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "i\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 141


def test_an_id_is_never_cut_however_narrow_the_terminal(tertulia: Tertulia) -> None:
    tertulia("run", "mutual-friends", "--display", "none")
    [row] = tertulia("episodes", "--json").lines()
    for columns, there, gone in ((120, "started", "none"), (80, "reward", "started"), (40, "status", "scenario")):
        _, shown = in_terminal(["episodes"], columns=columns)
        head, _, line = shown.split("\r\n")[:3]
        assert line.startswith(row["episode"])
        assert there in head
        assert gone not in head
        assert "\u2026" not in shown
        assert max(map(len, (head, line))) <= columns


def test_many_seeds_in_a_terminal_leave_only_the_summary_behind() -> None:
    code, shown = in_terminal(["run", "dinner-secret", "-S", "turns.limit=1", "--seeds", "0:4"])
    assert code == 0
    progress, _, after = shown.rpartition("\x1b[2K")
    assert "episodes" in progress
    assert after.startswith("episodes    4 of 4: 4 success\r\n")


def test_the_environment_sets_options(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERTULIA_RUN_SEED", "11")
    monkeypatch.setenv("TERTULIA_DISPLAY", "none")
    said = tertulia("run", "dinner-secret", "-S", "turns.limit=1")
    assert said.out == ""
    assert tertulia("episodes", "--json").lines()[0]["seed"] == 11


def test_a_query_table_fits_a_real_terminal(tertulia: Tertulia) -> None:
    tertulia("db", "migrate")
    _, shown = in_terminal(["sql", "SELECT printf('%.*c', 100000, 'x') AS long, char(27) || '[31m' AS red"], columns=60)
    lines = shown.split("\r\n")
    assert lines[2].endswith("\u241b[31m")
    assert max(map(len, lines)) <= 60
