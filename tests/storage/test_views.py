"""The views, against small episodes worked out by hand and random ones worked out in Python."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia.storage.log import Log
from tertulia.storage.record import Closing
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
    truth,
)

ids = (f"view{number}" for number in count())


def ask(log: Log, sql: str, *params: Any) -> list[dict[str, Any]]:
    return log.query(sql, params).dicts()


async def test_the_transcript_names_who_heard_and_who_only_saw(log: Log) -> None:
    await log.begin(an_episode(cast=("zoe", "bob", "carol", "dan")))
    await log.commit(
        a_turn(
            0,
            an_event(0, "psst", 0, kind="whisper", actor="zoe", occurrence="Zoe whispers.", addressees=["bob"]),
            a_witness(0, "zoe"), a_witness(0, "bob"), a_witness(0, "dan", level="occurrence"),
            a_witness(0, "carol", level="occurrence"),
            an_event(0, "A door slams.", 1, kind="noise", actor=None, origin="scripted"),
        )
    )  # fmt: skip
    whisper, noise = ask(log, "SELECT * FROM v_transcript ORDER BY episode, turn, ordinal")
    assert (whisper["event"], whisper["kind"], whisper["actor"], whisper["text"]) == ("0.0", "whisper", "zoe", "psst")
    assert (whisper["witnesses"], whisper["onlookers"]) == ("bob, zoe", "carol, dan")
    assert (whisper["addressees"], whisper["occurrence"]) == ('["bob"]', "Zoe whispers.")
    assert (noise["event"], noise["actor"], noise["witnesses"], noise["origin"]) == ("0.1", None, None, "scripted")


async def test_a_thought_shows_what_became_of_it(log: Log) -> None:
    await log.begin(an_episode())
    await log.commit(
        a_turn(0, a_thought(0, "t1", "say it"), a_thought(0, "t2", "never"), an_appraisal(0, "t1", "formed", 3.0),
               a_thought(0, "t3", "unrated"), an_appraisal(0, "t2", "dropped", 1.0))
    )  # fmt: skip
    await log.commit(a_turn(1, an_appraisal(1, "t1", "kept", 2.46)))
    await log.commit(a_turn(2, an_appraisal(2, "t1", "spoken", 4.995)))
    said, never, unrated = ask(log, "SELECT * FROM v_thoughts ORDER BY thought")
    assert said["history"] == "0:formed:3.00 1:kept:2.46 2:spoken:5.00"
    assert (said["status"], said["motivation"], said["appraised_turn"], said["peak_motivation"]) == (
        "spoken", 4.995, 2, 4.995,
    )  # fmt: skip
    assert (said["spoken_turn"], said["lag"], said["appraisals"]) == (2, 2, 3)
    assert (never["status"], never["history"], never["spoken_turn"], never["lag"]) == (
        "dropped", "0:dropped:1.00", None, None,
    )  # fmt: skip
    assert (unrated["status"], unrated["history"], unrated["appraisals"]) == (None, None, 0)


async def test_a_gap_compares_what_is_held_at_that_turn(log: Log) -> None:
    await log.begin(an_episode())
    await log.commit(
        a_turn(0, *beliefs(0, "alice", "cake", kitchen=0.9, cellar=0.1), *truth(0, "cake", "kitchen", "cellar"))
    )
    await log.commit(a_turn(1, *beliefs(1, "alice>bob", "cake", kitchen=0.5, cellar=0.5)))
    await log.commit(
        a_turn(2, *beliefs(2, "alice", "cake", kitchen=0.2, cellar=0.8), *truth(2, "cake", "cellar", "kitchen"))
    )
    await log.commit(a_turn(3, *beliefs(3, "alice>bob", "cake", kitchen=1.0, cellar=0.0)))
    rows = ask(log, "SELECT * FROM v_beliefs ORDER BY turn, chain, value")
    found = {(row["turn"], row["chain"], row["value"]): row for row in rows}
    assert len(found) == 8
    first, last = found[1, "alice>bob", "kitchen"], found[3, "alice>bob", "kitchen"]
    assert first["gap"] == pytest.approx(0.4)
    assert first["overlap"] == pytest.approx(0.5 / 0.6)
    assert (first["other"], first["own_probability"], first["own_estimator"]) == ("bob", 0.9, "rules")
    assert last["gap"] == pytest.approx(-0.8)
    assert (last["overlap"], last["own_probability"]) == (1.0, 0.2)
    assert (first["truth"], first["true_probability"]) == ("kitchen", 0.5)
    assert (last["truth"], last["true_probability"]) == ("cellar", 0.0)
    own = found[2, "alice", "cellar"]
    assert (own["gap"], own["overlap"], own["other"], own["true_probability"]) == (None, None, None, 0.8)


async def test_deeper_chains_and_common_ground_have_no_gap(log: Log) -> None:
    await log.begin(an_episode())
    chains = ("alice", "alice>bob>alice", "alice&bob", "alice>bob&carol", "alicent>bob")
    await log.commit(a_turn(0, *(row for chain in chains for row in beliefs(0, chain, "x", a=1.0))))
    rows = ask(log, "SELECT chain, gap, overlap, other, truth FROM v_beliefs")
    assert {row["chain"] for row in rows} == set(chains)
    assert all(row["gap"] is None and row["overlap"] is None and row["truth"] is None for row in rows)
    assert [row["other"] for row in rows if row["other"]] == ["bob"]


values = st.sampled_from(["kitchen", "cellar", "garden", "unaware"])
distributions = st.dictionaries(values, st.integers(0, 4), min_size=1).map(
    lambda weights: {value: weight / (sum(weights.values()) or 1) for value, weight in weights.items()}
)
histories = st.dictionaries(
    st.tuples(st.integers(0, 4), st.sampled_from(["alice", "alice>bob", "alice>carol", "bob", "bob>alice"])),
    distributions, max_size=10,
)  # fmt: skip
truths = st.dictionaries(st.integers(0, 4), values, max_size=3)
in_order = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def latest(history: dict[tuple[int, str], dict[str, float]], turn: int, chain: str) -> dict[str, float] | None:
    turns = [at for at, whose in history if whose == chain and at <= turn]
    return history[max(turns), chain] if turns else None


def test_beliefs_agree_with_their_definition(log: Log) -> None:
    @in_order
    @given(histories, truths)
    def check(history: dict[tuple[int, str], dict[str, float]], worlds: dict[int, str]) -> None:
        episode = next(ids)
        rows = [
            row for (turn, chain), p in history.items() for row in beliefs(turn, chain, "cake", episode=episode, **p)
        ]
        gold = [row for turn, value in worlds.items() for row in truth(turn, "cake", value, "attic", episode=episode)]
        asyncio.run(log.record([*rows, *gold]))
        found = ask(log, "SELECT * FROM v_beliefs WHERE episode = ?", episode)
        assert len(found) == len(rows)
        for row in found:
            turn, chain, value = row["turn"], row["chain"], row["value"]
            mine = history[turn, chain]
            assert row["probability"] == mine[value]
            true = worlds.get(max((at for at in worlds if at <= turn), default=-1))
            assert row["truth"] == true
            assert row["true_probability"] == (None if true is None else pytest.approx(mine.get(true, 0.0)))
            own = latest(history, turn, row["holder"]) if ">" in chain else None
            if own is None:
                assert row["gap"] is None
                assert row["overlap"] is None
                continue
            shared = {each: min(mine[each], own.get(each, 0.0)) for each in mine}
            assert row["gap"] == pytest.approx(own.get(value, 0.0) - mine[value])
            total = sum(shared.values())
            assert row["overlap"] == (pytest.approx(shared[value] / total) if total else None)

    check()


async def test_the_floor_shows_all_bids_beside_who_spoke(log: Log) -> None:
    await log.begin(an_episode())
    await log.commit(
        a_turn(
            0, a_bid(0, "alice", won=True, volunteers=True, reason="addressed", motivation=4.5),
            a_bid(0, "bob", reason="outbid"),
            an_event(0, "hi", actor="alice"), an_event(0, "bye", 1, actor="bob"),
            an_event(0, "door", 2, actor=None, origin="scripted"), an_event(0, "x", 3, kind="select", actor="bob"),
        )
    )  # fmt: skip
    await log.commit(a_turn(1, a_bid(1, "bob", wants=False, reason="nothing to say"), silent=True))
    alice, bob, silent = ask(log, "SELECT * FROM v_floor ORDER BY turn, participant")
    assert (alice["won"], alice["wants"], alice["reason"], alice["motivation"]) == (1, 1, "addressed", 4.5)
    assert (alice["volunteers"], bob["volunteers"], silent["volunteers"]) == (1, 0, 0)
    assert (bob["won"], bob["reason"], bob["speakers"], bob["policy"]) == (0, "outbid", "alice, bob", "addressed")
    assert (silent["wants"], silent["silent"], silent["speakers"]) == (0, 1, None)


async def an_episode_with_calls(log: Log, priced: bool = True) -> None:
    await log.begin(an_episode(created_at=START))
    paid: dict[str, Any] = {"uri": "openai/x", "cost_usd": 0.25, "input_tokens": 100, "output_tokens": 10}
    unanswered: dict[str, Any] = {**paid, "cost_usd": None, "input_tokens": None, "output_tokens": None}
    for call in (
        a_call(0, 0, status="error", **unanswered),
        a_call(0, 1, status="invalid", **paid),
        a_call(0, 2, status="ok", **paid),
        a_call(0, 0, take=1, **paid),
        a_call(0, 0, ordinal=1, **paid),
        a_call(1, 0, purpose="speak", status="fallback", **{**paid, "cost_usd": 0.25 if priced else None}),
        a_call(1, 0, participant="bob"),
    ):
        await log.record_call(call)
    await log.commit(
        a_turn(0, an_event(0, "a", 0), an_event(0, "b", 1, kind="whisper"), an_event(0, "c", 2, kind="go"))
    )
    await log.commit(a_turn(1, an_event(1, "d", 0, actor=None, origin="scripted"), silent=True))
    last = a_turn(2, closing=True)
    last.closing = Closing("success", "agreement", outcome={"reward": 1.0}, reward=1.0)
    await log.commit(last)


async def test_costs_count_requests_and_attempts(log: Log) -> None:
    await an_episode_with_calls(log)
    think, speak, rules = ask(log, "SELECT * FROM v_costs ORDER BY participant, purpose DESC")
    assert (think["calls"], think["attempts"], think["errors"], think["fallbacks"]) == (3, 5, 1, 0)
    assert (think["input_tokens"], think["output_tokens"], think["cached_tokens"]) == (400, 40, 0)
    assert (think["cost_usd"], think["unknown_prices"], think["model"]) == (1.0, 0, "openai/x")
    assert (speak["calls"], speak["attempts"], speak["fallbacks"], speak["cost_usd"]) == (1, 1, 1, 0.25)
    assert (rules["participant"], rules["model"], rules["cost_usd"], rules["unknown_prices"]) == ("bob", "rules", 0, 0)
    calls = ask(log, "SELECT * FROM v_calls ORDER BY turn, participant, take, purpose, ordinal, attempt")
    assert len(calls) == 7
    assert len({call["request"] for call in calls}) == 5
    assert calls[0]["call"] == calls[0]["request"] + "/0"


async def test_an_outcome_sums_an_episode_up(log: Log) -> None:
    await an_episode_with_calls(log)
    (row,) = ask(log, "SELECT * FROM v_outcomes")
    assert {key: row[key] for key in ("episode", "scenario", "seed", "status", "reason", "reward", "outcome")} == {
        "episode": ID, "scenario": "dinner-secret", "seed": 7, "status": "success", "reason": "agreement",
        "reward": 1.0, "outcome": '{"reward":1.0}',
    }  # fmt: skip
    assert (row["turns"], row["utterances"]) == (1, 2)
    assert (row["calls"], row["attempts"], row["fallbacks"], row["fallback_rate"]) == (5, 7, 1, 0.2)
    assert (row["cost_usd"], row["unknown_prices"]) == (1.25, 0)
    assert row["started"] == "2026-03-01 12:30:15.250001"
    assert row["ended"] > row["started"]


async def test_a_cost_is_unknown_where_any_price_is(log: Log) -> None:
    await an_episode_with_calls(log, priced=False)
    (row,) = ask(log, "SELECT * FROM v_outcomes")
    assert (row["cost_usd"], row["unknown_prices"]) == (None, 1)
    (speak,) = ask(log, "SELECT * FROM v_costs WHERE purpose = 'speak'")
    assert (speak["cost_usd"], speak["unknown_prices"]) == (0.0, 1)


async def test_an_episode_without_a_call_costs_nothing(log: Log) -> None:
    await log.begin(an_episode())
    (row,) = ask(log, "SELECT * FROM v_outcomes")
    assert (row["calls"], row["cost_usd"], row["fallback_rate"], row["turns"], row["ended"]) == (0, 0.0, 0.0, 0, None)


ORDERS = {
    "v_transcript": "episode, turn, ordinal",
    "v_thoughts": "episode, holder, thought",
    "v_beliefs": "episode, turn, holder, chain, variable, value",
    "v_beliefs_held": "episode, turn, holder, chain, variable, value",
    "v_floor": "episode, turn, participant",
    "v_calls": "episode, call",
    "v_costs": "episode, participant, purpose, model",
    "v_outcomes": "episode",
}


def test_both_databases_give_the_same_rows_in_every_view(sqlite_log: Log, postgres_log: Log) -> None:
    @in_order
    @given(histories, st.lists(st.floats(1.0, 5.0), min_size=1, max_size=4))
    def check(history: dict[tuple[int, str], dict[str, float]], motivations: list[float]) -> None:
        episode = next(ids)
        rows: list[Any] = [
            row for (turn, chain), p in history.items() for row in beliefs(turn, chain, "cake", episode=episode, **p)
        ]
        rows.append(a_thought(0, "t", episode=episode))
        rows += [an_appraisal(turn, "t", "kept", m, episode=episode) for turn, m in enumerate(motivations)]
        rows += [a_call(turn, episode=episode, cost_usd=m / 7, uri="openai/x") for turn, m in enumerate(motivations)]
        rows += [an_event(0, str(m), n, episode=episode) for n, m in enumerate(motivations)]
        rows += [a_bid(0, "bob", motivation=m, episode=f"{episode}.{n}") for n, m in enumerate(motivations)]
        rows += [an_episode(episode).episode]
        rows += [row for turn in range(3) for row in a_turn(turn, episode=episode).rows]
        for log in (sqlite_log, postgres_log):
            asyncio.run(log.record(rows))
        for name, order in ORDERS.items():
            sql = f"SELECT * FROM {name} WHERE episode LIKE ? ORDER BY {order}"
            one, other = (log.query(sql, [episode + "%"]) for log in (sqlite_log, postgres_log))
            assert one.columns == other.columns
            assert len(one.rows) == len(other.rows)
            for mine, yours in zip(one.rows, other.rows, strict=True):
                assert [type(value) for value in mine] == [type(value) for value in yours]
                assert all(
                    a == pytest.approx(b) if isinstance(a, float) else a == b for a, b in zip(mine, yours, strict=True)
                )

    check()
