"""What agents need of a world's rules; every world's `RulesPolicy` fits it without knowing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from tertulia.storage.seen import Seen


class Stated(Protocol):
    """A distribution along a chain."""

    @property
    def chain(self) -> str: ...
    @property
    def variable(self) -> str: ...
    @property
    def probabilities(self) -> Mapping[str, float]: ...
    @property
    def source(self) -> str | None: ...


class Candidate(Protocol):
    """Something rules would say or do now."""

    @property
    def gloss(self) -> str: ...
    @property
    def act(self) -> BaseModel: ...
    @property
    def system(self) -> int: ...
    @property
    def stimuli(self) -> Sequence[str]: ...
    @property
    def scores(self) -> Mapping[str, float]: ...
    @property
    def motivation(self) -> float: ...


class Stance(Protocol):
    """What rules make of everything one participant has seen; the best candidate comes first."""

    @property
    def beliefs(self) -> Sequence[Stated]: ...
    @property
    def candidates(self) -> Sequence[Candidate]: ...


@runtime_checkable
class Ruled(Protocol):
    """The input of a request that brings its own rule: nobody's stance is asked for."""

    def by_rules(self, rng: Random) -> dict[str, Any]:
        """The answer, as data of the request's schema."""
        ...


class Policy(Protocol):
    """A world's rules for playing in it. Pure: equal arguments give an equal stance."""

    def consider(self, seen: Seen, rng: Random) -> Stance: ...
