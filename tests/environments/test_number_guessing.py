"""Number guessing: the published opponents, level-k reasoners, and predictions that nobody else sees."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from math import floor
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.restore import restore
from tertulia.environments.scenario import ScenarioError
from tertulia.environments.testing import check_world
from tertulia.environments.world import Claim
from tertulia.environments.worlds.number_guessing import (
    GuessingParams,
    GuessingSeat,
    NumberGuessing,
    NumberGuessingRules,
)
from tertulia.environments.worlds.number_guessing.arithmetic import best_response, rounded, winners_of
from tertulia.environments.worlds.number_guessing.strategies import Strategy, Table, number_of
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, EventRow, WitnessRow
from tests.environments.fixed_transcript import play_along
from tests.environments.rules_on_stage import interval, play_by_rules, with_seats
from tests.loopback import Faults, Loopback
from tests.playing import paused_after, play, resume

numbers = st.lists(st.integers(0, 100), min_size=1, max_size=8)
factors = st.sampled_from([Fraction(4, 5), Fraction(2, 3), Fraction(1, 2), Fraction(1), Fraction(13, 10)])


def world_of(*seats: str, **params: Any) -> NumberGuessing:
    named = {f"p{i}": GuessingSeat.model_validate({"strategy": strategy}) for i, strategy in enumerate(seats)}
    return NumberGuessing(GuessingParams(**params), named)


def sequence(strategy: str, opponent: str = "constant", rounds: int = 10) -> list[tuple[int, int]]:
    """What the strategy and its opponent name, round by round."""
    seats = [{"name": "ann", "strategy": strategy}, {"name": "ben", "strategy": opponent}]
    stage = play_by_rules(with_seats("guess-the-mean", seats, f"rounds={rounds}"), seed=0)
    return [(played.numbers["ann"], played.numbers["ben"]) for played in stage.state.rounds]


# -- the published opponents -------------------------------------------------------------------------------------


def test_a_constant_opponent_names_50_in_every_round() -> None:
    assert [mine for mine, _ in sequence("constant", "level-2")] == [50] * 10


def test_an_arithmetic_opponent_falls_by_5_and_stops_at_0() -> None:
    assert [mine for mine, _ in sequence("arithmetic")] == [50, 45, 40, 35, 30, 25, 20, 15, 10, 5]
    assert [mine for mine, _ in sequence("arithmetic", rounds=13)][-3:] == [0, 0, 0]


@pytest.mark.parametrize("opponent", ["constant", "arithmetic", "level-2", "adaptive"])
def test_copy_last_gold_names_the_last_target(opponent: str) -> None:
    played = sequence("copy-last-gold", opponent)
    assert played[0][0] == 50
    for (mine, theirs), (now, _) in pairwise(played):
        assert now == floor(Fraction(4, 5) * Fraction(mine + theirs, 2) + Fraction(1, 2))


def test_copy_last_gold_agrees_with_the_published_figure() -> None:
    """EgoSocialArena, figure 3: after 50 and 40 the opponent names 0.8 * (50 + 40) / 2 = 36."""
    table = Table(("us", "them"), ((40, 50),), Fraction(4, 5))
    assert number_of("copy-last-gold", "them", table) == 36


# -- the arithmetic ----------------------------------------------------------------------------------------------


@given(numbers=numbers, factor=factors)
def test_those_nearest_the_target_win(numbers: list[int], factor: Fraction) -> None:
    distances = [abs(number - factor * Fraction(sum(numbers), len(numbers))) for number in numbers]
    nearest = min(distances)
    assert winners_of(numbers, factor) == tuple(i for i, d in enumerate(distances) if d == nearest)


@given(others=st.lists(st.integers(0, 100), min_size=1, max_size=7), factor=factors)
def test_no_number_wins_more_than_the_best_response(others: list[int], factor: Fraction) -> None:
    def share(number: int) -> Fraction:
        winners = winners_of([number, *others], factor)
        return Fraction(int(0 in winners), len(winners))

    best = best_response(tuple(others), factor)
    assert share(best) == max(share(number) for number in range(101))


@given(other=st.integers(2, 100))
def test_against_one_other_the_best_response_aims_at_two_thirds(other: int) -> None:
    """The number that is its own target: x = 0.8 (x + o) / 2, so x = 2/3 o."""
    assert abs(best_response((other,), Fraction(4, 5)) - Fraction(2 * other, 3)) <= Fraction(1, 2)


def test_a_half_is_rounded_up() -> None:
    assert [rounded(Fraction(n, 2)) for n in (0, 1, 2, 67)] == [0, 1, 1, 34]


# -- reasoning about each other ----------------------------------------------------------------------------------


def test_each_level_responds_to_the_level_below_as_it_models_us() -> None:
    table = Table(("us", "them"), ((30, 60),), Fraction(4, 5))
    levels: list[Strategy] = ["level-0", "level-1", "level-2", "level-3"]
    found = [number_of(level, "them", table) for level in levels]
    assert found[:2] == [60, 20], "level 0 repeats itself; level 1 takes us to repeat 30 and aims at two thirds"
    ours = best_response((60,), Fraction(4, 5))
    assert found[2] == best_response((ours,), Fraction(4, 5)), "level 2 takes us to respond to its 60"
    assert found[3] == best_response((best_response((20,), Fraction(4, 5)),), Fraction(4, 5))


SEEDS = range(500)


@pytest.mark.parametrize(("lower", "higher"), [("level-1", "level-2"), ("level-1", "exact"), ("level-2", "exact")])
def test_the_better_model_of_the_other_wins_over_500_seeds(lower: str, higher: str) -> None:
    """Chance enters by the seed: each hand trembles by up to 3 points, drawn per seat and round. The exact model knows
    the other's rule, not its trembling."""
    seats = [{"name": "ann", "strategy": lower, "noise": 3}, {"name": "ben", "strategy": higher, "noise": 3}]
    scenario = with_seats("guess-the-mean", seats)
    games = [play_by_rules(scenario, seed).outcome().detail for seed in SEEDS]
    lead = [game["points"]["ben"] - game["points"]["ann"] for game in games]
    closer = [game["predictions"]["ann"]["error"] - game["predictions"]["ben"]["error"] for game in games]
    assert interval(lead)[0] > 0, "points: skill"
    assert interval(closer)[0] > 0, "errors of prediction: theory of mind"


