"""The claims of this world: how many friends with a value, and whole rows; their variable names, and what they allow.

`alice.count(hobby=chess)` is `3`, `0` or `>=1`: how many of Alice's friends have the value.
`alice.has(name=Ana, hobby=chess)` is `yes` or `no`: whether a friend of hers has all of these at once.
`alice.picks(...)` is `yes`: the row she takes to be the shared one (so she has it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tertulia.storage.seen import Claim

Pairs = tuple[tuple[str, str], ...]
RowVerb = Literal["has", "picks"]
CLAIM_LENGTH, VALUE_LENGTH = 320, 160
"""What `Claim.variable` and `Claim.value` hold at most."""


@dataclass(frozen=True)
class CountOf:
    """`subject.count(attribute=value)`"""

    subject: str
    attribute: str
    value: str


@dataclass(frozen=True)
class RowOf:
    """`subject.has(a=x, b=y)` or `subject.picks(...)`"""

    subject: str
    verb: RowVerb
    pairs: Pairs


def count_claim(subject: str, attribute: str, value: str, amount: int, at_least: bool = False) -> Claim | None:
    """The claim, or None where it would be too long for one."""
    return _claim(f"{subject}.count({attribute}={value})", f">={amount}" if at_least else str(amount))


def row_claim(subject: str, verb: RowVerb, pairs: Pairs, yes: bool = True) -> Claim | None:
    """The claim, or None where it would be too long for one."""
    inner = ", ".join(f"{attribute}={value}" for attribute, value in pairs)
    return _claim(f"{subject}.{verb}({inner})", "yes" if yes else "no")


def _claim(variable: str, value: str) -> Claim | None:
    return Claim(variable=variable, value=value) if len(variable) <= CLAIM_LENGTH else None


def read_variable(variable: str, attributes: Sequence[str]) -> CountOf | RowOf | None:
    """What a variable name stands for, or None if it is none of ours. `attributes`: all there may be."""
    if not variable.endswith(")"):
        return None
    subject, dot, call = variable.partition(".")
    verb, bracket, inner = call[:-1].partition("(")
    if not (subject and dot and bracket):
        return None
    if verb == "count":
        attribute, equals, value = inner.partition("=")
        return CountOf(subject, attribute, value) if equals and attribute in attributes else None
    if verb not in ("has", "picks"):
        return None
    pairs = _read_pairs(inner, attributes)
    return RowOf(subject, "has" if verb == "has" else "picks", pairs) if pairs else None


def _read_pairs(inner: str, attributes: Sequence[str]) -> Pairs | None:
    """`a=x, b=y` as pairs; a value reaches to the next `, attribute=` of an attribute not yet seen."""
    pairs: list[tuple[str, str]] = []
    rest = inner
    while True:
        attribute, equals, rest = rest.partition("=")
        if not equals or attribute not in attributes:
            return None
        ends = [(at, a) for a in attributes if (at := rest.find(f", {a}=")) >= 0]
        if not ends:
            return (*pairs, (attribute, rest))
        at = min(ends)[0]
        pairs.append((attribute, rest[:at]))
        rest = rest[at + 2 :]


def allowed_counts(value: str, holds: bool, n: int) -> int | None:
    """Which counts 0-n a claim allows, as a bit mask (bit k: k friends); None where `value` is no count."""
    number = value.removeprefix(">=")
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        return None
    whole = (1 << (n + 1)) - 1
    k = int(number)
    low = min(k, n + 1)
    mask = whole & ~((1 << low) - 1) if value.startswith(">=") else (1 << low) & whole
    return mask if holds else whole & ~mask
