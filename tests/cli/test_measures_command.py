"""`tertulia measures`: what it shows, hands on and keeps; that it agrees with `tertulia score` and with the views; and
that the page on it is true."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.measures.catalogue import measures
from tertulia.storage.measures.clustered import interval
from tertulia.storage.rows import ScoreRow
from tests.cli.command import Tertulia
from tests.cli.test_score_command import LIAR
from tests.cli.test_the_page_on_forks_is_true import compare
from tests.playing import play
from tests.postgres import Server

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
SCENARIOS = (("dinner-secret", 1), ("dinner-secret", 2), ("haggle-with-a-liar", 0), ("mutual-friends", 3))


async def play_all(db: str, liar: Path) -> None:
    for scenario, seed in (*SCENARIOS, (str(liar), 1)):
        assert (await play(db, scenario, seed=seed)).status == "success"


@pytest.fixture(scope="module")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("scenario") / "liar.yaml"
    file.write_text(LIAR)
    return file


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, liar: Path) -> str:
    db = str(tmp_path_factory.mktemp("measures") / "log.db")
    asyncio.run(play_all(db, liar))
    return db


def measured(tertulia: Tertulia, db: str, *arguments: str) -> list[dict[str, Any]]:
    said = tertulia("measures", "run", "--db", db, "--json", *arguments)
    assert said.code == 0, said.err
    return said.lines()


def of(found: list[dict[str, Any]], measure: str, scenario: str, **group: str) -> Mapping[str, Any]:
    [one] = [
        row for row in found
        if row["measure"] == measure and row["scenario"] == scenario and group.items() <= row["group"].items()
    ]  # fmt: skip
    return one


@pytest.mark.parametrize("scenario", ["dinner-secret", "haggle-with-a-liar", "mutual-friends", "liar"])
def test_beliefs_are_scored_as_by_tertulia_score(tertulia: Tertulia, played: str, scenario: str) -> None:
    """Another query for the same thing: there, from the view, turn by turn; here, from stretches of turns."""
    found = measured(tertulia, played, "--measure", "beliefs")
    said = tertulia("score", "--db", played, "--scenario", scenario, "--json")
    score = json.loads(said.out)
    compared = 0
    for figures in score["figures"]:
        if figures["group"] != "headline" or figures["how"]["source"] != "turn" or not figures["n"]:
            continue
        names = {"gold": "belief", "truth": "truth"}
        for key in ("brier", "accuracy"):
            mine = of(found, f"{names[figures['target']]}_{key}", scenario, estimator=figures["how"]["estimator"])
            theirs = figures[key]
            assert mine["group"]["rule"] == figures["how"]["rule"]
            assert (mine["n"], mine["episodes"]) == (theirs["n"], theirs["episodes"])
            assert [mine[k] for k in ("value", "low", "high")] == [
                pytest.approx(theirs[k]) if theirs[k] is not None else None for k in ("mean", "low", "high")
            ]  # fmt: skip
            compared += 1
    assert compared >= 2
    for calibration in score["calibration"]:
        if calibration["target"] == "truth" and calibration["how"]["source"] == "turn" and calibration["n"]:
            mine = of(found, "calibration_error", scenario, estimator=calibration["how"]["estimator"])
            assert (mine["value"], mine["n"]) == (pytest.approx(calibration["error"]), calibration["n"])


def test_claims_are_told_apart_as_by_tertulia_score(tertulia: Tertulia, played: str) -> None:
    found = measured(tertulia, played, "--measure", "say_believe", "--by", "participant")
    score = json.loads(tertulia("score", "--db", played, "--scenario", "liar", "--json").out)
    told = [one for one in score["honesty"] if one["speaker"] is not None and one["n"]]
    assert {one["origin"] for one in told} >= {"scripted"}
    for one in told:
        for category, share in one["shares"].items():
            group = {name: one[name] for name in ("origin", "established", "estimator")}
            mine = of(found, "say_believe", "liar", **group, category=category, participant=one["speaker"])
            assert (mine["value"], mine["n"]) == (pytest.approx(share["mean"]), one["n"])
    assert any(one["counts"]["deceptive"] for one in told)


def test_models_of_others_are_as_far_off_as_the_view_says(tertulia: Tertulia, played: str) -> None:
    mine = of(measured(tertulia, played, "--measure", "model_distance"), "model_distance", "dinner-secret")
    with Log.open(played, create=False) as log:
        rows = log.query(
            "SELECT m.episode, m.report_distance FROM v_mutual AS m JOIN episode AS e ON e.id = m.episode "
            "WHERE e.scenario = 'dinner-secret' AND m.elicited = 'inline' AND m.report_by = 'rules'"
        ).rows
    by_episode: dict[str, list[float]] = {}
    for episode, distance in rows:
        by_episode.setdefault(episode, []).append(distance)
    view = interval(by_episode)
    assert view is not None
    assert mine["n"] == view.n > 100
    assert [mine[k] for k in ("value", "low", "high")] == [pytest.approx(x) for x in (view.mean, view.low, view.high)]


def test_both_databases_give_the_same_numbers(
    tertulia: Tertulia, played: str, liar: Path, postgres_server: Server
) -> None:
    with postgres_server.fresh() as url:
        asyncio.run(play_all(url, liar))
        found = measured(tertulia, url)
    here = measured(tertulia, played)
    timeless = [[row for row in rows if row["measure"] != "latency_ms"] for rows in (here, found)]
    assert len(timeless[0]) > 60
    assert {row["measure"] for row in timeless[0]} >= {one.name for one in measures()} - {"latency_ms"}
    assert timeless[0] == [
        {key: pytest.approx(value) if isinstance(value, float) else value for key, value in row.items()}
        for row in timeless[1]
    ]


def test_the_query_it_names_gives_the_number(tertulia: Tertulia, played: str) -> None:
    said = tertulia("measures", "run", "--db", played, "--measure", "turn_gini")
    [query] = re.findall(r"<<'EOF'\n(.*)\nEOF", said.out, re.DOTALL)
    rows = tertulia("sql", query, "--db", played, "--json").lines()
    whole = [of(measured(tertulia, played, "-m", "turn_gini"), "turn_gini", name) for name in ("liar", "dinner-secret")]
    assert len(rows) == len(SCENARIOS) + 1
    assert {round(row["total"], 9) for row in rows} >= {round(one["value"], 9) for one in whole}


def test_saved_numbers_are_appended_to_the_scores(tertulia: Tertulia, tmp_path: Path) -> None:
    db = str(tmp_path / "log.db")
    asyncio.run(play(db, "sally-anne"))
    assert "kept as run" in tertulia("measures", "run", "last", "--db", db, "--measure", "participation", "--save").err
    assert tertulia("measures", "run", "last", "--db", db, "--measure", "belief_brier", "--save").code == 0
    assert tertulia("measures", "run", "last", "--db", db).code == 0
    with Log.open(db) as log:
        rows = log.rows(ScoreRow, log.episodes(1)[0].id)
    assert len({row.run for row in rows}) == 2
    [brier] = [row for row in rows if row.measure == "belief_brier"]
    assert (brier.estimator, brier.detail["scenario"], brier.detail["unit"]) == (
        "rules",
        "sally-anne",
        "squared distance",
    )
    shares = {row.holder: row.value for row in rows if row.measure == "turn_share"}
    assert sum(value for value in shares.values() if value is not None) == pytest.approx(1.0)
    assert sum(row.measure == "episodes" for row in rows) == 2


def test_groups_are_kept_apart_when_asked_for(tertulia: Tertulia, played: str) -> None:
    pooled = of(measured(tertulia, played, "-m", "fallback_rate"), "fallback_rate", "liar")
    split = [row for row in measured(tertulia, played, "-m", "fallback_rate", "--by", "purpose", "--by", "participant")
             if row["scenario"] == "liar"]  # fmt: skip
    assert {row["group"]["participant"] for row in split} == {"alice", "bob"}
    assert sum(row["n"] for row in split) == pooled["n"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--measure", "gini"], "error: no measure 'gini'; "),
        (["--measure", "silence", "--by", "model"], "error: --by model: silence cannot be split by it; "),
        (["--measure", "cost", "--by", "modle"], "nearest: 'model'"),
        (["nobody"], "error: no episode and no batch 'nobody' in "),
        (["--baseline", "x"], "error: --baseline x: no such cell; these episodes are of no batch"),
        (["--json", "--csv"], "error: --json and --csv: choose one of the two"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(tertulia: Tertulia, played: str, arguments: list[str], told: str) -> None:
    said = tertulia("measures", "run", "--db", played, *arguments)
    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert told in said.err


def test_different_settings_taken_together_are_told(tertulia: Tertulia, tmp_path: Path) -> None:
    db = str(tmp_path / "log.db")
    for limit in (4, 6):
        asyncio.run(play(db, "haggle-with-a-liar", sets=[f"turns.limit={limit}"]))
    said = tertulia("measures", "run", "--db", db, "--measure", "silence")
    assert "haggle-with-a-liar were played with different settings and are taken together here" in said.err


def test_every_measure_is_listed_and_told_with_its_query(tertulia: Tertulia) -> None:
    listed = tertulia("measures", "list").out
    assert all(re.search(rf"\b{one.name}\b", listed) for one in measures())
    told = tertulia("measures", "list", "--measure", "calibration_error").out
    assert "Guo et al. 2017" in told
    assert "SELECT" in told
    [row] = tertulia("measures", "list", "--measure", "silence", "--json").lines()
    assert (row["unit"], row["family"]) == ("share of turns", "participation")


def test_the_page_says_what_the_commands_say(tertulia: Tertulia, tmp_path: Path) -> None:
    [grid] = re.findall(r"`two-policies.yaml`:\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "two-policies.yaml").write_text(grid)
    commands = 0
    for block in re.findall(r"```\n(\$ .*?)```", PAGE, re.DOTALL):
        for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
            said = tertulia(*shlex.split(typed))
            assert said.code == 0, said.err
            compare(said.out.splitlines(), shown.splitlines(), {})
            commands += 1
    assert commands == 3
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    tertulia("measures", "list")
    monkey: dict[str, Any] = {}
    exec(code, monkey)
    assert monkey["found"].kind.tolist() == ["figure", "figure", "difference"]


def test_the_csv_has_a_column_for_everything(tertulia: Tertulia, played: str) -> None:
    said = tertulia("measures", "run", "--db", played, "--csv", "--measure", "participation")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert len(rows) == len(measured(tertulia, played, "--measure", "participation"))
    assert all(row["n"] and row["unit"] for row in rows)
