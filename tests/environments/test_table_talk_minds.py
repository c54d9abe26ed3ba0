"""What the rules of table_talk believe: false beliefs, common ground, and an oracle written from the definition."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings

from tertulia.environments.scenario import load_scenario
from tertulia.environments.world import Event
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import belief, nobody, opened, played, scenario_of, stance

BASKET, BOX = {"basket": 1.0, "box": 0.0}, {"basket": 0.0, "box": 1.0}


def test_sally_keeps_her_false_belief_and_says_it_and_anne_knows_that_it_is_false() -> None:
    scenario = load_scenario("sally-anne")
    stage, _ = played(scenario, limit=3)
    assert belief(stage, "sally", "sally", "marble") == BASKET
    assert belief(stage, "anne", "anne", "marble") == BOX
    assert belief(stage, "anne", "anne>sally", "marble") == BASKET
    assert belief(stage, "anne", "anne>sally>anne", "marble") == BASKET
    assert belief(stage, "anne", "anne&sally", "marble") == BASKET
    stage, events = played(scenario)
    answers = [one.event for one in events if one.event.actor == "sally" and one.event.kind == "say"]
    assert [answer.text for answer in answers] == ["The marble is in the basket."]
    assert answers[0].turn == 6
    assert not [one for one in events if one.event.actor == "anne" and one.event.kind in ("say", "whisper")]


def test_a_guest_who_was_out_of_the_room_speaks_from_an_old_belief_and_is_put_right() -> None:
    stage, events = played(load_scenario("dinner-secret"), limit=9)
    assert belief(stage, "bob", "bob", "cake") == {"kitchen": 1.0, "cellar": 0.0}
    assert belief(stage, "carol", "carol>bob", "cake")["kitchen"] == pytest.approx(0.95)
    stage, events = played(load_scenario("dinner-secret"))
    after = [(one.event.actor, [c.value for c in one.claims]) for one in events if one.event.turn > 9]
    assert after[0] == ("bob", ["kitchen"])
    assert after[1][1] == ["cellar"]
    assert belief(stage, "bob", "bob", "cake")["cellar"] == pytest.approx(0.9)
    for name in ("alice", "carol", "dan"):
        assert belief(stage, name, name, "cake")["cellar"] == 1.0, "what one saw stands against a stale word"
        assert belief(stage, name, f"{name}>bob", "cake")["cellar"] > 0.85


def test_whoever_glimpses_a_whisper_learns_nothing_of_it_and_whoever_hears_it_keeps_it() -> None:
    stage, events = played(load_scenario("dinner-secret"))
    assert belief(stage, "carol", "carol", "house")["sold"] == pytest.approx(0.95)
    assert belief(stage, "carol", "carol&alice", "house")["sold"] == pytest.approx(0.95)
    for name in ("bob", "dan"):
        assert belief(stage, name, name, "house") == {"kept": 0.5, "sold": 0.5}
    heard = [one for one in events if any(claim.variable == "house" for claim in one.claims)]
    assert [(one.event.kind, one.event.actor) for one in heard] == [("whisper", "alice")]


def _table(script: list[dict[str, Any]], **more: Any) -> Any:
    seats = [{"name": name} for name in ("alice", "bob", "carol")]
    data = {
        "scenario": "small", "world": "table_talk", "participants": seats,
        "variables": {"key": {"values": ["drawer", "shelf"], "truth": "drawer"}}, "facts": ["key"], "script": script,
    }  # fmt: skip
    return scenario_of(data | more)


def test_peeking_goes_unnoticed_by_the_others_and_the_one_who_peeks_knows_it() -> None:
    script = [
        {"turn": 1, "leave": "carol"},
        {"turn": 2, "set": {"key": "shelf"}, "by": "alice", "unnoticed": ["carol"]},
        {"turn": 3, "enter": "carol"},
    ]
    stage, _ = played(_table(script, mind={"order": 3}), nobody, limit=3)
    assert belief(stage, "carol", "carol", "key")["shelf"] == 1.0
    assert belief(stage, "alice", "alice>carol", "key")["drawer"] == 1.0
    assert belief(stage, "carol", "carol>alice>carol", "key")["drawer"] == 1.0
    assert belief(stage, "carol", "carol&alice", "key")["drawer"] == 1.0
    assert belief(stage, "bob", "bob&alice", "key")["shelf"] == 1.0


@pytest.mark.parametrize(("away", "believed"), [(True, 0.9), (False, 0.0)])
def test_a_word_against_ones_own_eyes_counts_only_if_something_could_have_been_missed(
    away: bool, believed: float
) -> None:
    script = [
        *([{"turn": 1, "leave": "bob"}, {"turn": 2, "enter": "bob"}] if away else []),
        {"turn": 3, "say": "It is on the shelf.", "by": "alice", "asserts": {"key": "shelf"}},
    ]
    stage, _ = played(_table(script), nobody, limit=3)
    assert belief(stage, "bob", "bob", "key")["shelf"] == pytest.approx(believed)
    assert belief(stage, "bob", "bob>alice", "key")["shelf"] == pytest.approx(0.9), (
        "what is said shows what is believed"
    )


def test_a_static_fact_that_was_witnessed_is_never_given_up() -> None:
    data = {"key": {"values": ["drawer", "shelf"], "truth": "drawer", "static": True}}
    script = [
        {"turn": 1, "leave": "bob"},
        {"turn": 2, "enter": "bob"},
        {"turn": 3, "say": "It is on the shelf.", "by": "alice", "asserts": {"key": "shelf"}},
    ]
    stage, _ = played(_table(script, variables=data), nobody, limit=3)
    assert belief(stage, "bob", "bob", "key") == {"drawer": 1.0, "shelf": 0.0}


def test_a_denial_takes_from_one_value_and_leaves_the_others_in_proportion() -> None:
    variables = {"key": {"values": ["drawer", "shelf", "pocket"], "truth": "drawer"}}
    seats = [{"name": "alice", "knows": {"key": "drawer"}}, {"name": "bob"}]
    script = [{"turn": 1, "say": "Not on the shelf.", "by": "alice", "denies": {"key": "shelf"}}]
    stage, _ = played(_table(script, variables=variables, participants=seats, facts=[]), nobody, limit=1)
    third, kept = 1 / 3, (1 - 0.1 / 3) / 2
    assert belief(stage, "bob", "bob", "key") == pytest.approx({"drawer": kept, "shelf": 0.1 * third, "pocket": kept})


def _witnessed_oracle(
    events: list[Event], chain: tuple[str, ...], variable: str, prior: dict[str, float]
) -> dict[str, float]:
    """From the definition: the last change that all in the chain witnessed, each noticed by the one before."""
    found = prior
    for event in events:
        everybody = set(chain) <= set(event.content)
        noticed = all(name not in event.unnoticed for _, name in pairwise(chain))
        for claim in event.claims if everybody and noticed else ():
            if claim.variable == variable:
                found = {value: float(value == claim.value) for value in prior}
    return found


@settings(max_examples=60, deadline=None)
@given(table_scenarios(max_seats=3, limit=6))
def test_beliefs_along_all_chains_agree_with_the_definition_where_nothing_is_said(data: dict[str, Any]) -> None:
    data["script"] = [event for event in data["script"] if "say" not in event and "whisper" not in event]
    for seat in data["participants"]:
        seat["believes"] = {}
    scenario = scenario_of(data | {"mind": {"order": 3}, "ends": ["limit"]})
    stage, _ = opened(scenario)
    world = scenario.build_world()
    state, events = world.reset(_rng())
    for turn in range(1, 7):
        stage.step(turn, 0, {})
        state, happened = world.step(state, {}, _rng())
        events += happened
    for holder in stage.seats:
        for stated in stance(stage, holder).beliefs:
            chain = tuple(stated.chain.replace("&", ">").split(">"))
            values = data["variables"][stated.variable]["values"]
            prior = dict.fromkeys(values, 1 / len(values))
            known = next(seat["knows"] for seat in data["participants"] if seat["name"] == holder)
            if len(chain) == 1 and stated.variable in known:
                prior = {value: float(value == known[stated.variable]) for value in values}
            if "&" in stated.chain:
                chain = (*chain, chain[0])  # each must have noticed the other
            expected = _witnessed_oracle(events, chain, stated.variable, prior)
            assert stated.probabilities == pytest.approx(expected), stated.chain


def _rng() -> Any:
    from random import Random

    return Random(0)
