"""A whisper, a private fact, a word in another room: nothing of it reaches who did not witness it."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.environments.stage import Stage
from tertulia.environments.world import Action, Claim, Say
from tertulia.environments.worlds.table_talk import Whisper
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import belief, played, scenario_of, stance

CANARY = "zq7"


class Canaries:
    """Chooses at random among remarks, whispers and what the rules would do; every word spoken carries its own mark."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.count = 0

    def mark(self) -> str:
        self.count += 1
        return f"{CANARY}-{self.count}."

    def __call__(self, stage: Stage, turn: int) -> Mapping[str, Action]:
        acts: dict[str, Action] = {}
        for name in stage.seats:
            others = [other for other in stage.world.present(stage.state, name) if other != name]
            if not others or self.rng.random() < 0.3 or stage.world.legal(stage.state, name) is None:
                continue
            to = tuple(self.rng.sample(others, self.rng.randint(1, len(others))))
            variable = self.rng.choice(stage.variables)
            asserts = (Claim(variable=variable.name, value=self.rng.choice(variable.values)),)
            found = stance(stage, name).candidates
            if found and self.rng.random() < 0.3:
                acts[name] = found[0].act
            elif self.rng.random() < 0.6:
                acts[name] = Whisper(text=self.mark(), to=to, asserts=asserts)
            else:
                acts[name] = Say(text=self.mark(), asserts=asserts)
        return acts


@settings(max_examples=60, deadline=None)
@given(table_scenarios(), st.integers(0, 10_000))
def test_no_word_reaches_who_did_not_get_its_content(data: dict[str, Any], seed: int) -> None:
    for number, event in enumerate(data["script"]):
        for kind in ("say", "whisper"):
            if kind in event:
                event[kind] = f"{CANARY}-s{number}."
    stage, events = played(scenario_of(data), Canaries(seed))
    got = {one.event.text: {w.participant for w in one.witnesses if w.level == "content"} for one in events}
    for name in stage.seats:
        everything = stage.seen_by(name, stage.head + 1).model_dump_json()
        for text, hearers in got.items():
            if text.startswith(CANARY):
                assert (f'"{text}"' in everything) == (name in hearers), text


@settings(max_examples=40, deadline=None)
@given(table_scenarios(), st.integers(0, 10_000))
def test_whispers_go_to_those_addressed_and_are_glimpsed_by_the_others_in_the_room(
    data: dict[str, Any], seed: int
) -> None:
    data["script"] = [event for event in data["script"] if "whisper" not in event]
    stage, events = played(scenario_of(data), Canaries(seed))
    for one in (one for one in events if one.event.kind == "whisper"):
        heard = {w.participant for w in one.witnesses if w.level == "content"}
        glimpsed = {w.participant for w in one.witnesses if w.level == "occurrence"}
        assert heard <= {one.event.actor, *one.event.addressees}
        assert not heard & glimpsed
        for name in glimpsed:
            seen = next(e for e in stage.eyes.seen[name] if e.id == f"{one.event.turn}.{one.event.ordinal}")
            assert seen.text.startswith(f"{one.event.actor} whispers something to ")
            assert not seen.claims
            assert not seen.data


@settings(max_examples=40, deadline=None)
@given(table_scenarios(min_seats=3), st.data())
def test_a_fact_that_somebody_else_holds_changes_nothing_for_the_one_who_never_witnesses_it(
    data: dict[str, Any], draw: st.DataObject
) -> None:
    """Noninterference without talk: alice's private facts differ, bob's view of everything is the same."""
    data["script"] = [event for event in data["script"] if not {"set", "say", "whisper"} & set(event)]
    name = draw.draw(st.sampled_from(sorted(data["variables"])))
    data["facts"] = [fact for fact in data["facts"] if fact != name]
    views = []
    for value in data["variables"][name]["values"]:
        data["variables"][name]["truth"] = value
        for seat in data["participants"]:
            seat["knows"].pop(name, None)
            seat["believes"].pop(name, None)
        data["participants"][0]["knows"][name] = value
        stage, _ = played(scenario_of(data), lambda stage, turn: {})
        views.append([(stage.seen_by(other, stage.head + 1), stance(stage, other)) for other in list(stage.seats)[1:]])
    assert all(view == views[0] for view in views)


def test_the_one_who_eavesdrops_hears_the_whisper_and_nobody_notices() -> None:
    data = {
        "scenario": "small", "world": "table_talk",
        "participants": [{"name": "alice"}, {"name": "bob"}, {"name": "carol"}],
        "variables": {"key": {"values": ["drawer", "shelf"], "truth": "drawer"}},
        "script": [
            {"turn": 1, "whisper": "In the drawer.", "by": "alice", "to": ["bob"], "asserts": {"key": "drawer"},
             "unnoticed": ["carol"]},
        ],
    }  # fmt: skip
    stage, events = played(scenario_of(data), lambda stage, turn: {}, limit=1)
    heard = {w.participant: w.noticed_by for w in events[-1].witnesses}
    assert heard == {"alice": ["bob", "carol"], "bob": ["alice", "carol"], "carol": []}
    assert belief(stage, "carol", "carol", "key")["drawer"] > 0.9
    assert belief(stage, "bob", "bob>carol", "key")["drawer"] == 0.5
    assert stage.eyes.seen["carol"][-1].noticed_by == ()
    assert stage.eyes.seen["bob"][-1].noticed_by == ("alice",), "who is not noticed is not told of either"
