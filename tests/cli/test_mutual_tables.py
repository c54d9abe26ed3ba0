"""What is shown of models of each other: every figure with its n, and what was not measured said so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tertulia.agents.registry import Backends
from tertulia.cli.score_mutual import mutual_data, mutual_lines, mutual_tables
from tertulia.environments.episode import Episode
from tertulia.environments.scenario import load_scenario
from tertulia.storage.log import Log
from tests.cli.command import Tertulia


def two_episodes(log: Log, scenario: str = "misunderstanding") -> list[str]:
    async def one(seed: int) -> str:
        played = await Episode.begin(load_scenario(scenario), seed=seed, log=log, backends=Backends())
        return (await played.play()).episode

    return [asyncio.run(one(seed)) for seed in range(2)]


def test_tables_show_the_model_beside_every_baseline_with_n(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episodes = two_episodes(log)
        data = mutual_data(log, episodes)
    tables = mutual_tables(data)
    lines = "\n".join(mutual_lines(data, 120))
    scores = [table for table in tables if table.title.startswith("Model of the other")]
    assert len(scores) == 6, "three targets, each for all items and for the headline"
    for table in scores:
        names = [row[0] for row in table.rows]
        assert names == [
            "model", "self-projection", "shuffled partner", "repeat-last", "majority", "uninformed", "ideal observer",
        ]  # fmt: skip
        assert all(isinstance(row[1], int) and row[1] > 0 for row in table.rows)
    assert "not measured: nobody was probed twice at one turn" in lines
    assert "Saying what another believes (rules): 6 heard, 2 confirm, 4 correct, 0 resist, 0 ignore" in lines
    assert all(len(line) <= 120 for line in lines.splitlines() if line.startswith(("model", "self-")))


def test_where_nobody_speaks_of_minds_there_is_no_table_of_cycles(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        tables = mutual_tables(mutual_data(log, two_episodes(log, "sally-anne")))
        assert not [table.title for table in tables if table.title.startswith("Saying")]
        assert mutual_tables(mutual_data(log, []))[0].note.startswith("not measured")


def test_all_figures_are_plain_json(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        data = mutual_data(log, two_episodes(log))
    assert json.loads(json.dumps(data)) == data
    assert set(data) == {"scores", "retest", "cycles"}


def test_a_scoring_keeps_every_figure_with_its_n_and_prints_it(tmp_path: Path, tertulia: Tertulia) -> None:
    db = str(tmp_path / "log.db")
    with Log.open(db) as log:
        episodes = two_episodes(log)
    done = tertulia("score", *episodes, "--mutual", "--db", db)
    assert done.code == 0, done.err
    assert "Model of the other against gold" in done.out
    with Log.open(db) as log:
        rows = log.query("SELECT measure, value, n FROM score WHERE measure LIKE 'cycle_%' ORDER BY measure").dicts()
        assert [(row["measure"], row["n"]) for row in rows] == [
            ("cycle_convergence", 4), ("cycle_gain", 4), ("cycle_recognition_lag", 6), ("cycle_revision_lag", 4),
            ("cycle_revision_rate", 4),
        ]  # fmt: skip
        assert rows[-1]["value"] == 1.0
        wanted = 3 * 2 * 7 * 3  # targets, sets of items, predictors, figures
        assert log.query("SELECT count(*) FROM score WHERE measure LIKE 'mutual_%'").rows == [(wanted,)]
