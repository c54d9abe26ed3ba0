"""Chains: whose belief about whose belief. `alice`, `alice>bob`, `alice>bob>alice`, and common ground `alice&bob`."""

from __future__ import annotations

from functools import cache, lru_cache


def order_of(chain: str) -> int:
    """How deep a chain goes: `a` 1, `a>b` and `a&b` 2, `a>b>a` 3."""
    return chain.count(">") + chain.count("&") + 1


@cache
def chains_of(holder: str, cast: tuple[str, ...], order: int) -> tuple[str, ...]:
    """All chains `holder` may hold up to `order`, shallow ones first, others by seat order.

    Nobody follows itself in a chain: what Alice believes that Alice believes is what Alice believes.
    """
    level: list[tuple[str, ...]] = [(holder,)]
    found = [holder]
    for depth in range(2, order + 1):
        level = [(*names, name) for names in level for name in cast if name != names[-1]]
        found += [">".join(names) for names in level]
        if depth == 2:
            found += [f"{holder}&{name}" for name in cast if name != holder]
    return tuple(found)


@lru_cache(maxsize=4096)
def describe(chain: str, reader: str) -> str:
    """A chain in words for the one who holds it: `what you think that bob believes`."""
    if "&" in chain:
        names = [name for name in chain.split("&") if name != reader]
        return f"what you and {' and '.join(names)} both know that you both know"
    *outer, last = ["you" if name == reader else name for name in chain.split(">")]
    thinking = [f"{name} {'think' if name == 'you' else 'thinks'} that" for name in outer]
    return " ".join(["what", *thinking, last, "believe" if last == "you" else "believes"])
