"""Negotiation: points as the published records have them, partners of four kinds, and beliefs about beliefs."""

from __future__ import annotations

import json
import os
from collections import Counter
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
from tertulia.environments.worlds.negotiation import (
    ITEMS,
    ORDERS,
    Accept,
    Negotiation,
    NegotiationParams,
    NegotiationRules,
    NegotiationSeat,
    Offer,
    Reject,
    WalkAway,
    points,
)
from tertulia.environments.worlds.negotiation.casino import order_of
from tertulia.environments.worlds.negotiation.goods import SHARES, most_joint, pareto_gap, rest_of, worth_of
from tertulia.environments.worlds.negotiation.language import allowed_by, hear, least, more, most, whole
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, GoldRow
from tests.environments.fixed_transcript import play_along
from tests.environments.rules_on_stage import interval, play_by_rules, with_seats
from tests.loopback import Faults, Loopback
from tests.playing import paused_after, play, resume

PUBLISHED = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "casino"

orders = st.sampled_from(ORDERS)
shares = st.sampled_from(SHARES)


def published(name: str) -> Path:
    """A file of the data set, or a skip."""
    if not (PUBLISHED / name).is_file():
        pytest.skip(f"needs the published {name} of CaSiNo (TERTULIA_DATA)")
    return PUBLISHED / name


def world_of(**params: Any) -> Negotiation:
    return Negotiation(NegotiationParams(**params), {name: NegotiationSeat() for name in ("alice", "bob")})


# -- points ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("split", "agreed", "walked"), [("train", 1752, 48), ("valid", 60, 0), ("test", 198, 2)])
def test_points_are_those_of_every_published_record(split: str, agreed: int, walked: int) -> None:
    """Of each participant: what the deal is worth by its priorities, or 5 where somebody walked away."""
    dialogues = json.loads(published(f"casino_{split}.json").read_text())
    found: Counter[str] = Counter()
    for dialogue in dialogues:
        last = dialogue["chat_logs"][-1]
        deal = next((e for e in reversed(dialogue["chat_logs"]) if e["text"] == "Submit-Deal"), None)
        for name, info in dialogue["participant_info"].items():
            scored = info["outcomes"]["points_scored"]
            if last["text"] == "Walk-Away":
                found["walked"] += scored == NegotiationParams().no_deal
                continue
            assert deal is not None
            share = deal["task_data"]["issue2youget" if deal["id"] == name else "issue2theyget"]
            packages = {item.lower(): int(number) for item, number in share.items()}
            found["agreed"] += scored == points(packages, order_of(info["value2issue"]))
    assert found == Counter(agreed=agreed, walked=walked)


def test_a_published_dialogue_lends_its_priorities(tmp_path: Path) -> None:
    file = published("casino_valid.json")
    dialogue = json.loads(file.read_text())[0]
    scenario = tertulia.load_scenario("haggle", [f"file={file}", f"dialogue={dialogue['dialogue_id']}"])
    told = [order_of(info["value2issue"]) for info in dialogue["participant_info"].values()]
    assert list(play_by_rules(scenario, 0).state.priorities.values()) == told
    drawn = tertulia.load_scenario("haggle", [f"file={file}"])
    assert len({tuple(play_by_rules(drawn, seed).state.priorities.values()) for seed in range(12)}) > 3


@given(share=shares, one=orders, other=orders)
def test_all_packages_together_are_worth_36_to_anybody(share: tuple[int, int, int], one: str, other: str) -> None:
    assert worth_of(share, one) + worth_of(rest_of(share), one) == 36
    joint = worth_of(share, one) + worth_of(rest_of(share), other)
    assert joint <= most_joint(one, other)


@given(share=shares, one=orders, other=orders)
def test_the_pareto_gap_is_zero_exactly_where_no_split_is_better_for_both(
    share: tuple[int, int, int], one: str, other: str
) -> None:
    mine, theirs = worth_of(share, one), worth_of(rest_of(share), other)
    better = [
        (worth_of(s, one), worth_of(rest_of(s), other))
        for s in SHARES
        if worth_of(s, one) >= mine and worth_of(rest_of(s), other) >= theirs
    ]
    assert (pareto_gap(mine, theirs, one, other) == 0) == (set(better) == {(mine, theirs)})


# -- the contract ------------------------------------------------------------------------------------------------


def test_it_keeps_the_laws_of_a_world() -> None:
    check_world(world_of, seeds=range(10), turns=40, private=lambda state, seat: [state.priorities[seat]])


def kinds(world: Negotiation, state: Any, seat: str) -> set[str]:
    schema = world.legal(state, seat).model_json_schema()
    return {part["properties"]["kind"]["const"] for part in schema["$defs"].values() if "kind" in part["properties"]}


