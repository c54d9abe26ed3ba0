"""Whatever goes wrong is a line that says what would be right, and an exit code."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

from tertulia.cli.errors import EXPECTED
from tests.cli.command import Tertulia

WRONG = {
    "an unknown scenario": (("run", "mutal-friends"), "mutual-friends"),
    "an unknown key": (("run", "mutual-friends", "-S", "turns.limt=3"), "limit"),
    "no assignment": (("run", "mutual-friends", "-S", "turns"), "key=value"),
    "a missing key": (("run", "mutual-friends", "--model", "openai/x"), "OPENAI_API_KEY"),
    "an unknown provider": (("run", "mutual-friends", "--model", "opnai/x"), "openai"),
    "no such participant": (("run", "mutual-friends", "--model-role", "zed=rules"), "alice"),
    "half a role": (("run", "mutual-friends", "--model-role", "alice"), "NAME=URI"),
    "seeds backwards": (("run", "mutual-friends", "--seeds", "5:3"), "0:200"),
    "seeds in words": (("run", "mutual-friends", "--seeds", "all"), "0:200"),
    "a seed twice": (("run", "mutual-friends", "--seeds", "1,1"), "twice"),
    "a seed too large": (("run", "mutual-friends", "--seeds", f"0:{2**63 + 1}"), str(2**63 - 1)),
    "a seed in words": (("run", "mutual-friends", "--seed", "x"), "--seed"),
    "an unknown display": (("run", "mutual-friends", "--display", "loud"), "plain"),
    "no scenario": (("run",), "SCENARIO"),
    "an unknown verb": (("rnu",), "run"),
    "an unknown option": (("run", "mutual-friends", "--sede", "1"), "--sede"),
    "no log": (("show", "last"), "there is no log"),
    "no log to resume": (("resume", "last"), "there is no log"),
    "a folder": (("episodes", "--db", "."), "folder"),
    "another database": (("episodes", "--db", "mysql://u:canary@h/d"), "postgresql"),
    "no such status": (("episodes", "--status", "sucess"), "success"),
    "a backup of nothing": (("db", "backup", "copy.db"), "there is no log"),
    "a seed and seeds": (("run", "mutual-friends", "--seeds", "0:3", "--seed", "4"), "one of the two"),
    "a number of seeds": (("run", "mutual-friends", "--seeds", "3"), "write 0:3 for 3 of them, or --seed 3"),
    "json and csv": (("sql", "SELECT 1", "--json", "--csv"), "one of the two"),
}


@pytest.mark.parametrize("what", WRONG)
def test_bad_input_is_one_line_and_exit_code_2(tertulia: Tertulia, what: str) -> None:
    arguments, hint = WRONG[what]
    said = tertulia(*arguments)
    assert said.code == 2
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith("error: ")
    assert hint in line
    assert "canary" not in line


def test_bad_input_makes_no_episode(tertulia: Tertulia) -> None:
    tertulia("run", "mutual-friends", "--model", "openai/x")
    assert tertulia("episodes", "--json").out == ""


def test_every_problem_of_a_file_is_a_line_with_its_place(tertulia: Tertulia, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "scenario: mine\nworld: table_talk\nparticipants: [{name: a}, {name: b}]\nturns: {limit: 0}\nmodle: x\n"
    )
    said = tertulia("run", str(file))
    assert said.code == 2
    first, second = said.err.splitlines()
    assert first.startswith(f"error: {file}:4: turns.limit: ")
    assert second.startswith(f"error: {file}:5: modle: ")
    assert "Traceback" not in said.err


def test_another_programs_database_is_called_that(tertulia: Tertulia, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "photos.db")) as there:
        there.execute("CREATE TABLE photos (name)")
    for command in (("sql", "SELECT 1"), ("run", "mutual-friends"), ("episodes",), ("show", "last")):
        said = tertulia(*command, "--db", "photos.db")
        assert said.code == 2
        assert said.err == "error: photos.db is a database of something else: it has tables (photos, ...)\n"


def test_a_backup_that_cannot_be_written_blames_its_own_folder(tertulia: Tertulia) -> None:
    tertulia("db", "migrate")
    said = tertulia("db", "backup", "nowhere/x.db")
    assert (said.code, said.err) == (2, "error: nowhere/x.db: there is no folder nowhere\n")


def test_an_unknown_name_in_a_query_is_told_with_the_nearest(tertulia: Tertulia) -> None:
    tertulia("db", "migrate")
    [line] = tertulia("sql", "SELECT * FROM v_belief").err.splitlines()
    assert "nearest: 'v_beliefs'" in line


def test_debug_shows_where_an_error_arose(tertulia: Tertulia) -> None:
    said = tertulia("show", "last", "--debug")
    assert said.code == 2
    assert "Traceback" in said.err
    assert "there is no log" in said.err


def test_hostile_names_in_errors_are_harmless(tertulia: Tertulia) -> None:
    said = tertulia("run", "no\x1b[31m[bold]thing\u202e")
    assert "\x1b" not in said.err
    assert "\u202e" not in said.err
    assert "[bold]" in said.err


@pytest.mark.parametrize("name", EXPECTED)
def test_every_expected_error_is_there_under_its_name(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(import_module(module), kind), Exception)
