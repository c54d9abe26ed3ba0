"""`tertulia run` and `tertulia resume`: what they show, what they print, how they leave."""

from __future__ import annotations

import shlex
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tertulia.environments.seeds import parse_seeds
from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.loopback import Faults, Loopback

PROMISED = {
    "episode", "scenario", "seed", "status", "outcome", "turns", "utterances", "calls", "fallbacks", "cost_usd",
    "reason",
}  # fmt: skip
SHORT = ("run", "dinner-secret", "-S", "turns.limit=3")


def newest(db: str | None = None) -> str:
    with Log.open(db, create=False) as log:
        return log.episodes(1)[0].id


def test_json_is_one_line_on_stdout_and_nothing_else(tertulia: Tertulia) -> None:
    said = tertulia("run", "mutual-friends", "--seed", "7", "--json")
    assert said.code == 0
    [line] = said.lines()
    assert line.keys() >= PROMISED
    assert (line["scenario"], line["seed"], line["status"]) == ("mutual-friends", 7, "success")
    assert line["outcome"]["reward"] == 1
    assert said.err == ""


def test_json_beside_a_display_keeps_stdout_for_data(tertulia: Tertulia) -> None:
    said = tertulia(*SHORT, "--json", "--display", "plain")
    assert len(said.lines()) == 1
    assert "alice (whisper to carol)" in said.err


def test_the_line_says_what_the_log_holds(tertulia: Tertulia) -> None:
    [line] = tertulia("run", "mutual-friends", "--json").lines()
    [row] = tertulia("sql", f"SELECT * FROM v_outcomes WHERE episode = '{line['episode']}'", "--json").lines()
    for key in ("scenario", "seed", "status", "reason", "utterances", "calls", "fallbacks", "cost_usd"):
        assert row[key] == line[key], key


def test_a_run_ends_with_a_query_that_can_be_pasted(tertulia: Tertulia) -> None:
    said = tertulia("run", "mutual-friends", "--seed", "7")
    command = next(line for line in said.out.splitlines() if "tertulia sql" in line).partition("tertulia ")[2]
    answer = tertulia(*shlex.split(command), "--json")
    assert answer.code == 0
    assert {"turn", "chain", "variable", "value", "probability"} == answer.lines()[0].keys()
    assert newest() in command


@pytest.mark.parametrize("scenario", ["mutual-friends", "dinner-secret"])
def test_what_was_seen_live_can_be_shown_again(tertulia: Tertulia, scenario: str) -> None:
    live = tertulia("run", scenario, "--display", "rich", "--minds").out.splitlines()
    shown = tertulia("show", "last", "--minds").out.splitlines()
    turns = shown[2:-1]
    assert len(turns) > 20
    start = live.index(turns[0])
    assert live[start : start + len(turns)] == turns


def test_plain_is_one_line_an_event_and_the_same_every_time(tertulia: Tertulia) -> None:
    first, second = (tertulia(*SHORT, "--seed", "1", "--display", "plain").out.splitlines() for _ in range(2))
    events = [line for line in first if line[:4].strip().isdigit()]
    assert events == [line for line in second if line[:4].strip().isdigit()]
    rows = tertulia("sql", f"SELECT turn, text FROM v_transcript WHERE episode = '{newest()}'", "--json").lines()
    assert [line for line in events if "(silence)" not in line] == [
        line for row in rows for line in events if line.startswith(f"{row['turn']:>4} ") and line.endswith(row["text"])
    ]
    assert not any("thought" in line for line in events)


def test_plain_shows_minds_when_asked(tertulia: Tertulia) -> None:
    out = tertulia(*SHORT, "--display", "plain", "--minds").out
    assert " thought " in out
    assert "alice believes alice house: sold 1.00" in out
    assert " floor won " in out


def test_display_none_prints_nothing(tertulia: Tertulia) -> None:
    said = tertulia(*SHORT, "--display", "none")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_many_seeds_are_lines_of_data_and_a_summary_beside(tertulia: Tertulia) -> None:
    said = tertulia("run", "mutual-friends", "--seeds", "0:6", "--json", "--display", "none", "-j", "3")
    assert said.code == 0
    lines = said.lines()
    assert [line["seed"] for line in lines] == list(range(6))
    assert len({line["episode"] for line in lines}) == 6
    mean = sum(line["utterances"] for line in lines) / 6
    assert f"{mean:.2f} on average" in said.err
    assert "6 of 6" in said.err


