"""What is handed to the writer: whole turns, single calls, the beginning of an episode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tertulia.storage.rows import EpisodeRow, InterventionRow, ParticipantRow, Row


@dataclass(slots=True)
class EpisodeRecord:
    """A new episode with its seats: one transaction."""

    episode: EpisodeRow
    participants: list[ParticipantRow]
    interventions: list[InterventionRow] = field(default_factory=list)
    """What is changed from outside from the beginning on."""


@dataclass(slots=True)
class Closing:
    """How an episode ended or paused, written with its last turn or alone."""

    status: str
    reason: str
    outcome: Any = None
    reward: float | None = None
    ended_at: datetime | None = None
    """When it ended, where that is not to be now."""


@dataclass(slots=True)
class TurnRecord:
    """All rows of one turn, committed whole or not at all, and only by the holder of `lease`.

    The commit begins with `UPDATE episode SET head = turn WHERE id = episode AND head = turn - 1 AND lease = lease`;
    it also makes an episode that was paused a running one again.
    """

    episode: str
    turn: int
    take: int
    lease: str
    rows: list[Row] = field(default_factory=list)
    closing: Closing | None = None
    taken: list[int] = field(default_factory=list)
    """The rows of the inbox, by ordinal, that this turn took up."""
    refused: dict[int, str] = field(default_factory=dict)
    """Those among them that were not done, and why."""

    def add(self, rows: Iterable[Row]) -> None:
        self.rows.extend(rows)
