"""Gold rows in the log: at every turn, for every chain a mind may hold, as a fresh engine has it of what was before."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tertulia.environments.gold import RULES, Gold, rule_named
from tertulia.environments.scenario import Scenario, ScenarioError, load_scenario
from tertulia.environments.scenario.build import build
from tertulia.environments.scenario.source import Source
from tertulia.environments.seeing import by_event
from tertulia.environments.stage import Stage
from tertulia.mind.chains import chains_of
from tertulia.storage.log import Log
from tertulia.storage.rows import ClaimRow, EventRow, GoldRow, TurnRow, WitnessRow
from tests.loopback import Loopback
from tests.playing import play, play_in_child, resume

Distribution = tuple[dict[str, float], str, bool | None, str | None]


def engines(scenario: Scenario, seed: int) -> dict[str, Gold]:
    """One fresh engine for each rule, with no events yet."""
    stage = Stage.of(scenario, seed, "fresh")
    stage.open()
    world, state, cast = stage.world, stage.state, tuple(stage.seats)
    knows = {name: dict(world.knows(state, name)) for name in cast}
    prior = {name: world.assumes(state, name) for name in cast}
    return {
        name: Gold(cast, world.variables(state), rule_named(name), knows=knows, prior=prior)
        for name in ("none", *RULES)
    }


def held_at(rows: Iterable[GoldRow], turn: int, chain: str, variable: str) -> Distribution:
    """What the log says is held at a turn: the last distribution written up to it."""
    mine = [row for row in rows if row.chain == chain and row.variable == variable and row.turn <= turn]
    last = [row for row in mine if row.turn == max(r.turn for r in mine)]
    [(basis, robust, source)] = {(row.basis, row.robust, row.source_event) for row in last}
    return {row.value: row.probability for row in last}, basis, robust, source


@pytest.mark.parametrize(
    ("name", "sets"),
    [
        ("dinner-secret", []),
        ("dinner-secret", ["gold.rule=later-exit", "participants.dan.mind.order=3"]),
        ("sally-anne", ["gold.rule=none", "mind.order=3"]),
        ("planning-meeting", []),
        ("mutual-friends", []),
    ],
)
def test_rows_of_every_turn_are_what_a_fresh_engine_makes_of_the_events_before(
    name: str, sets: list[str], tmp_path: Path
) -> None:
    scenario = load_scenario(name, sets)
    assert asyncio.run(play(tmp_path / "log.db", name, seed=2, model="rules", sets=sets)).status == "success"
    with Log.open(tmp_path / "log.db") as log:
        [episode] = log.episodes()
        id = episode.id
        rows = [row for row in log.rows(GoldRow, id) if row.chain != "world"]
        events = by_event(log.rows(EventRow, id), log.rows(WitnessRow, id), log.rows(ClaimRow, id))
        last = max(turn.turn for turn in log.rows(TurnRow, id))
    assert {row.rule for row in rows} == {scenario.gold.rule}
    golds = engines(scenario, 2)
    for turn in range(1, last + 1):
        for gold in golds.values():
            gold.take_in([one for one in events if one.event.turn == turn - 1])
        for seat in scenario.participants:
            for chain in chains_of(seat.name, scenario.names, seat.mind.order):
                for variable in golds["none"].variables.values():
                    if variable.holder not in (None, seat.name):
                        continue
                    wanted = {rule: gold.distribution(chain, variable.name) for rule, gold in golds.items()}
                    held = golds[scenario.gold.rule].belief(chain, variable.name)
                    found, basis, robust, source = held_at(rows, turn, chain, variable.name)
                    assert found == wanted[scenario.gold.rule], (turn, chain, variable.name)
                    assert (basis, source) == (held.basis, held.source)
                    assert robust == all(p == pytest.approx(found) for p in wanted.values())


def test_nothing_is_written_again_while_nothing_changes(tmp_path: Path) -> None:
    asyncio.run(play(tmp_path / "log.db", "dinner-secret", seed=2, model="rules", sets=[]))
    with Log.open(tmp_path / "log.db") as log:
        rows = [row for row in log.rows(GoldRow, log.episodes()[0].id) if row.chain != "world"]
    by_item: dict[tuple[str, str], dict[int, list[Any]]] = {}
    for row in rows:
        turns = by_item.setdefault((row.chain, row.variable), {})
        turns.setdefault(row.turn, []).append(
            (row.value, row.probability, row.basis, row.robust, row.established, row.source_event)
        )
    assert len(by_item) == 4 * 7 * 2
    for turns in by_item.values():
        written = [turns[turn] for turn in sorted(turns)]
        assert min(turns) == 1
        assert all(before != after for before, after in pairwise(written))


def test_bob_should_go_on_believing_in_the_kitchen_and_carol_should_know_that_he_does(tmp_path: Path) -> None:
    asyncio.run(play(tmp_path / "log.db", "dinner-secret", seed=2, model="rules", sets=["turns.limit=8"]))
    with Log.open(tmp_path / "log.db") as log:
        rows = [row for row in log.rows(GoldRow, log.episodes()[0].id) if row.variable == "cake"]
    assert held_at(rows, 8, "carol", "cake") == ({"kitchen": 0.0, "cellar": 1.0}, "witnessed", True, "6.0")
    distribution, _, robust, _ = held_at(rows, 8, "bob", "cake")
    assert distribution == {"kitchen": 1.0, "cellar": 0.0}
    assert robust
    assert held_at(rows, 8, "carol>bob", "cake")[0]["cellar"] < 1.0
    assert held_at(rows, 8, "carol&dan", "cake")[0] == held_at(rows, 8, "dan&carol", "cake")[0] == {
        "kitchen": 0.0, "cellar": 1.0,
    }  # fmt: skip


def test_what_seats_know_and_assume_is_where_gold_begins() -> None:
    stage = Stage.of(load_scenario("dinner-secret"), 0, "one")
    stage.open()
    assert stage.gold is not None
    known, robust = stage.gold.item("alice", "house")
    assert (known.probabilities, known.basis, robust) == ((0.0, 1.0), "witnessed", True)
    assert stage.gold.item("dan", "house")[0].probabilities == (0.5, 0.5)
    friends = Stage.of(load_scenario("mutual-friends"), 0, "two")
    friends.open()
    assert friends.gold is not None
    *own, other = friends.gold.item("alice", "alice.friend")[0].probabilities
    assert other == 0.0
    assert own == pytest.approx([1 / len(own)] * len(own))


def test_an_unknown_trust_rule_is_told_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match=r"gold\.rule: no trust rule 'credulus'; nearest: 'credulous'"):
        build(Source("a file", load_scenario("sally-anne").resolved() | {"gold": {"rule": "credulus"}}))


def gold_rows(db: Path) -> list[dict[str, Any]]:
    with Log.open(db) as log:
        return [row.model_dump(exclude={"episode"}) for row in log.rows(GoldRow, log.episodes()[0].id)]


def test_gold_is_the_same_after_a_kill_and_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(latency_ms=3) as server:
        environment = {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": server.url}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        played = "dinner-secret", 3, "openai/any", ["turns.limit=8"]
        asyncio.run(play(tmp_path / "whole.db", played[0], seed=3, model=played[2], sets=played[3]))
        undisturbed, asked = gold_rows(tmp_path / "whole.db"), len(server.requests)
        db = tmp_path / "killed.db"
        process = multiprocessing.get_context("forkserver").Process(
            target=play_in_child, args=(environment, str(db), *played)
        )
        process.start()
        deadline = time.monotonic() + 60
        while len(server.requests) < asked + asked // 2 and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        process.join(30)
        with Log.open(db) as log:
            episode = log.episodes()[0]
        assert episode.status == "running"
        assert 1 <= episode.head < 8
        assert asyncio.run(resume(db, episode.id)).status == "success"
        assert gold_rows(db) == undisturbed
