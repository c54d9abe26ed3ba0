"""How rules bargain: what to ask for, what to agree to, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass

from tertulia.environments.worlds.negotiation.goods import SHARES, Share, rest_of, worth_of
from tertulia.environments.worlds.negotiation.opponent import Model


@dataclass(frozen=True)
class Style:
    """`start`: the points asked for first (None: an even split); after each offer `step` fewer, down to `floor`.
    `patience`: after so many offers in vain it walks away (None: never)."""

    start: int | None
    step: float
    floor: int
    patience: int | None = None
    lies: bool = False
    open: bool = True
    """Whether it says all of what it needs, and not only what most."""


STYLES = {
    "fair": Style(start=None, step=1, floor=14),
    "conceder": Style(start=28, step=3, floor=11),
    "hard-liner": Style(start=28, step=0.5, floor=22, patience=8, open=False),
    "liar": Style(start=27, step=1, floor=16, lies=True),
}
"""Our own numbers, of the 36 points there are. A deal at any floor is better than the 5 points without one."""


def even_split(order: str, other: Model) -> Share:
    """The packages to keep so that the worse off of both is as well off as can be, by what the other seems to need;
    of such splits the one with most points in all."""
    return max(SHARES, key=lambda share: _evenness(share, order, other))


def _evenness(share: Share, order: str, other: Model) -> tuple[float, float, Share]:
    mine, theirs = worth_of(share, order), other.expects(rest_of(share))
    return round(min(mine, theirs), 6), round(mine + theirs, 6), share


def aspiration(style: Style, offers: int, order: str, other: Model) -> int:
    """The fewest points to ask for after so many offers of one's own."""
    start = worth_of(even_split(order, other), order) if style.start is None else style.start
    return max(style.floor, start - int(style.step * offers))


def next_offer(style: Style, offers: int, order: str, other: Model) -> Share:
    """Of all splits with enough for oneself, the one that seems best for the other; of equals, the best for oneself."""
    if style.start is None and offers == 0:
        return even_split(order, other)
    least = aspiration(style, offers, order, other)
    enough = [share for share in SHARES if worth_of(share, order) >= least]
    return max(enough, key=lambda s: (round(other.expects(rest_of(s)), 6), worth_of(s, order), s))


def claimed_order(style: Style, order: str) -> str:
    """What it says it needs: a liar exchanges first and last, to seem to give up much where it gives up little."""
    return ">".join(reversed(order.split(">"))) if style.lies else order
