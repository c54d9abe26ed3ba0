"""What is held along a chain about one variable: a distribution, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, cast

from tertulia.storage.rows import Established

Basis = Literal["witnessed", "told", "prior"]


@dataclass(frozen=True, slots=True)
class Golden:
    """A gold distribution over a variable's values, in their order."""

    probabilities: tuple[float, ...]
    basis: Basis = "prior"
    """What it rests on: `told` if any of it is somebody's word, else `witnessed` if anything is, else `prior`."""
    established: Established | None = None
    """For `told`: how the claim that moved it last came about."""
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
        if self.probabilities[at] == 0:
            return self.probabilities
        rest = math.fsum(p for i, p in enumerate(self.probabilities) if i != at)
        if rest > 0:
            return tuple(0.0 if i == at else p / rest for i, p in enumerate(self.probabilities))
        return tuple(0.0 if i == at else 1.0 / (size - 1) for i in range(size))

    def after(self, at: int, holds: bool, how: Basis, established: str, source: str) -> Golden:
        """What is held once this piece of evidence is taken up; this very object where it adds nothing.

        Evidence that settles the value, or that contradicts all that was held, replaces what was there; other evidence
        adds to it, and a distribution that rests on words and on witnessed facts counts as told.
        """
        probabilities = self.given(at, holds)
        if probabilities == self.probabilities:
            seen_now = how == "witnessed" and self._settled_by(holds) and self.basis != "witnessed"
            return replace(self, basis=how, established=None, source=source) if seen_now else self
        overturned = self.probabilities[at] == 0 if holds else self.certain == at
        if how == "witnessed" and self.basis == "told" and not (overturned or self._settled_by(holds)):
            return replace(self, probabilities=probabilities, source=source)
        said = cast("Established", established) if how == "told" else None
        return Golden(probabilities, how, said, source)

    def _settled_by(self, holds: bool) -> bool:
        """Whether such evidence leaves one value by itself."""
        return holds or len(self.probabilities) == 2


def even(size: int) -> tuple[float, ...]:
    """No value likelier than another."""
    return (1.0 / size,) * size
