"""What a disclosing mind says of minds: what it takes another to believe, and its word on what is said of its own."""

from __future__ import annotations

from collections.abc import Iterator

from tertulia.environments.world import Claim
from tertulia.environments.worlds.table_talk.remarks import SURE, Item, Talk, confidential, topical
from tertulia.storage.seen import SeenEvent

WORTH = 0.5
"""From this gap on, between what one believes and what one takes the other to believe, it is worth checking."""
PATIENCE = 3
"""For how many turns it waits for a word on what it said, before it goes on as if nothing had been asked."""


def mirroring(talk: Talk) -> tuple[list[Item], set[str]]:
    """What might be said of minds now; and the variables of which nothing else is to be said meanwhile: one checks
    what the other thinks before one puts it right."""
    items: list[Item] = []
    kept: set[str] = set()
    for name in talk.book.variables:
        if confidential(talk, name):
            continue
        answer = _answer(talk, name)
        if answer is not None:
            items.append(answer)
            kept.add(name)
        elif _waits(talk, name):
            kept.add(name)
        elif checks := list(_checks(talk, name)):
            items.append(max(checks, key=lambda item: item.gaps[0]))
            kept.add(name)
    return items, kept


def _answer(talk: Talk, name: str) -> Item | None:
    """Its own belief, where somebody last said what it believes; a denial where that is all it is sure of."""
    found = _said_of_me(talk, name)
    if found is None:
        return None
    event, said = found
    held, variable = talk.filter.along((talk.me,))[name], talk.book.variables[name]
    best = held.best()
    if held.probabilities[best] >= SURE:
        claim = Claim(variable=name, value=variable.values[best])
    elif said.holds and talk.filter.probability((talk.me,), said) <= 1.0 - SURE:
        claim = Claim(variable=name, value=said.value, holds=False)
    else:
        return None
    told = talk.book.render([claim])
    return Item(
        gloss=f"{told} (what {event.actor} takes me to think, turn {event.turn})", text=told, claims=(claim,),
        hearers=(event.actor or "",), gaps=(1.0,), learned=event.turn, said=0, topical=1.0, sources=(event.id,),
        question=event,
    )  # fmt: skip


def _said_of_me(talk: Talk, name: str) -> tuple[SeenEvent, Claim] | None:
    """The last that one who is here said of my belief, unless I have spoken of it since."""
    for event in reversed(talk.speech):
        if event.actor == talk.me and event.says_of(name):
            return None
        said = next((c for c in event.claims if c.variable == name and c.believer == talk.me), None)
        if said is not None and event.actor in talk.others and talk.seen.turn - event.turn <= PATIENCE:
            return event, said
    return None


def _waits(talk: Talk, name: str) -> bool:
    """Whether I said what somebody believes of it, and have heard nothing from that one since."""
    for event in reversed(talk.speech):
        if event.turn < talk.seen.turn - PATIENCE:
            return False
        for claim in event.claims:
            if event.actor == talk.me and claim.variable == name and claim.believer in talk.others:
                return not any(e.actor == claim.believer and e.turn > event.turn for e in talk.speech)
    return False


def _checks(talk: Talk, name: str) -> Iterator[Item]:
    """For each other that seems sure of something else than I am: what it seems to think, said once."""
    own, values = talk.filter.along((talk.me,))[name], talk.book.variables[name].values
    best = own.best()
    for other in talk.others:
        model = talk.filter.along((talk.me, other))[name]
        gap = own.probabilities[best] - model.probabilities[best]
        thought = model.best()
        if gap < WORTH or min(own.probabilities[best], model.probabilities[thought]) < SURE:
            continue
        claim = Claim(variable=name, value=values[thought], believer=other)
        if any(event.actor == talk.me and claim in event.claims for event in talk.speech):
            continue
        told = talk.book.render([claim], to=(other,))
        yield Item(
            gloss=f"{told} (worth checking)", text=told, claims=(claim,), hearers=(other,), gaps=(gap,),
            learned=talk.seen.turn - 1, said=0, topical=topical(talk, name),
            sources=() if model.source is None else (model.source,),
        )  # fmt: skip
