"""`tertulia gold`: of story files and of episodes, for people and for programs, with what can be wrong about either."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Said, Tertulia

DATA = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[3] / "shared" / "data"))
VAL = DATA / "tomi" / "val.txt"
AWAY = """1 Ella entered the den.
2 Owen entered the den.
3 The lime is in the red_box.
4 Ella exited the den.
5 Owen moved the lime to the blue_box.
"""
STORIES = (
    AWAY + "6 Where is the lime really?\tblue_box\t1\n"
    + AWAY + "6 Where will Ella look for the lime?\tred_box\t1\n"
    + AWAY + "6 Where does Owen think that Ella searches for the lime?\tblue_box\t1\n"
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stories.txt"
    path.write_text(STORIES)
    return path


def one_object(said: Said) -> dict[str, Any]:
    assert (said.code, said.err) == (0, "")
    (data,) = said.lines()
    return data


def test_a_file_of_stories_is_answered_as_one_object(tertulia: Tertulia, file: Path) -> None:
    data = one_object(tertulia("gold", str(file), "--format", "tomi", "--json"))
    assert (data["items"], data["agree"], data["label_errors"], data["unexplained"]) == (3, 2, 1, 0)
    assert data["by"] == {
        "reality": {"items": 1, "agree": 1},
        "first_order": {"items": 1, "agree": 1},
        "second_order": {"items": 1, "agree": 0},
    }
    (one,) = data["disagreements"]
    assert (one["line"], one["label"], one["gold"], one["label_error"]) == (18, "blue_box", "red_box", True)
    assert (data["format"], data["rules"], data["skipped"]) == ("tomi", "credulous", 0)


def test_for_people_there_is_a_table_and_the_reasons_with_examples(tertulia: Tertulia, file: Path) -> None:
    said = tertulia("gold", str(file), "--format", "tomi")
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert ["second_order", "1", "0", "0"] in lines
    assert ["all", "3", "2", "66.67"] in lines
    assert "1 labels contradict the story; without them 2 of 2 agree (100.00 %)" in said.out
    assert "stories.txt:18: Where does Owen think that Ella searches for the lime?" in said.out


def test_a_line_that_cannot_be_read_ends_it_or_is_counted(tertulia: Tertulia, file: Path) -> None:
    file.write_text(STORIES + "1 Ella juggles.\n" + AWAY + "6 Where will Zoe look for the lime?\tred_box\t1\n")
    said = tertulia("gold", str(file), "--format", "tomi", "--json")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {file}:19: cannot read 'Ella juggles.'; ")
    assert said.err.count("\n") == 1
    skipped = tertulia("gold", str(file), "--format", "tomi", "--json", "--skip-bad")
    assert skipped.code == 0
    assert json.loads(skipped.out)["skipped"] == 2
    assert json.loads(skipped.out)["items"] == 3
    assert f"left out: {file}:19: " in skipped.err
    assert f"left out: {file}:25: " in skipped.err
    assert "Zoe, who is not in this story" in skipped.err


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["nothere.txt", "--format", "tomi"], "nothere.txt: there is no such file"),
        ([".", "--format", "tomi"], ".: cannot be read (is a directory)"),
        (["{file}", "--format", "tommi"], "--format: no format 'tommi'; nearest: 'tomi'"),
        (["{file}", "--format", "bigtom"], "stories.txt:1: 1 columns; a row has 19 columns"),
        (["{file}", "--format", "hi-tom"], "stories.txt:1: this is not JSON"),
        (["{file}", "--format", "hi-tom", "--skip-bad"], "is --format right?"),
        (["{file}", "--format", "tomi", "--rules", "credulus"], "--rules: no rules 'credulus'; nearest: 'credulous'"),
        (["{file}", "--format", "tomi", "--chain", "a"], "--chain is for an episode"),
        (["{file}"], "is a file: say what it is, as --format"),
        (["last", "--skip-bad"], "--skip-bad is for a file of stories"),
        (["{binary}", "--format", "tomi"], "binary:2: this is not text"),
        (["{empty}", "--format", "tomi"], "no question in it could be read as tomi"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    tertulia: Tertulia, file: Path, tmp_path: Path, arguments: list[str], wrong: str
) -> None:
    (tmp_path / "binary").write_bytes(b"PK\n\xff\xfe\x00")
    (tmp_path / "empty").write_text("\n")
    paths = {"file": file, "binary": tmp_path / "binary", "empty": tmp_path / "empty"}
    said = tertulia("gold", *(one.format(**paths) for one in arguments))
    assert (said.code, said.out) == (2, "")
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert wrong in errors[0]


@pytest.mark.skipif(not VAL.is_file(), reason="needs ToMi's val.txt (TERTULIA_DATA)")
def test_tomi_as_it_is_published(tertulia: Tertulia) -> None:
    data = one_object(tertulia("gold", str(VAL), "--format", "tomi", "--json"))
    assert data["items"] == 5994
    for kind in ("memory", "reality", "first_order"):
        assert data["by"][kind]["agree"] == data["by"][kind]["items"]
    assert data["unexplained"] == 0
    assert data["agree"] + len(data["disagreements"]) == data["items"]
    assert data["agree"] >= 0.9 * data["items"]
    assert data["agree"] >= 0.99 * (data["items"] - data["label_errors"])


def test_an_episode_answers_along_any_chain(tertulia: Tertulia) -> None:
    assert tertulia("run", "dinner-secret", "--display", "none").code == 0
    chains = ("alice", "alice>bob>carol>dan", "alice&bob", "world")
    asked = [word for chain in chains for word in ("--chain", chain)]
    data = one_object(tertulia("gold", "last", *asked, "--variable", "house", "--turn", "1", "--json"))
    held = {one["chain"]: one for one in data["gold"]}
    assert tuple(held) == chains
    assert (data["turn"], data["rules"]) == (1, "credulous")
    assert held["alice"]["distribution"] == {"kept": 0.0, "sold": 1.0}
    assert held["world"]["distribution"] == {"kept": 0.0, "sold": 1.0}
    assert held["alice&bob"]["distribution"] == {"kept": 0.5, "sold": 0.5}
    assert (held["alice"]["basis"], held["alice&bob"]["basis"]) == ("witnessed", "prior")
    shown = tertulia("gold", "last")
    assert shown.code == 0
    assert [line.split()[:2] for line in shown.out.splitlines()[2:]] == [
        [name, variable] for name in ("alice", "bob", "carol", "dan") for variable in ("house", "cake")
    ]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--chain", "alice>zed"], "nobody here is called 'zed'"),
        (["--chain", "alice>"], "a chain is like 'alice>bob'"),
        (["--variable", "hous"], "no variable 'hous'; nearest: 'house'"),
        (["--turn", "999"], "can be asked about turns 0 to"),
        (["--rules", "hi-tom"], "no trust rule 'hi-tom'"),
    ],
)
def test_of_an_episode_what_is_not_there_is_told_in_a_line(
    tertulia: Tertulia, arguments: list[str], wrong: str
) -> None:
    assert tertulia("run", "dinner-secret", "--display", "none", "-S", "turns.limit=1").code == 0
    said = tertulia("gold", "last", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert wrong in said.err
