"""`tertulia score`: what it prints, what it keeps, and what it says where there is nothing to score."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.record import EpisodeRecord
from tertulia.storage.rows import EpisodeRow, ScoreRow
from tests.cli.command import Tertulia
from tests.playing import play
from tests.postgres import Server

LIAR = """
scenario: liar
world: table_talk
variables:
  cake: {values: [kitchen, cellar, attic], truth: kitchen, say: "The cake is in the {value}."}
  key: {values: [drawer, hook], truth: hook, say: "The key is on the {value}."}
  wine: {values: [red, white], truth: red, say: "The wine is {value}."}
participants:
  - {name: alice, knows: {cake: kitchen, wine: red}, believes: {key: drawer}}
  - {name: bob, knows: {key: hook}}
turns: {policy: alternate, limit: 6}
mind: {order: 2}
script:
  - {turn: 1, say: "The cake is in the cellar.", by: alice, asserts: {cake: cellar}}
  - {turn: 1, say: "The key is on the drawer.", by: alice, asserts: {key: drawer}}
  - {turn: 1, say: "The wine is red.", by: alice, asserts: {wine: red}}
  - {turn: 1, say: "The wine is white.", by: bob, asserts: {wine: white}}
  - {turn: 2, say: "The cake is not in the kitchen.", by: alice, denies: {cake: kitchen}}
"""
"""Alice knows where the cake is and says otherwise; about the key she is wrong; bob has no idea of the wine."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("score") / "log.db"
    for seed in (1, 2):
        assert asyncio.run(play(db, "dinner-secret", seed=seed)).status == "success"
    return db


def test_rules_minds_on_dinner_secret_score_sensibly(tertulia: Tertulia, played: Path) -> None:
    found = tertulia("score", "last", "--db", str(played), "--json")
    assert found.code == 0
    data = json.loads(found.out)
    by = {(one["target"], one["group"]): one for one in data["figures"]}
    headline = by["gold", "headline, gold certain"]
    assert headline["n"] > 100
    assert headline["accuracy"]["mean"] == 1.0
    assert headline["brier"]["mean"] < 0.01
    # Where nobody has told or shown anything, rules take all values to be equally likely, as gold does.
    assert by["gold", "basis prior"]["brier"]["mean"] == pytest.approx(0.0)
    # Gold rests on what was seen, and so does the mind: both are wrong together about a cake that was moved unseen.
    assert by["gold", "basis witnessed"]["brier"]["mean"] == pytest.approx(0.0)
    assert 0.0 < by["truth", "basis witnessed"]["brier"]["mean"] < 0.5
    assert {one["speaker"]: one["counts"]["mistaken"] for one in data["honesty"]}["bob"] >= 1
    assert all(one["counts"]["deceptive"] == 0 for one in data["honesty"])


def test_the_tables_fit_80_columns_and_speak_of_prediction(tertulia: Tertulia, played: Path) -> None:
    found = tertulia("score", "--scenario", "dinner-secret", "--db", str(played))
    assert found.code == 0
    *tables, command = found.out.splitlines()
    assert max(len(line) for line in tables) <= 80
    assert tables[0] == "Belief-state prediction: dinner-secret"
    assert tables[1].startswith("2 episodes, ")
    assert "theory of mind" not in found.out.lower()
    first = next(line for line in tables[4:] if not line.startswith(("items", "beliefs by", "-")))
    assert first.startswith("headline ")
    assert command.startswith("tertulia sql") or "tertulia sql" in command


