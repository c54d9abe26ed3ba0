"""Which words in an episode are a person's, and whether they may be trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tertulia.storage.exports.chosen import People
from tertulia.storage.rows import EpisodeRow, EventRow
from tertulia.storage.rows_of_people import ConsentRow

if TYPE_CHECKING:
    from tertulia.storage.log import Log

EVER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Spoke:
    """A person at a seat: up to which turn what it did is theirs, and whether they agreed and stand by it."""

    upto: int
    agreed: bool

    def said(self, event: EventRow) -> bool:
        """Whether an event at this seat is theirs."""
        return event.turn <= self.upto and event.origin == "participant"


def people_of(log: Log, row: EpisodeRow) -> dict[str, Spoke]:
    """The people of an episode, by seat; in a fork also those of the turns that it shares with its parent."""
    given: dict[str, ConsentRow] = {one.participant: one for one in log.rows(ConsentRow, row.id)}  # the last one counts
    found = {
        seat.name: Spoke(EVER, seat.name in given and given[seat.name].withdrawn_at is None)
        for seat in log.participants(row.id)
        if seat.kind == "person"
    }
    if row.parent_episode is None or row.parent_turn is None:
        return found
    for seat, theirs in people_of(log, log.episode(row.parent_episode)).items():
        found.setdefault(seat, Spoke(min(theirs.upto, row.parent_turn), theirs.agreed))
    return found


def barred_from(
    events: Sequence[EventRow], people: Mapping[str, Spoke], policy: People, *, local_only: bool
) -> tuple[int, str]:
    """The turn of the first words that must not be trained on, and why they must not; `EVER` where there are none.

    From then on anybody may have taken them up, so nothing later in the episode is trained on either.
    """
    for event in events:
        person = people.get(event.actor or "")
        if person is None or not person.said(event):
            continue
        if policy is People.none:
            return event.turn, "words of a person"
        if policy is People.agreed and local_only:
            return event.turn, "words of a person that were to stay on the machine (local_only)"
        if policy is People.agreed and not person.agreed:
            return event.turn, "words of a person of whom the log has no consent that stands"
    return EVER, ""
