"""Before a policy decides: what the intents of minds come to as bids, how strong they are, and who rests."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tertulia.environments.floor.bids import Bid
from tertulia.storage.rows import BidRow

BY_THEMSELVES = frozenset({"bidding", "addressed", "moderated"})
"""The policies under which participants come forward by themselves: only there is a cool-down."""
ASKS_THE_FLOOR = frozenset({"next-speaker"})
"""The policies that ask a model of the floor's own."""
PRIOR = 5.0
"""How many earlier bids the whole scale counts as, while one has made few of one's own."""


@dataclass(slots=True)
class Standings:
    """Everybody's motivations so far, each in order of size: what `turns.normalise` compares with."""

    earlier: dict[str, list[float]] = field(default_factory=dict)

    def of(self, participant: str, motivation: float) -> float:
        """Where a motivation stands among those this participant bid before, 0-1.

        (5 x (motivation - 1) / 4 + lower + half of the equal ones) / (5 + all earlier ones): with no earlier bid that
        is the place on the scale of 1.0 to 5.0, with many it is the share of one's own bids that were weaker. Ours.
        """
        mine = self.earlier.get(participant, [])
        lower, upto = bisect_left(mine, motivation), bisect_right(mine, motivation)
        scale = PRIOR * (motivation - 1.0) / 4.0
        return (scale + lower + (upto - lower) / 2) / (PRIOR + len(mine))

    def take_in(self, bids: Iterable[Bid | BidRow]) -> None:
        """Count the bids of a turn that is over."""
        for bid in bids:
            if bid.motivation is not None:
                insort(self.earlier.setdefault(bid.participant, []), bid.motivation)


def weigh(
    bids: Sequence[Bid],
    *,
    turn: int,
    policy: str,
    last_spoke: dict[str, int],
    addressed: Sequence[str],
    cooldown: int,
    standings: Standings | None,
) -> list[Bid]:
    """The bids with their strengths, and those at rest held back. `standings` where motivations are normalised.

    Whoever spoke within the last `cooldown` turns does not come forward by itself, unless it was addressed.
    """
    found = []
    for bid in bids:
        strength = bid.motivation
        if standings is not None and bid.motivation is not None:
            strength = standings.of(bid.participant, bid.motivation)
        spoke = last_spoke.get(bid.participant)
        rests = (
            policy in BY_THEMSELVES
            and spoke is not None
            and turn - spoke <= cooldown
            and bid.participant not in addressed
            and not bid.person
        )
        resting = (
            f"rests until turn {spoke + cooldown + 1}, having spoken at turn {spoke}"
            if rests and spoke is not None
            else ""
        )
        held_back = {"volunteers": False, "interrupts": False, "resting": resting} if rests else {}
        changes = held_back if strength == bid.strength else {"strength": strength, **held_back}
        found.append(bid.model_copy(update=changes) if changes else bid)
    return found