def test_only_what_is_possible_is_legal() -> None:
    world = world_of()
    state, _ = world.reset(Random(0))
    always = {"say", "offer", "walk_away", "pass"}
    assert kinds(world, state, "alice") == kinds(world, state, "bob") == always
    state, _ = world.step(state, {"alice": Offer(food=3, water=1, firewood=0)}, Random(0))
    assert kinds(world, state, "alice") == always, "nobody answers its own offer"
    assert kinds(world, state, "bob") == {*always, "accept", "reject"}
    with pytest.raises(ValueError, match="accept"):
        world.step(state, {"alice": Accept()}, Random(0))
    rejected, _ = world.step(state, {"bob": Reject()}, Random(0))
    assert kinds(world, rejected, "bob") == always
    closed, [event] = world.step(state, {"bob": Accept()}, Random(0))
    assert world.legal(closed, "alice") is world.legal(closed, "bob") is None
    assert event.data["bob"] == {"food": 0, "water": 2, "firewood": 3}


def test_nobody_agrees_to_an_offer_that_was_replaced_in_the_same_turn() -> None:
    world = world_of()
    state, _ = world.reset(Random(0))
    state, _ = world.step(state, {"alice": Offer(food=1, water=1, firewood=1)}, Random(0))
    both = {"alice": Offer(food=3, water=3, firewood=3), "bob": Accept()}
    after, events = world.step(state, both, Random(0))
    assert [event.kind for event in events] == ["offer"]
    assert world.outcome(after).reason == ""


def test_who_walks_away_leaves_both_with_5_points() -> None:
    world = world_of()
    state, _ = world.reset(Random(0))
    state, _ = world.step(state, {"bob": WalkAway()}, Random(0))
    outcome = world.outcome(state)
    assert (outcome.done, outcome.reason, outcome.detail["points"]) == (True, "walked_away", {"alice": 5, "bob": 5})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("participants.alice.priorities=[water, water, food]", "all three stand in it once"),
        ("participants.alice.priorities=[water, food]", "all three stand in it once"),
        ("participants.alice.strategy=hardliner", "hard-liner"),
        ("dialogue=3", "add `file:`"),
        ("file=nowhere.json", "No such file"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(change: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        tertulia.load_scenario("haggle", [change])
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"dialogue_id": 1, "participant_info": {}}]', '{"a": 1}', "7"])
def test_a_file_that_is_no_casino_is_told_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ScenarioError, match=r"give a file of CaSiNo as published") as caught:
        tertulia.load_scenario("haggle", [f"file={tmp_path / 'x.json'}"])
    assert "\n" not in str(caught.value)


# -- words -------------------------------------------------------------------------------------------------------

names = st.sampled_from(["alice", "bob", "mary-ann"])
items = st.sampled_from(ITEMS)
sentences = st.one_of(
    st.builds(whole, names, orders, st.booleans()),
    st.builds(most, names, items),
    st.builds(least, names, items),
    st.builds(lambda who, pair: more(who, *pair), names, st.permutations(ITEMS).map(lambda p: p[:2])),
)
single = st.builds(
    Claim,
    variable=names.map(lambda name: f"{name}.priorities"),
    value=orders,
    holds=st.booleans(),
    believer=st.sampled_from([None, None, "carol"]),
)


@given(st.lists(st.one_of(sentences, single.map(lambda claim: (claim,))), max_size=5))
def test_what_is_said_of_priorities_is_understood(said: list[tuple[Claim, ...]]) -> None:
    claims = tuple(claim for sentence in said for claim in sentence)
    rules = NegotiationRules()
    assert rules.parse(rules.render(claims)) == claims


@given(who=names, item=items, pair=st.permutations(ITEMS))
def test_a_half_sentence_leaves_the_orders_that_agree_with_it(who: str, item: str, pair: list[str]) -> None:
    assert allowed_by(most(who, item), who) == {o for o in ORDERS if o.startswith(f"{item}>")}
    assert allowed_by(least(who, item), who) == {o for o in ORDERS if o.endswith(f">{item}")}
    above = {o for o in ORDERS if o.split(">").index(pair[0]) < o.split(">").index(pair[1])}
    assert allowed_by(more(who, pair[0], pair[1]), who) == above
    assert allowed_by((*most(who, pair[0]), *least(who, pair[2])), who) == {">".join(pair)}


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Hi there! I really need the water most. And you?", most("bob", "water")),
        ("Firewood is my top priority, I have a big family.", most("bob", "firewood")),
        ("I don't need much food, we can fish.", least("bob", "food")),
        ("I would prefer water over firewood.", more("bob", "water", "firewood")),
        ("My lowest priority is food; water is most important to me.", (*least("bob", "food"), *most("bob", "water"))),
        ("Do you need water most?", ()),
        ("You need water most, I guess.", ()),
        ("I do not want water most.", ()),
        ("It rained all night.", ()),
    ],
)
def test_plain_phrases_of_a_person_or_a_model_are_heard(text: str, claims: tuple[Claim, ...]) -> None:
    assert set(hear(text, "bob")) == set(claims)