@pytest.mark.parametrize("opponent", ["constant", "arithmetic", "copy-last-gold", "level-0", "level-1", "level-2"])
def test_the_exact_model_predicts_every_number_and_the_learner_nearly_so(opponent: str) -> None:
    for mine, least in (("exact", 10), ("adaptive", 8)):
        seats = [{"name": "ann", "strategy": mine}, {"name": "ben", "strategy": opponent}]
        detail = play_by_rules(with_seats("guess-the-mean", seats), 0).outcome().detail
        assert detail["predictions"]["ann"]["exact"] >= least
        assert detail["points"]["ann"] > detail["points"]["ben"]


def test_a_drawn_rule_is_drawn_by_the_seed_and_only_its_seat_is_told() -> None:
    scenario = with_seats("guess-the-mean", [{"name": "ann"}, {"name": "ben", "strategy": "drawn"}])
    drawn = [play_by_rules(scenario, seed).state.strategies["ben"] for seed in range(40)]
    assert len(set(drawn)) == 4
    assert drawn == [play_by_rules(scenario, seed).state.strategies["ben"] for seed in range(40)]
    stage = play_by_rules(scenario, 0)
    assert drawn[0] not in json.dumps(stage.seen_by("ann", 9).model_dump(mode="json"))


def test_a_point_that_several_win_is_shared() -> None:
    world = world_of(*["constant"] * 3, rounds=1)
    state, _ = world.reset(Random(0))
    acts = {
        name: world.legal(state, name)
        .model_validate({"predictions": {o: 1 for o in world.names if o != name}, "number": n})
        .root
        for name, n in zip(world.names, (10, 10, 90), strict=True)
    }
    state, events = world.step(state, acts, Random(0))
    outcome = world.outcome(state)
    assert outcome.detail["points"] == {"p0": 0.5, "p1": 0.5, "p2": 0.0}
    assert outcome.done
    assert world.legal(state, "p0") is None, "there is nothing left to do"
    assert events[-1].data["winners"] == ["p0", "p1"]
    named = {claim.variable: claim.value for event in events if event.kind == "guess" for claim in event.claims}
    assert named == {"p0.next": "10", "p1.next": "10", "p2.next": "90"}


