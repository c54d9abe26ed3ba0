"""What each rule of docs/gold.md comes to in small cases, worked out by hand; and what cannot be asked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tertulia.environments.gold import RULES, Gold
from tertulia.environments.gold.evidence import Evidence
from tertulia.environments.gold.trust import Scene
from tertulia.environments.seeing import happened
from tertulia.environments.world import Claim, Event
from tertulia.storage.rows import ClaimRow, Variable

CAST = ("alice", "bob", "carol")
PLACES = ("attic", "cellar", "kitchen")
ALL = CAST


def is_at(value: str, *, holds: bool = True, believer: str | None = None) -> Claim:
    return Claim(variable="cake", value=value, holds=holds, believer=believer)


def moved(value: str, *witnesses: str, unnoticed: tuple[str, ...] = (), place: str | None = None) -> Event:
    return Event(
        kind="move", text="", actor=witnesses[0], content=witnesses, unnoticed=unnoticed, place=place,
        claims=(is_at(value),),
    )  # fmt: skip


def said(speaker: str, claim: Claim, to: tuple[str, ...] = ALL, glimpsed: tuple[str, ...] = ()) -> Event:
    content = (speaker, *(name for name in to if name != speaker))
    kind = "whisper" if glimpsed else "say"
    return Event(kind=kind, text="", actor=speaker, content=content, glimpsed=glimpsed, claims=(claim,))


def went(kind: str, actor: str, *there: str, place: str = "room") -> Event:
    return Event(kind=kind, text="", actor=actor, content=(actor, *there), place=place)


def gold(rule: str, *events: Event, static: bool = False, known_to: tuple[str, ...] = (), **given: object) -> Gold:
    variable = Variable(name="cake", values=PLACES, static=static, known_to=known_to)
    made = Gold(
        CAST, [variable, Variable(name="bob.next", values=("go", "stay"), momentary=True)], RULES[rule], **given
    )  # type: ignore[arg-type]
    made.take_in(happened("E", 0, events, lambda _: "scripted"))
    return made


def certain(made: Gold, chain: str) -> str | None:
    held = made.belief(chain, "cake")
    return None if held.certain is None else PLACES[held.certain]


def test_who_peeks_knows_and_nobody_knows_that_it_knows() -> None:
    made = gold("none", moved("attic", *ALL), moved("cellar", "alice", "bob", unnoticed=("bob",)))
    found = {chain: certain(made, chain) for chain in ("alice", "bob", "carol", "alice>bob", "bob>alice", "alice&bob")}
    assert found == {
        "alice": "cellar", "bob": "cellar", "carol": "attic",
        "alice>bob": "attic", "bob>alice": "cellar", "alice&bob": "attic",
    }  # fmt: skip


def test_a_whisper_moves_those_who_hear_it_and_not_those_who_see_it() -> None:
    made = gold("credulous", moved("attic", *ALL), said("alice", is_at("cellar"), ("bob",), glimpsed=("carol",)))
    assert certain(made, "bob") == certain(made, "bob>alice") == certain(made, "alice>bob") == "cellar"
    assert certain(made, "carol") == certain(made, "carol>bob") == certain(made, "bob>carol") == "attic"
    assert certain(made, "alice") == "attic"  # she knows that she lies
    assert made.belief("bob", "cake").basis == "told"


def test_what_is_ruled_out_leaves_the_others_as_likely_as_they_were() -> None:
    made = gold(
        "credulous",
        said("bob", is_at("attic", holds=False)),
        prior={"alice": {"cake": {"attic": 0.5, "cellar": 0.375, "kitchen": 0.125}}},
    )
    assert made.distribution("alice", "cake") == {"attic": 0.0, "cellar": 0.75, "kitchen": 0.25}
    assert made.distribution("carol", "cake") == {"attic": 0.0, "cellar": 0.5, "kitchen": 0.5}


def test_what_must_have_changed_may_be_anything_else() -> None:
    made = gold(
        "none",
        moved("attic", *ALL),
        Event(kind="look", text="", content=("alice",), claims=(is_at("attic", holds=False),)),
    )
    assert made.distribution("alice", "cake") == {"attic": 0.0, "cellar": 0.5, "kitchen": 0.5}


def test_no_word_moves_what_was_seen_and_cannot_change() -> None:
    lie, true = said("bob", is_at("cellar")), said("bob", is_at("attic"))
    made = gold("credulous", moved("attic", "alice"), lie, static=True)
    assert certain(made, "alice") == "attic"
    assert certain(made, "alice>bob") is None  # she does not believe him, so she does not know what he believes
    made = gold("credulous", moved("attic", "alice"), true, static=True)
    assert certain(made, "alice>bob") == "attic"
    assert made.belief("alice", "cake").basis == "witnessed"
    assert certain(gold("credulous", moved("attic", "alice"), lie), "alice") == "cellar"


def test_words_about_a_belief_move_what_is_thought_of_that_belief_alone() -> None:
    made = gold("credulous", said("alice", is_at("cellar", believer="bob"), ("carol",)))
    told = [
        chain
        for chain in ("alice", "bob", "carol", "alice>bob", "carol>bob", "bob>carol", "carol>alice")
        if certain(made, chain)
    ]
    assert told == ["carol>bob"]
    made = gold(
        "credulous", moved("attic", "bob", "carol"), said("alice", is_at("cellar", believer="bob")), static=True
    )
    assert certain(made, "carol>bob") == "attic"  # she saw that he saw it


def test_words_about_a_belief_show_what_the_speaker_thinks_of_it_to_those_who_believe_it() -> None:
    said_to_bob = said("alice", is_at("cellar", believer="bob"), ("bob",))
    chains = ("bob>alice>bob", "alice>bob>alice>bob", "bob", "alice>bob", "bob>alice", "carol>alice>bob")
    moved_by = {chain: certain(gold("credulous", said_to_bob), chain) for chain in chains}
    assert moved_by == dict.fromkeys(chains) | {"bob>alice>bob": "cellar", "alice>bob>alice>bob": "cellar"}
    assert certain(gold("none", said_to_bob), "bob>alice>bob") is None


def test_of_one_who_always_knows_one_believes_what_one_believes_oneself() -> None:
    made = gold(
        "credulous",
        said("alice", is_at("cellar", believer="bob")),
        known_to=("bob",),
        knows={"bob": {"cake": "attic"}},
        static=True,
    )
    assert certain(made, "carol") == certain(made, "carol>bob") == "cellar"
    assert certain(made, "bob") == "attic"
    assert made.belief("carol>alice>bob", "cake") == made.belief("carol>alice", "cake")


def test_common_ground_grows_from_what_all_noticed_together() -> None:
    made = gold("none", moved("attic", *ALL), moved("cellar", "alice", "bob"), moved("kitchen", "alice"))
    assert [certain(made, chain) for chain in ("alice&bob&carol", "bob&alice", "alice")] == [
        "attic",
        "cellar",
        "kitchen",
    ]


def test_who_left_later_is_believed_by_who_left_earlier() -> None:
    before = (
        went("enter", "alice", "bob"),
        moved("attic", "alice", "bob", place="room"),
        went("leave", "alice", "bob"),
    )
    later = (moved("cellar", "bob", place="room"), went("leave", "bob"))
    lie = said("bob", is_at("kitchen"), ("alice",))
    assert certain(gold("later-exit", *before, *later, lie), "alice") == "kitchen"
    assert certain(gold("later-exit", *before, *later, said("alice", is_at("kitchen"), ("bob",))), "bob") == "cellar"


def test_a_rule_sees_no_witness_whom_the_hearer_did_not_notice() -> None:
    """Carol hid in the room when the cake was moved. Alice did not notice, so has no reason to trust her."""
    hidden = Event(
        kind="move",
        text="",
        actor="alice",
        content=("alice", "carol"),
        unnoticed=("carol",),
        place="room",
        claims=(is_at("attic"),),
    )
    made = gold("later-exit", hidden, went("leave", "alice"), said("carol", is_at("cellar"), ("alice",)))
    assert certain(made, "alice") == "attic"
    seen = hidden.model_copy(update={"unnoticed": ()})
    assert (
        certain(gold("later-exit", seen, went("leave", "alice"), said("carol", is_at("cellar"), ("alice",))), "alice")
        == "cellar"
    )


def test_a_basis_is_words_where_any_of_it_is_words() -> None:
    looked = Event(kind="look", text="", content=("alice",), claims=(is_at("attic", holds=False),))
    mixed = gold("credulous", said("bob", is_at("cellar", holds=False)), looked).belief("alice", "cake")
    assert (mixed.certain, mixed.basis, mixed.established, mixed.source) == (2, "told", "scripted", "0.1")
    seen = gold("credulous", said("bob", is_at("cellar")), moved("cellar", "alice")).belief("alice", "cake")
    assert (seen.basis, seen.established, seen.source) == ("witnessed", None, "0.1")
    again = gold("credulous", moved("cellar", "alice"), said("bob", is_at("cellar"))).belief("alice", "cake")
    assert (again.basis, again.source) == ("witnessed", "0.0")
    assert gold("credulous").belief("alice", "cake").basis == "prior"


def test_a_rule_of_ones_own_looks_at_the_scene() -> None:
    asked: list[tuple[str, tuple[str, ...], bool, int, Mapping[str, object]]] = []

    class Nosy:
        name = "nosy"

        def believes(self, scene: Scene, claim: ClaimRow, event: Evidence) -> bool:
            asked.append(
                (scene.hearer, scene.names, scene.joint, len(scene.events()), {"held": scene.held("cake").certain})
            )
            assert event.content <= {"alice", "bob"}  # carol eavesdrops
            return True

    heard = said("alice", is_at("cellar"), ("bob", "carol")).model_copy(update={"unnoticed": ("carol",)})
    made = Gold(CAST, [Variable(name="cake", values=PLACES)], Nosy())
    made.take_in(happened("E", 0, [moved("attic", *ALL), heard], lambda _: "scripted"))
    assert certain(made, "bob") == certain(made, "alice&bob") == certain(made, "bob>alice") == "cellar"
    assert asked == [
        ("bob", ("bob",), False, 1, {"held": 0}),
        ("bob", ("alice", "bob"), True, 1, {"held": 0}),
        ("bob", ("bob",), False, 1, {"held": 0}),
    ]


EXAMPLES = "a chain is like 'alice>bob', common ground like 'alice&bob'"


@pytest.mark.parametrize(
    ("chain", "told"),
    [
        ("alice>bob&carol", f"chain 'alice>bob&carol' mixes > and &; {EXAMPLES}"),
        ("alice&", f"chain 'alice&' lacks a name; {EXAMPLES}"),
        (">bob", f"chain '>bob' lacks a name; {EXAMPLES}"),
        ("alice>>bob", f"chain 'alice>>bob' lacks a name; {EXAMPLES}"),
        ("", f"chain '' lacks a name; {EXAMPLES}"),
        ("alice>bobb", "chain 'alice>bobb': nobody here is called 'bobb'; nearest: 'bob' (others: alice, carol)"),
    ],
)
def test_a_chain_that_is_none_is_told_in_one_line(chain: str, told: str) -> None:
    with pytest.raises(LookupError) as caught:
        gold("none").belief(chain, "cake")
    assert caught.value.args == (told,)
    with pytest.raises(LookupError, match="chain '"):
        gold("none").distribution(chain, "cake")


def test_what_gold_does_not_have_is_told_in_one_line() -> None:
    made = gold("none", moved("attic", *ALL))
    for variable, moment, told in (
        ("cakes", None, "no variable 'cakes'; nearest: 'cake' (others: bob.next)"),
        ("bob.next", None, "variable 'bob.next' is about somebody's next act: it has no gold"),
        ("cake", 2, "no moment 2; after 0 to 1 events can be asked"),
        ("cake", -1, "no moment -1; after 0 to 1 events can be asked"),
    ):
        with pytest.raises(LookupError) as caught:
            made.belief("alice", variable, moment)
        assert caught.value.args == (told,)
