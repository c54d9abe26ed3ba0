"""Negotiation: two people divide food, water and firewood before a camping trip; each knows its own priorities."""

from tertulia.environments.worlds.negotiation.acts import Accept, Offer, Reject, WalkAway
from tertulia.environments.worlds.negotiation.goods import ITEMS, ORDERS, points
from tertulia.environments.worlds.negotiation.policy import NegotiationRules
from tertulia.environments.worlds.negotiation.world import (
    Negotiation,
    NegotiationParams,
    NegotiationSeat,
    NegotiationState,
)

__all__ = [
    "ITEMS", "ORDERS", "Accept", "Negotiation", "NegotiationParams", "NegotiationRules", "NegotiationSeat",
    "NegotiationState", "Offer", "Reject", "WalkAway", "points",
]  # fmt: skip
