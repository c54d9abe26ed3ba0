"""What the rules of table_talk say: only what they know or saw, in words that mean exactly what they claim."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.environments.scenario import load_scenario
from tertulia.environments.world import Claim, Say, Variable
from tertulia.environments.worlds.table_talk import TableTalkRules, Whisper
from tertulia.environments.worlds.table_talk.words import Phrasebook
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import most_motivated, opened, played, scenario_of, stance

WORDS = st.text(
    st.characters(categories=["Lu", "Ll", "Lo", "Nd"], include_characters=" '-:,;.!?"), min_size=1, max_size=12
)
TEMPLATES = st.sampled_from([None, "{value} it is", "The thing: {value}!", "ist {value}, sagt man.", "Ⅷ {value} ß?"])


@st.composite
def books(draw: st.DrawFn) -> Phrasebook:
    names = draw(st.lists(st.sampled_from(["house", "cake", "the_key", "x-1"]), min_size=1, max_size=3, unique=True))
    values = st.lists(WORDS.map(str.strip).filter(bool), min_size=2, max_size=4, unique=True)
    return Phrasebook([Variable(name=name, values=tuple(draw(values)), say=draw(TEMPLATES)) for name in names])


@settings(max_examples=300, deadline=None)
@given(books(), st.data())
def test_what_is_rendered_is_understood_as_exactly_that(book: Phrasebook, data: st.DataObject) -> None:
    every = [
        Claim(variable=v.name, value=value, holds=holds)
        for v in book.variables.values() for value in v.values for holds in (True, False)
    ]  # fmt: skip
    claims = tuple(data.draw(st.lists(st.sampled_from(every), max_size=4)))
    if book.clashes():
        return  # such variables are refused when the scenario is read
    assert book.parse(book.render(claims)) == claims


CAKE = Variable(name="cake", values=("kitchen", "cellar"), say="The cake is in the {value}.")


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("Well: the  cake is in the\nCELLAR", [("cellar", True)]),
        ("Listen, the cake is in the cellar, I saw it.", [("cellar", True)]),
        ("It is not the case that the cake is in the kitchen.", [("kitchen", False)]),
        ("I doubt that the cake is in the cellar.", []),
        ("The cake is in the cellar?", []),
        ("The cake is in the cellarage.", []),
        ("bob said: The cake is in the kitchen. The cake is in the cellar.", [("kitchen", True), ("cellar", True)]),
    ],
)
def test_a_person_is_understood_as_far_as_the_sentences_go(text: str, understood: list[tuple[str, bool]]) -> None:
    assert [(claim.value, claim.holds) for claim in TableTalkRules([CAKE]).parse(text)] == understood


@pytest.mark.parametrize(
    "variables",
    [
        [
            Variable(name="a", values=("x", "y"), say="It is {value}."),
            Variable(name="b", values=("x", "z"), say="It is {value}"),
        ],
        [Variable(name="a", values=("x", "x. More"), say="It is {value}.")],
        [Variable(name="a", values=("St", "St."))],
    ],
)
def test_sentences_that_cannot_be_told_apart_are_found(variables: list[Variable]) -> None:
    assert Phrasebook(variables).clashes()


@settings(max_examples=60, deadline=None)
@given(table_scenarios(limit=12))
def test_the_rules_never_invent_and_never_tell_a_secret(data: dict[str, Any]) -> None:
    scenario = scenario_of(data)
    stage, events = opened(scenario)
    while stage.ending(stage.head) is None:
        turn = stage.head + 1
        acts = most_motivated(stage, turn)
        for name, act in acts.items():
            if not isinstance(act, Say | Whisper):
                continue
            seat = scenario.seats[name]
            own = {Claim(variable=v, value=value) for v, value in (seat.knows | seat.believes).items()}  # type: ignore[attr-defined]
            heard = {claim for event in stage.eyes.seen[name] for claim in event.claims}
            assert set(act.asserts) <= own | heard, "it can only repeat"
            assert stage.policy.parse(act.text) == act.asserts, "its words mean what it claims"
            present = stage.world.present(stage.state, name)
            reached = [other for other in present if other != name and (act.kind == "say" or other in act.to)]
            for claim in act.asserts:
                if claim.variable in seat.secrets:  # type: ignore[attr-defined]
                    knowing = [n for n in reached if _takes_to_know(stage, name, n, claim)]
                    assert set(reached) <= {*knowing, *(seat.confides_in if act.kind == "whisper" else ())}  # type: ignore[attr-defined]
        events += stage.step(turn, 0, acts)[0]


def _takes_to_know(stage: Any, name: str, other: str, claim: Claim) -> bool:
    along = next(b for b in stance(stage, name).beliefs if (b.chain, b.variable) == (f"{name}>{other}", claim.variable))
    return along.probabilities[claim.value] >= 0.75


def test_a_secret_is_whispered_to_the_confidant_alone_and_never_to_the_table() -> None:
    _, events = played(load_scenario("dinner-secret"))
    told = [one for one in events if any(claim.variable == "house" for claim in one.claims)]
    assert [(one.event.kind, one.event.addressees) for one in told] == [("whisper", ["carol"])]


def test_the_meeting_pools_every_fact_and_parts_by_agreement() -> None:
    stage, events = played(load_scenario("planning-meeting"))
    outcome = stage.outcome()
    assert (outcome.done, outcome.reason, outcome.reward) == (True, "agreement", 1.0)
    said = [one.event.actor for one in events if one.event.kind == "say"]
    assert sorted(map(str, said)) == ["ada", "ben", "cleo", "dev"], "each says its fact once"


def test_the_same_remark_becomes_more_urgent_with_silence_and_loses_weight_once_said() -> None:
    stage, _ = opened(load_scenario("planning-meeting"))
    stage.step(1, 0, {})
    early = stance(stage, "ada").candidates[0]
    for turn in (2, 3, 4):
        stage.step(turn, 0, {})
    late = stance(stage, "ada").candidates[0]
    assert late.gloss == early.gloss
    assert late.scores["dynamics"] > early.scores["dynamics"]
    assert late.scores["urgency"] < early.scores["urgency"]
    stage.step(5, 0, {"ada": late.act})
    assert late.gloss not in [candidate.gloss for candidate in stance(stage, "ada").candidates]


def test_what_happened_while_somebody_was_away_is_told_on_return() -> None:
    data = {
        "scenario": "small", "world": "table_talk", "participants": [{"name": "alice"}, {"name": "bob"}],
        "script": [
            {"turn": 1, "leave": "bob"},
            {"turn": 2, "text": "The lamp falls from the ceiling."},
            {"turn": 3, "enter": "bob"},
        ],
        "turns": {"limit": 6},
    }  # fmt: skip
    _, events = played(scenario_of(data))
    said = [(one.event.turn, one.event.actor, one.event.text) for one in events if one.event.kind == "say"]
    assert said == [(4, "alice", "I saw this: The lamp falls from the ceiling.")]


def test_motivation_and_sub_scores_stay_within_their_scale() -> None:
    stage, _ = played(load_scenario("dinner-secret"), limit=9)
    found = [candidate for name in stage.seats for candidate in stance(stage, name).candidates]
    assert found
    for candidate in found:
        assert set(candidate.scores) == {
            "relevance", "information_gap", "fills_gap", "expected_impact", "urgency", "coherence", "originality",
            "balance", "dynamics",
        }  # fmt: skip
        assert all(1.0 <= value <= 5.0 for value in (*candidate.scores.values(), candidate.motivation))
