"""`show`, `episodes`, `sql`, `scenarios`, `db`, `models` and `doctor` on logs that were written by hand or by a run."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tertulia.cli.display.table import folded_lines, table_lines
from tertulia.environments.scenario import list_scenarios
from tertulia.storage.log import Log
from tertulia.storage.record import Closing
from tests.cli.command import Tertulia
from tests.postgres import Server
from tests.storage.made import (
    ID,
    LEASE,
    a_bid,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
)

OTHER = ID[:-1] + "W"


@pytest.fixture
def written() -> str:
    """A log with one ended episode of two turns, and one that is paused."""

    async def write() -> None:
        with Log.open() as log:
            await log.begin(an_episode())
            said = [an_event(0, "Alice and Bob sit down.", actor=None, origin="scripted"), a_witness(0, "alice")]
            await log.commit(a_turn(0, *said, silent=True))
            thoughts = [a_thought(1, "t1.1", "The cake is gone."), a_thought(1, "t1.2", "Better say nothing.")]
            rated = [an_appraisal(1, "t1.1", "spoken", 4.25), an_appraisal(1, "t1.2", "kept", 2.5)]
            bids = [
                a_bid(1, "alice", won=True, motivation=4.25, reason="selected itself"),
                a_bid(1, "bob", motivation=3.0, reason="alice was more motivated (4.3)"),
            ]
            held = beliefs(1, "alice>bob", "cake", kitchen=0.75, cellar=0.25)
            await log.commit(
                a_turn(1, an_event(1, "Where is the cake?", addressees=["bob"]), *thoughts, *rated, *bids, *held)
            )
            last = a_turn(2, an_appraisal(2, "t1.2", "dropped", 1.5), closing=True)
            last.closing = Closing("success", "limit", {"reward": 1.0}, 1.0)
            await log.commit(last)
            await log.begin(an_episode(OTHER, scenario="other"))
            await log.close_episode(OTHER, LEASE, Closing("paused", "interrupted"))

    asyncio.run(write())
    return ID


def test_show_tells_what_happened_and_keeps_minds_to_itself(tertulia: Tertulia, written: str) -> None:
    out = tertulia("show", written).out
    assert "✦ Alice and Bob sit down." in out
    assert "   1 alice  (→ bob) Where is the cake?" in out
    assert "success  limit" in out
    assert "Better say nothing" not in out


def test_show_with_minds_tells_thoughts_beliefs_and_bids(tertulia: Tertulia, written: str) -> None:
    out = tertulia("show", written, "--minds").out
    assert "● 4.2 The cake is gone." in out
    assert "○ 2.5 Better say nothing." in out
    assert "○ 1.5 (dropped) Better say nothing." in out
    assert "alice>bob: cake  kitchen ███▊   75%" in out
    assert "floor: alice 4.2, selected itself; bob 3.0 lost: alice was more motivated (4.3)" in out


def test_show_takes_the_beginning_of_an_id_and_one_turn(tertulia: Tertulia, written: str) -> None:
    assert tertulia("show", written[:-1]).code == 2
    out = tertulia("show", written.lower(), "--turn", "1").out
    assert "Where is the cake?" in out
    assert "sit down" not in out
    assert tertulia("show", written, "--turn", "3").code == 2


def test_show_as_json_holds_the_same(tertulia: Tertulia, written: str) -> None:
    turns = tertulia("show", written, "--minds", "--json").lines()
    assert [turn["turn"] for turn in turns] == [0, 1, 2]
    assert turns[1]["events"][0]["text"] == "Where is the cake?"
    assert turns[1]["minds"][0]["thoughts"][0] == {
        "id": "t1.1", "text": "The cake is gone.", "status": "spoken", "motivation": 4.25, "system": 2,
    }  # fmt: skip
    assert "minds" not in tertulia("show", written, "--json").lines()[1]


def test_episodes_can_be_chosen_by_status_and_scenario(tertulia: Tertulia, written: str) -> None:
    everything = tertulia("episodes", "--json").lines()
    assert {row["episode"] for row in everything} == {ID, OTHER}
    assert [row["episode"] for row in tertulia("episodes", "--status", "paused", "--json").lines()] == [OTHER]
    both = tertulia("episodes", "--status", "paused", "--status", "success", "--json").lines()
    assert len(both) == 2
    assert [row["reward"] for row in tertulia("episodes", "--scenario", "dinner-secret", "--json").lines()] == [1.0]
    assert len(tertulia("episodes", "--limit", "1", "--json").lines()) == 1
    table = tertulia("episodes").out
    assert ID in table
    assert "2026-03-01 12:30" in table


def test_last_is_the_newest_episode(tertulia: Tertulia, written: str) -> None:
    with Log.open() as log:
        newest = log.episodes(1)[0].id
    assert newest in tertulia("show", "last").out


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM episode", "DROP TABLE episode", "PRAGMA journal_mode=DELETE", "UPDATE episode SET status = 'x'",
        "ATTACH DATABASE 'x.db' AS x", "WITH a AS (SELECT 1) DELETE FROM episode", "SELECT 1; DELETE FROM episode",
    ],
)  # fmt: skip
def test_sql_only_reads(tertulia: Tertulia, written: str, query: str, tmp_path: Path) -> None:
    said = tertulia("sql", query)
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    with closing(sqlite3.connect(tmp_path / "log.db")) as there:
        assert there.execute("SELECT count(*) FROM episode WHERE status <> 'x'").fetchone() == (2,)
    assert not Path("x.db").exists()


def test_sql_says_how_many_rows_and_shows_no_more_than_asked(tertulia: Tertulia, written: str) -> None:
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250) SELECT i FROM n"
    out = tertulia("sql", counting).out
    assert out.endswith("(the first 100 rows; --limit 0 shows all)\n")
    assert "\n100\n" in out
    assert "101" not in out
    assert tertulia("sql", counting, "--limit", "0").out.endswith("(250 rows)\n")
    assert tertulia("sql", counting + " LIMIT 100").out.endswith("(100 rows)\n")
    assert len(tertulia("sql", counting, "--json").lines()) == 250
    assert len(tertulia("sql", counting, "--csv", "--limit", "5").out.splitlines()) == 6
    assert tertulia("sql", "SELECT 1 AS one WHERE 1 = 0").out.endswith("(0 rows)\n")


def test_sql_reads_its_query_from_a_pipe(tertulia: Tertulia, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT count(*) AS n\nFROM episode\n"))
    assert tertulia("sql", "--json").lines() == [{"n": 2}]
    monkeypatch.setattr(sys, "stdin", io.StringIO(" \n"))
    assert tertulia("sql").code == 2


@pytest.mark.parametrize("begin", ["-- all of them\n", "--all of them\n", "-- one\n-- two = 2\n", "/* all */ "])
def test_a_query_may_begin_with_a_comment(tertulia: Tertulia, written: str, begin: str) -> None:
    assert tertulia("sql", begin + "SELECT count(*) AS n FROM episode", "--json").lines() == [{"n": 2}]


def test_values_that_json_lacks_are_words(tertulia: Tertulia, written: str) -> None:
    assert tertulia("sql", "SELECT 9e999 AS much, NULL AS none", "--json").lines() == [{"much": "inf", "none": None}]


def test_too_many_columns_stand_one_below_the_other() -> None:
    lines = list(table_lines([f"column{i}" for i in range(20)], [list(range(20)), ["x" * 500] * 20], 60))
    assert len(lines) == 2 * 21
    assert lines[1].split() == ["column0", "0"]
    assert max(map(len, lines)) <= 60


def test_every_shipped_scenario_is_listed_shown_and_drawn(tertulia: Tertulia) -> None:
    listed = [row["scenario"] for row in tertulia("scenarios", "list", "--json").lines()]
    assert listed == list_scenarios()
    assert set(listed) <= set(tertulia("scenarios", "list").out.split())
    for name in listed:
        drawn = tertulia("scenarios", "show", name, "--graph")
        assert drawn.code == 0
        for node in ("start", "mind", "floor", "speak", "step", "end"):
            assert f"│ {node} │" in drawn.out


def test_a_shown_scenario_is_a_scenario_file(tertulia: Tertulia, tmp_path: Path) -> None:
    for name in list_scenarios():
        shown = tertulia("scenarios", "show", name, "-S", "turns.limit=5").out
        assert yaml.safe_load(shown)["turns"]["limit"] == 5
        copy = tmp_path / "copy.yaml"
        copy.write_text(shown)
        assert tertulia("scenarios", "show", str(copy)).out == shown
        plays = [tertulia("run", what, "-S", "turns.limit=2", "--display", "plain").out for what in (name, str(copy))]
        first, second = ([line for line in out.splitlines() if line[:4].strip().isdigit()] for out in plays)
        assert first == second != []


def test_rooms_are_drawn_with_those_who_are_in_them(tertulia: Tertulia, tmp_path: Path) -> None:
    file = tmp_path / "rooms.yaml"
    file.write_text(
        "scenario: rooms\nworld: table_talk\nrooms: [hall, garden]\n"
        "participants: [{name: ann}, {name: ben, room: garden}, {name: cy, room: away}]\n"
    )
    lines = tertulia("scenarios", "show", str(file), "--graph").out.splitlines()
    titles = next(number for number, line in enumerate(lines) if " hall " in line)
    assert [title in lines[titles] for title in (" hall ", " garden ", " away ")] == [True] * 3
    for title, name in (("hall", "ann"), ("garden", "ben"), ("away", "cy")):
        assert abs(lines[titles].index(title) - lines[titles + 1].index(name)) <= 4


def test_db_path_migrate_and_backup(tertulia: Tertulia, written: str, tmp_path: Path) -> None:
    assert tertulia("db", "path").out.strip() == str(tmp_path / "log.db")
    assert tertulia("db", "path", "--db", "postgresql://me:secret@host/name").out.count("secret") == 0
    assert "already" in tertulia("db", "migrate").out
    assert tertulia("db", "backup", "copy.db").code == 0
    assert tertulia("show", written, "--db", "copy.db").out == tertulia("show", written).out
    again = tertulia("db", "backup", "copy.db")
    assert again.code == 2
    assert "overwrites nothing" in again.err


def test_a_log_of_another_version_says_what_to_do(tertulia: Tertulia, written: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "log.db")) as there:
        there.execute("UPDATE alembic_version SET version_num = '0000'")
        there.commit()
    for command in (
        ("episodes",),
        ("show", "last"),
        ("sql", "SELECT 1"),
        ("run", "mutual-friends"),
        ("resume", "last"),
    ):
        said = tertulia(*command)
        assert said.code == 2
        assert "tertulia db migrate" in said.err
    assert tertulia("doctor").code == 1


def test_models_are_listed_with_what_is_missing(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["provider"]: row for row in tertulia("models", "list", "--json").lines()}
    assert rows["rules"]["ready"] is True
    assert rows["openai"]["ready"] is False
    assert "OPENAI_API_KEY" in tertulia("models", "list").out
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    rows = {row["provider"]: row for row in tertulia("models", "list", "--json").lines()}
    assert rows["openai"]["ready"] is True


def test_doctor_looks_at_everything_and_shows_no_secret(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:canary@example.org/v1?key=canary")
    said = tertulia("doctor", "--json")
    found = {row["what"]: row for row in said.lines()}
    assert said.code == 0
    assert found["openai base URL"]["told"] == "example.org"
    assert found["python"]["told"].startswith(".".join(map(str, sys.version_info[:3])))
    assert found.keys() >= {"tertulia", "langgraph", "extra local", "torch device", "openai key", "log", "terminal"}
    assert "canary" not in json.dumps(found)


def test_doctor_fails_when_the_log_is_no_log(tertulia: Tertulia, tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("this is not a database, but it is long enough to be looked at" * 40)
    said = tertulia("doctor", "--json")
    assert said.code == 1
    assert [row["what"] for row in said.lines() if row["verdict"] == "broken"] == ["log"]


def test_a_paused_episode_says_how_it_goes_on(tertulia: Tertulia, written: str) -> None:
    assert f"go on with: tertulia resume {OTHER}\n" in tertulia("show", OTHER).out


def test_the_same_commands_work_on_postgresql(tertulia: Tertulia, postgres_server: Server) -> None:
    with postgres_server.fresh() as url:
        hostile = "-S", 'premise="\\e[31m \\0 \\u202e"'
        [line] = tertulia("run", "dinner-secret", *hostile, "-S", "turns.limit=2", "--json", "--db", url).lines()
        assert line["status"] == "success"
        here = tertulia("run", "dinner-secret", *hostile, "-S", "turns.limit=2", "--display", "none")
        assert here.code == 0
        shown = [tertulia("show", "last", "--minds", *db).out.splitlines()[2:] for db in ((), ("--db", url))]
        assert shown[0] == shown[1] != []
        lists = [tertulia("episodes", "--json", *db).lines()[0] for db in ((), ("--db", url))]
        for row in lists:
            del row["episode"], row["started"]
        assert lists[0] == lists[1]
        config = tertulia("sql", "SELECT config FROM episode", "--json", "--db", url).lines()[0]["config"]
        assert json.loads(config)["premise"] == "\x1b[31m \x00 \u202e"
        said = tertulia("sql", "DELETE FROM episode", "--db", url)
        assert said.code == 2
        assert len(tertulia("episodes", "--json", "--db", url).lines()) == 1


def test_a_folded_table_loses_nothing_and_keeps_its_numbers_whole() -> None:
    columns = ("measure", "cell", "95 %", "n")
    rows = [
        ("belief_accuracy", f"participants.bob.strategy={name}, mind.preset=full", "0.667 to 0.677", 762)
        for name in ("conceder", "liar")
    ]
    lines = list(folded_lines(columns, rows, 40, whole=("95 %",), above="measure"))
    assert max(map(len, lines)) <= 40
    assert lines.count("belief_accuracy") == 1
    assert sum(line.endswith("0.667 to 0.677  762") for line in lines) == 2
    assert any(line.split() == ["strategy=liar,"] for line in lines)
    assert "…" not in "".join(lines)
    assert list(folded_lines(columns, rows, 200, above="measure")) == list(table_lines(columns, rows, None))


@given(
    st.lists(st.lists(st.text(max_size=40), min_size=3, max_size=3), min_size=1, max_size=4),
    st.integers(30, 90),
    st.booleans(),
)
def test_a_folded_table_fits_whatever_stands_in_it(rows: list[list[str]], width: int, apart: bool) -> None:
    lines = list(folded_lines(("one", "two", "three"), rows, width, above="one" if apart else None))
    assert all(cell_len(line) <= width for line in lines)
