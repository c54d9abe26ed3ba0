"""`tertulia batch` and `tertulia resume BATCH|--all`, as their users meet them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from tertulia.cli.display.batch import Progress
from tertulia.cli.errors import BadInput
from tertulia.cli.spans import parse_span, span_text
from tertulia.environments.batch.engine import Here
from tertulia.environments.batch.worker import Played
from tertulia.environments.result import EpisodeResult
from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.cli.screen import Screen
from tests.environments.batch.batches import a_grid, entered, statuses, worked
from tests.environments.batch.test_changed_batches import made_with, stopped_midway
from tests.loopback import Faults, Loopback

OPENAI = {"turns.limit": 4, "model": "openai/any", "mind.preset": "reactive"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Loopback:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    return Loopback(latency_ms=60)


def test_a_batch_is_played_summed_up_by_cell_and_found_done_the_next_time(tertulia: Tertulia) -> None:
    grid = str(a_grid(Path()))
    first = tertulia("batch", grid, "-j", "2")
    assert first.code == 0
    rows = [line.split() for line in first.out.splitlines() if line.startswith("mind.order=")]
    assert [row[:4] for row in rows] == [["mind.order=1", "2", "0", "0"], ["mind.order=2", "2", "0", "0"]]
    assert "4 of 4 ended, 4 in this run" in first.out
    assert "4 of 4 episodes" in first.err
    again = tertulia("batch", grid)
    assert again.code == 0
    assert "4 of 4 ended, 0 in this run" in again.out


def test_names_of_cells_are_not_cut_on_a_narrow_terminal(tmp_path: Path) -> None:
    grid = {"mind.order": [1, 2], "turns.limit": [8], "participants.sally.persona": ["careful with marbles"]}
    a_grid(tmp_path, grid=grid)
    with Screen("batch", "grid.yaml", at=tmp_path, columns=60, TERTULIA_DB="tertulia.db") as screen:
        shown = screen.until("log         tertulia.db")
    table = shown[shown.index("ended  failed") :].partition("episodes    ")[0]
    assert "…" not in table
    named = " ".join(table.split())
    for order in (1, 2):
        assert f"mind.order={order}, participants.sally.persona=careful with marbles, turns.limit=8" in named


def test_json_gives_a_line_for_each_episode_and_nothing_else(tertulia: Tertulia) -> None:
    said = tertulia("batch", str(a_grid(Path())), "--json")
    assert said.code == 0
    assert sorted((row["cell"], row["seed"], row["replicate"], row["status"]) for row in said.lines()) == [
        ("mind.order=1", 0, 0, "success"), ("mind.order=1", 1, 0, "success"),
        ("mind.order=2", 0, 0, "success"), ("mind.order=2", 1, 0, "success"),
    ]  # fmt: skip
    assert "4 of 4 ended" in said.err


def test_an_episode_that_was_seen_in_the_log_is_not_counted_again_when_it_is_told_of() -> None:
    result = SimpleNamespace(status="success", calls=1, fallbacks=0, cost_usd=0.0)
    told = Played("c", 0, 0, cast(EpisodeResult, result))
    progress = Progress(10, 1, 2, 0.0)
    progress.look(7, 14, 0.0)  # a part on a Dask cluster tells of its episodes when all of them are over
    for _ in range(5):
        progress.count(told)
    assert progress.ended == 7
    for _ in range(4):
        progress.count(told)
    assert progress.ended == 10


WRONG: dict[str, tuple[list[str], str]] = {
    "no such file": (["nowhere.yaml"], "there is no such file; check the path"),
    "an empty file": (["empty.yaml"], "empty.yaml:1: the file is empty; begin with `scenario: NAME` and `seeds: 0:20`"),
    "a scheduler without dask": (["grid.yaml", "--scheduler", "tcp://127.0.0.1:1"], "go together"),
    "dask without a scheduler": (["grid.yaml", "--engine", "dask"], "go together"),
    "dask and processes": (
        ["grid.yaml", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1", "--processes", "2"], "up to the cluster",
    ),
    "a span": (["grid.yaml", "--max-time", "soon"], "--max-time soon: write a span such as 90s"),
    "a share": (["grid.yaml", "--fail-on-error", "2"], "--fail-on-error"),
    "a cost that cannot be known": (["paid.yaml", "--max-cost", "3"], "cannot hold: the price of openai/any"),
    "a lease for ever": (["grid.yaml", "--lease", "inf"], "--lease"),
    "a negative cost": (["grid.yaml", "--max-cost", "-1"], "--max-cost"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_bad_input_is_one_line_and_leaves_nothing_behind(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    a_grid(Path(), set=OPENAI).rename("paid.yaml")
    a_grid(Path())
    Path("empty.yaml").touch()
    arguments, hint = WRONG[what]
    said = tertulia("batch", *arguments)
    assert said.code == 2
    assert said.out == ""
    [line] = said.err.splitlines()
    assert hint in line
    assert not Path("log.db").exists()


def test_a_model_without_a_key_is_told_before_anything_is_entered(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    said = tertulia("batch", str(a_grid(Path(), set=OPENAI)))
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: openai/any: set OPENAI_API_KEY in the environment or in a .env file\n"
    assert not Path("log.db").exists()


def test_a_batch_that_has_ended_is_looked_at_without_a_key_or_a_price(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = str(a_grid(Path(), set=OPENAI, seeds="0:1", grid={"mind.order": [1]}))
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert tertulia("batch", grid).code == 0
        said = tertulia("batch", grid, "--max-cost", "3")
    assert (said.code, "1 of 1 ended, 0 in this run" in said.out) == (0, True)
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://nowhere.example/v1")
    assert tertulia("batch", grid, "--accept-changes").code == 0


def test_a_batch_that_another_run_makes_larger_is_told_as_it_is_in_the_end(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alone = Here.play

    async def and_another(self: Here) -> Any:
        async for one in alone(self):
            yield one
        await asyncio.to_thread(entered, Path("log.db"), a_grid(tmp_path, seeds="0:5"))
        await worked("log.db", max_time_s=1e-9)

    monkeypatch.setattr(Here, "play", and_another)
    said = tertulia("batch", str(a_grid(Path())))
    rows = [line.split()[:4] for line in said.out.splitlines() if line.startswith("mind.order=")]
    assert rows == [["mind.order=1", "2", "0", "3"], ["mind.order=2", "2", "0", "3"]]
    assert "4 of 10 ended, 4 in this run" in said.out
    assert said.code == 1
    assert "6 of 10 have not ended; go on with: " in said.err


def test_what_has_changed_since_is_gone_on_with_by_the_command_that_is_told(tertulia: Tertulia, tmp_path: Path) -> None:
    db = Path("log.db")
    stopped_midway(db, entered(db, a_grid(tmp_path, scenario="dinner-secret", seeds="0:1", grid={"mind.order": [1]})))
    [paused] = [line["episode"] for line in tertulia("episodes", "--json").lines()]
    made_with(db, "episode", "versions", python="3.9.1")
    said = tertulia("batch", str(a_grid(Path(), scenario="dinner-secret", seeds="0:1", grid={"mind.order": [1]})))
    assert said.code == 1
    told = f"{paused}: paused: changed since it was played: Python: 3.9 then, "
    [line] = [line for line in said.err.splitlines() if line.startswith(told)]
    assert line.endswith("to go on all the same: tertulia resume b --accept-changes")
    assert tertulia("resume", "b", "--accept-changes").code == 0


def test_a_single_episode_that_has_changed_since_is_told_with_the_command_that_goes_on(tertulia: Tertulia) -> None:
    assert tertulia("run", "dinner-secret", "-S", "turns.limit=3").code == 0
    [row] = tertulia("episodes", "--json").lines()
    episode = row["episode"]
    with closing(sqlite3.connect("log.db")) as there, there:
        there.execute("DELETE FROM turn WHERE turn > 1")
        there.execute("UPDATE episode SET status = 'paused', head = 1, lease = NULL, ended_at = NULL")
    made_with(Path("log.db"), "episode", "versions", python="3.9.1")
    said = tertulia("resume", "--all")
    assert said.code == 1
    advice = f"to go on all the same: tertulia resume {episode} --accept-changes"
    assert advice in said.err
    assert "set that right first" not in said.err


def test_a_grid_that_is_wrong_enters_nothing(tertulia: Tertulia) -> None:
    said = tertulia("batch", str(a_grid(Path(), grid={"turns.limt": [1, 2]})))
    assert said.code == 2
    assert (
        said.err == "error: grid.yaml:4: turns.limt: unknown key 'limt'; nearest: 'limit'"
        " (others: policy, moderator, model, interruptions, cooldown, normalise, silence, pause_s, ...)\n"
    )
    assert not Path("log.db").exists()


def test_a_dry_run_estimates_ranges_and_writes_nothing(tertulia: Tertulia) -> None:
    grid = a_grid(Path(), scenario="dinner-secret", set={"turns.limit": 3, "model": "openai/gpt-5-mini"})
    said = tertulia("batch", str(grid), "--dry-run", "--json")
    assert said.code == 0
    [found] = said.lines()
    assert (found["cells"], found["episodes"]) == (2, 4)
    model = found["models"]["openai/gpt-5-mini"]
    for figure in ("calls", "input_tokens", "output_tokens", "cost_usd"):
        assert 0 < model[figure]["low"] < model[figure]["high"]
    for_people = tertulia("batch", str(grid), "--dry-run")
    assert "tokens read" in for_people.out
    assert "$" in for_people.out
    assert not Path("log.db").exists()
    by_rules = a_grid(Path(), scenario="dinner-secret", set={"turns.limit": 3})
    assert model["calls"]["low"] == sum(row["calls"] for row in tertulia("batch", str(by_rules), "--json").lines())


@pytest.mark.parametrize(
    "grid",
    [
        {"mind.order": [1, 2], "model": ["openai/a", "openai/b"]},
        {"model": [f"openai/{name}" for name in "abcdefghijklmnopqrstuvwxyz"]},
    ],
    ids=["cells alternate", "more cells than are tried"],
)
def test_an_estimate_passes_over_no_model(tertulia: Tertulia, grid: dict[str, list[str]]) -> None:
    said = tertulia(
        "batch", str(a_grid(Path(), set={"turns.limit": 1}, grid=grid, seeds="0:12")), "--dry-run", "--json"
    )
    [found] = said.lines()
    assert sorted(found["models"]) == grid["model"]
    assert found["played"] < found["episodes"]


def test_an_estimate_holds_what_is_then_asked(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {"turns.limit": 4, "model": "openai/any"}
    grid = str(a_grid(Path(), scenario="dinner-secret", set=sets, grid={"mind.order": [1]}))
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        [found] = tertulia("batch", grid, "--dry-run", "--json").lines()
        assert not server.requests
        assert tertulia("batch", grid, "--json").code == 0
    model = found["models"]["openai/any"]
    assert model["cost_usd"] is None, "nobody publishes the prices of a server on this machine"
    with Log.open() as log:
        [(calls, read)] = log.query("SELECT count(*), sum(input_tokens) FROM call WHERE status = 'ok'").rows
    assert model["calls"]["low"] <= calls <= model["calls"]["high"]
    assert 0.8 * model["input_tokens"]["low"] <= read <= model["input_tokens"]["high"]


def test_a_folder_of_a_model_that_is_not_there_is_told_before_anything_is_entered(tertulia: Tertulia) -> None:
    said = tertulia("batch", str(a_grid(Path(), set={"model": "hf/./nowhere"})))
    assert (said.code, said.out) == (2, "")
    [line] = said.err.splitlines()
    assert "there is no folder" in line
    assert "nowhere" in line
    assert not Path("log.db").exists()


def test_processes_share_the_batch(tertulia: Tertulia) -> None:
    said = tertulia("batch", str(a_grid(Path(), seeds="0:4")), "--processes", "2", "-j", "2", "--json")
    assert said.code == 0
    assert len(said.lines()) == 8
    assert len(statuses("log.db")) == 8
    with Log.open() as log:
        leaders = {row.lease.split(".")[1] for row in log.episodes() if row.lease}
    assert leaders == set() or len(leaders) <= 2


def test_resume_all_goes_on_with_batches_and_single_episodes(tertulia: Tertulia) -> None:
    grid = str(a_grid(Path(), scenario="dinner-secret", set={"turns.limit": 2}))
    assert tertulia("batch", grid, "--max-time", "0.001").code == 1
    with Log.open() as log:
        begun = len(log.standing("b"))
    assert begun < 4 or "paused" in statuses("log.db")
    said = tertulia("resume", "--all")
    assert said.code == 0, said.err
    assert list(statuses("log.db")) == ["success"] * 4
    assert "batch b" in said.err
    neither = tertulia("resume")
    assert neither.code == 2
    assert "--all" in neither.err


def test_a_batch_that_cannot_be_gone_on_with_stops_no_other_from_being_resumed(tertulia: Tertulia) -> None:
    for name in ("older", "newer"):
        entered("log.db", a_grid(Path(), batch=name, seeds="0:1"))
    with closing(sqlite3.connect("log.db")) as there, there:
        there.execute("UPDATE batch SET grid = json_set(grid, '$.versions.python', '3.9.1') WHERE id = 'newer'")
    said = tertulia("resume", "--all")
    assert said.code == 2
    assert "error: batch newer has changed since it was played: Python: 3.9 then" in said.err
    assert list(statuses("log.db", "older")) == ["success"] * 2
    assert not statuses("log.db", "newer")


def test_failures_up_to_a_share_are_no_failure_of_the_batch(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cell's model does not exist at the server; the others play."""
    server.models = ("any",)
    sets = {"turns.limit": 2, "mind.preset": "reactive"}
    keys = {"scenario": "dinner-secret", "set": sets, "seeds": "0:1"}
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        grid = str(a_grid(Path(), grid={"model": ["rules", "openai/any", "openai/gone"]}, **keys))
        said = tertulia("batch", grid, "-j", "1")
    assert said.code == 1
    assert "gone" in said.err
    assert "go on with" in said.err