def test_scoring_twice_keeps_two_runs_and_changes_neither(tertulia: Tertulia, tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    asyncio.run(play(db, "sally-anne", seed=0))
    first = json.loads(tertulia("score", "last", "--db", str(db), "--json").out)
    with Log.open(db) as log:
        before = {row.id: row for row in log.rows(ScoreRow, first["episodes"][0])}
    second = json.loads(tertulia("score", "last", "--db", str(db), "--json").out)
    with Log.open(db) as log:
        after = {row.id: row for row in log.rows(ScoreRow, first["episodes"][0])}
    assert {row.run for row in after.values()} == {first["run"], second["run"]}
    assert {id: row for id, row in after.items() if row.run == first["run"]} == before
    assert {key: value for key, value in first.items() if key != "run"} == {
        key: value for key, value in second.items() if key != "run"
    }
    [whole] = [row for row in before.values() if row.measure == "episodes"]
    assert whole.detail["episodes"] == first["episodes"]
    headline = [r for r in before.values() if r.measure == "belief_brier" and r.detail["group"] == "headline"]
    assert {row.target: row.value for row in headline} == {
        one["target"]: one["brier"]["mean"] for one in first["figures"] if one["group"] == "headline"
    }
    assert all(row.n is not None for row in before.values())


def test_a_scripted_liar_is_told_from_one_who_is_wrong(tertulia: Tertulia, tmp_path: Path) -> None:
    db, file = tmp_path / "log.db", tmp_path / "liar.yaml"
    file.write_text(LIAR, encoding="utf-8")
    asyncio.run(play(db, str(file), seed=0))
    with Log.open(db) as log:
        rows = log.query(
            "SELECT turn, speaker, variable, value, holds, category FROM v_honesty WHERE origin = 'scripted'"
        ).rows
    assert sorted(rows) == [
        (1, "alice", "cake", "cellar", 1, "deceptive"),
        (1, "alice", "key", "drawer", 1, "mistaken"),
        (1, "alice", "wine", "red", 1, "honest"),
        (1, "bob", "wine", "white", 1, "unsure"),
        (2, "alice", "cake", "kitchen", 0, "deceptive"),
    ]
    data = json.loads(tertulia("score", "last", "--db", str(db), "--json").out)
    alice = next(one for one in data["honesty"] if (one["origin"], one["speaker"]) == ("scripted", "alice"))
    assert alice["counts"] == {"honest": 1, "mistaken": 1, "deceptive": 2, "unsure": 0}


def test_a_batch_is_scored_by_its_id(tertulia: Tertulia, played: Path, tmp_path: Path) -> None:
    with Log.open(played) as log:
        rows = log.episodes()
        batch = EpisodeRow(**{**rows[0].model_dump(), "id": "01BATCHED", "batch": "grid-1", "scenario": "batched"})
        asyncio.run(log.begin(EpisodeRecord(batch, [])))
    found = tertulia("score", "grid-1", "--db", str(played))
    assert found.code == 2
    assert "01BATCHED cannot be scored: no beliefs are in the log" in found.err
    both = tertulia("score", "grid-1", rows[0].id, "--db", str(played))
    assert both.code == 0
    assert "episode 01BATCHED is not scored: no beliefs are in the log" in both.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "what is scored? give ids of episodes or batches, or `last`, or --scenario NAME"),
        (["last", "--scenario", "dinner-secret"], "what is scored?"),
        (["nobody"], "no episode 'nobody'"),
        (["--scenario", "nowhere"], "--scenario nowhere: no ended episode"),
        (["last", "--against", "gld"], "--against gld: no such target; nearest: 'gold'"),
    ],
)
def test_what_cannot_be_scored_is_told_in_a_line(
    tertulia: Tertulia, played: Path, arguments: list[str], said: str
) -> None:
    found = tertulia("score", *arguments, "--db", str(played))
    assert (found.code, found.out) == (2, "")
    assert said in found.err
    assert found.err.count("\n") == 1


def test_an_episode_without_beliefs_says_what_it_lacks(tertulia: Tertulia, tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    asyncio.run(play(db, "sally-anne", sets=["mind.preset=reactive"]))
    found = tertulia("score", "last", "--db", str(db))
    assert (found.code, found.out) == (2, "")
    assert "no beliefs are in the log; play it with minds that have the faculty `believe`" in found.err


def test_models_of_each_other_are_scored_and_kept_too(tertulia: Tertulia, played: Path) -> None:
    found = tertulia("score", "last", "--mutual", "--against", "gold", "--json", "--db", str(played))
    data = json.loads(found.out)
    assert {one["target"] for one in data["figures"]} == {"gold"}
    with Log.open(played) as log:
        kept = log.query("SELECT count(*) FROM score WHERE run = ? AND measure = 'mutual_brier'", [data["run"]])
    assert kept.rows == [(len(data["mutual"]["scores"]),)]


def test_both_databases_give_the_same_scores(tertulia: Tertulia, tmp_path: Path, postgres_server: Server) -> None:
    found = []
    with postgres_server.fresh() as url:
        for db in (str(tmp_path / "log.db"), url):
            asyncio.run(play(db, "dinner-secret", seed=3, sets=["turns.limit=12"]))
            said = tertulia("score", "last", "--json", "--db", db)
            assert said.code == 0, said.err
            found.append(json.loads(said.out))
    here, there = ({key: one[key] for key in ("figures", "calibration", "honesty")} for one in found)
    assert json.dumps(here, sort_keys=True).count('"n"') > 20
    assert _rounded(here) == _rounded(there)


def _rounded(data: Any) -> Any:
    """Sums in another order differ in their last digits."""
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_rounded(value) for value in data]
    return round(data, 9) if isinstance(data, float) else data


def test_models_of_each_other_are_scored_on_acts_where_there_is_neither_gold_nor_truth(
    tertulia: Tertulia, tmp_path: Path
) -> None:
    db = tmp_path / "log.db"
    assert tertulia("run", "guess-the-mean", "--set", "elicit=inline", "--db", str(db)).code == 0
    plain = tertulia("score", "last", "--db", str(db))
    assert plain.code == 2
    assert plain.err.rstrip().endswith("no gold and no truth is in the log for what was believed; try --mutual")
    found = tertulia("score", "last", "--mutual", "--db", str(db), "--json")
    assert found.code == 0
    data = json.loads(found.out)
    assert data["figures"] == []
    model = next(
        one for one in data["mutual"]["scores"]
        if (one["target"], one["set"], one["predictor"]) == ("act", "all", "model")
    )  # fmt: skip
    assert model["n"] > 0
    shown = tertulia("score", "last", "--mutual", "--db", str(db))
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines()[:3])) <= 80
