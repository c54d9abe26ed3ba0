"""The floor: who may speak next, and why. Every bid is kept, the losing ones with the reason they lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel, ConfigDict


class Bid(BaseModel):
    """One participant's wish for the floor. Motivation is 1.0-5.0; None where it does not want it."""

    model_config = ConfigDict(frozen=True)

    participant: str
    person: bool = False
    """A person, whose words are there already: nobody outbids them."""
    wants: bool
    """Would speak or act if it were its turn."""
    volunteers: bool = False
    """Is motivated enough to take an open floor by itself."""
    motivation: float | None = None
    thought: str | None = None
    addressee: str | None = None
    reason: str = ""
    """Why it does not want the floor, where it does not."""


@dataclass(frozen=True, slots=True)
class FloorView:
    """What a policy may look at. `seats` and `able` (those who can act at all) are in seat order."""

    turn: int
    seats: tuple[str, ...]
    able: tuple[str, ...]
    last: str | None = None
    """Who spoke or acted last."""
    owner: str | None = None
    """Whose turn it is when turns go round the table, whoever speaks: those who cannot act are passed over."""
    addressed: tuple[str, ...] = ()
    """Whom the last utterance was addressed to, if anybody in particular."""


@dataclass(frozen=True, slots=True)
class Award:
    """Those admitted, in order; and for every bid why it won, lost, or was none."""

    admitted: tuple[str, ...]
    reasons: dict[str, str]


_PERSON = 6.0
"""Above every motivation (1.0-5.0): what somebody has already said is not withheld for what somebody might say."""

FloorPolicy = Callable[[FloorView, Sequence[Bid], Random], Award]


def _award(bids: Sequence[Bid], admitted: Sequence[str], won: str, lost: str) -> Award:
    reasons = {}
    for bid in bids:
        if bid.participant in admitted:
            reasons[bid.participant] = won
        else:
            reasons[bid.participant] = lost if bid.wants else bid.reason or "nothing to say"
    return Award(tuple(admitted), reasons)


def _strongest(bids: Sequence[Bid], rng: Random) -> Bid | None:
    """The most motivated bid; a tie is broken by a seeded draw, not by the order of seats."""
    if not bids:
        return None
    top = max(_strength(bid) for bid in bids)
    return rng.choice([bid for bid in bids if _strength(bid) == top])


def _strength(bid: Bid) -> float:
    if bid.person:
        return _PERSON
    return bid.motivation if bid.motivation is not None else 0.0


def _outbid(best: Bid | None) -> str:
    return f"{best.participant} was more motivated ({_strength(best):.1f})" if best else "below its threshold"


def after(last: str | None, seats: tuple[str, ...]) -> tuple[str, ...]:
    """The seats in order, beginning after `last`, who comes at the end."""
    start = seats.index(last) + 1 if last in seats else 0
    return seats[start:] + seats[:start]


def round_robin(view: FloorView, bids: Sequence[Bid], rng: Random) -> Award:
    """Turn by turn the next seat, whoever spoke; if it does not want its turn, there is silence."""
    owner = view.owner
    admitted = [bid.participant for bid in bids if bid.participant == owner and bid.wants]
    return _award(bids, admitted, "its turn", f"the turn of {owner}")


def alternate(view: FloorView, bids: Sequence[Bid], rng: Random) -> Award:
    """The next seat after the last speaker; one who does not want the turn leaves it to the next who does."""
    wanting = {bid.participant for bid in bids if bid.wants}
    owner = next((name for name in after(view.last, view.seats) if name in wanting), None)
    return _award(bids, [owner] if owner else [], "its turn", f"the turn of {owner}")


def random_draw(view: FloorView, bids: Sequence[Bid], rng: Random) -> Award:
    """One of those who want to speak, drawn evenly: a baseline."""
    wanting = [bid.participant for bid in bids if bid.wants]
    drawn = rng.choice(wanting) if wanting else None
    return _award(bids, [drawn] if drawn else [], "drawn", "not drawn")


def simultaneous(view: FloorView, bids: Sequence[Bid], rng: Random) -> Award:
    """All who want to act, at once."""
    return _award(bids, [bid.participant for bid in bids if bid.wants], "all act at once", "")


def bidding(view: FloorView, bids: Sequence[Bid], rng: Random) -> Award:
    """The most motivated of those who volunteer; nobody volunteers, nobody speaks."""
    best = _strongest([bid for bid in bids if bid.volunteers], rng)
    return _award(bids, [best.participant] if best else [], "most motivated", _outbid(best))


def addressed(view: FloorView, bids: Sequence[Bid], rng: Random) -> Award:
    """After Sacks, Schegloff and Jefferson: the one addressed; else whoever selects itself; else the last speaker.

    Between several addressed, or several who volunteer, the most motivated has the floor.
    """
    called = [bid for bid in bids if bid.wants and bid.participant in view.addressed]
    if (best := _strongest(called, rng)) is not None:
        return _award(bids, [best.participant], "was addressed", f"{best.participant} was addressed")
    others = [bid for bid in bids if bid.volunteers and bid.participant != view.last]
    if (best := _strongest(others, rng)) is not None:
        return _award(bids, [best.participant], "selected itself", _outbid(best))
    again = [bid for bid in bids if bid.volunteers and bid.participant == view.last]
    if again:
        return _award(bids, [again[0].participant], "goes on, as nobody else took the floor", "below its threshold")
    return _award(bids, [], "", "below its threshold")


POLICIES: dict[str, FloorPolicy] = {
    "alternate": alternate,
    "round-robin": round_robin,
    "random": random_draw,
    "simultaneous": simultaneous,
    "bidding": bidding,
    "addressed": addressed,
}