def test_batches_are_listed_with_how_far_they_have_come(tertulia: Tertulia) -> None:
    tertulia("batch", str(a_grid(Path())), "--json")
    [row] = tertulia("episodes", "--batches", "--json").lines()
    assert (row["batch"], row["episodes"], row["ended"], row["failed"], row["open"]) == ("b", 4, 4, 0, 0)
    assert len(tertulia("episodes", "--batch", "b", "--json").lines()) == 4
    assert tertulia("episodes", "--batch", "nope").code == 2


def test_the_batch_in_the_log_is_whole_json_for_whoever_asks_by_sql(tertulia: Tertulia) -> None:
    path = a_grid(Path())
    tertulia("batch", str(path), "--json")
    [row] = tertulia("sql", "SELECT grid FROM batch", "--json").lines()
    assert json.loads(row["grid"])["file"] == yaml.safe_load(path.read_text())


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5h", 5400), ("2d", 172800), ("30m", 1800)])
def test_spans_of_time(text: str, seconds: float) -> None:
    assert parse_span("--max-time", text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "5 weeks", "h"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(BadInput):
        parse_span("--max-time", text)


def test_spans_are_told_in_two_units() -> None:
    assert [span_text(s) for s in (0.4, 59, 61, 3725)] == ["0 s", "59 s", "1 min 1 s", "1 h 2 min"]


def test_intervals_of_a_cell_are_over_seeds_where_replicates_share_them(tertulia: Tertulia) -> None:
    """Three of four seeds are won every time, one never: four figures, not thirty-two."""
    grid = a_grid(Path(), scenario="mutual-friends", grid=None, set={"turns.limit": 6}, seeds="0:4", replicates=8)
    said = tertulia("batch", str(grid))
    assert said.code == 0, said.err
    with Log.open() as log:
        sql = "SELECT seed, avg(reward), count(*) FROM episode GROUP BY seed ORDER BY seed"
        assert [rate for _, rate, _ in log.query(sql).rows] == [0.0, 1.0, 1.0, 1.0]
    assert "0.75  0.250 to 1.000  32" in said.out


def test_a_batch_with_many_fallbacks_says_that_it_is_degraded(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = Faults(prose=1.0, last_chance=False)
    sets = {"turns.limit": 2, "model": "openai/any", "mind.preset": "reactive"}
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = tertulia("batch", str(a_grid(Path(), scenario="dinner-secret", grid=None, set=sets, seeds="0:2")))
    assert said.code == 0
    assert "degraded: in 2 episodes more calls fell back than max_fallback_rate" in said.err
    assert "100.0 % fallbacks" in said.out, "a request that took two attempts counts once"


def test_a_dry_run_reckons_with_embeddings(tertulia: Tertulia) -> None:
    sets = {"turns.limit": 3, "model": "openai/gpt-5-mini", "mind.embeddings": "openai/text-embedding-3-small"}
    grid = a_grid(Path(), scenario="dinner-secret", grid=None, set=sets, seeds="0:1")
    said = tertulia("batch", str(grid), "--dry-run", "--json")
    assert said.code == 0, said.err
    models = json.loads(said.out)["models"]
    assert set(models) == {"openai/gpt-5-mini", "openai/text-embedding-3-small"}
    assert models["openai/text-embedding-3-small"]["input_tokens"]["low"] > 0
    assert models["openai/text-embedding-3-small"]["output_tokens"] == {"low": 0, "high": 0}


def test_resume_all_leaves_out_what_a_person_has_to_take_a_seat_in_and_says_no_more(tertulia: Tertulia) -> None:
    assert tertulia("run", "dinner-secret", "--seed", "1", "--set", "turns.limit=3", "--display", "none").code == 0
    assert (
        tertulia("fork", "last", "--at", "2", "--set", "alice.model=human", "--replicates", "1", "--no-play").code == 0
    )
    assert tertulia("resume", "--all").err.count("is left out: a person has to take a seat in it again") == 1
    again = tertulia("resume", "--all")
    assert len(again.err.splitlines()) == 1


def test_a_server_that_asks_for_an_hour_pauses_the_batch_at_once(
    tertulia: Tertulia, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults = Faults(rate_limit=1.0, retry_after="3600", transport_cap=1)
    with server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = {"turns.limit": 2, "model": "openai/any"}
        said = tertulia("batch", str(a_grid(Path(), scenario="dinner-secret", grid=None, set=sets, seeds="0:6")))
        assert said.code == 1
        assert "6 of 6 have not ended" in said.err
        assert "the server asks to wait 3600 s" in said.err
        assert 1 <= len(server.requests) <= 32
    assert statuses("log.db") == ["paused"] * 6
