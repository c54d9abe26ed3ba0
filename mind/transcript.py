"""What a participant has witnessed, in words: a transcript that only grows at its end."""

from __future__ import annotations

from tertulia.storage.seen import Seen, SeenEvent

BLOCK = 8
"""Turns leave a full context in whole blocks of this many, so that the prefix changes rarely."""


class Transcript:
    """One participant's, from turn to turn: each event is put into words once."""

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._last: SeenEvent | None = None
        self._size = 0

    def first_turn(self, seen: Seen, limit: int) -> int:
        """The first turn still in the context: 0, or the start of a later block when all exceeds `limit` characters."""
        self._go_on(seen)
        start, size = 0, self._size
        while size > limit and start + BLOCK < seen.turn:
            size -= sum(len(entry(event)) + 1 for event in seen.events if start <= event.turn < start + BLOCK)
            start += BLOCK
        return start

    def lines(self, seen: Seen, first: int = 0) -> list[str]:
        """One line per witnessed event from turn `first` on, oldest first."""
        entries = self._go_on(seen)
        if first == 0:
            return ["What happened so far:", *entries]
        kept = [one for one, event in zip(entries, seen.events, strict=True) if event.turn >= first]
        return [f"(The turns before {first} are no longer in view.)", *kept]

    def _go_on(self, seen: Seen) -> list[str]:
        """All entries; another past than that of the last time is begun anew."""
        events, known = seen.events, len(self._entries)
        if known > len(events) or (known and events[known - 1] is not self._last):
            self._entries, self._size, known = [], 0, 0
        if known < len(events):
            new = [entry(event) for event in events[known:]]
            self._entries += new
            self._size += sum(map(len, new)) + len(new)
            self._last = events[-1]
        return self._entries


def entry(event: SeenEvent) -> str:
    """An event as one entry: its label, then the speaker's words or what was seen. Further lines are indented, so that
    nobody's words can pass for another entry."""
    words = "\n    ".join(event.text.splitlines()) or event.text
    if event.level == "occurrence" or event.kind not in ("say", "whisper"):
        return f"[{event.label}] ({words})"
    to = f" to {', '.join(event.addressees)}" if event.addressees else ""
    manner = " whispers" if event.kind == "whisper" else ""
    return f"[{event.label}] {event.actor}{manner}{to}: {words}"
