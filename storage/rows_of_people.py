"""Rows that only people leave: what they sent, what they agreed to, what they answered. Like those of `rows.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field

from tertulia.storage.rows import Row
from tertulia.storage.types import Json, Text, Utc


class InboxRow(Row):
    """Something a person sent: durable when it arrives, taken at a turn, with that turn's other rows."""

    episode: str = Field(primary_key=True, sa_type=Text)
    ordinal: int = Field(primary_key=True)
    participant: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    """`say`, `whisper`, `act`, `pass`; `leave`, `rejoin` and `withdraw` (the person, not its participant); `answer`."""
    text: str = Field(sa_type=Text)
    """The words as they were sent; never a draft."""
    data: Any = Field(default=None, sa_type=Json)
    """What belongs to the words: `to` (the addressees), the fields of an act, the question that is answered."""
    arrived_at: datetime | None = Field(default=None, sa_type=Utc)
    """None unless the person agreed to have times kept."""
    composed_ms: float | None = None
    """From the first key to sending; None unless the person agreed to have times kept."""
    taken_turn: int | None = None
    """The turn that took it; None while it waits, and of what had not been said when the episode ended."""
    refused: str | None = Field(default=None, sa_type=Text)
    """Why it was not done after all, where it had become impossible, or was taken back."""
    taken_take: int | None = None


class ConsentRow(Row):
    """Somebody agreed to take part, before anything was shown to them or kept of them: to which text, and to what."""

    episode: str = Field(primary_key=True, sa_type=Text)
    participant: str = Field(primary_key=True, sa_type=Text)
    ordinal: int = Field(primary_key=True)
    """0, and one more each time a person was asked anew, because what they had agreed to had changed."""
    pseudonym: str | None = Field(default=None, sa_type=Text)
    version: str = Field(sa_type=Text)
    """What the text calls itself, or else the beginning of its hash."""
    hash: str = Field(sa_type=Text)
    """SHA-256 of the text's file; the text itself stands in `episode.config`, under `people.consent.text`."""
    words_go_to: Any = Field(default_factory=list, sa_type=Json)
    """What the person was told of where their words go, line by line."""
    times: bool = False
    """Whether they agreed to have the times of what they do kept as well."""
    agreed_at: datetime = Field(sa_type=Utc)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Utc)
    """When they took their part in it back."""


class AnswerRow(Row):
    """One item of a questionnaire that a person was given before or after playing, and what they answered."""

    episode: str = Field(primary_key=True, sa_type=Text)
    participant: str = Field(primary_key=True, sa_type=Text)
    form: str = Field(primary_key=True, sa_type=Text)
    """`before` or `after`."""
    item: str = Field(primary_key=True, sa_type=Text)
    """The item's name in the scenario."""
    ordinal: int
    """Its place in the form, from 0."""
    kind: str = Field(sa_type=Text)
    """`likert`, `choice` or `text`."""
    question: str = Field(sa_type=Text)
    options: Any = Field(default=None, sa_type=Json)
    """What could be chosen, in the order in which it was shown."""
    answer: Any = Field(default=None, sa_type=Json)
    """A number for `likert`, else text; None where it was skipped."""
    correct: bool | None = None
    """For an attention check: whether it was answered as asked."""
    answered_at: datetime | None = Field(default=None, sa_type=Utc)
    """None unless the person agreed to have times kept."""
