"""What is held along a chain about one variable: a distribution, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tertulia.storage.rows import Established

Basis = Literal["witnessed", "told", "prior"]


@dataclass(frozen=True, slots=True)
class Golden:
    """A gold distribution over a variable's values, in their order."""

    probabilities: tuple[float, ...]
    basis: Basis = "prior"
    """What moved it last."""
    established: Established | None = None
    """For `told`: how the claim came about."""
    source: str | None = None
    """The event (`turn.ordinal`) that moved it last; None for what was so from the start."""

    @property
    def certain(self) -> int | None:
        """The index of the only value that is possible; None where several are."""
        possible = [i for i, p in enumerate(self.probabilities) if p > 0]
        return possible[0] if len(possible) == 1 else None

    def given(self, at: int, holds: bool) -> tuple[float, ...]:
        """The probabilities once it is taken that the value at index `at` is so, or that it is not so.

        Ruling out the only possible value leaves all others equally possible: things have changed since.
        """
        size = len(self.probabilities)
        if holds:
            return tuple(float(i == at) for i in range(size))
        rest = math.fsum(p for i, p in enumerate(self.probabilities) if i != at)
        if rest > 0:
            return tuple(0.0 if i == at else p / rest for i, p in enumerate(self.probabilities))
        return tuple(0.0 if i == at else 1.0 / (size - 1) for i in range(size))


def even(size: int) -> tuple[float, ...]:
    """No value likelier than another."""
    return (1.0 / size,) * size
