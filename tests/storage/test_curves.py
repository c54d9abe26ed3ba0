"""Beliefs over turns, and reliability, against closed forms on hand-made logs, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tertulia.storage.log import Log
from tertulia.storage.measures.catalogue import measure
from tertulia.storage.measures.compute import Condition, Measured, played
from tertulia.storage.measures.curves import BeliefCurves
from tertulia.storage.measures.labels import labels
from tertulia.storage.measures.reliability import reliability
from tertulia.storage.rows import BatchRow, GoldRow, Row
from tests.storage.made import START, a_turn, an_episode, beliefs, truth

BATCH = "b'1"


def gold(turn: int, chain: str, episode: str, *, robust: bool = True, **probabilities: float) -> list[Row]:
    return [
        GoldRow(
            episode=episode, turn=turn, chain=chain, variable="cake", value=value, rule="credulous", probability=p,
            basis="witnessed", robust=robust,
        )
        for value, p in probabilities.items()
    ]  # fmt: skip


def write(log: Log, id: str, cell: str, seed: int, turns: dict[int, list[Row]], last: int) -> None:
    async def go() -> None:
        await log.begin(an_episode(id, batch=BATCH, cell=cell, seed=seed, status="success"))
        for turn in range(last + 1):
            await log.commit(a_turn(turn, *turns.get(turn, []), episode=id))

    asyncio.run(go())


def two_conditions(log: Log) -> list[str]:
    """In cell `a` alice is right from turn 2 on in one episode, never in the other; in `b` there is one episode."""
    asyncio.run(log.record([BatchRow(id=BATCH, name="study", created_at=START)]))
    for id, cell, seed, right, last in (("E1", "a", 1, True, 3), ("E2", "a", 2, False, 2), ("E3", "b", 1, True, 2)):
        first = [
            *beliefs(1, "alice", "cake", episode=id, kitchen=0.75, cellar=0.25),
            *beliefs(1, "alice>bob", "cake", episode=id, kitchen=1.0, cellar=0.0),
            *gold(1, "alice", id, kitchen=0.0, cellar=1.0),
            *gold(1, "alice>bob", id, kitchen=1.0, cellar=0.0),
            *truth(1, "cake", "cellar", "kitchen", episode=id),
        ]
        later = beliefs(2, "alice", "cake", episode=id, kitchen=0.0, cellar=1.0) if right else []
        write(log, id, cell, seed, {1: list(first), 2: list(later)}, last)
    return ["E1", "E2", "E3"]


def test_each_point_is_the_mean_of_its_turn_over_the_episodes_that_are_there(log: Log) -> None:
    found = BeliefCurves(log, played(log, two_conditions(log))).points("brier")
    own = {(p.condition.cell, p.turn): (p.value, p.n, p.episodes) for p in found if p.level == "own"}
    wrong = 2 * 0.75**2
    assert own == {
        ("a", 1): (pytest.approx(wrong), 2, 2),
        ("a", 2): (pytest.approx(wrong / 2), 2, 2),
        ("a", 3): (pytest.approx(0.0), 1, 1),  # the other episode has ended
        ("b", 1): (pytest.approx(wrong), 1, 1),
        ("b", 2): (pytest.approx(0.0), 1, 1),
    }
    [second] = [p for p in found if p.level == "own" and (p.condition.cell, p.turn) == ("a", 2)]
    assert (second.low, second.high, second.over) == (pytest.approx(0.0), pytest.approx(wrong), "episodes")
    assert {(p.low, p.high) for p in found if p.condition.cell == "b"} == {(None, None)}
    others = [p for p in found if p.level == "of another"]
    assert {p.value for p in others} == {0.0}
    assert [p.turn for p in others if p.condition.cell == "a"] == [1, 2, 3]


def test_a_curve_adds_up_to_its_measure(log: Log) -> None:
    episodes = played(log, two_conditions(log))
    curves = BeliefCurves(log, episodes)
    for y, name in (("accuracy", "belief_accuracy"), ("brier", "belief_brier")):
        measured = Measured(log, measure(name), episodes)
        assert curves.whole(y).figures() == measured.figures()
        assert curves.whole(y).differences() == measured.differences()
        for figure in measured.figures():
            points = [p for p in curves.points(y) if p.condition == figure.condition]
            assert sum(p.n for p in points) == figure.n
            assert sum(p.n * p.value for p in points) / figure.n == pytest.approx(figure.value)


def test_what_trust_rules_do_not_agree_on_is_in_no_curve(log: Log) -> None:
    asyncio.run(log.record([BatchRow(id=BATCH, name="study", created_at=START)]))
    rows = [*beliefs(1, "alice", "cake", episode="E1", kitchen=1.0), *gold(1, "alice", "E1", robust=False, kitchen=1.0)]
    write(log, "E1", "a", 1, {1: list(rows)}, 2)
    assert BeliefCurves(log, played(log, ["E1"])).points("accuracy") == []


def test_reliability_is_the_share_that_is_true_of_what_was_given_as_much(log: Log) -> None:
    asyncio.run(log.record([BatchRow(id=BATCH, name="study", created_at=START)]))
    for at in range(4):
        true = "kitchen" if at < 3 else "cellar"
        rows = [
            *beliefs(1, "alice", "cake", episode=f"E{at}", kitchen=0.75, cellar=0.25),
            *truth(1, "cake", true, "cellar" if at < 3 else "kitchen", episode=f"E{at}"),
            *gold(1, "alice", f"E{at}", kitchen=0.5, cellar=0.5),
        ]
        write(log, f"E{at}", "a", at, {1: list(rows)}, 3)
    [one] = reliability(Measured(log, measure("calibration_error"), played(log, [f"E{at}" for at in range(4)])))
    assert (one.low_edge, one.high_edge, one.n, one.episodes) == (0.7, 0.8, 12, 4)
    assert (one.given, one.value) == (pytest.approx(0.75), pytest.approx(0.75))
    assert one.low is not None
    assert one.high is not None
    assert 0 <= one.low < 0.75 < one.high == 1.0


def test_conditions_are_called_by_what_tells_them_apart() -> None:
    def of(*cells: str, scenario: str = "dinner", models: str = "rules") -> list[Condition]:
        return [Condition(scenario, "b", cell, models) for cell in cells]

    varies, names = labels(of("turns.policy=bidding", "turns.policy=addressed"))
    assert (varies, list(names.values())) == ("turns.policy", ["bidding", "addressed"])
    varies, names = labels(of("a=1, b=2", "a=1, b=3"))
    assert (varies, list(names.values())) == ("condition", ["a=1, b=2", "a=1, b=3"])
    assert labels(of("a=1"))[1] == {of("a=1")[0]: "a=1"}
    mixed = [*of("x", models="m1"), *of("x", models="m2")]
    assert list(labels(mixed)[1].values()) == ["m1", "m2"]
