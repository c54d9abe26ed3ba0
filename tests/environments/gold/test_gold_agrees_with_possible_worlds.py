"""The gold engine beside an oracle that enumerates possible worlds and shares no code with it; laws both must obey."""

from __future__ import annotations

from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.environments.gold import RULES, evidence_of
from tertulia.environments.gold.held import Golden
from tests.environments.gold.possible_worlds import Assertion, Belief, Oracle, Thing, Views
from tests.environments.gold.sequences import Sequence, all_notice, draw_sequence

SHARDS, EACH = 10, 1000
CLOSE = 1e-12
"""The oracle counts in fractions, the engine in floats."""


def same(held: Golden, worlds: Belief) -> bool:
    probabilities, basis = worlds
    near = all(abs(p - q) <= CLOSE for p, q in zip(held.probabilities, probabilities, strict=True))
    return near and held.basis == basis


def assert_agree(sequence: Sequence) -> None:
    """Every chain to order 3 and every group, about every variable, under every rule."""
    views = Views(tuple(sequence.history))
    for rule in RULES:
        gold, oracle = sequence.gold(rule), Oracle(views, sequence.things, rule)
        for variable in sequence.things:
            for chain in sequence.chains():
                held, worlds = gold.belief(">".join(chain), variable), oracle.belief(chain, variable)
                assert same(held, worlds), (rule, chain, variable, held, worlds, sequence.things, sequence.history)
            for group in sequence.groups():
                held, worlds = gold.belief("&".join(group), variable), oracle.common(group, variable)
                assert same(held, worlds), (rule, group, variable, held, worlds, sequence.things, sequence.history)


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_gold_agrees_on_ten_thousand_random_sequences(shard: int) -> None:
    for number in range(EACH):
        assert_agree(draw_sequence(Random(shard * EACH + number)))


@given(st.randoms(use_true_random=False))
def test_gold_agrees_on_whatever_is_drawn(rng: Random) -> None:
    assert_agree(draw_sequence(rng))


def test_the_sequences_hold_what_they_are_meant_to_try() -> None:
    drawn = [draw_sequence(Random(seed)) for seed in range(300)]
    events = [event for sequence in drawn for event in sequence.history]
    claims = [claim for event in events for claim in event.claims]
    rows = [witness for sequence in drawn for one in sequence.engine_events for witness in one.witnesses]
    assert {"say", "whisper", "move", "leave", "enter", "look"} <= {event.kind for event in events}
    assert any(row.level == "occurrence" for row in rows)
    assert any(not claim.holds for claim in claims)
    assert any(claim.believer for claim in claims)
    peeked = [
        e for e in events if any((x, y) in e.noticed and (y, x) not in e.noticed for x, y in product(e.got, e.got))
    ]
    assert len(peeked) > 50
    told = [
        RULES[rule].name
        for sequence in drawn
        for rule in RULES
        for chain in sequence.chains()
        if sequence.gold(rule).belief(">".join(chain), "cake").basis == "told"
    ]
    assert told.count("none") == 0 < told.count("later-exit") < told.count("credulous")


def test_what_an_agent_did_not_get_changes_nothing_of_what_it_should_believe() -> None:
    removed = 0
    for seed in range(200):
        sequence = draw_sequence(Random(f"outside {seed}"))
        for name in sequence.cast:
            got = [
                one for one, event in zip(sequence.engine_events, sequence.history, strict=True) if name in event.got
            ]
            removed += len(sequence.history) - len(got)
            own = [">".join(c) for c in sequence.chains() if c[0] == name]
            own += ["&".join(group) for group in sequence.groups() if name in group]
            for rule, variable in product(RULES, sequence.things):
                whole, less = sequence.gold(rule), sequence.gold(rule, got)
                for chain in own:
                    assert whole.belief(chain, variable) == less.belief(chain, variable), (seed, rule, chain)
    assert removed > 300


def test_one_who_is_not_noticed_changes_nothing_of_what_the_others_should_believe() -> None:
    peeked = 0
    for seed in range(400):
        sequence = draw_sequence(Random(f"peek {seed}"))
        unseen = Sequence(sequence.cast, sequence.things)
        hidden = sequence.cast[-1]
        others = set(sequence.cast) - {hidden}
        for event in sequence.history:
            noticed = {y for x, y in event.noticed if x in others and y in others} | {event.actor}
            by = {w: sorted(x for x, y in event.noticed if y == w) for w in sorted(event.got)}
            if hidden in event.got and not others & set(by[hidden]) and noticed - {hidden}:
                by.pop(hidden)
                peeked += 1
            unseen.happens(event.kind, event.actor, event.place, by, list(event.claims))
        for rule, variable in product(RULES, sequence.things):
            watched, alone = sequence.gold(rule), unseen.gold(rule)
            for chain in (c for c in sequence.chains() if hidden not in c):
                assert watched.belief(">".join(chain), variable) == alone.belief(">".join(chain), variable), (
                    seed,
                    rule,
                )
    assert peeked > 50


