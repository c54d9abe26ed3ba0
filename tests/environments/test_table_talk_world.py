"""The world table_talk: the laws of a world on random scenarios; who is where, who hears what, and when it ends."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tertulia.agents.backends.schema import strict_schema
from tertulia.environments.scenario import load_scenario
from tertulia.environments.testing import check_world
from tertulia.environments.world import Claim, Event, Pass, Say, World
from tertulia.environments.worlds.table_talk import Leave, Move, Part, Whisper
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import scenario_of

RNG = Random(0)


@settings(max_examples=25, deadline=None)
@given(table_scenarios())
def test_the_laws_of_a_world_hold_for_random_scenarios(data: dict[str, Any]) -> None:
    scenario = scenario_of(data)
    check_world(scenario.build_world, seeds=[0], turns=6)


@pytest.mark.parametrize("name", ["dinner-secret", "sally-anne", "planning-meeting"])
def test_the_laws_of_a_world_hold_for_the_shipped_scenarios(name: str) -> None:
    secret = {"dinner-secret": {"alice": ["to be sold"], "bob": ["in the kitchen"]}}.get(name, {})
    check_world(load_scenario(name).build_world, seeds=range(3), private=lambda state, seat: secret.get(seat, []))


def table(*script: dict[str, Any], **more: Any) -> World[Any]:
    data = {
        "scenario": "small", "world": "table_talk", "script": list(script),
        "participants": [{"name": "alice"}, {"name": "bob"}, {"name": "carol"}],
        "variables": {"key": {"values": ["drawer", "shelf"], "truth": "drawer"}}, "facts": ["key"],
    }  # fmt: skip
    return scenario_of(data | more).build_world()


def run(world: World[Any], *turns: dict[str, Any]) -> tuple[Any, list[list[Event]]]:
    state, events = world.reset(RNG)
    every = [events]
    for acts in turns:
        state, events = world.step(state, acts, RNG)
        every.append(events)
    return state, every


def witnesses(event: Event) -> tuple[set[str], set[str]]:
    return set(event.content), set(event.glimpsed)


def test_what_is_said_is_heard_in_the_room_and_a_whisper_only_seen() -> None:
    world = table({"turn": 0, "leave": "carol"}, rooms=["hall", "garden"], participants=[
        {"name": "alice"}, {"name": "bob"}, {"name": "carol"}, {"name": "dan"}, {"name": "erin", "room": "garden"},
    ])  # fmt: skip
    _, (_, said, whispered) = run(
        world, {"alice": Say(text="Good evening.")}, {"alice": Whisper(text="psst", to=("bob",))}
    )
    assert witnesses(said[0]) == ({"alice", "bob", "dan"}, set())
    assert witnesses(whispered[0]) == ({"alice", "bob"}, {"dan"})
    assert (whispered[0].text, whispered[0].occurrence) == ("psst", "alice whispers something to bob.")


def test_the_script_comes_after_the_actions_of_its_turn() -> None:
    world = table({"turn": 1, "leave": "bob"})
    _, (_, events) = run(world, {"bob": Say(text="I must go.")})
    assert [event.kind for event in events] == ["say", "leave"]
    assert [event.origin for event in events] == ["participant", "scripted"]


@pytest.mark.parametrize(
    ("seat", "action"),
    [
        ("alice", Say(text="hello", to=("bob",))),
        ("alice", Say(text="hello", to=("alice",))),
        ("alice", Say(text="hello", to=("nobody",))),
        ("alice", Whisper(text="psst", to=("bob",))),
        ("alice", Say(text="x", asserts=(Claim(variable="key", value="attic"),))),
        ("alice", Say(text="x", asserts=(Claim(variable="lock", value="drawer"),))),
        ("alice", Move(room="hall")),
        ("alice", Part()),
        ("bob", Say(text="I am not even here")),
    ],
)
def test_what_is_not_legal_is_refused(seat: str, action: Any) -> None:
    world = table({"turn": 0, "leave": "bob"})
    state, _ = world.reset(RNG)
    with pytest.raises(ValueError, match=r"."):
        world.step(state, {seat: action}, RNG)
    assert world.step(state, {"alice": Say(text="x", asserts=(Claim(variable="key", value="shelf"),))}, RNG)


def test_who_has_left_cannot_act_and_sees_nothing_until_the_script_brings_it_back() -> None:
    world = table({"turn": 3, "enter": "bob"})
    state, (_, left, said, back) = run(world, {"bob": Leave()}, {"alice": Say(text="Now.")}, {})
    assert witnesses(left[0])[0] == {"alice", "bob", "carol"}
    assert (left[0].origin, back[0].origin) == ("participant", "scripted")
    assert witnesses(said[0])[0] == {"alice", "carol"}
    assert witnesses(back[0])[0] == {"alice", "bob", "carol"}
    assert world.legal(state, "bob") is not None
    gone, _ = run(world, {"bob": Leave()})
    assert world.legal(gone, "bob") is None
    assert world.present(gone, "bob") == ("bob",)
    assert "bob" not in world.present(gone, "alice")


def test_going_to_another_room_is_seen_at_both_ends() -> None:
    world = table(rooms=["hall", "garden"], participants=[
        {"name": "alice"}, {"name": "bob"}, {"name": "carol", "room": "garden"},
    ])  # fmt: skip
    state, (_, moved) = run(world, {"alice": Move(room="garden")})
    assert [(event.kind, event.place, set(event.content)) for event in moved] == [
        ("leave", "hall", {"alice", "bob"}), ("enter", "garden", {"alice", "carol"}),
    ]  # fmt: skip
    assert world.present(state, "alice") == ("alice", "carol")
    alone = world.legal(state, "bob")
    assert alone is not None
    with pytest.raises(ValueError, match=r"."):
        alone.model_validate({"kind": "say", "text": "to nobody"})
    assert alone.model_validate({"kind": "move", "room": "garden"})


@pytest.mark.parametrize(
    ("event", "content", "unnoticed"),
    [
        ({"seen_by": "present"}, {"alice", "bob"}, set()),
        ({"seen_by": ["alice"]}, {"alice"}, set()),
        ({"seen_by": []}, set(), set()),
        ({"seen_by": ["alice"], "by": "bob"}, {"alice", "bob"}, set()),
        ({"seen_by": "garden"}, {"bob"}, set()),
        ({"by": "alice"}, {"alice"}, set()),
        ({"by": "alice", "unnoticed": ["carol"]}, {"alice", "carol"}, {"carol"}),
    ],
)
def test_the_witnesses_of_a_scripted_change_are_those_it_names(
    event: dict[str, Any], content: set[str], unnoticed: set[str]
) -> None:
    world = table(
        {"turn": 1, "set": {"key": "shelf"}, **event}, rooms=["hall", "garden"],
        participants=[{"name": "alice"}, {"name": "bob", "room": "garden"}, {"name": "carol", "room": "away"}],
    )  # fmt: skip
    state, (_, [change]) = run(world, {})
    assert (set(change.content), set(change.unnoticed)) == (content, unnoticed)
    assert change.text == "The key is shelf."
    assert change.claims == (Claim(variable="key", value="shelf"),)
    assert world.variables(state)[0].truth == "shelf"
    assert set(world.outcome(state).detail["informed"]["key"]) == content


@pytest.mark.parametrize(
    "event",
    [
        {"say": "I sold it.", "to": ["alice"], "asserts": {"key": "shelf"}},
        {"whisper": "I sold it.", "to": ["alice"], "asserts": {"key": "shelf"}},
        {"set": {"key": "shelf"}},
        {"text": "A door slams."},
    ],
)
def test_what_somebody_does_who_went_away_unforeseen_is_witnessed_by_nobody_else(event: dict[str, Any]) -> None:
    world = table({"turn": 2, "by": "bob", "unnoticed": ["carol"], **event})
    for acts, alone in (({"bob": Leave()}, True), ({}, False)):
        state, (_, _, [told]) = run(world, acts, {})
        seen = set(told.content) | set(told.glimpsed) | set(told.unnoticed) | set(told.addressees)
        assert (seen == {"bob"}) is alone
        assert "set" not in event or state.truth["key"] == "shelf"


def test_who_is_away_is_heard_by_those_whom_the_script_names() -> None:
    world = table({"turn": 1, "leave": "bob"}, {"turn": 2, "say": "Hello?", "by": "bob", "seen_by": ["alice"]})
    _, (_, _, [told]) = run(world, {}, {})
    assert set(told.content) == {"alice", "bob"}


def test_addressees_stand_once_each_in_the_order_given() -> None:
    twice = ("carol", "bob", "carol", "bob")
    world = table({"turn": 2, "say": "Well?", "by": "alice", "to": list(twice)})
    _, (_, _, scripted, acted) = run(world, {}, {}, {"alice": Whisper(text="psst", to=("bob", "bob"))})
    _, (_, said) = run(world, {"alice": Say(text="Well?", to=("carol", "carol"))})
    assert (scripted[0].addressees, said[0].addressees) == (("carol", "bob"), ("carol",))
    assert (acted[0].addressees, acted[0].occurrence) == (("bob",), "alice whispers something to bob.")


def test_all_must_be_ready_to_part_in_a_row() -> None:
    world = table(ends=["agreement"])
    part = Part()
    turns: list[dict[str, Any]] = [{"alice": part}, {"bob": part}, {"alice": Say(text="One more thing.")}]
    state, _ = run(world, *turns, {"bob": part}, {}, {"carol": part})
    assert not world.outcome(state).done
    state, _ = run(world, *turns, {"bob": part}, {}, {"carol": Pass()}, {"carol": part, "alice": part})
    assert (world.outcome(state).done, world.outcome(state).reason) == (True, "agreement")
    state, _ = run(world, {"alice": part}, {"bob": part}, {"carol": Leave()})
    assert world.outcome(state).reason == "agreement", "who has left need not agree"


def test_it_ends_by_a_condition_on_what_is_true_and_when_all_have_left_for_good() -> None:
    world = table({"turn": 2, "set": {"key": "shelf"}}, ends=["limit", {"condition": {"key": "shelf"}}])
    assert not world.outcome(run(world, {})[0]).done
    assert world.outcome(run(world, {}, {})[0]).reason == "condition"
    leaving = {"alice": Leave(), "bob": Leave(), "carol": Leave()}
    empty = table()
    assert empty.outcome(run(empty, leaving)[0]).reason == "all_left"
    coming = table({"turn": 2, "enter": "bob"})
    assert not coming.outcome(run(coming, leaving)[0]).done


@pytest.mark.parametrize(
    ("act", "kept", "reward"),
    [
        (Whisper(text="sold", to=("bob",), asserts=(Claim(variable="house", value="sold"),)), True, 1.0),
        (Whisper(text="sold", to=("carol",), asserts=(Claim(variable="house", value="sold"),)), False, 0.0),
        (Say(text="sold", asserts=(Claim(variable="house", value="sold"),)), False, 0.0),
        (Say(text="kept", asserts=(Claim(variable="house", value="kept"),)), True, 1.0),
    ],
)
def test_the_outcome_tells_whether_a_secret_came_out_and_to_whom(act: Any, kept: bool, reward: float) -> None:
    seats = [
        {"name": "alice", "knows": {"house": "sold"}, "secrets": ["house"], "confides_in": ["bob"]},
        {"name": "bob"},
        {"name": "carol"},
    ]
    world = table(
        participants=seats, facts=[], goal={"kept": ["house"]},
        variables={"house": {"values": ["kept", "sold"], "truth": "sold"}},
    )  # fmt: skip
    outcome = world.outcome(run(world, {"alice": act})[0])
    assert outcome.detail["secrets"]["alice"]["house"]["kept"] is kept
    assert outcome.reward == reward


def test_observations_tell_each_its_own() -> None:
    world = load_scenario("dinner-secret").build_world()
    state, _ = world.reset(RNG)
    text = world.observe(state, "alice").text
    assert text.splitlines() == [
        "You are at the table with bob, carol and dan.",
        "You know: The house is to be sold.",
        "Keep to yourself what you know about: house.",
        "You may confide in carol.",
    ]
    assert "sold" not in "".join(world.observe(state, name).model_dump_json() for name in ("bob", "carol", "dan"))
    assert "house" not in world.premise() + world.observe(state, "dan").model_dump_json()


@settings(max_examples=25, deadline=None)
@given(table_scenarios(), st.integers(0, 5))
def test_a_schema_is_made_once_for_those_who_are_here(data: dict[str, Any], turns: int) -> None:
    world = scenario_of(data).build_world()
    state, _ = world.reset(RNG)
    for _ in range(turns):
        state, _ = world.step(state, {}, RNG)
    for name in world.names:
        schema: type[BaseModel] | None = world.legal(state, name)
        assert schema is world.legal(state, name)
        if schema is not None:
            assert schema.model_json_schema()


@settings(max_examples=15, deadline=None)
@given(table_scenarios(), st.booleans())
def test_every_schema_of_actions_can_be_asked_of_a_model_server(data: dict[str, Any], facts: bool) -> None:
    if not facts:
        data |= {"variables": {}, "facts": [], "script": []}
        data["participants"] = [{"name": seat["name"]} for seat in data["participants"]]
    world = scenario_of(data).build_world()
    state, _ = world.reset(RNG)
    for name in world.names:
        if (schema := world.legal(state, name)) is not None:
            assert strict_schema(schema).schema["additionalProperties"] is False
