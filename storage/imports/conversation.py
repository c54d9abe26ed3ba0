"""A conversation from elsewhere, in the words of the log but without its keys: what an importer makes of its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tertulia.storage.rows import WORLD

LONGEST_NAME = 40
_APART = str.maketrans(dict.fromkeys('>&,|"`<', " "))
"""What chains and lists of names are made with is in no name."""


@dataclass(slots=True)
class Happening:
    """One event of a turn, as `event` and `witness` keep it."""

    kind: str
    """`say`, `whisper`, or what the source knows beside words (`act`, `gesture`, `leave`)."""
    text: str
    actor: str | None = None
    """The seat that did it; None for the source itself (an opening, an announcement)."""
    to: tuple[str, ...] = ()
    """The seats to whom it was said; nobody in particular where empty."""
    content: tuple[str, ...] | None = None
    """The seats that got its content, its actor included; None for all."""
    glimpsed: tuple[str, ...] = ()
    """The seats that only saw that it happened."""
    occurrence: str | None = None
    """What those saw."""
    data: dict[str, Any] | None = None


@dataclass(slots=True)
class Turn:
    """What happened at the same time; a turn without events is a silence."""

    happenings: list[Happening] = field(default_factory=list)
    started_at: datetime | None = None
    """None where the source has no times."""
    clock_s: float | None = None
    """Seconds of the conversation since its beginning, where the source tells."""
    lasted_s: float | None = None


@dataclass(slots=True)
class Seat:
    """Who took part."""

    name: str
    model: str
    """The URI of what spoke, as far as it is known; `human` for a person."""
    kind: str = "agent"
    """`agent` or `person`."""
    persona: str | None = None
    goal: str | None = None
    knows: str = ""
    """What it alone was shown at the beginning: its observation of turn 0."""
    pseudonym: str | None = None
    """Of a person, never their own name."""


@dataclass(slots=True)
class Score:
    """A number that the source brings along, as a row of `score`."""

    measure: str
    value: float | None
    holder: str | None = None
    n: int | None = 1
    detail: Any = None


@dataclass(slots=True)
class Conversation:
    """Everything of one conversation. Turn 0 is made from `premise`; `turns` are those from 1 on."""

    source: str
    """Where it is from, in a word: `sotopia`, `chat`."""
    title: str
    """What was played: the episode's scenario is `import:SOURCE/TITLE`."""
    key: str
    """What makes it this conversation and no other: the same source and key are entered once."""
    seats: list[Seat]
    turns: list[Turn]
    premise: str = ""
    reason: str = "imported"
    """How it ended, as far as the source tells."""
    outcome: Any = None
    reward: float | None = None
    scores: list[Score] = field(default_factory=list)
    began: datetime | None = None
    ended: datetime | None = None
    about: dict[str, Any] = field(default_factory=dict)
    """What else is to be kept of the source (its own id, its licence, what could not be read), under `imported` in the
    episode's config."""
    people: dict[str, Any] | None = None
    """The key `people` of the config (`local_only`, ...), where people spoke under such."""


def seat_names(names: Iterable[str]) -> dict[str, str]:
    """A name for a seat from each name in a source, the first that comes first: on one line, at most 40 characters,
    without the signs that chains are written with, and each its own."""
    found: dict[str, str] = {}
    for name in names:
        if name in found:
            continue
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in name).translate(_APART).split())
        plain = plain[:LONGEST_NAME].strip() or "somebody"
        taken, number, one = {WORLD, *found.values()}, 1, plain
        while one in taken:
            number += 1
            one = f"{plain[: LONGEST_NAME - len(str(number)) - 1]} {number}"
        found[name] = one
    return found
