"""Rules that negotiate: four partners, each with a model of the other, and of what the other makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tertulia.environments.world import Action, Candidate, Claim, Pass, RulesPolicy, Say, Stance, Stated
from tertulia.environments.worlds.negotiation.acts import Accept, Offer, Reject, WalkAway, priorities_of
from tertulia.environments.worlds.negotiation.bargaining import (
    STYLES,
    Style,
    aspiration,
    claimed_order,
    next_offer,
)
from tertulia.environments.worlds.negotiation.goods import ORDERS, Share, in_words, rest_of, worth_of
from tertulia.environments.worlds.negotiation.language import least, most, parse, render
from tertulia.environments.worlds.negotiation.opponent import Model, model_of, offered
from tertulia.storage.seen import Seen

MOST_REJECTED = 2
"""How often somebody who says little turns an offer down outright, before it answers with offers of its own."""
CLEAR = 0.4
"""From this probability on it has a guess at what the other needs most."""


class NegotiationRules(RulesPolicy):
    """Plays the `strategy` of its seat, as its observation says. Draws nothing from `rng`.

    It models the other from what was said and offered, and equally what the other makes of itself (`a>b` about `a`).
    """

    def consider(self, seen: Seen, rng: Random) -> Stance:
        others = [name for name in seen.cast if name != seen.participant]
        if "priorities" not in seen.observation.data or len(others) != 1:
            return Stance()
        table = _Table.of(seen, others[0])
        beliefs = tuple(_beliefs(seen, table)) if seen.variables else ()
        return Stance(beliefs=beliefs, candidates=tuple(_candidates(table)) if seen.can_act else ())

    def render(self, claims: Sequence[Claim]) -> str:
        return render(claims)

    def parse(self, text: str) -> tuple[Claim, ...]:
        return parse(text)


@dataclass(frozen=True)
class _Table:
    """One moment of a negotiation, as one of the two sees it."""

    seen: Seen
    me: str
    other: str
    order: str
    style: Style
    theirs: Model
    """What the other seems to need."""
    mine: Model
    """What the other can make of what I need."""
    said: int
    offers: int
    rejected: int
    offer: Share | None
    """What I would get by the other's standing offer."""
    waiting: bool
    """My offer stands, and the other has not done anything since."""
    last: str | None

    @classmethod
    def of(cls, seen: Seen, other: str) -> _Table:
        me, private = seen.participant, seen.observation.data
        mine = [event for event in seen.events if event.actor == me]
        talk = [event for event in seen.events if event.actor is not None]
        open_offers = [event for event in talk if event.kind in ("offer", "reject")]
        standing = open_offers[-1] if open_offers and open_offers[-1].kind == "offer" else None
        return cls(
            seen=seen, me=me, other=other, order=private["priorities"], style=STYLES[private.get("strategy", "fair")],
            theirs=model_of(other, seen), mine=model_of(me, seen),
            said=sum(event.kind == "say" for event in mine), offers=sum(event.kind == "offer" for event in mine),
            rejected=sum(event.kind == "reject" for event in mine),
            offer=rest_of(offered(standing)) if standing is not None and standing.actor == other else None,
            waiting=bool(talk) and talk[-1] == standing and standing is not None and standing.actor == me,
            last=next((event.id for event in reversed(talk) if event.actor == other), None),
        )  # fmt: skip


def _candidates(table: _Table) -> Iterator[Candidate]:
    """What it will do, and then what else it might."""
    if table.waiting:
        yield _candidate(table, f"My offer stands; it is for {table.other} to answer.", Pass(), 1.0)
        return
    wanted = aspiration(table.style, table.offers, table.order, table.theirs)
    if table.offer is not None:
        yield from _answer(table, table.offer, wanted)
    elif (said := _statement(table)) is not None:
        yield said
    yield _offering(table)
    yield from _reactions(table)