@pytest.mark.parametrize("seed", range(50))
def test_a_full_witness_that_trusts_no_words_believes_the_truth(seed: int) -> None:
    rng = Random(f"truth {seed}")
    values = ("red", "green", "blue")
    sequence = Sequence(("alice", "bob", "carol"), {"cake": Thing("cake", values)})
    truths = []
    for moment in range(30):
        seen_by = all_notice(["alice", *rng.sample(["bob", "carol"], rng.randint(0, 2))])
        lie = [Assertion("bob", "cake", rng.choice(values), rng.random() < 0.5, rng.choice([None, "bob"]))]
        if moment == 0 or rng.random() < 0.4:
            truths.append(rng.choice(values))
            sequence.happens("move", "bob", "hall", seen_by, [Assertion("bob", "cake", truths[-1])])
        else:
            truths.append(truths[-1])
            sequence.happens(rng.choice(["say", "whisper"]), "bob", "hall", seen_by, lie)
    gold = sequence.gold("none")
    for moment, truth in enumerate(truths, 1):
        held = gold.distribution("alice", "cake", moment)
        assert held == {value: float(value == truth) for value in values}
        assert gold.belief("alice", "cake", moment).basis == "witnessed"


def test_what_one_thinks_that_oneself_believes_is_what_one_believes() -> None:
    for seed in range(200):
        sequence = draw_sequence(Random(f"self {seed}"))
        for rule, variable, chain in product(RULES, sequence.things, sequence.chains(2)):
            gold = sequence.gold(rule)
            for place in range(len(chain)):
                twice = (*chain[: place + 1], *chain[place:])
                assert gold.belief(">".join(twice), variable) == gold.belief(">".join(chain), variable)
            assert gold.belief("&".join([chain[0]] * 2), variable) == gold.belief(chain[0], variable)


def test_the_evidence_behind_common_ground_is_a_part_of_each_sides_own() -> None:
    joint = 0
    for seed in range(150):
        sequence = draw_sequence(Random(f"common {seed}"))
        evidence = [evidence_of(one) for one in sequence.engine_events]
        for group in sequence.groups():
            shared = {e.id for e in evidence if e.among(frozenset(group))}
            joint += len(shared)
            for chain in (c for c in product(group, repeat=3)):
                assert shared <= {e.id for e in evidence if e.along(chain)}
            for rule, variable in product(RULES, sequence.things):
                source = sequence.gold(rule).belief("&".join(group), variable).source
                assert source is None or source in shared
    assert joint > 200


def test_common_ground_is_the_same_whoever_is_named_first() -> None:
    for seed in range(100):
        sequence = draw_sequence(Random(f"order {seed}"))
        for rule, variable, group in product(RULES, sequence.things, sequence.groups()):
            gold = sequence.gold(rule)
            assert len({gold.belief("&".join(names), variable) for names in permutations(group)}) == 1


@pytest.mark.parametrize("rule", RULES)
def test_asking_after_each_event_in_any_order_equals_asking_once_at_the_end(rule: str) -> None:
    """Three engines: one asked everything at the end, one on the way, one in random order about random moments."""
    for seed in range(150):
        rng = Random(f"moments {seed}")
        sequence = draw_sequence(rng)
        items = [(">".join(c), v) for c in sequence.chains() for v in sequence.things]
        items += [("&".join(g), v) for g in sequence.groups() for v in sequence.things]
        late, along = sequence.gold(rule), sequence.gold(rule, [])
        on_the_way = {}
        for moment, one in enumerate(sequence.engine_events, 1):
            along.take_in([one])
            for chain, variable in rng.sample(items, min(len(items), 12)):
                on_the_way[chain, variable, moment] = along.belief(chain, variable)
        asked = [(*item, moment) for item in items for moment in range(len(sequence.history) + 1)]
        rng.shuffle(asked)
        at_random = sequence.gold(rule)
        found = {one: at_random.belief(*one) for one in asked[:150]}
        for one, held in [*on_the_way.items(), *found.items()]:
            assert late.belief(*one) == held, (seed, one)
        for chain, variable, moment in asked[:30]:
            assert sequence.gold(rule, sequence.engine_events[:moment]).belief(chain, variable) == late.belief(
                chain, variable, moment
            )
        for item in items:
            assert late.belief(*item) == along.belief(*item) == at_random.belief(*item)
