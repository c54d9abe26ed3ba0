"""The tables behind figures, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tertulia.storage.measures.compute import Condition
    from tertulia.storage.measures.curves import Point
    from tertulia.storage.measures.reliability import Bin

CURVE_COLUMNS = (
    "scenario", "batch", "cell", "models", "estimator", "rule", "level", "turn", "value", "low", "high", "n",
    "episodes", "clusters", "over",
)  # fmt: skip
BIN_COLUMNS = (
    "scenario", "batch", "cell", "models", "group", "low_edge", "high_edge", "given", "value", "low", "high", "n",
    "episodes",
)  # fmt: skip


def curve_rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """A row for each point of a curve."""
    return [{**_told(one.condition), **{name: getattr(one, name) for name in CURVE_COLUMNS[4:]}} for one in points]


def bin_rows(bins: Sequence[Bin]) -> list[dict[str, Any]]:
    """A row for each bin."""
    rest = BIN_COLUMNS[5:]
    return [
        {**_told(one.condition), "group": group_text(one.group), **{name: getattr(one, name) for name in rest}}
        for one in bins
    ]


def group_text(group: Sequence[tuple[str, str]]) -> str:
    """`rules, credulous`, say: the values that tell a group from the others."""
    return ", ".join(value for _, value in group)


def many(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def _told(condition: Condition) -> dict[str, Any]:
    return asdict(condition)
