"""`tertulia probe` and `tertulia elicit`: what they print, what they refuse, and that a log is asked, not changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import Tertulia
from tests.loopback import Loopback


@pytest.fixture
def dinner(tertulia: Tertulia) -> str:
    """An episode by rules; its id."""
    said = tertulia("run", "dinner-secret", "--json", "-S", "turns.limit=9")
    return str(said.lines()[0]["episode"])


def test_beliefs_are_shown_a_line_for_each_chain_and_variable(tertulia: Tertulia, dinner: str) -> None:
    said = tertulia("probe", "last", "--at", "7", "--beliefs", "--of", "alice")
    assert (said.code, said.err) == (0, "")
    first, *lines = said.out.splitlines()
    assert first == "turn 7 alice (rules)"
    assert "  alice  house: sold 100 %, kept 0 %" in lines
    assert "  alice>bob  cake: kitchen 95 %, cellar 5 %" in lines  # bob had left before the cake was moved
    assert len(lines) == 2 * (1 + 3 + 3)


def test_answers_are_told_and_kept_where_sql_finds_them(tertulia: Tertulia, dinner: str) -> None:
    question = "Where does bob think the cake is?"
    said = tertulia("probe", dinner[:20], "--at", "7", "--ask", "alice", question, "--choices", "kitchen,cellar")
    assert said.out == f"turn 7 alice (rules) {question} (one of: kitchen, cellar)\n  kitchen\n"
    [row] = tertulia("sql", "SELECT * FROM v_probes", "--json").lines()
    assert (row["answer"], row["participant"], row["turn"], row["scheduled"]) == ("kitchen", "alice", 7, 0)
    [cost] = tertulia("sql", "SELECT * FROM v_costs WHERE purpose = 'probe'", "--json").lines()
    assert (cost["calls"], cost["model"], cost["cost_usd"]) == (1, "rules", 0.0)


def test_everything_is_one_json_object_a_probe(tertulia: Tertulia, dinner: str) -> None:
    said = tertulia("probe", "last", "--beliefs", "--order", "1", "--repeat", "2", "--json")
    found = said.lines()
    assert [one["participant"] for one in found] == ["alice", "alice", "bob", "bob", "carol", "carol", "dan", "dan"]
    assert [one["ordinal"] for one in found] == list(range(8))
    for one in found:
        assert {belief["chain"] for belief in one["beliefs"]} == {one["participant"]}
        assert all(sum(belief["probabilities"].values()) == pytest.approx(1.0) for belief in one["beliefs"])


def test_another_model_is_asked_and_named(tertulia: Tertulia, dinner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-never-in-the-log")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = tertulia("probe", "last", "--at", "3", "--ask", "all", "relation", "--model", "openai/any", "--json")
    assert said.code == 0
    assert len(said.lines()) == 4 * 3
    for one in said.lines():
        assert one["answer"] in ("cooperative", "competitive", "independent")
        assert one["model"] == "openai/any"
        assert one["about"] in one["question"]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("--at", "99", "--beliefs"), "turn 99: episode "),
        (("--at", "0", "--beliefs"), "turn 0: episode "),
        (("--beliefs", "--of", "alise"), "--of alise: no participant 'alise'; nearest: 'alice'"),
        (("--ask", "alise", "Where?"), "--ask alise: no participant 'alise'; nearest: 'alice'"),
        ((), 'what is asked? give either --ask NAME "..." or --beliefs'),
        (("--beliefs", "--ask", "alice", "Where?"), "what is asked? give either"),
        (("--ask", "alice", "relaton"), "--ask: no question 'relaton'; nearest: 'relation'"),
        (("--ask", "alice", "Is {name} kind?"), "--ask: {name} stands in a question; only {other}"),
        (("--ask", "alice", "Is it?", "--choices", "yes"), "--choices yes: write at least two different answers"),
        (("--ask", "alice", "Is it?", "--of", "bob"), "--of goes with --beliefs"),
        (("--ask", "alice", "Is it?", "--order", "2"), "--order goes with --beliefs"),
        (("--beliefs", "--choices", "a,b"), "--choices: beliefs have no choices"),
        (("--beliefs", "--model", "openia/x"), "no model provider 'openia' in 'openia/x'; nearest: 'openai'"),
        (("--beliefs", "--model", "human"), "'human' is a person, whom no program asks"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_line(
    tertulia: Tertulia, dinner: str, arguments: tuple[str, ...], wrong: str
) -> None:
    said = tertulia("probe", "last", *arguments)
    assert (said.code, said.out) == (2, "")
    [line] = said.err.splitlines()
    assert line.startswith(f"error: {wrong}")
    assert tertulia("sql", "SELECT count(*) AS n FROM probe", "--json").lines() == [{"n": 0}]


def test_a_log_or_an_episode_that_is_not_there_is_told(tertulia: Tertulia, tmp_path: Path) -> None:
    said = tertulia("probe", "last", "--beliefs")
    assert said.code == 2
    assert "there is no log at" in said.err
    assert not list(tmp_path.glob("*.db"))
    tertulia("run", "sally-anne", "--display", "none")
    assert "no episode 'xyz'" in tertulia("probe", "xyz", "--beliefs").err


def test_a_question_rules_do_not_understand_is_said_so_on_stderr(tertulia: Tertulia, dinner: str) -> None:
    said = tertulia("probe", "last", "--ask", "alice", "How are you?")
    assert said.code == 0
    assert said.out == "turn 11 alice (rules) How are you?\n"
    assert said.err.startswith("no answer from alice: rules understand no free questions")


def test_the_effect_of_asking_is_one_table_of_means_and_one_of_differences(tertulia: Tertulia) -> None:
    said = tertulia("elicit", "mutual-friends", "--seeds", "0:3")
    assert said.code == 0
    means, differences = said.out.split("\n\n")
    assert means.splitlines()[0].split() == ["mean", "(n)", "inline", "probe", "none"]
    assert "brier" in means
    [words] = [line for line in differences.splitlines() if line.startswith("words")]
    assert words.count("+0 [+0, +0] (3)") == 3
    assert "WHERE batch = '" in said.err


def test_the_effect_of_asking_is_one_json_object(tertulia: Tertulia) -> None:
    said = tertulia("elicit", "sally-anne", "--seeds", "0:2", "--json")
    [found] = said.lines()
    assert found["seeds"] == 2
    assert found["left_out"] == []
    assert found["arms"]["none"]["brier"] is None
    assert found["differences"]["inline-probe"]["brier"]["n"] == 2
    [count] = tertulia(
        "sql", f"SELECT count(*) AS n FROM v_outcomes WHERE batch = '{found['batch']}'", "--json"
    ).lines()
    assert count == {"n": 6}


def test_seeds_and_scenarios_that_cannot_be_are_told_in_a_line(tertulia: Tertulia) -> None:
    for arguments in (("mutual-friends", "--seeds", "3:1"), ("mutual-frends", "--seeds", "0:1")):
        assert tertulia("deliberate", *arguments).code == 2
        said = tertulia("elicit", *arguments)
        assert said.code == 2
        assert len(said.err.splitlines()) == 1


def test_staged_and_fused_are_compared_in_one_table_with_who_spoke_below(tertulia: Tertulia) -> None:
    said = tertulia("deliberate", "planning-meeting", "--seeds", "0:2", "-S", "mind.preset=inner-thoughts")
    assert said.code == 0
    figures, agreement = said.out.split("\n\n")
    assert figures.splitlines()[0].split() == ["mean,", "95", "%", "staged", "fused", "difference"]
    assert any(line.startswith("ada speaks") for line in figures.splitlines())
    assert agreement.splitlines()[2].split() == ["same", "speaker", "1", "[1,", "1]"]
    assert "WHERE batch = '" in said.err
    [found] = tertulia("deliberate", "planning-meeting", "--seeds", "0:2", "--json").lines()
    assert found["difference"]["calls"]["mean"] > 0