# -- partners ----------------------------------------------------------------------------------------------------


def games(one: str, other: str, seeds: range = range(60)) -> list[dict[str, Any]]:
    seats = [{"name": "alice", "strategy": one}, {"name": "bob", "strategy": other}]
    scenario = with_seats("haggle", seats, "elicit=none")
    return [play_by_rules(scenario, seed).outcome().detail for seed in seeds]


def test_fair_partners_always_agree_and_leave_little_on_the_table() -> None:
    played = games("fair", "fair")
    assert all(game["deal"] for game in played)
    assert fmean(game["joint_share"] for game in played) > 0.95
    assert interval([game["points"]["alice"] - game["points"]["bob"] for game in played])[0] < 3


def test_a_hard_liner_gets_more_of_those_who_give_way_and_nothing_of_its_like() -> None:
    soft = games("hard-liner", "conceder")
    assert interval([game["points"]["alice"] - game["points"]["bob"] for game in soft])[0] > 5
    assert all(game["walked_away"] for game in games("hard-liner", "hard-liner", range(20)))


def test_lying_pays_against_one_who_believes_it() -> None:
    lied, honest = games("liar", "fair"), games("fair", "fair")
    gain = [a["points"]["alice"] - b["points"]["alice"] for a, b in zip(lied, honest, strict=True)]
    assert interval(gain)[0] > 0


def beliefs(scenario: Any, seed: int, holder: str) -> dict[tuple[str, str], dict[str, float]]:
    stage = play_by_rules(scenario, seed)
    stance = stage.policy.consider(stage.seen_by(holder, stage.head + 1), Random(0))
    return {(stated.chain, stated.variable): stated.probabilities for stated in stance.beliefs}


def test_a_truthful_partner_is_read_rightly_and_a_liar_is_not() -> None:
    def right(strategy: str) -> float:
        seats = [{"name": "alice"}, {"name": "bob", "strategy": strategy}]
        scenario = with_seats("haggle", seats)
        hits = []
        for seed in range(40):
            truth = play_by_rules(scenario, seed).state.priorities["bob"]
            held = beliefs(scenario, seed, "alice")["alice", "bob.priorities"]
            hits.append(max(held, key=lambda order: held[order]) == truth)
        return fmean(hits)

    assert right("conceder") > 0.95
    assert right("fair") > 0.95
    assert right("liar") < 0.5


def test_what_i_think_you_take_me_to_need_is_what_you_do_take_me_to_need() -> None:
    """All talk is public, so the rules' second order is the other's first; of myself I am certain."""
    scenario = tertulia.load_scenario("haggle-with-a-liar")
    dan, carol = beliefs(scenario, 0, "dan"), beliefs(scenario, 0, "carol")
    assert dan["dan>carol", "dan.priorities"] == carol["carol", "dan.priorities"]
    assert dan["dan", "dan.priorities"]["water>food>firewood"] == 1.0
    assert set(dan) == {
        (chain, f"{name}.priorities")
        for name in ("carol", "dan")
        for chain in ("dan", "dan>carol", "dan>carol>dan", "dan&carol")
    }


async def test_a_lie_is_believed_at_its_word_and_seen_through_by_the_offers(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "haggle-with-a-liar")
    with Log.open(tmp_path / "log.db") as log:
        held = log.query(
            "SELECT turn, value, probability FROM v_beliefs WHERE episode = ? AND chain = ? AND variable = ?",
            [result.episode, "carol", "dan.priorities"],
        ).rows
    chance = {(turn, value): probability for turn, value, probability in held}
    truth, lie = "water>food>firewood", "firewood>food>water"
    last = max(turn for turn, _ in chance)
    assert chance[5, lie] > 0.7, "after his words"
    assert chance[last, lie] < 0.2 < 0.5 < chance[last, truth], "after his offers"


# -- gold and isolation ------------------------------------------------------------------------------------------


async def test_gold_of_both_orders_follows_what_was_said(tmp_path: Path) -> None:
    """Offers are evidence for a model of the other, but no claims: gold rests on words and on who believes them."""
    result = await play(tmp_path / "log.db", "haggle-with-a-liar")
    with Log.open(tmp_path / "log.db") as log:
        rows = log.rows(GoldRow, result.episode)
    last: dict[tuple[str, str], dict[str, GoldRow]] = {}
    for row in sorted(rows, key=lambda row: row.turn):
        last.setdefault((row.chain, row.variable), {})[row.value] = row
    truth, lie = "water>food>firewood", "firewood>food>water"
    assert last["world", "dan.priorities"][truth].probability == 1.0
    own = last["dan", "dan.priorities"][truth]
    assert (own.probability, own.basis, own.robust) == (1.0, "witnessed", True)
    for chain in ("carol", "dan>carol", "carol&dan"):
        believed = last[chain, "dan.priorities"][lie]
        assert (believed.probability, believed.basis, believed.robust) == (1.0, "told", False), chain
    assert last["dan", "carol.priorities"]["water>firewood>food"].probability == 1.0


