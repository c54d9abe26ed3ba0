"""`tertulia sql` at a prompt, in a real terminal, on both databases; and what stands behind it."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tertulia.cli.asking.commands import COMMANDS, columns_of
from tertulia.cli.asking.completing import candidates
from tertulia.cli.asking.prompt import is_whole
from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.cli.screen import CTRL_C, CTRL_D, Screen
from tests.postgres import Server
from tests.storage.made import ID, a_turn, an_episode, an_event

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT max(i) FROM generate_series(1, 9000000000) AS n(i)",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A log with one utterance, and which database it is on."""

    async def write(target: str) -> None:
        with Log.open(target) as log:
            await log.begin(an_episode())
            await log.commit(a_turn(0, an_event(0, "=1+1 \x1b]0;owned\x07 cake")))

    if request.param == "sqlite":
        asyncio.run(write(str(tmp_path / "log.db")))
        yield str(tmp_path / "log.db"), request.param
    else:
        server: Server = request.getfixturevalue("postgres_server")
        with server.fresh() as url:
            asyncio.run(write(url))
            yield url, request.param


def test_statements_commands_and_mistakes_at_the_prompt(written: tuple[str, str], tmp_path: Path) -> None:
    target, _ = written
    state = tmp_path / "state"
    with Screen("sql", "--db", target, at=tmp_path, columns=110, XDG_STATE_HOME=str(state)) as screen:
        screen.until("read-only", "tertulia>")
        screen.type("SELECT kind, actor")
        screen.until("->")
        screen.type("FROM v_transcript;")
        screen.until("kind  actor", "say   alice", "(1 row)")
        screen.type("DELETE FROM turn;")
        screen.until("a query only reads")
        screen.type("SELECT text FROM v_transcripts;")
        screen.until("nearest: 'v_transcript'")
        screen.type("SELECT text FROM v_transcript;")
        screen.until("=1+1 \u241b]0;owned\u2407 cake")
        screen.type(".schema v_honesty")
        screen.until("how probable the speaker held what it said")
        screen.type(".run who-talks-most episode=last")
        screen.until("even_share", ID)
        screen.type(".scheme")
        screen.until(".scheme: no such command; nearest: '.schema'")
        screen.type("SELECT 12 * 12 AS gross FR", "\t")
        screen.until("AS gross FROM")
        screen.type(" v_outc", "\t")
        screen.until("gross FROM v_outcomes")
        screen.type(";")
        screen.until("144")
        screen.type("half a statement", "")
        screen.press(CTRL_C)
        screen.type(".quit")
        assert screen.ended() == 0
        assert screen.cooked()
    history = state / "tertulia" / "sql-history"
    assert "FROM v_transcript;" in history.read_text()
    assert "owned" not in history.read_text(), "what was typed, never words of the log"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_ctrl_c_ends_the_statement_and_not_the_prompt(written: tuple[str, str], tmp_path: Path) -> None:
    target, database = written
    with Screen("sql", "--db", target, at=tmp_path, XDG_STATE_HOME=str(tmp_path)) as screen:
        screen.until("tertulia>")
        screen.type(f"{ENDLESS[database]};")
        while "interrupted" not in screen.text():  # one that comes before the statement runs ends nothing
            screen.pause(1.0)
            if screen.cooked():  # the prompt no longer has the terminal
                screen.interrupt()
        for _ in range(5):  # those that come too late do no harm
            screen.interrupt()
        screen.type("SELECT 6 * 7 AS answer;")
        screen.until("answer", "42", "(1 row)")
        while screen.cooked():  # a key that comes before the prompt has the terminal again may be lost
            screen.pause(0.1)
        screen.press(CTRL_D)
        assert screen.ended() == 0


def test_a_statement_on_the_command_line_is_ended_too(written: tuple[str, str], tmp_path: Path) -> None:
    target, database = written
    with Screen("sql", "--db", target, f"SELECT 1 FROM ({ENDLESS[database]}) AS x", at=tmp_path) as screen:
        while screen.process.poll() is None:
            screen._read(0.5)
            screen.interrupt() if screen.process.poll() is None else None
        assert screen.ended() in (130, -2)


def test_deleting_is_refused_on_both(tertulia: Tertulia, written: tuple[str, str]) -> None:
    target, _ = written
    for statement in ("delete from turn", "WITH x AS (DELETE FROM turn RETURNING 1) SELECT 1", "drop table turn"):
        said = tertulia("sql", statement, "--db", target)
        assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert tertulia("sql", "select count(*) as n from turn", "--json", "--db", target).lines() == [{"n": 1}]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", True), (".views", True), ("SELECT 1", False), ("SELECT 1;", True), ("SELECT 1; ", True),
        ("SELECT ';'", False), ("SELECT 'it''s;", False), ("SELECT 1 -- done;", False), ("SELECT 1; -- done", True),
        ('SELECT ";', False), ("SELECT /* ; */ 1", False), ("SELECT 'a';\n", True),
    ],
)  # fmt: skip
def test_a_statement_is_whole_at_its_semicolon(text: str, whole: bool) -> None:
    assert is_whole(text) is whole


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("SELECT * FROM v_out", "", ["v_outcomes"]),
        ("SELECT gol", " FROM v_mutual", ["gold_basis", "gold_brier", "gold_hit", "gold_probability", "gold"]),
        ("SELECT t.spok", " FROM v_thoughts AS t", ["t.spoken_turn"]),
        ("SELECT v_floor.vol", "", ["v_floor.volunteers"]),
        ("SEL", "", ["SELECT", "selected"]),
        (".sch", "", [".schema"]),
        (".schema v_hon", "", ["v_honesty"]),
        (".run never", "", ["never-spoken"]),
        ("SELECT ", "", []),
    ],
)
def test_tab_offers_what_can_stand_there(before: str, after: str, found: list[str]) -> None:
    known = {"tables": columns_of(), "commands": COMMANDS, "named": ["never-spoken", "silences"]}
    assert candidates(before, before + after, **known) == found  # type: ignore[arg-type]
