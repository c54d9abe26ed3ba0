"""What a run says when it is over: how it went, why, and what to type next."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path

import pytest

from tertulia.cli.display.console import console_on
from tertulia.cli.display.paint import WHOLE, Painter
from tertulia.cli.display.plain import plain_lines
from tertulia.cli.display.summary import outcome_parts, outcome_text
from tertulia.cli.display.turns import Gathering
from tertulia.cli.hints import program
from tertulia.cli.many import Tally
from tertulia.environments.result import EpisodeResult
from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.loopback import Faults, Loopback
from tests.storage.made import a_bid, a_turn, an_episode, beliefs

SHORT = ("run", "dinner-secret", "-S", "turns.limit=3")


def a_result(seed: int, status: str, utterances: int, reward: float | None, cost: float | None = None) -> EpisodeResult:
    outcome = {} if reward is None else {"reward": reward}
    return EpisodeResult(
        f"e{seed}", "s", seed, status, "why", outcome, 3, utterances, 10, 0, cost, 1.0,  # type: ignore[arg-type]
    )  # fmt: skip


def test_averages_are_over_episodes_that_ended() -> None:
    tally = Tally(4)
    tally.results += [a_result(0, "success", 4, 1.0), a_result(1, "degraded", 8, 0.0)]
    tally.results += [a_result(2, "error", 100, 1.0), a_result(3, "paused", 100, None)]
    lines = {line[:12].strip(): line[12:] for line in tally.lines()}
    assert lines["not ended"] == "2, left out of the averages"
    assert lines["reward"] == "0.500 on average (n = 2)"
    assert lines["utterances"] == "6.00 on average (n = 2)"
    assert lines["cost"] == "unknown"


def test_where_none_ended_there_is_no_average() -> None:
    tally = Tally(1)
    tally.results.append(a_result(0, "error", 0, None))
    assert not any("average (" in line for line in tally.lines())


def test_a_degraded_run_says_so_and_still_ends_well(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Faults(wrong_schema=1.0, last_chance=False)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = tertulia(*SHORT, "--model", "openai/any", "--json")
    [line] = said.lines()
    share = 100 * line["fallbacks"] / line["calls"]
    assert (said.code, line["status"]) == (0, "degraded")
    assert said.err == (
        f"degraded: {line['fallbacks']} of {line['calls']} calls fell back ({share:.0f} %), "
        "above max_fallback_rate 0.1\n"
    )


@pytest.mark.parametrize("verb", ["run", "resume"])
def test_help_lists_the_exit_codes(tertulia: Tertulia, verb: str) -> None:
    told = " ".join(tertulia(verb, "--help").out.split())
    for code in ("0 ended", "1 error or paused", "2 bad input", "130 interrupted"):
        assert code in told


@pytest.mark.parametrize("display", ["plain", "rich", "none"])
def test_what_a_model_refused_is_said_once_and_to_be_set_right(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    with Loopback(script=None) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/nowhere")
        said = tertulia(*SHORT, "--model", "openai/any", "--display", display)
    with Log.open() as log:
        [row] = log.episodes()
    assert (said.code, row.status) == (1, "error")
    whole = " ".join((said.out + said.err).replace("\u2502", " ").split())
    assert whole.count(" ".join((row.reason or "").split()[:4])) == 1
    assert said.err.splitlines()[-1] == f"set that right first, then go on with: tertulia resume {row.id}"


def test_the_same_failure_of_many_seeds_is_told_once(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(script=None) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/nowhere")
        said = tertulia(*SHORT, "--model", "openai/any", "--seeds", "0:4", "--display", "none")
    assert said.code == 1
    told = [line for line in said.err.splitlines() if line.startswith("seed ")]
    assert len(told) == 1
    assert "set that right first" in told[0]


def test_what_has_no_effect_with_seeds_is_told(tertulia: Tertulia) -> None:
    many = ("run", "dinner-secret", "-S", "turns.limit=1", "--seeds", "0:2")
    assert "--display rich has no effect with --seeds" in tertulia(*many, "--display", "rich").err
    assert "--minds has no effect with --seeds" in tertulia(*many, "--minds", "--display", "none").err
    plain = tertulia(*many, "--display", "plain")
    assert "no effect" not in plain.err
    assert len([line for line in plain.out.splitlines() if line.startswith("episode 0")]) == 2


def test_a_seed_from_the_environment_gives_way_to_seeds(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERTULIA_RUN_SEED", "11")
    assert tertulia("run", "dinner-secret", "-S", "turns.limit=1", "--seeds", "0:1", "--display", "none").code == 0


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    script = tmp_path / ".venv" / "bin" / "tertulia"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return script


def test_hints_name_a_program_that_is_found(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(installed)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == ".venv/bin/tertulia"
    monkeypatch.chdir(installed.parent)
    assert program() == "./tertulia"
    monkeypatch.chdir(tmp_path / ".venv" / "bin" / "..")
    assert program() == "bin/tertulia"
    (tmp_path / "a place").mkdir()
    monkeypatch.chdir(tmp_path / "a place")
    assert shlex.split(program()) == [str(installed)]
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program() == "tertulia"
    other = tmp_path / "tertulia"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == str(installed)


def test_the_query_to_try_is_one_that_works(
    tertulia: Tertulia, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(installed)])
    out = tertulia("run", "mutual-friends").out
    assert "try .venv/bin/tertulia sql " in out


def test_a_nested_outcome_can_be_read() -> None:
    outcome = {
        "reward": None, "done": False, "present": ["alice", "bob"], "informed": {"house": ["alice"], "cake": []},
        "secrets": {"alice": {"house": {"kept": True, "heard_by": ["carol", "dan"]}, "cake": {"kept": False}},
                    "bob": {}},
        "friends": 7, "list": [{"a": 1}],
    }  # fmt: skip
    parts = outcome_parts(outcome)
    assert parts == {
        "present": "alice, bob", "informed": "house: alice; cake: none", "friends": "7", "list": "(a 1)",
        "secrets": "alice house: kept yes, heard by carol, dan; alice cake: kept no; bob: none",
    }  # fmt: skip
    assert outcome_text({"friends": 7, "informed": {"x": ["a", "b"]}}) == "friends 7 | informed x: a, b"
    assert outcome_text({"a": 0.99999, "b": -1e-9, "c": 2 / 30000}) == "a 1 | b -1e-09 | c 6.667e-05"
    assert (
        outcome_text({"reward": 1 / 3, "price": 1234567.5, "share": 1.0}) == "reward 0.3333 | price 1234567.5 | share 1"
    )


def test_a_belief_that_prefers_nothing_yet_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    gathering = Gathering(("alice",))
    even, sure = {"kitchen": 0.5, "cellar": 0.5}, {"kitchen": 1.0}
    first = gathering.turn(1, [*beliefs(1, "alice", "cake", **even), *beliefs(1, "alice>bob", "cake", **sure)])
    second = gathering.turn(2, beliefs(2, "alice>bob", "cake", **even))
    only = Gathering(("alice",)).turn(3, a_turn(3, *beliefs(3, "alice", "cake", **even), closing=True).rows)
    for painted in (first, second, only):
        Painter(console_on(), ("alice",), WHOLE).turn(painted)
    shown = capsys.readouterr().out
    told = [line for view in (first, second, only) for line in plain_lines(view, minds=True)]
    assert "alice: cake" not in shown
    assert "at the end" not in shown
    assert shown.count("alice>bob: cake") == 2
    assert [line for line in told if "believes" in line] == [
        "   1 alice believes alice>bob cake: kitchen 1.00",
        "   2 alice believes alice>bob cake: cellar 0.50, kitchen 0.50",
    ]


def test_a_bid_that_nobody_appraised_shows_no_number(tertulia: Tertulia) -> None:
    async def write() -> None:
        with Log.open() as log:
            await log.begin(an_episode())
            bids = [a_bid(0, "alice", motivation=None, won=True, reason="asked"), a_bid(0, "bob", motivation=None)]
            await log.commit(a_turn(0, *bids))

    asyncio.run(write())
    assert "floor: alice, asked; bob lost: asked" in tertulia("show", "last", "--minds").out
    assert tertulia("show", "last", "--minds", "--json").lines()[0]["bids"][0]["motivation"] is None
    view = Gathering(("alice", "bob")).turn(0, [a_bid(0, "alice", motivation=None, won=True, reason="asked")])
    assert "   0 alice floor won: asked" in list(plain_lines(view, minds=True))


@pytest.mark.parametrize("group", [(), ("plot",), ("measures",), ("import",)])
def test_the_list_of_commands_says_each_in_a_line(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = tertulia(*group, "--help").out.partition("Commands:\n")[2].splitlines()
    assert len(listed) > 1
    assert not [line for line in listed if line.endswith("...")]
