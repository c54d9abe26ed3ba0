"""Who has the floor, and why: every bid gets a reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tertulia.environments.floor import POLICIES, Award, Bid, FloorView, Heard, Standings, weigh
from tertulia.environments.floor.questions import NOBODY, FloorQuestion
from tertulia.mind.model import Reply

SEATS = ("ann", "ben", "cat")
ASKING = ("moderated", "next-speaker")


class Answering:
    """Answers what the floor asks: by rule, with what it is told to say, or not at all."""

    def __init__(self, speaker: str | None = None, *, fails: bool = False) -> None:
        self.speaker, self.fails = speaker, fails
        self.asked: list[FloorQuestion] = []

    async def __call__(self, question: FloorQuestion) -> Reply[Any]:
        self.asked.append(question)
        if self.fails:
            return Reply(None, "call", "verbalised", "no valid reply")
        by_rules = question.by_rules(Random(len(self.asked)))
        data = by_rules if self.speaker is None else {**by_rules, "speaker": self.speaker}
        answer: BaseModel = question.schema_of_reply().model_validate(data)
        return Reply(answer, "call", "verbalised")


def view(turn: int = 1, last: str | None = None, addressed: tuple[str, ...] = (), **more: Any) -> FloorView:
    return FloorView(turn, SEATS, SEATS, last, SEATS[(turn - 1) % 3], addressed, moderator="ann", **more)


def bids(*motivations: float | None, threshold: float = 3.5, interrupt: float = 6.0) -> list[Bid]:
    return [
        Bid(
            participant=name, wants=m is not None, volunteers=(m or 0) >= threshold, interrupts=(m or 0) >= interrupt,
            motivation=m, strength=m,
        )
        for name, m in zip(SEATS, motivations, strict=True)
    ]  # fmt: skip


def award(policy: str, view: FloorView, bids: list[Bid], seed: int = 0, ask: Answering | None = None) -> Award:
    return asyncio.run(_award(policy, view, bids, seed, ask or Answering()))


async def _award(policy: str, view: FloorView, bids: list[Bid], seed: int, ask: Answering) -> Award:
    return await POLICIES[policy](view, bids, Random(seed), ask)


motivations = st.tuples(*[st.none() | st.floats(1, 5)] * 3)


@given(
    policy=st.sampled_from(sorted(POLICIES)),
    wanted=motivations,
    able=st.sets(st.sampled_from(SEATS)),
    last=st.none() | st.sampled_from(SEATS),
    addressed=st.lists(st.sampled_from(SEATS), max_size=2).map(tuple),
    interrupted=st.lists(st.sampled_from(SEATS), max_size=1).map(tuple),
    interrupt=st.floats(1, 6),
    cooldown=st.integers(0, 3),
    said=st.sampled_from([None, *SEATS, "fails"]),
    turn=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_only_the_able_who_want_it_are_admitted_one_at_a_time_and_every_bid_has_a_reason(
    policy: str, wanted: tuple[float | None, ...], able: set[str], last: str | None, addressed: tuple[str, ...],
    interrupted: tuple[str, ...], interrupt: float, cooldown: int, said: str | None, turn: int, seed: int,
) -> None:  # fmt: skip
    here = tuple(name for name in SEATS if name in able)
    made = [m if name in able else None for name, m in zip(SEATS, wanted, strict=True)]
    raw = bids(*made, interrupt=interrupt)
    spoke = {last: turn - 1} if last else {}
    asked = weigh(
        raw, turn=turn, policy=policy, last_spoke=spoke, addressed=addressed, cooldown=cooldown, standings=None
    )
    looked_at = replace(view(turn, last, addressed, interrupted=interrupted), able=here)

    def decide() -> Award:
        return award(
            policy, looked_at, asked, seed, Answering(None if said == "fails" else said, fails=said == "fails")
        )

    found = decide()
    assert set(found.admitted) <= {bid.participant for bid in asked if bid.wants} <= able
    assert policy == "simultaneous" or len(found.admitted) <= 1
    assert set(found.reasons) == set(SEATS)
    assert all(found.reasons[name] for name in SEATS)
    assert len(found.interrupted) <= len(found.admitted)
    for name in found.interrupted:
        [winner] = found.admitted
        taker = next(bid for bid in raw if bid.participant == winner)
        loser = next(bid for bid in raw if bid.participant == name)
        assert taker.interrupts
        assert (taker.motivation or 0) > (loser.motivation or 0)
        assert winner != last
    assert found == decide(), "the same seed gives the same floor"


def test_alternate_passes_the_turn_on_and_skips_who_does_not_want_it() -> None:
    assert award("alternate", view(), bids(3, 3, 3)).admitted == ("ann",)
    assert award("alternate", view(last="ann"), bids(5, 3, 3)).admitted == ("ben",)
    assert award("alternate", view(last="ann"), bids(5, None, 3)).admitted == ("cat",)
    assert award("alternate", view(last="ann"), bids(5, None, None)).admitted == ("ann",)


def test_round_robin_leaves_a_silence_where_the_owner_passes() -> None:
    found = [award("round-robin", view(turn), bids(3, None, 3)).admitted for turn in (1, 2, 3)]
    assert found == [("ann",), (), ("cat",)]


def test_bidding_admits_the_most_motivated_who_volunteers_and_nobody_below_the_threshold() -> None:
    found = award("bidding", view(), bids(3.6, 4.4, None))
    assert found.admitted == ("ben",)
    assert "4.4" in found.reasons["ann"]
    quiet = award("bidding", view(), bids(3.4, 2, 1))
    assert (quiet.admitted, set(quiet.reasons.values())) == ((), {"below its threshold"})


@pytest.mark.parametrize("policy", ["bidding", "addressed", "moderated", "random"])
def test_a_tie_is_a_draw_and_not_the_order_of_seats(policy: str) -> None:
    won: set[str] = set()
    for seed in range(40):
        asked = Answering()
        asked.asked = [None] * seed  # type: ignore[list-item]  # its rule draws by how often it was asked
        won |= set(award(policy, view(), bids(4, 4, 4), seed, asked).admitted)
    assert won == ({"ben", "cat"} if policy == "moderated" else set(SEATS)), "a moderator by rules comes last itself"


@pytest.mark.parametrize(
    ("last", "addressed", "motivations", "admitted"),
    [
        ("ann", ("cat",), (5, 5, 1.5), ("cat",)),  # the one addressed, however little motivated
        ("ann", ("cat",), (5, 4, None), ("ben",)),  # who does not answer; then self-selection, last speaker aside
        ("ann", (), (5, 1, 1), ("ann",)),  # nobody selects itself; the last speaker goes on
        ("ann", (), (1, 1, 1), ()),
    ],
)
def test_addressed_first_then_self_selection_then_the_last_speaker(
    last: str, addressed: tuple[str, ...], motivations: tuple[float | None, ...], admitted: tuple[str, ...]
) -> None:
    assert award("addressed", view(2, last, addressed), bids(*motivations)).admitted == admitted


@pytest.mark.parametrize(
    ("wanted", "interrupt", "last", "winner"),
    [
        ((4.2, 4.1, 2.0), 4.0, "ann", "ben"),  # above its threshold, and stronger than cat
        ((4.2, 3.9, 2.0), 4.0, "ann", "cat"),  # below it, though stronger; ann spoke last
        ((1.0, 4.1, 4.1), 4.0, "ann", "cat"),  # above it, and no stronger
        ((1.0, 4.1, 2.0), 4.2, "ann", "cat"),
    ],
)
@pytest.mark.parametrize("policy", ["addressed", "moderated"])
def test_only_above_its_threshold_and_stronger_does_one_interrupt_whom_the_floor_was_given(
    policy: str, wanted: tuple[float, ...], interrupt: float, last: str, winner: str
) -> None:
    asked = bids(*wanted, interrupt=interrupt)
    found = award(policy, view(2, last, ("cat",)), asked, ask=Answering("cat"))
    assert found.admitted == (winner,)
    assert found.interrupted == (("cat",) if winner == "ben" else ())
    if winner == "ben":
        assert found.reasons["ben"] == "interrupted cat (4.1)"
        assert found.reasons["cat"].endswith("but ben interrupted")
        unmoved = award(policy, view(2, last, ("cat",), interruptions=False), asked, ask=Answering("cat"))
        assert unmoved.admitted == ("cat",)


@pytest.mark.parametrize("policy", ["alternate", "round-robin", "random", "next-speaker", "bidding"])
def test_nobody_interrupts_a_fixed_order_a_draw_or_a_baseline(policy: str) -> None:
    for seed in range(10):
        asked = bids(1, 5, 1, interrupt=1)
        assert award(policy, view(2, "ann", ("cat",)), asked, seed, Answering("cat")).interrupted == ()


def test_a_person_with_something_to_say_comes_before_every_motivation_and_may_interrupt() -> None:
    person = Bid(participant="cat", wants=True, volunteers=True, interrupts=True, person=True)
    asked = [*bids(5, 4, None)[:2], person]
    assert award("bidding", view(), asked).admitted == ("cat",)
    cut = award("addressed", view(2, "ann", ("ben",)), asked)
    assert (cut.admitted, cut.interrupted) == (("cat",), ("ben",))
    asked = [bids(4.9, 1, None, interrupt=4)[0], bids(1, 1, None)[1], person]
    cut = award("addressed", view(2, "ben", ("cat",)), asked)
    assert (cut.admitted, cut.interrupted) == (("cat",), ()), "its words are there already"


def test_who_spoke_just_now_rests_for_the_cooldown_unless_it_is_addressed() -> None:
    def held_back(turn: int, policy: str = "bidding", addressed: tuple[str, ...] = ()) -> Award:
        asked = weigh(
            bids(5, 4, 1, interrupt=4), turn=turn, policy=policy, last_spoke={"ann": 3}, addressed=addressed,
            cooldown=2, standings=None,
        )  # fmt: skip
        return award(policy, view(turn, "ben", addressed), asked, ask=Answering("cat"))

    assert [held_back(turn).admitted for turn in (4, 5, 6)] == [("ben",), ("ben",), ("ann",)]
    assert held_back(4).reasons["ann"] == "rests until turn 6, having spoken at turn 3"
    assert held_back(4, addressed=("ann",)).admitted == ("ann",), "being addressed lifts it"
    assert held_back(4, "random").reasons["ann"] in ("drawn", "not drawn"), "nobody comes forward by itself there"
    assert held_back(4, "moderated").reasons["ann"] == "rests until turn 6, having spoken at turn 3"
    assert held_back(6, "moderated").reasons["ann"].startswith("interrupted cat")
    assert held_back(4, "addressed", ("cat",)).interrupted == (), "who rests does not interrupt either"


@given(
    earlier=st.lists(st.floats(1, 5), max_size=60),
    motivation=st.floats(1, 5),
    other=st.floats(1, 5),
)
def test_a_standing_is_the_share_of_ones_own_weaker_bids_drawn_to_the_scale_while_they_are_few(
    earlier: list[float], motivation: float, other: float
) -> None:
    standings = Standings()
    standings.take_in([bid for m in earlier for bid in bids(m, 1.0, None)])
    lower, equal = sum(m < motivation for m in earlier), sum(m == motivation for m in earlier)
    expected = (5 * (motivation - 1) / 4 + lower + equal / 2) / (5 + len(earlier))
    assert standings.of("ann", motivation) == pytest.approx(expected)
    assert 0 <= standings.of("ann", motivation) <= 1
    assert standings.of("cat", motivation) == pytest.approx((motivation - 1) / 4), "without a bid, the scale itself"
    if motivation < other:
        assert standings.of("ann", motivation) < standings.of("ann", other), "one's own order stays"


def test_normalised_bidding_compares_each_with_itself_and_logs_what_it_compared() -> None:
    standings = Standings()
    for _ in range(20):
        standings.take_in(bids(4.8, 3.6, None))  # ann's model rates high, ben's low
    asked = weigh(
        bids(4.8, 3.9, None), turn=21, policy="bidding", last_spoke={}, addressed=(), cooldown=0, standings=standings
    )
    assert award("bidding", view(21), bids(4.8, 3.9, None)).admitted == ("ann",)
    found = award("bidding", view(21), asked)
    assert found.admitted == ("ben",)
    assert asked[1].strength == pytest.approx((5 * 2.9 / 4 + 20) / 25)
    assert found.reasons["ann"] == f"ben was more motivated ({asked[1].strength:.2f} of its own range)"


def test_a_moderator_sees_hands_and_nothing_of_motivations_or_thoughts() -> None:
    ask = Answering("ben")
    asked = [bid.model_copy(update={"thought": "canary", "reason": "canary"}) for bid in bids(1.2345, 3.6789, 4.5678)]
    found = award("moderated", view(spoke={"ben": 2}), asked, ask=ask)
    assert found.admitted == ("ben",)
    [question] = ask.asked
    told = question.words() + question.model_dump_json()
    assert "ben (has spoken 2 times), cat (has spoken 0 times)" in told
    assert not any(hidden in told for hidden in ("canary", "1.23", "3.67", "4.56"))


def test_a_moderator_sees_no_hand_out_of_sight_calls_on_nobody_there_and_notices_only_what_it_witnessed() -> None:
    ask = Answering("cat")
    seen = view(in_sight=("ann", "ben"), interrupted=("ben", "cat"))
    found = award("moderated", seen, bids(4, 4, 4), ask=ask)
    assert found.admitted == ()
    assert "ann gave cat, who cannot speak now, the floor" in found.reasons["cat"]
    told = ask.asked[0].words()
    assert "Who raised a hand now: ann (has spoken 0 times), ben (has spoken 0 times)." in told
    assert "Interrupted just now: ben." in told
    assert "Cannot speak now: cat." in told
    award("moderated", replace(seen, cut_in=False), bids(4, 4, 4), ask=ask)
    assert "Interrupted" not in ask.asked[1].words()


def test_nobody_interrupts_from_where_the_moderator_does_not_see_them() -> None:
    loud = [bid.model_copy(update={"interrupts": bid.participant == "cat"}) for bid in bids(1, 4, 5)]
    assert award("moderated", view(), loud, ask=Answering("ben")).admitted == ("cat",)
    apart = view(in_sight=("ann", "ben"))
    assert award("moderated", apart, loud, ask=Answering("ben")).admitted == ("ben",)


def test_a_moderator_by_rules_gives_the_floor_to_a_raised_hand_that_spoke_least_and_to_itself_last() -> None:
    spoke = {"ben": 3, "cat": 1}
    assert award("moderated", view(spoke=spoke), bids(5, 4, 4)).admitted == ("cat",)
    assert award("moderated", view(spoke=spoke), bids(5, 4, 1)).admitted == ("ben",)
    assert award("moderated", view(spoke=spoke), bids(5, 1, 1)).admitted == ("ann",)
    assert award("moderated", view(spoke=spoke, interrupted=("ben",)), bids(5, 2, 4)).admitted == ("ben",)
    none = award("moderated", view(spoke=spoke), bids(2, 2, None))
    assert none.admitted == ()
    assert none.reasons == {
        "ann": "ann gave nobody the floor: nobody raised a hand",
        "ben": "ann gave nobody the floor: nobody raised a hand",
        "cat": "nothing to say",
    }


def test_nobody_named_nobody_valid_and_nobody_there_are_silences_with_reasons() -> None:
    for ask, why in ((Answering(NOBODY), "ann gave nobody the floor: "), (Answering(fails=True), "fallback")):
        found = award("moderated", view(), bids(4, 4, 4), ask=ask)
        assert found.admitted == ()
        assert all(why in reason for reason in found.reasons.values())
    away = replace(view(), able=("ben", "cat"))
    assert award("moderated", away, bids(None, 4, 4)).reasons["ben"] == "ann, who moderates, is not there"
    found = award("next-speaker", view(), bids(4, 4, 4), ask=Answering(fails=True))
    assert (found.admitted, set(found.reasons.values())) == ((), {"no prediction: fallback (no valid reply)"})


@pytest.mark.parametrize(
    ("lines", "predicted"),
    [
        ([("ann", ("cat",)), ("ben", ("cat",))], {"cat"}),  # addressed
        ([("ann", ()), ("cat", ()), ("ben", ())], {"cat"}),  # the last speaker but one
        ([("ben", ()), ("ben", ())], {"ann", "cat"}),  # drawn among the others
        ([], set(SEATS)),
    ],
)
def test_rules_predict_by_the_stated_rule(lines: list[tuple[str, tuple[str, ...]]], predicted: set[str]) -> None:
    heard = tuple(Heard(speaker=who, text="Yes.", to=to) for who, to in lines)
    found = set()
    for times in range(30):
        ask = Answering()
        ask.asked = [None] * times  # type: ignore[list-item]  # its rule draws by how often it was asked
        found |= set(award("next-speaker", view(heard=heard), bids(2, 2, 2), ask=ask).admitted)
    assert found == predicted


def test_the_one_predicted_speaks_only_if_it_wants_to() -> None:
    found = award("next-speaker", view(), bids(5, None, 5), ask=Answering("ben"))
    assert found.admitted == ()
    assert found.reasons == {
        "ann": "ben was predicted to be next", "ben": "nothing to say", "cat": "ben was predicted to be next",
    }  # fmt: skip
