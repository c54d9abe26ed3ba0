"""How the views find one episode among a million turns: by keys that begin with it, at every table they touch."""

from __future__ import annotations

import re

import pytest

from tertulia.storage.log import Log
from tertulia.storage.views import views
from tests.storage.made import ID

_MADE = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (.+)")


def look_ups(log: Log, sql: str) -> list[str]:
    """The steps of SQLite's plan that touch a table; those over what the query itself has made are left out."""
    steps = [str(row[-1]) for row in log.query(f"EXPLAIN QUERY PLAN {sql}").rows]
    made = {found[1] for step in steps if (found := _MADE.fullmatch(step))} | {"CONSTANT ROW"}
    return [
        step for step in steps if step.startswith(("SEARCH", "SCAN")) and step not in {f"SCAN {name}" for name in made}
    ]


@pytest.mark.parametrize("view", [view.name for view in views()])
@pytest.mark.parametrize(
    "sql", ["SELECT * FROM {} WHERE episode = '{}'", "SELECT count(*) FROM {} WHERE episode = '{}'"]
)
def test_one_episode_of_many_is_looked_up_by_its_id(sqlite_log: Log, view: str, sql: str) -> None:
    steps = look_ups(sqlite_log, sql.format(view, ID))
    assert steps
    assert all(re.match(r"SEARCH .*\((?:episode|id)=\?", step) for step in steps), steps


@pytest.mark.parametrize("view", ["v_beliefs", "v_beliefs_held", "v_belief_accuracy", "v_mutual"])
def test_what_is_held_at_a_turn_is_looked_up_by_its_history(sqlite_log: Log, view: str) -> None:
    """Not by all rows of its episode: each look-up of a former turn names the chain and the variable."""
    steps = look_ups(sqlite_log, f"SELECT * FROM {view} WHERE episode = '{ID}'")
    held = [step for step in steps if re.search(r"turn<\?", step) and "chain=?" in step]
    assert held
    assert all("variable=? AND turn<?" in step for step in held), steps
    read = [step for step in steps if step.startswith("SEARCH b ") and "holder=?" in step]
    assert read or view == "v_beliefs", steps


def test_the_plan_of_a_query_that_reads_everything_is_told_apart(sqlite_log: Log) -> None:
    steps = look_ups(
        sqlite_log, "SELECT * FROM (SELECT DISTINCT episode FROM belief) AS d JOIN turn AS t USING (episode)"
    )
    assert "SCAN d" not in steps
    assert any(step.startswith("SCAN belief") for step in steps), steps
