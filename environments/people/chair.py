"""One person's place at the table."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tertulia.storage.rows_of_people import InboxRow

Hear = Callable[[Mapping[str, Any]], None]
"""Gets everything a seat may know, as JSON-ready messages; see `docs/people.md`."""


@dataclass(slots=True)
class Chair:
    """One person's place: whether they are here, what they sent that no turn has taken yet, who shows it to them."""

    seat: str
    pseudonym: str | None = None
    keeps_times: bool = False
    """The person agreed to have times kept."""
    here: bool = False
    left: bool = False
    """They said that they leave; only their own word brings them back."""
    came: bool = False
    """They have been here once: the episode need not wait for them to begin."""
    typed_at: float | None = None
    """When the last key was pressed of something not yet sent; None where nothing is being typed."""
    overrun: bool = False
    """An agent has spoken while they were typing: once is enough, the next waits for them to finish."""
    sent: deque[InboxRow] = field(default_factory=deque)
    hear: Hear | None = None
    later: list[Mapping[str, Any]] = field(default_factory=list)
    """What they have to be told as soon as they are back."""
