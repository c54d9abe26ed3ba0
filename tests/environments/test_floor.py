"""Who has the floor, and why: every bid gets a reason."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.environments.floor import POLICIES, Bid, FloorView

SEATS = ("ann", "ben", "cat")


def view(turn: int = 1, last: str | None = None, addressed: tuple[str, ...] = ()) -> FloorView:
    return FloorView(turn, SEATS, SEATS, last, SEATS[(turn - 1) % 3], addressed)


def bids(*motivations: float | None, threshold: float = 3.5) -> list[Bid]:
    return [
        Bid(participant=name, wants=m is not None, volunteers=(m or 0) >= threshold, motivation=m)
        for name, m in zip(SEATS, motivations, strict=True)
    ]


@given(
    policy=st.sampled_from(sorted(POLICIES)),
    motivations=st.tuples(*[st.none() | st.floats(1, 5)] * 3),
    last=st.none() | st.sampled_from(SEATS),
    addressed=st.lists(st.sampled_from(SEATS), max_size=2).map(tuple),
    turn=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_only_those_who_want_it_are_admitted_and_every_bid_has_a_reason(
    policy: str,
    motivations: tuple[float | None, ...],
    last: str | None,
    addressed: tuple[str, ...],
    turn: int,
    seed: int,
) -> None:
    asked = bids(*motivations)
    award = POLICIES[policy](view(turn, last, addressed), asked, Random(seed))
    wanting = {bid.participant for bid in asked if bid.wants}
    assert set(award.admitted) <= wanting
    assert policy == "simultaneous" or len(award.admitted) <= 1
    assert set(award.reasons) == set(SEATS)
    assert all(award.reasons[name] for name in SEATS)
    assert award == POLICIES[policy](view(turn, last, addressed), asked, Random(seed))


def test_alternate_passes_the_turn_on_and_skips_who_does_not_want_it() -> None:
    play = POLICIES["alternate"]
    assert play(view(), bids(3, 3, 3), Random(0)).admitted == ("ann",)
    assert play(view(last="ann"), bids(5, 3, 3), Random(0)).admitted == ("ben",)
    assert play(view(last="ann"), bids(5, None, 3), Random(0)).admitted == ("cat",)
    assert play(view(last="ann"), bids(5, None, None), Random(0)).admitted == ("ann",)


def test_round_robin_leaves_a_silence_where_the_owner_passes() -> None:
    play = POLICIES["round-robin"]
    assert [play(view(turn), bids(3, None, 3), Random(0)).admitted for turn in (1, 2, 3)] == [("ann",), (), ("cat",)]


def test_bidding_admits_the_most_motivated_who_volunteers_and_nobody_below_the_threshold() -> None:
    play = POLICIES["bidding"]
    award = play(view(), bids(3.6, 4.4, None), Random(0))
    assert award.admitted == ("ben",)
    assert "4.4" in award.reasons["ann"]
    assert play(view(), bids(3.4, 2, 1), Random(0)).admitted == ()


def test_a_tie_is_a_draw_and_not_the_order_of_seats() -> None:
    won = {POLICIES["bidding"](view(), bids(4, 4, 4), Random(seed)).admitted for seed in range(40)}
    assert won == {("ann",), ("ben",), ("cat",)}


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
    assert POLICIES["addressed"](view(2, last, addressed), bids(*motivations), Random(0)).admitted == admitted
