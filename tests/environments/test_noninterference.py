"""Nobody is asked anything that depends on what it did not witness: by noninterference, and by canaries."""

from __future__ import annotations

import copy
import itertools
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tertulia.environments.scenario import ScenarioError
from tests.environments.fixed_transcript import Acts, heard, names_of, play_along, some_acts
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import scenario_of

SLOW = settings(
    max_examples=4,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
minds = st.sampled_from(["full", "minddial", "reactive", "full+staged", "inner-thoughts", "inner-thoughts+fused"])


def with_minds(data: dict[str, Any], mind: str) -> dict[str, Any]:
    preset, _, deliberation = mind.partition("+")
    return {**data, "mind": {"preset": preset, "order": 2, **({"deliberation": deliberation} if deliberation else {})}}


def changed_for(data: dict[str, Any], acts: Acts, me: str, seed: int) -> tuple[dict[str, Any], Acts]:
    """The same scenario and transcript with every private thing changed that `me` has no part in: personas, goals,
    secrets, private knowledge, the truth of what it was not told, the words of whispers it did not hear. And things
    happen that it does not see: nothing may tell it so, not even a number."""
    other = copy.deepcopy(data)
    mine = next(seat for seat in other["participants"] if seat["name"] == me)
    public = {*other["facts"], *mine["knows"], *(v for e in other["script"] for v in e.get("set", {}))}
    for name, variable in other["variables"].items():
        if name not in public:
            before = variable["truth"]
            variable["truth"] = next(value for value in variable["values"] if value != before)
    for seat in other["participants"]:
        if seat["name"] != me:
            seat["persona"], seat["goal"] = f"somebody else {seed}", f"another goal {seed}"
            seat["knows"] = {name: other["variables"][name]["truth"] for name in seat["knows"]}
            seat["believes"] = {n: v for n, v in seat["believes"].items() if seed % 2} | {}
            seat["secrets"] = [name for name in other["variables"] if name not in seat["secrets"]]
    hidden = [seat["name"] for seat in other["participants"] if seat["name"] != me]
    other["script"] += [{"turn": turn, "text": f"Unseen {turn}.", "seen_by": [hidden[0]]} for turn in (0, 2, 4)]
    other["script"].sort(key=lambda event: (event["turn"], event.get("text", "") != f"Unseen {event['turn']}."))
    for event in other["script"]:
        if "whisper" in event and me not in [event["by"], *event["to"], *event.get("unnoticed", [])]:
            event["whisper"] = f"Quite another thing {seed}."
            event["asserts"] = {}
    return other, [{name: _changed(act, name, me, seed) for name, act in turn.items()} for turn in acts]


def _changed(act: dict[str, Any], by: str, me: str, seed: int) -> dict[str, Any]:
    if act["kind"] == "whisper" and me != by and me not in act["to"]:
        return {**act, "text": f"Something else entirely {seed}.", "asserts": []}
    return act


@SLOW
@given(data=table_scenarios(min_seats=3), mind=minds, seed=st.integers(0, 999), pick=st.integers(0, 3))
@pytest.mark.parametrize("moderated", [False, True])
def test_what_i_did_not_witness_changes_no_prompt_of_mine(
    data: dict[str, Any], mind: str, seed: int, pick: int, moderated: bool
) -> None:
    data = with_minds(data, mind)
    me = names_of(data)[pick % len(names_of(data))]
    if moderated:
        data = {**data, "turns": {**data["turns"], "policy": "moderated", "moderator": me}}
    acts = some_acts(scenario_of(data), seed, 6)
    other, other_acts = changed_for(data, acts, me, seed)
    try:
        scenario_of(other)
    except ScenarioError:
        assume(False)
    salts = {name: "another mind" for name in names_of(data) if name != me}
    first, stage = play_along(data, acts, {})
    second, _ = play_along(other, other_acts, salts)
    assert first[me] == second[me]
    assert mind == "reactive" or first[me]
    asked = [purpose for purpose, _, _ in first[me]].count("moderate")
    assert asked == (stage.could_act[me] if moderated else 0)  # whoever is not there moderates nothing


HOUSE = """
scenario: house
world: table_talk
rooms: [hall, cellar]
premise: A house.
participants:
  - {name: mod, room: hall}
  - {name: ann, room: cellar}
  - {name: bob, room: cellar}
  - {name: cid, room: hall}
mind: {preset: inner-thoughts}
elicit: none
turns: {policy: moderated, moderator: mod, limit: 5}
"""


def test_one_who_moderates_is_told_nothing_of_another_room() -> None:
    """Neither how often people there spoke, nor who raised a hand, nor who was interrupted."""
    data = yaml.safe_load(HOUSE)
    said: Acts = [{"cid": {"kind": "say", "text": "Hello."}}, {}, {}, {}]
    more: Acts = [
        {**said[0], "bob": {"kind": "say", "text": "Listen."}},
        {"ann": {"kind": "whisper", "text": "No.", "to": ["bob"]}},
        {"bob": {"kind": "move", "room": "hall"}},
        {},
    ]
    for there, same in ((more[:2], True), (more, False)):  # one who comes over is seen, of course
        first, _ = play_along(data, said, {})
        second, _ = play_along(data, [*there, *said[len(there) :]], {"ann": "another mind", "bob": "another mind"})
        assert (first["mod"] == second["mod"]) == same
        asked = [messages for purpose, messages, _ in second["mod"] if purpose == "moderate"]
        assert len(asked) == 4
        hands = [re.search(r"raised a hand now: (.*)\.", messages) for messages in asked]
        assert [found[1] for found in hands if found][1] == "mod (has spoken 0 times), cid (has spoken 1 times)"


@SLOW
@given(data=table_scenarios(min_seats=3), mind=minds, seed=st.integers(0, 999))
def test_what_i_did_witness_does_change_my_prompts(data: dict[str, Any], mind: str, seed: int) -> None:
    """The check above can fail: other words said aloud reach everybody who was there."""
    assume(mind != "reactive")
    data = with_minds(data, mind)
    acts = some_acts(scenario_of(data), seed, 6)
    spoken = [turn for turn, done in enumerate(acts[:-1]) if any(act["kind"] == "say" for act in done.values())]
    assume(spoken)
    [(by, act)] = acts[spoken[0]].items()
    other_acts = copy.deepcopy(acts)
    other_acts[spoken[0]][by] = {**act, "text": "Words that nobody would have expected here."}
    first, stage = play_along(data, acts, {})
    second, _ = play_along(data, other_acts, {})
    at = spoken[0] + 1
    witnesses = [n for n in stage.seats if any(e.turn == at and e.actor == by for e in stage.eyes.seen.get(n, []))]
    assert witnesses
    assert all(first[name] != second[name] for name in witnesses)


@SLOW
@given(data=table_scenarios(min_seats=3), mind=minds, seed=st.integers(0, 999))
def test_canaries_planted_in_every_private_source_never_show_up_elsewhere(
    data: dict[str, Any], mind: str, seed: int
) -> None:
    data = with_minds(copy.deepcopy(data), mind)
    for seat in data["participants"]:
        seat["persona"], seat["goal"] = f"canary-persona-{seat['name']}", f"canary-goal-{seat['name']}"
    acts = some_acts(scenario_of(data), seed, 6)
    for turn, done in enumerate(acts):
        for name, act in done.items():
            if act["kind"] == "whisper":
                act["text"] = f"canary-whisper-{name}-{turn}"
    numbers = itertools.count()
    kept, stage = play_along(data, acts, {}, say=lambda seat, field: f"canary-{field}-{seat}-{next(numbers)}")
    for me, requests in kept.items():
        asked = "\n".join(messages for _, messages, _ in requests)
        for other in stage.seats:
            if other == me:
                continue
            for source in ("persona", "goal", "text", "reason_for", "reason_against", "interpretation"):
                assert f"canary-{source}-{other}" not in asked, (me, other, source)
        for turn, done in enumerate(acts):
            for name, act in done.items():
                if act["kind"] == "whisper" and act["text"] not in heard(stage, me):
                    assert f"canary-whisper-{name}-{turn}" not in asked, (me, name, turn)
