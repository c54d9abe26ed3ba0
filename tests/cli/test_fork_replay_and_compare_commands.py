"""fork, replay and compare as people type them."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import Tertulia
from tests.environments.batch.batches import a_grid


@pytest.fixture
def dinner(tertulia: Tertulia) -> str:
    """The id of an episode."""
    [result] = tertulia("run", "dinner-secret", "--seed", "3", "--json").lines()
    return str(result["episode"])


def test_fork_shows_a_line_for_each_branch_and_the_commands_that_go_on(tertulia: Tertulia, dinner: str) -> None:
    said = tertulia("fork", "last", "--at", "8", "--set", "alice.belief.cake=kitchen", "--replicates", "2")
    assert said.code == 0
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["set", "0"], ["set", "1"], ["null", "0"], ["null", "1"],
    ]  # fmt: skip
    assert all("success: all_silent" in line for line in said.out.splitlines())
    [advice] = [line for line in said.err.splitlines() if line.startswith("what the change did:")]
    compared = tertulia(*advice.partition("tertulia ")[2].split())
    assert compared.code == 0
    assert "2 pairs" in compared.out
    assert "the transcripts of 2 part, at turn 8" in compared.out
    assert "carol>alice" in compared.out
    assert "set from outside, and left out as long as it was held so: alice about cake" in compared.out


def test_fork_and_compare_as_json(tertulia: Tertulia, dinner: str) -> None:
    found = tertulia("fork", dinner, "--at", "8", "--set", "alice.belief.cake=kitchen", "--json").lines()
    assert [(one["cell"], one["replicate"], one["parent_episode"], one["parent_turn"]) for one in found] == [
        ("set", 0, dinner, 7), ("null", 0, dinner, 7),
    ]  # fmt: skip
    [groups] = tertulia("compare", found[0]["batch"], "--json").lines()
    assert (groups["n"], groups["parted"]) == (1, 1)
    assert groups["a"] == f"{found[0]['batch']}:set"
    cells = [f"{found[0]['batch']}:{cell}" for cell in ("null", "set")]
    [turned] = tertulia("compare", *cells, "--json").lines()
    assert turned["figures"]["turns"]["difference"]["mean"] == -groups["figures"]["turns"]["difference"]["mean"]
    [two] = tertulia("compare", found[0]["episode"], dinner, "--json").lines()
    assert two["parting"]["turn"] == 8
    assert two["parting"]["a"]["text"] == "The cake is in the kitchen."
    assert two["parting"]["beliefs"][0]["by_a"] == "set"
    assert tertulia("compare", found[0]["episode"], "--json").lines() == [two]


def test_a_fork_that_is_only_entered_is_played_by_resume(tertulia: Tertulia, dinner: str) -> None:
    found = tertulia("fork", dinner, "--at", "5", "--no-play", "--no-null", "--set", "turns.limit=9", "--json").lines()
    assert [(one["cell"], one["status"]) for one in found] == [("set", "paused")]
    [waiting] = tertulia("episodes", "--status", "paused", "--json").lines()
    assert waiting["episode"] == found[0]["episode"]
    assert tertulia("resume", found[0]["batch"], "--json").code == 0
    [parts] = tertulia("compare", found[0]["episode"], "--json").lines()
    assert (parts["parting"]["turn"], parts["parting"]["ended"]) == (10, "a")


def test_replay_says_equal_or_where_it_differs(tertulia: Tertulia, dinner: str, tmp_path: Path) -> None:
    said = tertulia("replay", "last")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"episode {dinner}: equal to its log in 14 turns, 74 calls; 0 requests")
    [found] = tertulia("replay", dinner, "--json").lines()
    assert (found["equal"], found["requests"], found["difference"]) == (True, 0, None)
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.execute("UPDATE bid SET reason = 'bribed' WHERE turn = 4 AND participant = 'dan'")
    said = tertulia("replay", "last")
    assert said.code == 1
    assert said.out.splitlines()[1:] == [
        "turn 4, dan: bid dan: reason", "  log     bribed", "  replay  chose to pass",
    ]  # fmt: skip
    [found] = tertulia("replay", dinner, "--json").lines()
    assert found["equal"] is False
    assert found["difference"]["participant"] == "dan"


def test_a_fork_says_from_where_it_is_replayed(tertulia: Tertulia, dinner: str) -> None:
    [fork] = tertulia("fork", dinner, "--at", "8", "--json").lines()
    said = tertulia("replay", fork["episode"])
    assert said.code == 0
    assert f"from turn 8 on, where it parted from {dinner}: equal" in said.out


def test_a_fork_is_known_as_one_wherever_it_is_shown(tertulia: Tertulia, dinner: str) -> None:
    said = tertulia("fork", "last", "--at", "8", "--no-play")
    assert f", forks of {dinner} before turn 8 (dinner-secret, seed 3)\n" in said.err
    fork, parent = tertulia("episodes", "--json").lines()
    assert (fork["parent_episode"], fork["parent_turn"]) == (dinner, 7)
    assert (parent["parent_episode"], parent["parent_turn"]) == (None, None)
    shown = tertulia("show", fork["episode"]).out.splitlines()
    assert shown[1].startswith(f"forked from {dinner} after turn 7 (batch ")
    assert not any("forked from" in line for line in tertulia("show", dinner).out.splitlines())
    assert f"{dinner} after turn 7" in tertulia("episodes").out


def test_a_log_without_forks_has_no_column_for_them(tertulia: Tertulia, dinner: str) -> None:
    assert "fork" not in tertulia("episodes").out


WRONG = {
    "no turn": (("fork", "last"), "--at"),
    "a turn too late": (("fork", "last", "--at", "40"), "turns 1 to 15"),
    "an unknown variable": (("fork", "last", "--at", "3", "--set", "alice.belief.cak=cellar"), "'cake'"),
    "an unknown key": (("fork", "last", "--at", "3", "--set", "turns.limt=3"), "'limit'"),
    "an unknown key of a seat": (
        ("fork", "last", "--at", "3", "--set", "alice.belif.cake=cellar"),
        "--set alice.belif: unknown key 'belif'",
    ),
    "a bad event": (("fork", "last", "--at", "3", "--event", "{leave: bobb}"), "'bob'"),
    "an unknown episode": (("fork", "nowhere", "--at", "3"), "no episode"),
    "a model without a key": (("fork", "last", "--at", "3", "--set", "bob.model=openai/x"), "OPENAI_API_KEY"),
    "nothing to compare with": (("compare", "last"), "no fork"),
    "an unknown batch": (("compare", "nowhere:set", "last"), "no batch"),
    "one cell": (("compare", "nowhere:set"), "second argument"),
    "nothing to replay": (("replay", "nowhere"), "no episode"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_line_and_enters_nothing(tertulia: Tertulia, dinner: str, what: str) -> None:
    arguments, hint = WRONG[what]
    said = tertulia(*arguments)
    assert (said.code, said.out) == (2, "")
    [line] = said.err.splitlines()
    assert line.startswith("error: ")
    assert hint in line
    assert len(tertulia("episodes", "--json").lines()) == 1


def test_cells_are_named_where_a_batch_is_compared_wrongly(tertulia: Tertulia, dinner: str) -> None:
    [first, second] = tertulia("fork", dinner, "--at", "8", "--set", "turns.limit=9", "--json").lines()
    batch = first["batch"]
    said = tertulia("compare", f"{batch}:sett", f"{batch}:null")
    assert (said.code, said.out) == (2, "")
    assert "nearest: 'set'" in said.err
    said = tertulia("compare", batch, second["episode"])
    assert f"{batch}:null" in said.err
    assert said.code == 2
    said = tertulia("compare", f"{batch}:set", second["episode"])
    assert "two of a kind" in said.err


def test_a_batch_where_an_episode_is_asked_for_is_known_as_one(tertulia: Tertulia) -> None:
    assert tertulia("batch", str(a_grid(Path(), seeds="0:1"))).code == 0
    for asked in (("replay", "b"), ("fork", "b", "--at", "3"), ("show", "b")):
        said = tertulia(*asked)
        assert (said.code, said.out) == (2, "")
        [line] = said.err.splitlines()
        assert "no episode 'b', but batch b; for its episodes: tertulia episodes --batch b" in line


def test_the_beginning_of_several_ids_is_told_as_such_whatever_batch_begins_so(tertulia: Tertulia, dinner: str) -> None:
    assert tertulia("fork", dinner, "--at", "8", "--set", "turns.limit=9").code == 0
    said = tertulia("show", dinner[:2])
    assert said.code == 2
    assert f"3 episodes begin with '{dinner[:2]}'" in said.err


def test_advice_names_the_log_that_was_looked_at(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TERTULIA_DB")
    grid = str(a_grid(tmp_path, seeds="0:1", grid={"mind.order": [1]}))
    other = str(tmp_path / "other.db")
    assert tertulia("batch", grid, "--db", other).code == 0
    said = tertulia("show", "b", "--db", other)
    [advice] = re.findall(r"for its episodes: tertulia (.*)$", said.err, re.MULTILINE)
    assert tertulia(*shlex.split(advice)).code == 0
    assert "--db" not in tertulia("show", "nothing").err


def test_two_cells_of_a_batch_are_compared_in_the_order_of_their_grid(tertulia: Tertulia) -> None:
    grid = a_grid(Path(), grid={"mind.order": [2, 1]})
    assert tertulia("batch", str(grid)).code == 0
    [found] = tertulia("compare", "b", "--json").lines()
    assert (found["a"], found["b"]) == ("b:mind.order=2", "b:mind.order=1")


def test_of_many_cells_some_are_named(tertulia: Tertulia) -> None:
    grid = a_grid(Path(), seeds="0:1", grid={"turns.limit": list(range(1, 12))})
    assert tertulia("batch", str(grid)).code == 0
    said = tertulia("compare", "b")
    assert said.code == 2
    assert "has 11 cells (turns.limit=1; turns.limit=2;" in said.err
    assert "and 3 more" in said.err
    [advice] = re.findall(r"as in: tertulia (.*)$", said.err, re.MULTILINE)
    assert advice == "compare b:turns.limit=1 b:turns.limit=2"
    assert tertulia(*shlex.split(advice)).code == 0
