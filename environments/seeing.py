"""From what happened to who knows it: rows of events, witnesses and claims, and the log through each one's eyes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tertulia.environments.world import Event
from tertulia.storage.rows import ClaimRow, Established, EventRow, Row, WitnessRow
from tertulia.storage.seen import SPEECH, SeenEvent, see


@dataclass(frozen=True, slots=True)
class Happened:
    """One event with those who witnessed it and what it claimed."""

    event: EventRow
    witnesses: list[WitnessRow]
    claims: list[ClaimRow]

    def rows(self) -> list[Row]:
        return [self.event, *self.witnesses, *self.claims]


def happened(
    episode: str, turn: int, events: Sequence[Event], established: Callable[[Event], Established]
) -> list[Happened]:
    """The rows of a turn's events, numbered in their order. `established` says how an event's claims came about."""
    return [_rows(episode, turn, ordinal, event, established(event)) for ordinal, event in enumerate(events)]


def _rows(episode: str, turn: int, ordinal: int, event: Event, established: Established) -> Happened:
    row = EventRow.made(
        episode=episode, turn=turn, ordinal=ordinal, kind=event.kind, actor=event.actor, text=event.text,
        occurrence=event.occurrence, addressees=list(event.addressees), place=event.place, data=event.data or None,
        origin=event.origin,
    )  # fmt: skip
    witnesses = [
        WitnessRow.made(
            episode=episode, turn=turn, event=ordinal, participant=name, level=level,
            noticed_by=_noticed_by(event, name),
        )
        for level, names in (("content", event.content), ("occurrence", event.glimpsed))
        for name in names
    ]  # fmt: skip
    claims = [
        ClaimRow.made(
            episode=episode, turn=turn, event=ordinal, ordinal=number, speaker=event.actor, variable=claim.variable,
            value=claim.value, holds=claim.holds, believer=claim.believer, established=established,
        )
        for number, claim in enumerate(event.claims)
    ]  # fmt: skip
    return Happened(row, witnesses, claims)


def _noticed_by(event: Event, witness: str) -> list[str]:
    """All the other witnesses; nobody, where this one peeks or eavesdrops."""
    if witness in event.unnoticed:
        return []
    return [name for name in (*event.content, *event.glimpsed) if name != witness]


def acted(event: EventRow | SeenEvent) -> bool:
    """Whether somebody took the floor by it: an act of a participant, or words the script put into its mouth."""
    return event.actor is not None and (event.origin == "participant" or event.kind in SPEECH)


def uttered(event: EventRow) -> bool:
    """Whether it is an utterance of a participant's own."""
    return event.origin == "participant" and event.kind in SPEECH


@dataclass(slots=True)
class Eyes:
    """What each participant has witnessed so far, oldest first."""

    names: tuple[str, ...]
    seen: dict[str, list[SeenEvent]] = field(default_factory=dict)
    last_spoke: dict[str, int] = field(default_factory=dict)

    def take_in(self, events: Iterable[Happened]) -> None:
        """Let everybody see what they witnessed of these events."""
        for one in events:
            if one.event.actor is not None and acted(one.event):
                self.last_spoke[one.event.actor] = one.event.turn
            for name in self.names:
                mine = self.seen.setdefault(name, [])
                before = 0
                while before < len(mine) and mine[-1 - before].turn == one.event.turn:
                    before += 1
                event = see(one.event, one.witnesses, one.claims, name, f"{one.event.turn}.{before}")
                if event is not None:
                    mine.append(event)


def by_event(events: Sequence[EventRow], witnesses: Sequence[WitnessRow], claims: Sequence[ClaimRow]) -> list[Happened]:
    """Put rows read from the log back together, in the order in which they happened."""
    whole = {(e.turn, e.ordinal): Happened(e, [], []) for e in sorted(events, key=lambda e: (e.turn, e.ordinal))}
    for witness in witnesses:
        whole[witness.turn, witness.event].witnesses.append(witness)
    for claim in sorted(claims, key=lambda c: (c.turn, c.event, c.ordinal)):
        whole[claim.turn, claim.event].claims.append(claim)
    return list(whole.values())
