"""The floor: who may speak next, and why. Every bid is kept, the losing ones with the reason they lost."""

from tertulia.environments.floor.bids import Ask, Award, Bid, FloorPolicy, FloorView, Heard, after
from tertulia.environments.floor.policies import POLICIES
from tertulia.environments.floor.weighing import ASKS_THE_FLOOR, Standings, weigh

__all__ = [
    "ASKS_THE_FLOOR", "POLICIES", "Ask", "Award", "Bid", "FloorPolicy", "FloorView", "Heard", "Standings", "after",
    "weigh",
]  # fmt: skip
