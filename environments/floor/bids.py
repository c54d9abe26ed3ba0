"""What goes into a decision about the floor, and what comes out: bids, what a policy may look at, the award."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from tertulia.environments.floor.questions import FloorQuestion
from tertulia.mind.model import Reply
from tertulia.storage.made import Made


class Bid(Made, BaseModel):
    """One participant's wish for the floor. Motivation is 1.0-5.0; None where it does not want it."""

    model_config = ConfigDict(frozen=True)

    participant: str
    wants: bool
    """Would speak or act if it were its turn."""
    volunteers: bool = False
    """Is motivated enough to take an open floor by itself: raises a hand."""
    interrupts: bool = False
    """Is motivated enough to take a floor that was given to another."""
    motivation: float | None = None
    strength: float | None = None
    """What is compared: the motivation, or with `turns.normalise` its standing among the participant's own, 0-1."""
    thought: str | None = None
    addressee: str | None = None
    person: bool = False
    """A person's: it has no motivation, and what it says is there already. Nobody outbids or interrupts it by a bid."""
    resting: str = ""
    """Why it may not come forward by itself this turn, where it may not."""
    reason: str = ""
    """Why it does not want the floor, where it does not."""

    @property
    def rank(self) -> float:
        """The stronger the higher. A person who has something to say comes before every motivation: it has waited
        while it typed, and nobody knows how much it wants to."""
        return float("inf") if self.person else self.strength if self.strength is not None else self.motivation or 0.0

    def told(self) -> str:
        """How strong it is, in words."""
        if self.strength is not None and self.strength != self.motivation:
            return f"{self.strength:.2f} of its own range"
        return "a person" if self.person or self.motivation is None else f"{self.motivation:.1f}"


class Heard(BaseModel):
    """An utterance whose words everybody got who could act then."""

    model_config = ConfigDict(frozen=True)

    speaker: str
    text: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FloorView:
    """What a policy may look at. `seats` and `able` (those who can act at all) are in seat order."""

    turn: int
    seats: tuple[str, ...]
    able: tuple[str, ...]
    last: str | None = None
    """Who spoke or acted last."""
    owner: str | None = None
    """Whose turn it is when turns go round the table, whoever speaks: those who cannot act are passed over."""
    addressed: tuple[str, ...] = ()
    """Whom the last utterance was addressed to, if anybody in particular, after those who were interrupted then."""
    interrupted: tuple[str, ...] = ()
    """Who lost the floor to one who interrupted, last turn."""
    cut_in: bool = True
    """Whether the moderator, where there is one, noticed somebody speak or act then."""
    spoke: Mapping[str, int] = field(default_factory=dict)
    """How often each has spoken or acted so far; where one moderates, as far as it witnessed that."""
    heard: tuple[Heard, ...] = ()
    """The last five utterances that everybody could hear, oldest first."""
    moderator: str | None = None
    in_sight: tuple[str, ...] | None = None
    """Whom the moderator can see now, itself included; None: everybody."""
    interruptions: bool = True
    """Whether anybody may interrupt here."""


@dataclass(frozen=True, slots=True)
class Award:
    """Those admitted, in order; and for every bid why it won, lost, or was none."""

    admitted: tuple[str, ...]
    reasons: dict[str, str]
    interrupted: tuple[str, ...] = ()
    """To whom the floor had been given before another took it."""


class Ask(Protocol):
    """Asks a model on behalf of the floor; the call is recorded as any other. A reply without a value is a declared
    fallback."""

    def __call__(self, question: FloorQuestion) -> Awaitable[Reply[Any]]: ...


class FloorPolicy(Protocol):
    """Who may speak, given what happened and everybody's bids (in seat order, one for every seat).

    Only those who want to may be admitted, and every bid gets a reason. All chance comes from `rng`. A policy that
    asks nobody never waits.
    """

    async def __call__(self, view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask) -> Award: ...


def after(last: str | None, seats: tuple[str, ...]) -> tuple[str, ...]:
    """The seats in order, beginning after `last`, who comes at the end."""
    start = seats.index(last) + 1 if last in seats else 0
    return seats[start:] + seats[:start]
