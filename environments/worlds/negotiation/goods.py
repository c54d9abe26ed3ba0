"""What is divided and what it is worth: pure arithmetic, as CaSiNo has it (Chawla et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import permutations, product
from typing import Literal

Item = Literal["food", "water", "firewood"]
ITEMS: tuple[Item, ...] = ("food", "water", "firewood")
PACKAGES = 3
"""How many packages there are of each."""
WORTH = (5, 4, 3)
"""Points of a package that one needs most, second, and least."""
WALK_AWAY = 5
"""Points of each without a deal."""
ORDERS = tuple(">".join(order) for order in permutations(ITEMS))
"""All priorities there can be, what is needed most first: `food>water>firewood`, ..."""

Share = tuple[int, int, int]
"""How many packages of each, in the order of `ITEMS`."""
SHARES: tuple[Share, ...] = tuple(product(range(PACKAGES + 1), repeat=3))  # type: ignore[arg-type]


def points(share: Mapping[str, int], priorities: str | Sequence[str]) -> int:
    """What the packages somebody gets are worth to it. `priorities`: what it needs most first, as `a>b>c` or a list."""
    order = priorities.split(">") if isinstance(priorities, str) else priorities
    return sum(worth * share[item] for item, worth in zip(order, WORTH, strict=True))


def as_share(packages: Mapping[str, int]) -> Share:
    food, water, firewood = (packages[item] for item in ITEMS)
    return food, water, firewood


def as_packages(share: Share) -> dict[str, int]:
    return dict(zip(ITEMS, share, strict=True))


def rest_of(share: Share) -> Share:
    """What is left for the other."""
    food, water, firewood = (PACKAGES - number for number in share)
    return food, water, firewood


@lru_cache(maxsize=1024)
def worth_of(share: Share, order: str) -> int:
    """`points`, for a share."""
    return points(as_packages(share), order)


def in_words(share: Share) -> str:
    """`3 water and 1 food`; `nothing`."""
    parts = [f"{number} {item}" for item, number in zip(ITEMS, share, strict=True) if number]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts or ["nothing"])


def most_joint(one: str, other: str) -> int:
    """The most points two can have together: every package goes to whom it is worth more."""
    return max(worth_of(share, one) + worth_of(rest_of(share), other) for share in SHARES)


def pareto_gap(own: int, others: int, one: str, other: str) -> int:
    """How many points more there could have been in all with neither worse off; 0 on the Pareto frontier."""
    gains = (
        (worth_of(share, one) - own, worth_of(rest_of(share), other) - others) for share in SHARES
    )  # fmt: skip
    return max((mine + theirs for mine, theirs in gains if mine >= 0 and theirs >= 0), default=0)
