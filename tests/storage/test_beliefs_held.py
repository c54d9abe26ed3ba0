"""`v_beliefs_held`: what was believed at every turn, against beliefs folded by hand."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.scenario import load_scenario
from tertulia.storage.log import Log
from tertulia.storage.rows import WORLD, BeliefRow, GoldRow, Row, TurnRow
from tests.storage.made import a_turn, beliefs, truth

Key = tuple[str, str, str]
"""Holder, chain, variable."""

ids = (f"held{number}" for number in count())


def folded(rows: list[BeliefRow], gold: list[GoldRow], turns: list[int]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The view by its definition: walk through the turns and keep, of each distribution, the last one written."""
    held: dict[Key, tuple[int, dict[str, BeliefRow]]] = {}
    true: dict[str, str] = {}
    found = {}
    for turn in range(max(turns) + 1):
        fresh: dict[Key, dict[str, BeliefRow]] = {}
        for row in rows:
            if row.turn == turn:
                fresh.setdefault((row.holder, row.chain, row.variable), {})[row.value] = row
        held |= {key: (turn, values) for key, values in fresh.items()}
        true |= {
            row.variable: row.value
            for row in gold
            if row.turn == turn and row.chain == WORLD and row.probability == 1.0
        }
        for (holder, chain, variable), (since, values) in held.items() if turn in turns and turn >= 1 else ():
            other = chain.removeprefix(f"{holder}>") if chain.startswith(f"{holder}>") else ""
            other = "" if ">" in other or "&" in other else other
            _, own = held.get((holder, holder, variable), (0, None)) if other else (0, None)
            mine = None if own is None else {v: own[v].probability if v in own else 0.0 for v in values}
            shared = None if mine is None else {v: min(values[v].probability, mine[v]) for v in values}
            total = 0.0 if shared is None else sum(shared.values())
            known = true.get(variable)
            for value, row in values.items():
                found[turn, holder, chain, variable, value] = {
                    "probability": row.probability, "estimator": row.estimator, "declared": int(row.declared),
                    "since": since, "other": other or None, "own_probability": None if mine is None else mine[value],
                    "gap": None if mine is None else mine[value] - row.probability,
                    "overlap": shared[value] / total if shared is not None and total else None, "truth": known,
                    "true_probability": None if known is None else
                    values[known].probability if known in values else 0.0,
                }  # fmt: skip
    return found


def agree(log: Log, episode: str) -> int:
    """How many rows the view has of an episode, each the same as in the fold."""
    turns = [row.turn for row in log.rows(TurnRow, episode)]
    wanted = folded(log.rows(BeliefRow, episode), log.rows(GoldRow, episode), turns)
    rows = log.query("SELECT * FROM v_beliefs_held WHERE episode = ?", [episode]).dicts()
    assert len(rows) == len(wanted)
    for row in rows:
        expected = wanted[row["turn"], row["holder"], row["chain"], row["variable"], row["value"]]
        for name, value in expected.items():
            assert row[name] == (pytest.approx(value) if isinstance(value, float) else value), (name, row)
    return len(rows)


@pytest.mark.parametrize("scenario", ["sally-anne", "dinner-secret"])
def test_a_played_episode_agrees_with_its_fold(log: Log, scenario: str) -> None:
    async def play() -> str:
        backends = Backends()
        played = await Episode.begin(load_scenario(scenario), seed=0, log=log, backends=backends)
        result = await played.play()
        assert result.status == "success"
        return result.episode

    episode = asyncio.run(play())
    assert agree(log, episode) > 300
    last = max(log.rows(TurnRow, episode), key=lambda row: row.turn)
    assert last.closing
    newest = log.query("SELECT max(turn) FROM v_beliefs_held").rows[0][0]
    assert newest == last.turn


def test_what_anne_thinks_sally_believes_is_one_query(log: Log) -> None:
    async def play() -> None:
        played = await Episode.begin(load_scenario("sally-anne"), seed=0, log=log, backends=Backends())
        await played.play()

    asyncio.run(play())
    sql = "SELECT chain, value, since, gap FROM v_beliefs_held WHERE turn = 6 AND chain IN ('anne', 'anne>sally') "
    anne, of_sally = log.query(sql + "AND probability = 1 ORDER BY chain").dicts()
    assert (anne["value"], of_sally["value"]) == ("box", "basket")
    assert of_sally["since"] < 6
    assert of_sally["gap"] == -1.0


values = st.sampled_from(["kitchen", "cellar", "unaware"])
distributions = st.dictionaries(values, st.integers(0, 4), min_size=1).map(
    lambda weights: {value: weight / (sum(weights.values()) or 1) for value, weight in weights.items()}
)
histories = st.dictionaries(
    st.tuples(
        st.integers(0, 6), st.sampled_from(["alice", "alice>bob", "alice&bob", "alice>bob>alice", "bob", "bob>alice"])
    ),
    distributions, max_size=12,
)  # fmt: skip
truths = st.dictionaries(st.integers(0, 6), values, max_size=3)


def test_random_histories_agree_with_their_fold(log: Log) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(histories, truths, st.integers(0, 6))
    def check(history: dict[tuple[int, str], dict[str, float]], worlds: dict[int, str], last: int) -> None:
        episode = next(ids)
        rows: list[Row] = [row for turn in range(last + 1) for row in a_turn(turn, episode=episode).rows]
        for (turn, chain), p in history.items():
            rows += beliefs(turn, chain, "cake", episode=episode, **p)
        for turn, value in worlds.items():
            rows += truth(turn, "cake", value, "attic", episode=episode)
        asyncio.run(log.record(rows))
        agree(log, episode)

    check()
