"""The tables behind figures, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tertulia.storage.measures.curves import Point


def curve_rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """A row for each point of a curve."""
    return [
        {name: value for name, value in (*asdict(one.condition).items(), *asdict(one).items()) if name != "condition"}
        for one in points
    ]
