"""The turn policies, by the names that scenarios call them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from random import Random

from tertulia.environments.floor.bids import Ask, Award, Bid, FloorPolicy, FloorView, after
from tertulia.environments.floor.questions import NOBODY, Moderation, Prediction

_BELOW = "below its threshold"
_NOTHING = "nothing to say"


def _award(bids: Sequence[Bid], admitted: Sequence[str], won: str, lost: str) -> Award:
    """One reason for whoever won, one for all who wanted to and lost."""
    reasons = {}
    for bid in bids:
        if bid.participant in admitted:
            reasons[bid.participant] = won
        else:
            reasons[bid.participant] = lost if bid.wants else bid.reason or _NOTHING
    return Award(tuple(admitted), reasons)


def _strongest(bids: Sequence[Bid], rng: Random) -> Bid | None:
    """The strongest bid; a tie is broken by a seeded draw, not by the order of seats."""
    if not bids:
        return None
    top = max(bid.rank for bid in bids)
    return rng.choice([bid for bid in bids if bid.rank == top])


def _self_selected(bids: Sequence[Bid], best: Bid | None, won: str) -> Award:
    """The floor for `best`, who came forward by itself; the others with what held them back."""
    reasons = {}
    for bid in bids:
        if best is not None and bid.participant == best.participant:
            reasons[bid.participant] = won
        elif not bid.wants:
            reasons[bid.participant] = bid.reason or _NOTHING
        elif not bid.volunteers:
            reasons[bid.participant] = bid.resting or _BELOW
        else:
            reasons[bid.participant] = _outbid(bid, best)
    return Award((best.participant,) if best else (), reasons)


def _outbid(bid: Bid, best: Bid | None) -> str:
    if best is None:
        return _BELOW
    if best.rank == bid.rank:
        return f"as much as {best.participant}, who was drawn"
    if best.person:
        return f"{best.participant} is a person, and had something to say"
    return f"{best.participant} was more motivated ({best.told()})"


def _given(
    bids: Sequence[Bid], holder: Bid, view: FloorView, won: str, lost: str, rng: Random,
    within: Container[str] | None = None,
) -> Award:  # fmt: skip
    """The floor for `holder`, to whom it was given; unless somebody (of those `within` earshot) interrupts.

    After Inner Thoughts, participation: what is given to another is taken only from `interrupt_threshold` on. Ours: and
    only by who is stronger than the holder (where both have a strength), and did not speak last; never from a person.
    """
    able = [
        bid
        for bid in bids
        if view.interruptions
        and bid.wants
        and bid.interrupts
        and bid.participant not in (holder.participant, view.last)
        and (within is None or bid.participant in within)
    ]
    known = holder.wants and holder.strength is not None
    over = [bid for bid in able if bid.person or not known or bid.rank > holder.rank]
    if holder.person and holder.wants:
        over = []  # its words are there already; who hears them may cut them off
    best = _strongest(over, rng)
    if best is None:
        if not holder.wants:
            return _award(bids, [], "", lost)
        return _award(bids, [holder.participant], won, lost)
    found = _award(bids, [best.participant], f"interrupted {holder.participant} ({best.told()})", lost)
    if holder.wants:
        found.reasons[holder.participant] = f"{won}, but {best.participant} interrupted"
    for bid in able:
        if bid is not best:
            found.reasons[bid.participant] = f"would have interrupted, but {best.participant} did"
    return Award(found.admitted, found.reasons, (holder.participant,) if holder.wants else ())


async def round_robin(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """Turn by turn the next seat, whoever spoke; if it does not want its turn, there is silence."""
    owner = view.owner
    admitted = [bid.participant for bid in bids if bid.participant == owner and bid.wants]
    return _award(bids, admitted, "its turn", f"the turn of {owner}")


async def alternate(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """The next seat after the last speaker; one who does not want the turn leaves it to the next who does."""
    wanting = {bid.participant for bid in bids if bid.wants}
    owner = next((name for name in after(view.last, view.seats) if name in wanting), None)
    return _award(bids, [owner] if owner else [], "its turn", f"the turn of {owner}")


async def random_draw(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """One of those who want to speak, drawn evenly: a baseline."""
    wanting = [bid.participant for bid in bids if bid.wants]
    drawn = rng.choice(wanting) if wanting else None
    return _award(bids, [drawn] if drawn else [], "drawn", "not drawn")


async def simultaneous(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """All who want to act, at once."""
    return _award(bids, [bid.participant for bid in bids if bid.wants], "all act at once", "")


async def bidding(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """The most motivated of those who volunteer; nobody volunteers, nobody speaks."""
    best = _strongest([bid for bid in bids if bid.volunteers], rng)
    return _self_selected(bids, best, "most motivated")


async def addressed(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """After Sacks, Schegloff and Jefferson: the one addressed; else whoever selects itself; else the last speaker.

    Between several addressed, or several who volunteer, the most motivated has the floor. Whoever is motivated enough
    may interrupt the one addressed.
    """
    called = _strongest([bid for bid in bids if bid.wants and bid.participant in view.addressed], rng)
    if called is not None:
        name = called.participant
        people = [bid for bid in bids if bid.person and bid.wants and bid.participant != view.last]
        if people and not called.person:  # their words are there; the agent's have to wait a turn
            first = _strongest(people, rng) or called
            instead = f"spoke up, though {name} was addressed"
            found = _award(bids, [first.participant], instead, f"{name} was addressed")
            found.reasons[name] = f"{first.participant} is a person, and had something to say"
            return Award(found.admitted, found.reasons, (name,))
        cut_off = name in view.interrupted
        won, lost = ("goes on, as it was interrupted", f"{name} had been interrupted") if cut_off else (
            "was addressed", f"{name} was addressed",
        )  # fmt: skip
        return _given(bids, called, view, won, lost, rng)
    others = [bid for bid in bids if bid.volunteers and bid.participant != view.last]
    if (best := _strongest(others, rng)) is not None:
        found = _self_selected(bids, best, "selected itself")
        if view.last in found.reasons and any(bid.participant == view.last and bid.volunteers for bid in bids):
            found.reasons[view.last] = f"spoke last, and {best.participant} selected itself"
        return found
    again = next((bid for bid in bids if bid.volunteers and bid.participant == view.last), None)
    return _self_selected(bids, again, "goes on, as nobody else took the floor")


async def moderated(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """Whom the `moderator` names, seeing who raised a hand; itself included, or nobody. One who is out of its sight can
    neither be seen nor be called on, nor interrupt. Without a valid answer there is silence, as a declared fallback.
    Whoever else is motivated enough may interrupt the one named."""
    assert view.moderator is not None, "a scenario with this policy names its moderator"
    if view.moderator not in view.able:
        return _award(bids, [], "", f"{view.moderator}, who moderates, is not there")
    sees = view.seats if view.in_sight is None else view.in_sight
    able = tuple(name for name in view.able if name in sees)
    question = Moderation(
        moderator=view.moderator, seats=view.seats, able=able, spoke=dict(view.spoke),
        hands=tuple(bid.participant for bid in bids if bid.volunteers and bid.participant in able),
        interrupted=tuple(name for name in view.interrupted if view.cut_in and name in sees),
    )  # fmt: skip
    reply = await ask(question)
    if reply.value is None:
        return _award(bids, [], "", f"{view.moderator} gave nobody the floor: fallback ({reply.reason})")
    named, why = reply.value.speaker, " ".join(reply.value.reason.split())
    holder = next((bid for bid in bids if bid.participant == named and named in able), None)
    if holder is None:
        whom = "nobody" if named == NOBODY else f"{named}, who cannot speak now,"
        return _resting(_award(bids, [], "", f"{view.moderator} gave {whom} the floor: {why}"), bids)
    won, lost = f"{view.moderator} gave it the floor: {why}", f"{view.moderator} gave {named} the floor"
    return _resting(_given(bids, holder, view, won, lost, rng, able), bids, named)


def _resting(award: Award, bids: Sequence[Bid], *but: str) -> Award:
    """Whoever rests was not told to: that is why its hand was not up."""
    for bid in bids:
        if bid.wants and bid.resting and bid.participant not in (*award.admitted, *but):
            award.reasons[bid.participant] = bid.resting
    return award


async def next_speaker(view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award:
    """Whom a model predicts from the last five utterances, if that one wants to: the baseline of Inner Thoughts. An
    answer that names nobody at the table is a declared fallback, and there is silence."""
    lines = tuple((one.speaker, one.to, one.text) for one in view.heard)
    reply = await ask(Prediction(seats=view.seats, lines=lines))
    if reply.value is None:
        return _award(bids, [], "", f"no prediction: fallback ({reply.reason})")
    name = reply.value.speaker
    admitted = [bid.participant for bid in bids if bid.participant == name and bid.wants]
    return _award(bids, admitted, "predicted to be next", f"{name} was predicted to be next")


POLICIES: dict[str, FloorPolicy] = {
    "alternate": alternate,
    "round-robin": round_robin,
    "random": random_draw,
    "simultaneous": simultaneous,
    "bidding": bidding,
    "addressed": addressed,
    "moderated": moderated,
    "next-speaker": next_speaker,
}
