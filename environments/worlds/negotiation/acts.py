"""What can be done in a negotiation, as schemas in which only what is possible fits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, create_model

from tertulia.environments.world import Action, Claim, Pass, Say, one_of
from tertulia.environments.worlds.negotiation.goods import ORDERS, PACKAGES, Share
from tertulia.storage.once import once_in_use

Packages = Annotated[int, Field(ge=0, le=PACKAGES)]


class Offer(Action):
    """Propose a split: how many packages of each you would keep. The other gets all the rest."""

    kind: Literal["offer"] = "offer"
    food: Packages
    water: Packages
    firewood: Packages

    @property
    def keeps(self) -> Share:
        return self.food, self.water, self.firewood


class Accept(Action):
    """Agree to the other's standing offer: that is the deal."""

    kind: Literal["accept"] = "accept"


class Reject(Action):
    """Turn the other's standing offer down."""

    kind: Literal["reject"] = "reject"


class WalkAway(Action):
    """End it without a deal."""

    kind: Literal["walk_away"] = "walk_away"


def priorities_of(name: str) -> str:
    """The variable of somebody's priorities."""
    return f"{name}.priorities"


@once_in_use
def legal_acts(me: str, other: str, offered: bool, names_variables: bool) -> type[RootModel[Any]]:
    """What `me` may do; `offered`: an offer of the other stands."""
    answers = (Accept, Reject) if offered else ()
    return one_of(_say(me, other, names_variables), Offer, *answers, WalkAway, Pass)


@once_in_use
def _say(me: str, other: str, names_variables: bool) -> type[Say]:
    """`Say` to the other, with claims about one's own priorities: `holds: false` rules an order out."""
    names, mine = (other,), (priorities_of(me),)
    someone: Any = Literal[names]
    variable: Any = Literal[mine]
    value: Any = Literal[ORDERS]
    claim: Any = Claim
    if names_variables:
        claim = create_model("ClaimOfMine", __base__=Claim, variable=(variable, ...), value=(value, ...))
    to: Any = Annotated[tuple[someone, ...], Field(max_length=1)]
    asserts: Any = Annotated[tuple[claim, ...], Field(max_length=8)]
    return create_model("Say", __base__=Say, __doc__=_SAY, to=(to, ()), asserts=(asserts, ()))


_SAY = "Say something to the other. `asserts`: what it claims about your own priorities, true or not."