def _answer(table: _Table, offer: Share, wanted: int) -> Iterator[Candidate]:
    """To an offer that stands: yes; no; or neither, where a counter-offer is the answer."""
    worth = worth_of(offer, table.order)
    patience = table.style.patience
    if worth >= wanted:
        yield _candidate(table, f"{worth} points for me is as much as I would ask for: I accept.", Accept(), 4.6)
    elif patience is not None and table.offers >= patience:
        yield _candidate(table, f"After {table.offers} offers of mine this leads nowhere; I go.", WalkAway(), 4.2)
    elif not table.style.open and table.rejected < MOST_REJECTED:
        yield _candidate(table, f"{worth} points is far too little for me.", Reject(), 4.2)


def _statement(table: _Table) -> Candidate | None:
    """At first what it needs most, or claims to; then, if it is open, what least."""
    order = claimed_order(table.style, table.order).split(">")
    if table.said >= (2 if table.style.open else 1):
        return None
    claims = least(table.me, order[-1]) if table.said else most(table.me, order[0])
    words = render(claims, speaker=table.me)
    if not table.said:
        words = f"{words} What do you need?" if table.last is None else f"Hello {table.other}! {words}"
    gloss = f"{table.other} should {'believe' if table.style.lies else 'know'} that I need "
    gloss += f"{order[-1]} least." if table.said else f"{order[0]} most."
    return _candidate(table, gloss, Say(text=words, to=(table.other,), asserts=claims), 4.3)


def _offering(table: _Table) -> Candidate:
    share = next_offer(table.style, table.offers, table.order, table.theirs)
    item = table.theirs.likeliest.split(">")[0]
    chance = table.theirs.needs_most(item)
    guess = f"{table.other} seems to need {item} most ({100 * chance:.0f} %)"
    if chance < CLEAR:
        guess = f"It is not clear what {table.other} needs most"
    gloss = f"{guess}; I ask for {in_words(share)}, {worth_of(share, table.order)} points."
    food, water, firewood = share
    return _candidate(table, gloss, Offer(food=food, water=water, firewood=firewood), 4.0)


def _reactions(table: _Table) -> Iterator[Candidate]:
    """System 1: what comes to mind at once."""
    if table.offer is not None:
        gloss = f"{table.other} would leave me {in_words(table.offer)}."
        yield _candidate(table, gloss, Reject(), 2.0, system=1)
    elif table.last is not None:
        top = table.mine.likeliest.split(">")[0]
        gloss = f"{table.other} probably takes it that I need {top} most."
        yield _candidate(table, gloss, Pass(), 1.5, system=1)


def _candidate(table: _Table, gloss: str, act: Action, motivation: float, system: int = 2) -> Candidate:
    likely = max(table.theirs.chances.values())
    scores = {"relevance": 4.0, "information_gap": round(5.0 - 4.0 * likely, 3), "expected_impact": motivation}
    return Candidate(
        gloss=gloss, act=act, system=1 if system == 1 else 2, stimuli=(table.last,) if table.last else (),
        scores=scores, motivation=motivation,
    )  # fmt: skip


def _beliefs(seen: Seen, table: _Table) -> Iterator[Stated]:
    """Of my own priorities I am certain. All the rest rests on what both of us heard, however deep the chain goes."""
    asked = {variable.name for variable in seen.variables}
    chains, names = [table.me], (table.me, table.other)
    chains += [">".join(names[depth % 2] for depth in range(length)) for length in range(2, seen.order + 1)]
    chains += [f"{table.me}&{table.other}"] if seen.order >= 2 else []
    for name, model in ((table.me, table.mine), (table.other, table.theirs)):
        for chain in chains if priorities_of(name) in asked else ():
            chances, source = model.chances, model.source
            if chain == name:
                chances, source = {order: float(order == table.order) for order in ORDERS}, None
            yield Stated(chain=chain, variable=priorities_of(name), probabilities=dict(chances), source=source)
