"""The world mutual_friends: what is drawn, what may be done, and who sees what."""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tertulia.environments.world import Pass, SeatParams, WorldError
from tertulia.environments.worlds.mutual_friends import FriendsParams, MutualFriends, Say, Select, State
from tertulia.environments.worlds.mutual_friends.generator import draw_cards, feasible
from tertulia.environments.worlds.mutual_friends.schema import Schema, load_schema

PUBLISHED = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "mutualfriends"
SEATS = {"alice": SeatParams(), "bob": SeatParams()}


def world(**params):
    return MutualFriends(FriendsParams(**params), SEATS)


def started(seed=0, **params):
    place = world(**params)
    return place, place.reset(Random(seed))[0]


def labels(place, state, seat):
    return place.observe(state, seat).data["labels"]


def shared_label(place, state, seat):
    return next(v.truth for v in place.variables(state) if v.holder == seat)


@st.composite
def schemas(draw):
    sizes = draw(st.lists(st.integers(2, 40), min_size=3, max_size=5))
    return Schema(
        attributes=tuple(f"a{i}" for i in range(len(sizes))),
        values=tuple(tuple(f"v{i}.{j}" for j in range(size)) for i, size in enumerate(sizes)),
    )


@settings(max_examples=200, deadline=None)
@given(schemas(), st.integers(2, 12), st.lists(st.floats(0.001, 50), min_size=1, max_size=3), st.integers())
def test_exactly_one_friend_is_shared_and_nobody_stands_twice_on_a_list(schema, friends, alphas, seed):
    columns = range(len(schema.attributes))
    if not feasible([len(values) for values in schema.values], friends):
        return
    cards = draw_cards(schema, columns, friends, alphas, Random(seed))
    one, two = cards.rows
    assert set(one) & set(two) == {cards.shared}
    assert len(set(one)) == len(one) == len(set(two)) == len(two) == friends
    for column, size in enumerate(cards.sizes):
        assert size == min(len(schema.values[column]), 2 * friends)
        assert len({row[column] for row in one + two}) <= size


def test_the_tightest_lists_there_can_be_are_still_drawn():
    schema = Schema(attributes=("a", "b", "c"), values=(("0", "1"), ("0", "1"), ("0", "1")))
    for seed in range(50):
        cards = draw_cards(schema, range(3), 4, [0.01], Random(seed))  # 7 of the 8 rows there are
        assert len(set(cards.rows[0]) | set(cards.rows[1])) == 7 <= prod(cards.sizes)


def test_a_small_alpha_makes_friends_more_alike():
    schema = load_schema(None)

    def distinct(alpha):
        drawn = (draw_cards(schema, range(3), 10, [alpha], Random(seed)).rows[0] for seed in range(60))
        return sum(len({row[c] for row in rows}) for rows in drawn for c in range(3))

    assert distinct(0.1) < 0.7 * distinct(10.0)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_state_survives_json_and_its_sizes_are_in_range(seed):
    place, state = started(seed)
    assert State.model_validate_json(state.model_dump_json()) == state
    assert 5 <= len(state.rows["alice"]) == len(state.rows["bob"]) <= 12
    assert len(state.attributes) in (3, 4)
    assert {v.name for v in place.variables(state)} == {"alice.friend", "bob.friend"}
    assert all(v.static and v.values[-1] == "other" for v in place.variables(state))


def test_a_label_is_unique_and_only_own_labels_can_be_selected():
    place, state = started(3)
    own = labels(place, state, "alice")
    assert len(set(own)) == len(own)
    legal = place.legal(state, "alice")
    assert legal.model_validate({"kind": "select", "friend": own[0]}).root.friend == own[0]
    with pytest.raises(ValidationError):
        legal.model_validate({"kind": "select", "friend": "somebody else"})
    with pytest.raises(ValueError, match="has no friend"):
        place.step(state, {"alice": Select(friend="somebody else")}, Random(0))


def test_the_game_is_won_when_both_have_selected_the_same_friend():
    place, state = started(1)
    for seat in ("alice", "bob"):
        assert not place.outcome(state).done
        state, events = place.step(state, {seat: Select(friend=shared_label(place, state, seat))}, Random(0))
    assert [event.kind for event in events] == ["select", "solved"]
    found = place.outcome(state)
    assert (found.done, found.reason, found.reward) == (True, "solved", 1.0)


