"""All chance in an episode: one generator for each place where something is drawn, from the episode's seed alone."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any, cast


def draw(seed: int | str, turn: int, take: int, participant: str, faculty: str, ordinal: int = 0) -> Random:
    """A generator of its own for (seed, turn, take, participant, faculty, ordinal).

    Nothing is shared, so the order in which minds happen to run changes nothing. SHA-256, not `hash()`: the same on
    every machine and Python version. A branch of an episode has a seed that names where it parted (`7~12.3`).
    """
    return cast(Random, _WhenAsked(f"{seed}/{turn}/{take}/{participant}/{faculty}/{ordinal}"))


class _WhenAsked:
    """A generator that is seeded when it is first asked for something: most of those that are handed out never are,
    and seeding costs as much as drawing some hundred numbers. It passes for a `Random`, as libraries look whether it
    is one."""

    __slots__ = ("_generator", "_place")
    __class__ = property(lambda self: Random)

    def __init__(self, place: str) -> None:
        self._place = place
        self._generator: Random | None = None

    def __getattr__(self, name: str) -> Any:
        if self._generator is None:
            self._generator = Random(int.from_bytes(sha256(self._place.encode()).digest()[:16], "big"))
        return getattr(self._generator, name)
