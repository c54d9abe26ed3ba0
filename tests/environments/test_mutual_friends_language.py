"""Claims about friends in English, and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.environments.worlds.mutual_friends import MutualFriendsRules
from tertulia.environments.worlds.mutual_friends.claims import count_claim, row_claim
from tertulia.environments.worlds.mutual_friends.language import Language
from tertulia.environments.worlds.mutual_friends.schema import Schema, load_schema
from tertulia.storage.seen import Claim

PUBLISHED = Path(os.environ.get("TERTULIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "mutualfriends"
SHIPPED = load_schema(None)
NASTY = Schema(
    attributes=("name", "employer", "company", "shoe size", "“hm”: x", "home town"),
    values=(("Al", "Bo"), ("a, and none likes b", "Acme and Sons"), ("to be”", "I.B.M., Inc."), ("9", "no"), ("x", "y"),
            ("from", "none")),
)  # fmt: skip
BOB = Language(SHIPPED, "bob")


def claims_over(schema, speakers=("alice", "bob", "O'Neil", "I")):
    """Claims of our language over the schema's values and any others, and claims of no language at all."""
    attributes = st.sampled_from(range(len(schema.attributes)))

    def pair(c):
        value = st.one_of(st.sampled_from(schema.values[c]), st.text(max_size=12))
        return st.tuples(st.just(schema.attributes[c]), value)

    counts = st.builds(
        lambda who, pair, k, least, holds: (c := count_claim(who, *pair, k, least))
        and c.model_copy(update={"holds": holds}),
        st.sampled_from(speakers), attributes.flatmap(pair), st.integers(0, 14), st.booleans(), st.booleans(),
    )  # fmt: skip
    rows = st.builds(
        row_claim,
        st.sampled_from(speakers), st.sampled_from(["has", "picks"]),
        st.lists(attributes, min_size=1, max_size=4, unique=True).flatmap(lambda cs: st.tuples(*map(pair, cs))),
        st.booleans(),
    )  # fmt: skip
    anything = st.builds(Claim, variable=st.text(max_size=30), value=st.text(max_size=30), holds=st.booleans())
    return st.lists(st.one_of(counts, rows, anything).filter(lambda c: c is not None), max_size=5)


@settings(max_examples=300, deadline=None)
@given(claims_over(SHIPPED))
def test_what_is_rendered_is_parsed_back(claims):
    policy = MutualFriendsRules()
    assert policy.parse(policy.render(claims)) == tuple(claims)
    assert BOB.parse(BOB.render(claims)) == tuple(claims)


@settings(max_examples=200, deadline=None)
@given(claims_over(NASTY))
def test_values_that_look_like_language_are_parsed_back(claims):
    for language in (Language(NASTY), Language(NASTY, "bob")):
        assert language.parse(language.render(claims)) == tuple(claims)


if PUBLISHED.is_dir():
    FULL = load_schema(str(PUBLISHED / "schema.json"))
    CAROL = Language(FULL, "bob")

    @settings(max_examples=200, deadline=None)
    @given(claims_over(FULL))
    def test_the_published_values_are_parsed_back(claims):
        assert CAROL.parse(CAROL.render(claims)) == tuple(claims)

    def test_every_published_value_is_parsed_back():
        for attribute, values in zip(FULL.attributes, FULL.values, strict=True):
            for value in values:
                for k in (0, 2):
                    claim = count_claim("bob", attribute, value, k)
                    assert CAROL.parse(CAROL.render([claim])) == (claim,)


def heard(text):
    return {claim.variable.removeprefix("bob."): claim.value for claim in BOB.parse(text)}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("I have two friends who like chess.", {"count(hobby=chess)": "2"}),
        ("none of mine work at Fenwick Labs", {"count(employer=Fenwick Labs)": "0"}),
        ("I don't know anyone from Lyon or Cork", {"count(home town=Lyon)": "0", "count(home town=Cork)": "0"}),
        ("Yes, I have a friend who studied law!", {"count(field of study=law)": ">=1"}),
        ("I've got at least three people at Granite Bank", {"count(employer=Granite Bank)": ">=3"}),
        ("Two of mine like chess and one likes yoga.", {"count(hobby=chess)": "2", "count(hobby=yoga)": "1"}),
        ("Two of mine like chess, the other three like yoga.",
         {"count(hobby=chess)": "2", "count(hobby=yoga)": ">=3"}),
        ("One of my friends likes chess.", {"count(hobby=chess)": ">=1"}),
        ("my friend Ana Torres works at Fenwick Labs and likes chess",
         {"has(name=Ana Torres, employer=Fenwick Labs, hobby=chess)": "yes"}),
        ("I have two friends who work at Fenwick Labs and like chess.",
         {"count(employer=Fenwick Labs)": ">=2", "count(hobby=chess)": ">=2"}),
        ("I have nobody who works at Fenwick Labs and likes chess.",
         {"has(employer=Fenwick Labs, hobby=chess)": "no"}),
        ("I have two friends who like chess a lot.", {"count(hobby=chess)": "2"}),
        ("I have NO ONE at tallis & sons; two of my friends studied history.",
         {"count(employer=Tallis & Sons)": "0", "count(field of study=history)": "2"}),
    ],
)  # fmt: skip
def test_others_are_understood(text, means):
    assert heard(text) == means


@pytest.mark.parametrize(
    "text",
    [
        "Do you know anyone who likes chess?",
        "You have two friends who like chess.",
        "I think I have two friends who like chess.",
        "Maybe one of mine likes chess.",
        "I like chess.",
        "Two of my friends do not like chess.",
        "I have fewer than three friends who like chess.",
        "All but two of mine like chess.",
        "I have a friend who likes chess or yoga.",
        "I don't have a friend who doesn't like chess.",
        "alice has two friends who like chess and you know it",
        "Hello there!",
        "",
        "I have two friends who like chessboxing.",
        "We have two friends who like chess.",
    ],
)
def test_what_is_no_claim_makes_none(text):
    assert heard(text) == {}


def test_without_a_speaker_the_first_person_says_nothing():
    assert MutualFriendsRules().parse("I have two friends who like chess.") == ()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_no_text_whatsoever_is_too_much(text):
    for claim in BOB.parse(text):
        assert isinstance(claim, Claim)