def test_different_selections_are_said_to_differ_and_nothing_more():
    place, state = started(1)
    wrong = next(label for label in labels(place, state, "bob") if label != shared_label(place, state, "bob"))
    acts = {"alice": Select(friend=shared_label(place, state, "alice")), "bob": Select(friend=wrong)}
    after, events = place.step(state, acts, Random(0))
    assert [event.kind for event in events] == ["select", "select", "differ"]
    assert not place.outcome(after).done
    assert events[-1].content == ("alice", "bob")
    assert wrong not in events[-1].text
    mended, events = place.step(after, {"bob": Select(friend=shared_label(place, state, "bob"))}, Random(0))
    assert place.outcome(mended).reward == 1.0


def test_the_other_only_sees_that_a_selection_was_made():
    place, state = started(1)
    label = labels(place, state, "alice")[0]
    _, (event,) = place.step(state, {"alice": Select(friend=label)}, Random(0))
    assert event.content == ("alice",)
    assert event.glimpsed == ("bob",)
    assert event.occurrence == "alice has made a selection."


def test_equality_is_of_friends_not_of_labels():
    place, state = started(1)
    mine, theirs = labels(place, state, "alice"), labels(place, state, "bob")
    for i, one in enumerate(mine):
        for j, two in enumerate(theirs):
            acts = {"alice": Select(friend=one), "bob": Select(friend=two)}
            same = state.rows["alice"][i] == state.rows["bob"][j]
            assert place.outcome(place.step(state, acts, Random(0))[0]).done is same


def test_words_reach_the_other_with_their_claims():
    place, state = started(1)
    said = Say(text="I have a friend.", asserts=[{"variable": "alice.count(hobby=chess)", "value": "1"}])
    _, (event,) = place.step(state, {"alice": said, "bob": Pass()}, Random(0))
    assert (event.content, event.claims) == (("alice", "bob"), said.asserts)
    with pytest.raises(ValueError, match="can only speak to bob"):
        place.step(state, {"alice": Say(text="hm", to=("alice",))}, Random(0))


def test_it_takes_two():
    with pytest.raises(WorldError, match="exactly 2"):
        MutualFriends(FriendsParams(), {"alice": SeatParams()})


GOOD = {
    "attributes": [{"name": n, "value_type": "v", "unique": False} for n in ("x", "y", "z")],
    "values": {"v": ["a", "b", "c", "d"]},
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.pop("values"), "values: Field required"),
        (lambda s: s["attributes"].pop(), "at least 3"),
        (lambda s: s["attributes"][0].update(value_type="w"), "no values for type 'w'"),
        (lambda s: s["attributes"][0].update(name="y"), "declared twice"),
        (lambda s: s["attributes"][0].update(unique=True), "unique"),
        (lambda s: s["values"].update(v=["a", "a"]), "2 different values"),
        (lambda s: s["values"].update(v=["a, y=b", "b"]), "must not contain"),
        (lambda s: s["values"].update(v=["a", "b"]), "5 friends each need 9 different rows"),
    ],
)
def test_a_bad_schema_is_refused_in_one_line_that_says_why(tmp_path, change, says):
    schema = json.loads(json.dumps(GOOD))
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    world(schema=str(file))
    change(schema)
    file.write_text(json.dumps(schema))
    with pytest.raises(WorldError, match=says) as caught:
        world(schema=str(file))
    assert caught.value.key == "schema"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", None])
def test_an_unreadable_schema_is_refused(tmp_path, content):
    file = tmp_path / "schema.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(WorldError, match="schema"):
        world(schema=str(file))


def test_impossible_sizes_are_refused(tmp_path):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(GOOD | {"values": {"v": ["a", "b", "c"]}}))
    assert len(started(schema=str(file), friends=12)[1].rows["bob"]) == 12  # 27 rows, 23 needed
    file.write_text(json.dumps(GOOD | {"values": {"v": ["a", "b"]}}))
    with pytest.raises(WorldError, match="12 friends"):
        world(schema=str(file), friends=12)
    with pytest.raises(WorldError, match="attributes"):
        world(schema=str(file), attributes=4)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs the published schema (TERTULIA_DATA)")
@pytest.mark.parametrize("name", ["schema.json", "friends-schema.json"])
def test_the_published_schemas_can_be_played(name):
    for seed in range(20):
        _, state = started(seed, schema=str(PUBLISHED / name))
        assert len(set(state.rows["alice"]) & set(state.rows["bob"])) == 1
