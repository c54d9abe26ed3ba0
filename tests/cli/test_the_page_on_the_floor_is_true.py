"""docs/floor.md is executed: what its query shows, and the grid it speaks of; all policies stand in its table."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tertulia.environments.batch.plan import Plan
from tertulia.environments.batch.reading import list_grids, read_grid
from tertulia.environments.floor import POLICIES
from tests.cli.command import Tertulia
from tests.cli.test_the_page_on_forks_is_true import compare

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "floor.md").read_text(encoding="utf-8")


def test_the_query_of_the_page_shows_what_the_page_shows(tertulia: Tertulia) -> None:
    [block] = re.findall(r"## Why didn't it speak\?\n\n```\n(.*?)```", PAGE, re.DOTALL)
    for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
        said = tertulia(*shlex.split(typed))
        assert said.code == 0
        compare(said.out.splitlines(), shown.splitlines(), {})


def test_every_policy_stands_in_the_table() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) == list(POLICIES)


def test_the_comparison_with_the_baselines_ships_and_plays(tertulia: Tertulia, tmp_path: Path) -> None:
    assert "who-speaks-next" in list_grids()
    plan = Plan.of(read_grid("who-speaks-next"))
    assert (len(plan.cells), len(list(plan.points()))) == (4, 200)
    text = (Path(tertulia_grids()) / "who-speaks-next.yaml").read_text(encoding="utf-8")
    small = tmp_path / "small.yaml"
    small.write_text(text.replace("seeds: 0:50", "seeds: 0:2"))
    db = str(tmp_path / "log.db")
    assert tertulia("batch", str(small), "--db", db).code == 0
    played = tertulia("sql", "--db", db, "SELECT count(*) AS n, sum(silent) AS s, policy FROM turn GROUP BY policy")
    assert all(policy in played.out for policy in ("bidding", "addressed", "next-speaker", "random"))


def tertulia_grids() -> str:
    from tertulia.environments.batch.reading import SHIPPED

    return str(SHIPPED)
