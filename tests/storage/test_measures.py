"""The measures that ship, against closed forms on hand-made logs, on both databases."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.measures.catalogue import UnknownMeasure, measure, measures
from tertulia.storage.measures.compute import Figure, Measured, clustered, effect_size, played
from tertulia.storage.measures.statistics import STATISTICS
from tertulia.storage.measures.words import accommodation, classes, reading_ease, sentences, syllables, words
from tertulia.storage.record import TurnRecord
from tertulia.storage.rows import BatchRow, ClaimRow, Row
from tests.storage.made import (
    ID,
    START,
    a_bid,
    a_call,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
)


def write(log: Log, turns: list[TurnRecord], id: str = ID, **given: Any) -> None:
    async def go() -> None:
        await log.begin(an_episode(id, **{"status": "success", **given}))
        for turn in turns:
            await log.commit(turn)

    asyncio.run(go())


def figures(log: Log, name: str, *by: str, ids: tuple[str, ...] = (ID,)) -> dict[tuple[str, ...], Figure]:
    found = Measured(log, measure(name), played(log, ids), by).figures()
    return {tuple(value for _, value in one.group): one for one in found}


def numbers(log: Log, name: str, *by: str) -> dict[tuple[str, ...], tuple[float, int]]:
    return {group: (one.value, one.n) for group, one in figures(log, name, *by).items()}


def claim(turn: int, speaker: str, variable: str, value: str) -> ClaimRow:
    return ClaimRow(
        episode=ID, turn=turn, event=0, ordinal=0, speaker=speaker, variable=variable, value=value, established="rules"
    )


def said(
    turn: int, actor: str, text: str = "Yes.", *, to: list[str] | None = None, heard: str | None = None
) -> list[Row]:
    rows: list[Row] = [an_event(turn, text, actor=actor, origin="participant", addressees=to)]
    return [*rows, a_witness(turn, heard)] if heard is not None else rows


CAST = ("alice", "bob", "carol", "dan")


@pytest.fixture
def talk(log: Log) -> Log:
    """Alice speaks in turns 1, 3 and 6, bob in 2; carol and dan never do. Turns 4 and 5 are silent, 7 closes."""
    write(
        log,
        [
            a_turn(0, an_event(0, "A house.", actor=None, origin="world")),
            a_turn(1, *said(1, "alice", to=["bob", "carol"]), a_bid(1, "bob", won=False, interrupted=True)),
            a_turn(2, *said(2, "bob", to=["alice"])),
            a_turn(3, *said(3, "alice", to=["dan"]), a_bid(3, "bob", won=False)),
            a_turn(4, silent=True),
            a_turn(5, silent=True),
            a_turn(6, *said(6, "alice", to=["bob"])),
            a_turn(7, closing=True),
        ],
        cast=CAST,
        reward=0.5,
    )
    return log


def test_participation_is_what_it_is_by_hand(talk: Log) -> None:
    assert numbers(talk, "turn_share") == {
        ("alice",): (0.75, 4), ("bob",): (0.25, 4), ("carol",): (0.0, 4), ("dan",): (0.0, 4),
    }  # fmt: skip
    # Of 0, 0, 1, 3: all |x - y| over ordered pairs are 2 (3 + 3 + 2 + 1 + 1) = 20; over 2 k^2 times the mean: 20 / 32.
    assert numbers(talk, "turn_gini") == {(): (pytest.approx(20 / 32), 1)}
    assert numbers(talk, "silence") == {(): (pytest.approx(2 / 6), 6)}
    assert numbers(talk, "interruptions") == {(): (0.5, 2)}
    # bob answers in 2 what came in 1, alice in 3 what came in 2; carol, dan, and bob at the end never do.
    assert numbers(talk, "response_latency") == {(): (1.0, 2)}
    assert numbers(talk, "unanswered") == {(): (pytest.approx(3 / 5), 5)}
    assert numbers(talk, "unanswered", "participant")[("bob",)] == (0.5, 2)


def test_the_task_is_measured_per_episode_per_turn_and_per_selection(talk: Log) -> None:
    assert numbers(talk, "reward") == {(): (0.5, 1)}
    assert numbers(talk, "reward_per_turn") == {(): (pytest.approx(0.5 / 6), 6)}
    assert figures(talk, "reward_per_selection") == {}


def test_selections_are_counted_where_there_are_some(log: Log) -> None:
    rows = [
        an_event(1, kind="select", actor=who, ordinal=n, origin="participant") for n, who in enumerate(("alice", "bob"))
    ]
    write(log, [a_turn(0), a_turn(1, *rows)], reward=1.0)
    assert numbers(log, "reward_per_selection") == {(): (0.5, 2)}


def test_thoughts_are_followed_to_their_end(log: Log) -> None:
    write(
        log,
        [
            a_turn(0),
            a_turn(1, *(a_thought(1, f"t{n}") for n in range(4)), an_appraisal(1, "t0", "kept", 3.0),
                   an_appraisal(1, "t1", "kept", 2.0), an_appraisal(1, "t2", "spoken", 5.0)),
            a_turn(2, an_appraisal(2, "t1", "dropped", 1.0)),
            a_turn(3, an_appraisal(3, "t0", "spoken", 4.0)),
        ],
    )  # fmt: skip
    fates = {fate: value for (fate,), (value, n) in numbers(log, "thought_fate").items() if n == 4}
    assert fates == {"spoken": 0.5, "dropped": 0.25, "formed": 0.25, "kept": 0.0, "expired": 0.0}
    assert numbers(log, "thought_lag") == {(): (1.0, 2)}
    assert numbers(log, "thought_motivation") == {("spoken",): (4.5, 2), ("unspoken",): (2.0, 1)}
    assert numbers(log, "thoughts_formed") == {(): (pytest.approx(4 / 3), 3)}


def test_distances_of_minds_and_their_slope_are_those_of_least_squares(log: Log) -> None:
    """Alice is sure from the start; bob is 0, 0, 0.5, 0.5, 1 sure of the same at turns 1 to 5."""
    write(
        log,
        [
            a_turn(0, *beliefs(0, "alice", "cake", a=1.0, b=0.0), *beliefs(0, "bob", "cake", a=0.0, b=1.0),
                   *beliefs(0, "alice>bob", "cake", a=0.25, b=0.75)),
            a_turn(1), a_turn(2),
            a_turn(3, *beliefs(3, "bob", "cake", a=0.5, b=0.5)),
            a_turn(4),
            a_turn(5, *beliefs(5, "bob", "cake", a=1.0, b=0.0)),
        ],
    )  # fmt: skip
    apart = [1.0, 1.0, 0.5, 0.5, 0.0]
    assert numbers(log, "belief_distance") == {("rules",): (pytest.approx(sum(apart) / 5), 5)}
    slope = sum((t - 3) * (d - 0.6) for t, d in enumerate(apart, 1)) / 10
    assert numbers(log, "belief_convergence") == {("rules",): (pytest.approx(slope), 1)}
    modelled = [0.25, 0.25, 0.25, 0.25, 0.75]
    assert numbers(log, "model_distance") == {("rules",): (pytest.approx(sum(modelled) / 5), 5)}
    assert figures(log, "common_ground_distance") == {}


def test_common_ground_is_compared_with_the_others_idea_of_it(log: Log) -> None:
    write(
        log,
        [
            a_turn(0, *beliefs(0, "alice&bob", "cake", a=1.0, b=0.0), *beliefs(0, "bob&alice", "cake", a=0.5, b=0.5)),
            a_turn(1),
            a_turn(2, *beliefs(2, "bob&alice", "cake", a=1.0, b=0.0)),
        ],
    )
    assert numbers(log, "common_ground_distance") == {("rules",): (0.25, 2)}
    assert numbers(log, "common_ground_convergence") == {("rules",): (pytest.approx(-0.5), 1)}


def told_log(log: Log) -> None:
    """Bob hears alice claim it in turns 1 and 4, of which the first moves him by 0.5; in turn 3 he moves by 0.1
    without a word; in turn 2 two claim it at once."""
    both = [an_event(2, ordinal=1, actor="carol"), a_witness(2, "bob", 1), claim(2, "alice", "cake", "a")]
    write(
        log,
        [
            a_turn(0, *beliefs(0, "bob", "cake", a=0.5, b=0.5)),
            a_turn(1, *said(1, "alice", heard="bob"), claim(1, "alice", "cake", "a")),
            a_turn(2, *said(2, "alice", heard="bob"), *both,
                   claim(2, "carol", "cake", "b").model_copy(update={"event": 1}),
                   *beliefs(2, "bob", "cake", a=1.0, b=0.0)),
            a_turn(3),
            a_turn(4, *said(4, "alice", heard="bob"), claim(4, "alice", "cake", "a"),
                   *beliefs(4, "bob", "cake", a=0.9, b=0.1)),
            a_turn(5),
            a_turn(6, closing=True),
        ],
        cast=CAST,
    )  # fmt: skip


def test_influence_is_what_moved_after_a_claim_less_what_moves_anyway(log: Log) -> None:
    told_log(log)
    assert numbers(log, "belief_shift", "speaker", "hearer") == {("rules", "alice", "bob"): (0.25, 2)}
    # Without a claim: turns 0, 3 and 5, of which the third moved the belief by 0.1.
    assert numbers(log, "belief_drift") == {("rules",): (pytest.approx(0.1 / 3), 3)}
    assert numbers(log, "claim_influence") == {("rules",): (pytest.approx(0.25 - 0.1 / 3), 2)}


def test_an_unheard_claim_moves_nobody(log: Log) -> None:
    write(
        log,
        [
            a_turn(0, *beliefs(0, "bob", "cake", a=0.5, b=0.5)),
            a_turn(1, *said(1, "alice"), claim(1, "alice", "cake", "a")),
            a_turn(2, *beliefs(2, "bob", "cake", a=1.0, b=0.0)),
        ],
    )
    assert figures(log, "belief_shift") == {}
    assert numbers(log, "belief_drift") == {("rules",): (0.25, 2)}


def test_costs_are_per_episode_and_an_unknown_price_leaves_its_episode_out(log: Log) -> None:
    calls = {"cost_usd": 0.25, "latency_ms": 10.0, "input_tokens": 100, "output_tokens": 5}

    async def go() -> None:
        for id in (ID, OTHER):
            await log.begin(an_episode(id, status="success"))
        await log.record_call(a_call(1, **calls))
        await log.record_call(a_call(1, participant="bob", status="invalid", **calls))
        await log.record_call(a_call(1, 1, participant="bob", status="fallback", **calls))
        await log.record_call(a_call(1, episode=OTHER, **{**calls, "cost_usd": None}))

    asyncio.run(go())
    [cost] = figures(log, "cost_usd", ids=(ID, OTHER)).values()
    assert (cost.value, cost.n, cost.episodes, cost.missing) == (0.75, 1, 1, 1)
    by = figures(log, "cost_usd", "participant", ids=(ID, OTHER))
    assert {group: one.value for group, one in by.items()} == {("alice",): 0.25, ("bob",): 0.5}
    [rate] = figures(log, "fallback_rate", ids=(ID, OTHER)).values()
    assert (rate.value, rate.n) == (pytest.approx(1 / 3), 3)
    [latency] = figures(log, "latency_ms", "model", ids=(ID, OTHER)).values()
    assert (latency.value, latency.n) == (pytest.approx(40 / 3), 3)


OTHER = "01ARZ3NDEKTSV4RRFFQ69G5FBB"
IDS = tuple(f"01ARZ3NDEKTSV4RRFFQ69G5F0{n}" for n in range(8))


def batch_of(log: Log, rewards: list[tuple[str, int, int, float]]) -> tuple[str, ...]:
    """Episodes of a batch by cell, seed, replicate and reward."""

    async def go() -> None:
        await log.record([BatchRow(id="B", name="b", created_at=START)])
        for id, (cell, seed, replicate, reward) in zip(IDS, rewards, strict=False):
            given = {"batch": "B", "cell": cell, "seed": seed, "replicate": replicate, "reward": reward}
            await log.begin(an_episode(id, status="success", **given))

    asyncio.run(go())
    return IDS[: len(rewards)]


def test_cells_are_compared_pair_by_pair(log: Log) -> None:
    ids = batch_of(
        log,
        [("a", 1, 0, 0.0), ("a", 2, 0, 0.5), ("a", 3, 0, 0.5), ("b", 1, 0, 0.5), ("b", 2, 0, 0.5), ("b", 3, 0, 1.0),
         ("b", 4, 0, 1.0)],
    )  # fmt: skip
    found = Measured(log, measure("reward"), played(log, ids))
    assert {one.condition.cell: (one.value, one.n) for one in found.figures()} == {
        "a": (pytest.approx(1 / 3), 3), "b": (0.75, 4),
    }  # fmt: skip
    [made] = found.differences()
    differences = [0.5, 0.0, 0.5]
    mean = sum(differences) / 3
    assert (made.condition.cell, made.baseline.cell, made.n, made.pairs, made.over) == ("b", "a", 3, 3, "pairs")
    assert made.mean == pytest.approx(mean)
    assert made.dz == pytest.approx(mean / math.sqrt(sum((one - mean) ** 2 for one in differences) / 2))
    [turned] = found.differences("b")
    assert turned.mean == pytest.approx(-mean)
    assert found.differences("c") == []


def test_seeds_that_come_again_are_what_is_independent(log: Log) -> None:
    ids = batch_of(
        log,
        [("a", 1, 0, 0.0), ("a", 1, 1, 0.5), ("a", 2, 0, 0.5), ("a", 2, 1, 0.5),
         ("b", 1, 0, 1.0), ("b", 1, 1, 0.5), ("b", 2, 0, 0.5), ("b", 2, 1, 0.5)],
    )  # fmt: skip
    found = Measured(log, measure("reward"), played(log, ids))
    a, _ = found.figures()
    assert (a.n, a.episodes, a.clusters, a.over) == (4, 4, 2, "seeds")
    assert (a.low, a.high) == (0.25, 0.5), "the means of the two seeds are the least and the most there can be drawn"
    [made] = found.differences()
    assert (made.mean, made.n, made.pairs, made.over) == (0.25, 2, 4, "seeds")
    assert made.dz == pytest.approx(0.25 / math.sqrt(2 * 0.25**2))


def test_one_episode_has_no_interval_and_an_effect_without_spread_no_size(talk: Log) -> None:
    [found] = figures(talk, "silence").values()
    assert (found.low, found.high, found.episodes) == (None, None, 1)
    assert effect_size([0.5]) is None
    assert effect_size([0.5, 0.5]) is None
    assert clustered([]) == ("episodes", [])


def test_every_measure_says_what_it_is(sqlite_log: Log) -> None:
    for one in measures():
        assert one.about.endswith("."), one.name
        assert one.unit
        assert one.range
        assert one.n
        assert one.source
        assert one.statistic in STATISTICS, one.name
        columns = sqlite_log.query(one.query("sqlite", "1 = 1")).columns
        needed = {"episode", *one.always, *one.by}
        assert one.reads is not None or needed | set(STATISTICS[one.statistic].columns) <= set(columns), one.name


def test_an_empty_log_has_no_numbers(log: Log) -> None:
    for one in measures():
        assert Measured(log, one, []).figures() == []
        assert log.query(one.query(log.target.dialect, "1 = 1")).rows == [], one.name


def test_an_unknown_measure_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownMeasure, match="no measure 'turn_gin'; nearest: 'turn_gini'"):
        measure("turn_gin")


def test_reading_ease_is_fleschs_formula() -> None:
    text = "The cat sat on the mat. It was happy!"
    assert words(text) == ["the", "cat", "sat", "on", "the", "mat", "it", "was", "happy"]
    [row] = reading_ease([{"episode": ID, "participant": "alice", "text": text}])
    assert (row["words"], row["sentences"], row["syllables"]) == (9, 2, 10)
    value = STATISTICS["reading ease"].value([9, 2, 10])
    assert value == pytest.approx(206.835 - 1.015 * 4.5 - 84.6 * 10 / 9)


@pytest.mark.parametrize(
    ("word", "count"),
    [("cake", 1), ("table", 2), ("the", 1), ("walked", 1), ("wanted", 2), ("conversation", 4), ("kitchen", 2),
     ("queue", 1), ("little", 2), ("be", 1), ("mmm", 1)],
)  # fmt: skip
def test_syllables_are_counted(word: str, count: int) -> None:
    assert syllables(word) == count


def test_a_sentence_needs_a_letter_or_a_figure() -> None:
    assert sentences("Well... no?! 12.") == 3
    assert sentences("?!") == 0


def test_coordination_is_the_gain_of_a_marker_where_it_was_heard() -> None:
    """Articles: two of four utterances have one, and both replies to these do, and one of the others: 1 - 3/4."""
    exchanges = [("a cake", "the key"), ("the cake", "a key"), ("cake", "a key"), ("cake", "key")]
    rows = [{"episode": ID, "participant": "bob", "first": first, "reply": reply} for first, reply in exchanges]
    coordination = STATISTICS["coordination"]
    found = list(accommodation(rows))
    [articles] = [row for row in found if row["marker"] == "articles"]
    assert [articles[name] for name in coordination.columns] == [4, 2, 3, 2]
    sums = [sum(column) for column in zip(*(coordination.sums(row) for row in found), strict=True)]
    assert coordination.value(sums) == 0.25
    assert classes("I'll take it, but not with you") >= {"personal pronouns", "conjunctions", "prepositions"}


def test_only_the_next_utterance_of_another_who_heard_it_is_a_reply(log: Log) -> None:
    write(
        log,
        [
            a_turn(0),
            a_turn(1, *said(1, "alice", "The cake.", heard="bob")),
            a_turn(2, *said(2, "bob", "A key.", heard="bob")),
            a_turn(3, *said(3, "alice", "The cake.", heard="bob")),
            a_turn(4, *said(4, "alice", "Hello.", heard="bob")),
            a_turn(5, *said(5, "bob", "Hello.", heard="alice")),
        ],
    )
    exchanges = log.query(measure("accommodation").query(log.target.dialect, "1 = 1")).dicts()
    assert [(row["first"], row["reply"]) for row in exchanges] == [("The cake.", "A key."), ("Hello.", "Hello.")]
