"""`tertulia search`, and `tertulia sql --named`: what they print, and how they refuse."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tertulia.storage.spreadsheets import inert
from tests.cli.command import Tertulia
from tests.storage.made import ID, a_thought, a_turn, an_appraisal, an_episode, an_event


@pytest.fixture
def written() -> str:
    async def write() -> None:
        with Log.open() as log:
            await log.begin(an_episode())
            await log.commit(
                a_turn(
                    0, an_event(0, "Where is the cake?\x1b[2J <script>", addressees=["bob"]), an_event(0, "=1+1", 1),
                    a_thought(0, "t1", "No cake is left.", holder="bob"),
                    an_appraisal(0, "t1", "kept", 4.5, holder="bob"),
                )
            )  # fmt: skip

    asyncio.run(write())
    return ID


def test_search_marks_what_it_found(tertulia: Tertulia, written: str) -> None:
    out = tertulia("search", "CAKE").out.splitlines()
    assert out[0].split() == ["episode", "turn", "who", "how", "text"]
    assert out[2].split(None, 4) == [ID, "0", "bob", "thought,", "kept  No «cake» is left."]
    assert out[3].endswith("say to bob     Where is the «cake»?\u241b[2J <script>")
    assert out[4] == "(2 hits)"
    assert tertulia("search", "cake", "--limit", "1").out.endswith("(the first 1 hit; --limit 0 shows all)\n")
    assert tertulia("search", "tart").out == "nothing was found; words are taken whole: cak* also finds cakes\n"


def test_search_as_data(tertulia: Tertulia, written: str) -> None:
    [thought, said] = tertulia("search", "cake", "--json").lines()
    assert said == {
        "episode": ID, "turn": 0, "place": "said", "kind": "say", "who": "alice", "id": "0.0", "to": ["bob"],
        "spoken_turn": None, "text": "Where is the cake?\x1b[2J <script>", "hits": [[13, 17]],
    }  # fmt: skip
    assert (thought["place"], thought["who"], thought["kind"]) == ("thought", "bob", "kept")
    rows = list(csv.DictReader(io.StringIO(tertulia("search", '"1 1"', "--csv").out)))
    assert [(row["text"], row["hits"], row["to"]) for row in rows] == [("'=1+1", "1-4", "")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-cake"], "No such option"),
        (["cake OR"], "OR stands between"),
        (['"cake'], "second quotation mark"),
        (["cake", "--by", "alic"], "nearest: 'alice'"),
        (["tart", "--by", "bop"], "nearest: 'bob'"),
        (["cake", "--episode", "nope"], "no episode 'nope'"),
        (["cake", "--batch", "nope"], "nope"),
        (["cake", "--in", "dreams"], "dreams"),
        (["cake", "--json", "--csv"], "choose one of the two"),
        ([], "WORDS"),
    ],
)
def test_search_refuses_in_one_line(tertulia: Tertulia, written: str, arguments: list[str], said: str) -> None:
    found = tertulia("search", *arguments)
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert said in found.err


def test_named_queries_are_listed_shown_and_asked(tertulia: Tertulia, written: str, tmp_path: Path) -> None:
    listed = {row["query"] for row in tertulia("sql", "--list", "--json").lines()}
    assert {"who-changed-their-mind", "never-spoken", "cost-by-cell"} <= listed
    assert "Which thoughts were kept longest" in tertulia("sql", "--list").out
    shown = tertulia("sql", "--named", "never-spoken", "--show").out
    assert ":threshold" in shown
    assert "FROM v_thoughts AS t" in shown
    asked = ["sql", "--named", "never-spoken", "--json"]
    assert [row["text"] for row in tertulia(*asked).lines()] == ["No cake is left."]
    assert tertulia(*asked, "-p", "threshold=4.6").lines() == []
    assert len(tertulia(*asked, "-p", "episode=last").lines()) == 1
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "mine.sql").write_text("-- Mine.\n-- :n = 1 -- a number\nSELECT :n AS n -- it\n")
    assert tertulia("sql", "--named", "mine", "-p", "n=3", "--json").lines() == [{"n": 3}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--named", "never-spoke"], "nearest: 'never-spoken'"),
        (["--named", "never-spoken", "-p", "treshold=1"], "nearest: 'threshold'"),
        (["--named", "never-spoken", "-p", "threshold"], "right would be key=value"),
        (["--named", "never-spoken", "-p", "threshold=x"], "is a number"),
        (["--named", "never-spoken", "SELECT 1"], "choose one of the two"),
        (["-p", "x=1", "SELECT 1"], "goes with --named"),
    ],
)
def test_named_queries_refuse_in_one_line(tertulia: Tertulia, written: str, arguments: list[str], said: str) -> None:
    found = tertulia("sql", *arguments)
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert said in found.err


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\uff1d1"])
def test_no_spreadsheet_runs_a_text(text: str) -> None:
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "cake", "-3.5", "+2", "1-2", " =1"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert inert(text) == text


def test_csv_is_as_the_standard_has_it(tertulia: Tertulia, written: str) -> None:
    out = tertulia("sql", "SELECT 'a,b' AS x, 'say \"hi\"' AS y, -1 AS z, '=1' AS w", "--csv").out
    assert out == 'x,y,z,w\r\n"a,b","say ""hi""",-1,\'=1\r\n'


def test_a_named_query_that_finds_nothing_says_what_it_was_asked_with(tertulia: Tertulia, written: str) -> None:
    asked = ("sql", "--named", "never-spoken", "-p", "threshold=5")
    said = tertulia(*asked)
    assert said.out.endswith("(0 rows)\n")
    assert said.err == ("asked with threshold=5 most=50; what that means: tertulia sql --named never-spoken --show\n")
    assert tertulia(*asked, "--csv").err == ""
