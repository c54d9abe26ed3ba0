"""What somebody may need, from what it said and did: a Bayesian model over the six possible priorities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, fsum

from tertulia.environments.worlds.negotiation.acts import priorities_of
from tertulia.environments.worlds.negotiation.goods import ORDERS, Share, as_share, rest_of, worth_of
from tertulia.environments.worlds.negotiation.language import allowed_by, hear
from tertulia.storage.seen import Seen, SeenEvent

DOUBT = 0.1
"""How likely an order that contradicts a statement stays, beside one that agrees with it: people lie, or misspeak."""
GREED = 0.25
"""How much more likely an offer becomes with each point that it keeps for the one who makes it (a softmax)."""
CONTENT = 20
"""How many points an offer turned down had at most, probably: above it, turning it down says more."""


@dataclass(frozen=True)
class Model:
    """What is thought of somebody's priorities, after what it did; `source`: the last event that counted."""

    chances: Mapping[str, float]
    source: str | None = None

    @property
    def likeliest(self) -> str:
        """The likeliest order; of equals the first in `ORDERS`."""
        return max(ORDERS, key=lambda order: (self.chances[order], -ORDERS.index(order)))

    def needs_most(self, item: str) -> float:
        """How probably that one needs this most."""
        return fsum(chance for order, chance in self.chances.items() if order.startswith(f"{item}>"))

    def expects(self, share: Share) -> float:
        """How many points these packages are worth to that one, on average."""
        return fsum(chance * worth_of(share, order) for order, chance in self.chances.items())


def model_of(subject: str, seen: Seen) -> Model:
    """What everybody who was there can make of `subject`. All talk is public, so this is at once what the other
    believes, what `subject` expects the other to believe, and common ground."""
    weights, source = dict.fromkeys(ORDERS, 1.0), None
    standing: tuple[str, Share] | None = None
    counted: set[object] = set()
    for event in seen.events:
        found = _evidence(subject, event, standing, counted)
        if found:
            source = event.id
            weights = {order: weights[order] * found[order] for order in ORDERS}
        standing = _standing(event, standing)
    whole = fsum(weights.values())
    return Model({order: weight / whole for order, weight in weights.items()}, source)


def offered(event: SeenEvent) -> Share:
    """What the one who makes this offer would keep."""
    return as_share(event.data[event.actor or ""])


def _standing(event: SeenEvent, before: tuple[str, Share] | None) -> tuple[str, Share] | None:
    if event.kind == "offer" and event.actor is not None:
        return event.actor, offered(event)
    return None if event.kind in ("reject", "accept", "walk_away") else before


def _evidence(
    subject: str, event: SeenEvent, standing: tuple[str, Share] | None, counted: set[object]
) -> dict[str, float]:
    """How likely each order makes what `subject` did; empty where it says nothing, or nothing new."""
    if event.actor != subject:
        return {}
    if event.kind == "say":
        mine = [c for c in event.claims if c.variable == priorities_of(subject) and c.believer is None]
        said = allowed_by(mine or hear(event.text, subject), subject)
        if not said or len(said) == len(ORDERS) or said in counted:
            return {}
        counted.add(said)
        return {order: 1.0 if order in said else DOUBT for order in ORDERS}
    found = dict.fromkeys(ORDERS, 1.0)
    if event.kind in ("offer", "reject") and standing is not None and standing[0] != subject:
        turned_down = rest_of(standing[1])
        found = {order: 1 / (1 + exp(GREED * (worth_of(turned_down, order) - CONTENT))) for order in ORDERS}
    if event.kind == "offer" and (keeps := offered(event)) not in counted:
        counted.add(keeps)
        found = {order: found[order] * exp(GREED * worth_of(keeps, order)) for order in ORDERS}
    return found if len(set(found.values())) > 1 else {}
