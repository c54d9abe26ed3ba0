"""All chance in an episode: one generator for each place where something is drawn, from the episode's seed alone."""

from __future__ import annotations

from hashlib import sha256
from random import Random


def draw(seed: int | str, turn: int, take: int, participant: str, faculty: str, ordinal: int = 0) -> Random:
    """A generator of its own for (seed, turn, take, participant, faculty, ordinal).

    Nothing is shared, so the order in which minds happen to run changes nothing. SHA-256, not `hash()`: the same on
    every machine and Python version. A branch of an episode has a seed that names where it parted (`7~12.3`).
    """
    place = f"{seed}/{turn}/{take}/{participant}/{faculty}/{ordinal}"
    return Random(int.from_bytes(sha256(place.encode()).digest()[:16], "big"))