def test_many_seeds_show_their_progress_on_stderr(tertulia: Tertulia) -> None:
    said = tertulia("run", "dinner-secret", "-S", "turns.limit=1", "--seeds", "4,2")
    assert "2 of 2 episodes" in said.err
    assert "episodes    2 of 2: 2 success" in said.out


def test_one_seed_among_many_plays_as_it_does_alone(tertulia: Tertulia) -> None:
    tertulia("run", "mutual-friends", "--seeds", "3,4", "--display", "none")
    tertulia("run", "mutual-friends", "--seed", "4", "--display", "none")
    with Log.open() as log:
        alone, *others = log.episodes()
        twin = next(row for row in others if row.seed == 4)
        texts = [
            log.query("SELECT turn, actor, text FROM v_transcript WHERE episode = ?", [row.id]).rows
            for row in (alone, twin)
        ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(("text", "seeds"), [("0:3", [0, 1, 2]), ("5:6", [5]), ("1,5,9", [1, 5, 9])])
def test_seeds_are_a_half_open_range_or_a_list(text: str, seeds: list[int]) -> None:
    assert list(parse_seeds(text)) == seeds


def test_an_episode_whose_model_fails_says_how_to_go_on_and_goes_on(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = Loopback(script=None)
    with refusing as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/nowhere")
        failed = tertulia(*SHORT, "--model", "openai/any", "--display", "none")
        assert failed.code == 1
        assert f"tertulia resume {newest()}" in failed.err
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        went_on = tertulia("resume", "last", "--json")
    assert went_on.code == 0
    assert went_on.lines()[0]["status"] in ("success", "degraded")


def test_an_episode_that_has_ended_cannot_be_resumed(tertulia: Tertulia) -> None:
    tertulia(*SHORT, "--display", "none")
    said = tertulia("resume", newest())
    assert said.code == 2
    assert said.out == ""
    [line] = said.err.splitlines()
    assert "has ended" in line


def test_a_key_is_never_shown(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(Faults(transport_cap=0)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-1234")
        said = tertulia("run", "dinner-secret", "--model", "openai/any", "-S", "turns.limit=1", "--display", "rich")
        doctor = tertulia("doctor")
    assert said.code == 0
    assert "canary" not in said.out + said.err + doctor.out + doctor.err
    assert b"canary" not in b"".join(path.read_bytes() for path in Path().glob("log.db*"))


def test_interrupted_seeds_are_paused_and_told(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C as Python gives it to a program: the summary of what was played, and how the rest goes on."""
    with Loopback(latency_ms=100) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        timer = threading.Thread(target=lambda: server.arrived.wait(60) and signal.raise_signal(signal.SIGINT))
        timer.start()
        said = tertulia("run", "dinner-secret", "--model", "openai/any", "--seeds", "0:30", "-j", "2")
        timer.join()
    assert said.code == 130
    assert "tertulia episodes --status paused" in said.err
    assert "of 30" in said.out
    begun = tertulia("episodes", "--limit", "0", "--json").lines()
    assert 1 <= len(begun) <= 4
    assert any(row["status"] == "paused" for row in begun)


def test_a_resume_with_changed_packages_is_refused_in_lines_and_accepted_by_an_option(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = str(Path("other.db").absolute())
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/nowhere")
        tertulia(*SHORT, "--model", "openai/any", "--display", "none", "--db", db)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        episode = newest(db)
        with closing(sqlite3.connect(db)) as there, there:
            there.execute("UPDATE episode SET versions = json_set(versions, '$.packages.pydantic', '1.0.0')")
        refused = tertulia("resume", "last", "--db", db, "--json")
        assert (refused.code, refused.out, len(server.requests)) == (2, "", 0)
        changed, remedy = refused.err.splitlines()
        assert changed.startswith(f"error: episode {episode} has changed since it was played: pydantic: 1.0.0 then, ")
        command = remedy.partition("which is recorded: tertulia ")[2]
        accepted = tertulia(*shlex.split(command), "--json")
    assert (accepted.code, accepted.lines()[0]["status"]) == (0, "success")
    [row] = tertulia("sql", "SELECT turn, target FROM intervention", "--json", "--db", db).lines()
    assert row == {"turn": 1, "target": "versions"}
