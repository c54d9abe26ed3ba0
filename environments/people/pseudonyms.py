"""By which name the log knows a person: never their own."""

from __future__ import annotations

import getpass
import platform
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from random import Random

LONGEST = 40
_SHAPE = re.compile(r"[^\W_][\w .-]*", re.UNICODE)
_FIRST = (
    "amber", "azure", "bright", "calm", "cedar", "copper", "coral", "early", "fern", "gentle", "golden", "green",
    "hazel", "ivory", "jade", "late", "lilac", "maple", "mellow", "misty", "northern", "olive", "pale", "plain",
    "quiet", "rosy", "silver", "slow", "soft", "southern", "still", "warm",
)  # fmt: skip
_SECOND = (
    "anchor", "arch", "barrel", "basin", "bell", "bridge", "brook", "candle", "canyon", "cloud", "dune", "ember",
    "field", "garden", "harbour", "hill", "island", "lantern", "meadow", "mill", "oak", "orchard", "pebble", "pine",
    "quarry", "reed", "river", "sail", "shore", "stone", "tower", "valley",
)  # fmt: skip


def new_pseudonym() -> str:
    """Two plain words and a number, drawn from nothing that has to do with the person or their machine."""
    return f"{secrets.choice(_FIRST)}-{secrets.choice(_SECOND)}-{secrets.randbelow(9000) + 1000}"


def drawn_pseudonyms(names: Iterable[str], seed: int) -> dict[str, str]:
    """For each name a pseudonym of two plain words and a number; the same for the same name and seed, whoever else is
    there, unless two should get the same. Who knows the seed and a name can tell the pseudonym: the seed is a secret.
    """
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        rng = Random(f"{seed}/{name.casefold()}")
        while True:
            drawn = f"{rng.choice(_FIRST)}-{rng.choice(_SECOND)}-{rng.randrange(1000, 10000)}"
            if drawn not in found.values():
                break
        found[name] = drawn
    return found


def read_pseudonym(given: str) -> str:
    """A pseudonym as somebody typed it. Raises `ValueError`: what is wrong; what would be right."""
    text = " ".join(given.split())
    if not _SHAPE.fullmatch(text) or len(text) > LONGEST:
        raise ValueError(f"a pseudonym has 1 to {LONGEST} letters, digits, spaces and . _ -; {_RIGHT}")
    if text.casefold() in _own_names():
        raise ValueError(f"'{text}' is the name of this user or machine, which is never kept; {_RIGHT}")
    return text


_RIGHT = "write one that does not tell who you are, or leave it out and get one made"


def discreet(text: str) -> str:
    """A line of ours (an error, most often) without this user's folder, for logs that people's words are in."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def _own_names() -> set[str]:
    names = {platform.node(), platform.node().partition(".")[0], Path.home().name}
    with suppress(OSError, KeyError):  # a user without a name, as in some containers
        names.add(getpass.getuser())
    return {name.casefold() for name in names if name}