# -- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seats", [2, 3, 8])
def test_it_keeps_the_laws_of_a_world(seats: int) -> None:
    check_world(lambda: world_of(*["drawn"] * seats, rounds=8), turns=24)


def test_predictions_come_first_and_name_each_other_player_once() -> None:
    world = world_of("level-1", "level-2", "exact")
    state, _ = world.reset(Random(0))
    legal = world.legal(state, "p1")
    [guess] = [part for part in legal.model_json_schema()["$defs"].values() if "number" in part["properties"]]
    assert list(guess["properties"]) == ["kind", "predictions", "number"]
    for wrong in ({"p0": 1}, {"p0": 1, "p1": 2, "p2": 3}, {"p0": 1, "p2": 101}, {"p0": 1, "p2": 3, "zed": 4}):
        with pytest.raises(ValueError, match=r"Guess|Predictions"):
            legal.model_validate({"kind": "guess", "predictions": wrong, "number": 3})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("turns.policy=alternate", "turns.policy: with 'alternate' whoever comes later knows the numbers"),
        ("participants.alice.strategy=levl-2", "level-2"),
        ("factor=0", "factor"),
        ("rounds=51", "rounds"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(change: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        tertulia.load_scenario("guess-the-mean", [change])
    assert told in str(caught.value)


def test_two_cannot_both_know_exactly_what_the_other_will_do() -> None:
    with pytest.raises(ScenarioError, match=r"participants\.bob\.strategy.*let only one play exact"):
        tertulia.load_scenario("guess-the-mean", [f"participants.{n}.strategy=exact" for n in ("alice", "bob")])


@given(
    st.lists(
        st.builds(
            Claim,
            variable=st.sampled_from(["alice.next", "bob.next", "mary-ann.next"]),
            value=st.integers(0, 100).map(str),
            holds=st.booleans(),
            believer=st.sampled_from([None, "carol"]),
        ),
        max_size=6,
    )
)
def test_what_is_said_of_a_next_number_is_understood(claims: list[Claim]) -> None:
    rules = NumberGuessingRules()
    assert rules.parse(rules.render(claims)) == tuple(claims)


async def test_by_request_rules_hold_whole_distributions_over_the_next_numbers(tmp_path: Path) -> None:
    sets = ["elicit=inline", "participants.bob.strategy=arithmetic", "rounds=4"]
    result = await play(tmp_path / "log.db", "guess-the-mean", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        found = log.query(
            "SELECT turn, chain, value, probability FROM v_beliefs WHERE episode = ? AND holder = 'alice' "
            "AND variable = 'bob.next' AND chain = 'alice' AND probability > 0.5 ORDER BY turn",
            [result.episode],
        ).rows
        gold = log.query("SELECT COUNT(*) FROM gold WHERE episode = ?", [result.episode]).rows
    by_turn = {turn: value for turn, _, value, _ in found}
    assert (by_turn[3], by_turn[4]) == ("40", "35"), "the rule was seen through"
    assert gold[0][0] == 0, "what somebody will do next has no gold and no truth"


async def test_a_model_of_the_other_is_scored_on_the_number_it_then_names(tmp_path: Path) -> None:
    sets = ["elicit=inline", "participants.bob.strategy=arithmetic"]
    result = await play(tmp_path / "log.db", "guess-the-mean", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        found = log.query(
            "SELECT turn, act_value, act_turn, act_hit, gold_hit FROM v_mutual WHERE episode = ? AND holder = 'alice' "
            "AND other = 'bob' AND variable = 'bob.next' ORDER BY turn",
            [result.episode],
        ).rows
    by_turn = {turn: rest for turn, *rest in found}
    assert [by_turn[turn][0] for turn in range(3, 11)] == ["40", "35", "30", "25", "20", "15", "10", "5"]
    assert all(by_turn[turn] == [str(55 - 5 * turn), turn, 1.0, None] for turn in range(3, 11))


# -- nobody else sees a prediction -------------------------------------------------------------------------------


DATA = {
    "scenario": "guessing", "world": "number_guessing", "rounds": 3, "turns": {"policy": "simultaneous", "limit": 5},
    "participants": [{"name": "alice"}, {"name": "bob"}, {"name": "carol"}],
}  # fmt: skip


def guesses(predicted: int) -> list[dict[str, dict[str, Any]]]:
    """Three rounds in which only what alice predicts depends on `predicted`."""
    names = ("alice", "bob", "carol")
    return [
        {
            name: {
                "kind": "guess",
                "predictions": {o: predicted if name == "alice" else 30 for o in names if o != name},
                "number": 20 + number - round_number,
            }
            for number, name in enumerate(names)
        }
        for round_number in range(3)
    ]


@pytest.mark.parametrize("mind", ["full", "reactive", "minddial"])
def test_what_alice_predicts_changes_nothing_that_the_others_are_asked(mind: str) -> None:
    data = {**DATA, "mind": {"preset": mind, "order": 2}}
    one, _ = play_along(data, guesses(11), {})
    other, _ = play_along(data, guesses(77), {})
    assert one["bob"] == other["bob"]
    assert one["carol"] == other["carol"]
    assert one["alice"] != other["alice"]


def test_the_rule_of_a_seat_changes_nothing_that_the_others_are_asked() -> None:
    changed = json.loads(json.dumps(DATA))
    changed["participants"][0] |= {"strategy": "level-3", "noise": 7}
    one, _ = play_along(DATA, guesses(11), {})
    other, _ = play_along(changed, guesses(11), {})
    assert {name: one[name] for name in ("bob", "carol")} == {name: other[name] for name in ("bob", "carol")}


async def test_only_the_predictor_witnesses_a_prediction_and_all_witness_the_numbers(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "guess-in-company", sets=["rounds=3"])
    with Log.open(tmp_path / "log.db") as log:
        events = {(e.turn, e.ordinal): e for e in log.rows(EventRow, result.episode)}
        seen: dict[tuple[int, int], set[str]] = {}
        for witness in log.rows(WitnessRow, result.episode):
            seen.setdefault((witness.turn, witness.event), set()).add(witness.participant)
    assert sum(event.kind == "predict" for event in events.values()) == 12
    for key, event in events.items():
        assert seen[key] == ({event.actor} if event.kind == "predict" else {"alice", "bob", "carol", "dan"})


# -- models and the log ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spared", [True, False])
async def test_a_model_that_answers_wrongly_is_asked_again_and_then_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spared: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with Loopback(Faults(wrong_schema=1.0, last_chance=spared)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = ["rounds=2", "turns.limit=3"]
        result = await play(tmp_path / "log.db", "guess-the-mean", model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        calls = log.rows(CallRow, result.episode)
        rounds = [e.data for e in log.rows(EventRow, result.episode) if e.kind == "round"]
    assert all(request.answer != "bad_schema" for request in server.requests)
    assert sum(call.status == "invalid" for call in calls) >= 2
    if spared:
        assert (result.status, result.fallbacks) == ("success", 0)
        assert all(set(played["numbers"]) == {"alice", "bob"} for played in rounds)
    else:
        assert (result.status, result.fallbacks) == ("degraded", sum(call.status == "fallback" for call in calls))
        assert result.fallbacks > 0
        assert rounds == [], "nobody's number was made up"


async def test_an_episode_is_restored_and_resumed_as_it_was(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        scenario = tertulia.load_scenario("guess-in-company", ["rounds=6"])
        episode = await Episode.begin(scenario, seed=4, log=log, backends=Backends())
        await paused_after(episode, 3)
        live, back = episode.stage, restore(log, log.episode(episode.stage.episode)).stage
        assert (back.state, back.minds, back.eyes) == (live.state, live.minds, live.eyes)
        assert [back.seen_by(n, 4) for n in back.seats] == [live.seen_by(n, 4) for n in live.seats]
        await log.release(episode.stage.episode, episode.leader.token)
    resumed = await resume(tmp_path / "log.db", episode.stage.episode)
    whole = await play(tmp_path / "whole.db", "guess-in-company", seed=4, sets=["rounds=6"])
    assert (resumed.status, resumed.turns, resumed.outcome) == (whole.status, whole.turns, whole.outcome)


def test_points_and_predictions_add_up() -> None:
    stage = play_by_rules(tertulia.load_scenario("guess-in-company"), 3)
    detail = stage.outcome().detail
    assert sum(detail["points"].values()) == pytest.approx(10)
    for name, found in detail["predictions"].items():
        off = [
            abs(played.predictions[name][other] - number)
            for played in stage.state.rounds
            for other, number in played.numbers.items()
            if other != name
        ]
        assert (found["scored"], found["exact"]) == (30, off.count(0))
        assert found["error"] == round(fmean(off), 3)