DATA = {
    "scenario": "haggling", "world": "negotiation", "turns": {"policy": "alternate", "limit": 6},
    "participants": [{"name": "alice", "priorities": ["food", "water", "firewood"]}, {"name": "bob"}],
}  # fmt: skip
ACTS = [
    {"alice": {"kind": "say", "text": "Hello."}},
    {"bob": {"kind": "offer", "food": 1, "water": 2, "firewood": 3}},
    {"alice": {"kind": "reject"}},
    {"bob": {"kind": "say", "text": "Well then.", "to": ["alice"]}},
]


@pytest.mark.parametrize("mind", ["full", "reactive", "minddial"])
def test_what_alice_needs_and_how_she_bargains_changes_nothing_that_bob_is_asked(mind: str) -> None:
    one = {**DATA, "mind": {"preset": mind, "order": 2}}
    other = json.loads(json.dumps(one))
    other["participants"][0] |= {"priorities": ["firewood", "water", "food"], "strategy": "liar"}
    first, _ = play_along(one, ACTS, {})
    second, _ = play_along(other, ACTS, {})
    assert first["bob"] == second["bob"]
    assert first["alice"] != second["alice"]


def test_where_nobody_is_asked_no_schema_tells_that_there_is_a_question() -> None:
    asked, _ = play_along(DATA, ACTS, {})
    unasked, _ = play_along({**DATA, "elicit": "none"}, ACTS, {})
    assert "alice.priorities" in json.dumps(asked["alice"])
    assert "alice.priorities" not in json.dumps(unasked["alice"])


# -- models and the log ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spared", [True, False])
async def test_a_model_that_answers_wrongly_is_asked_again_and_then_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spared: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with Loopback(Faults(wrong_schema=1.0, last_chance=spared)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = await play(tmp_path / "log.db", "haggle", model="openai/any", sets=["turns.limit=3"])
    with Log.open(tmp_path / "log.db") as log:
        calls = log.rows(CallRow, result.episode)
    assert all(request.answer != "bad_schema" for request in server.requests)
    assert any(call.status == "invalid" for call in calls)
    assert result.fallbacks == sum(call.status == "fallback" for call in calls)
    assert (result.fallbacks == 0) == spared
    assert result.status == ("success" if spared else "degraded")


async def test_an_offer_that_is_not_possible_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To accept where nothing is offered, to keep four of three packages: refused, told, and asked again."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    impossible = [{"kind": "offer", "food": 4, "water": 0, "firewood": 0}, {"kind": "accept"}]

    def script(body: dict[str, Any]) -> dict[str, Any] | None:
        again = "That reply was not valid" in body["messages"][-1]["content"]
        act = {"kind": "offer", "food": 2, "water": 1, "firewood": 1} if again else impossible.pop()
        return {"thought": "none", "act": act}

    with Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = ["mind.preset=reactive", "turns.limit=2", "turns.policy=round-robin"]
        result = await play(tmp_path / "log.db", "haggle", model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        statuses = [call.status for call in log.rows(CallRow, result.episode)]
    assert (result.status, result.fallbacks, result.outcome["offers"]) == ("success", 0, 2)
    assert statuses.count("invalid") == 2


async def test_an_episode_is_restored_and_resumed_as_it_was(tmp_path: Path) -> None:
    whole_one = await play(tmp_path / "whole.db", "haggle", seed=2)
    with Log.open(tmp_path / "log.db") as log:
        episode = await Episode.begin(tertulia.load_scenario("haggle"), seed=2, log=log, backends=Backends())
        await paused_after(episode, 6)
        live, back = episode.stage, restore(log, log.episode(episode.stage.episode)).stage
        assert (back.state, back.minds, back.eyes) == (live.state, live.minds, live.eyes)
        await log.release(episode.stage.episode, episode.leader.token)
    resumed = await resume(tmp_path / "log.db", episode.stage.episode)
    assert (resumed.status, resumed.turns, resumed.outcome) == (whole_one.status, whole_one.turns, whole_one.outcome)


@pytest.mark.parametrize(
    "text",
    [
        "It is not true that I need food least.",
        "I doubt that I need water most.",
        "You said that I need water most.",
        "I am asked whether I need water most.",
    ],
)
def test_our_own_sentence_within_a_denial_or_a_doubt_is_no_claim(text: str) -> None:
    assert hear(text, "alice") == ()
