"""Perceive: what was witnessed since the last turn becomes episodic memory; what one is and knows, semantic memory."""

from __future__ import annotations

import re

from pydantic import BaseModel

from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.state import MindState, MindUpdate, NewMemory
from tertulia.storage.made import Made
from tertulia.storage.seen import SILENCE, SPEECH, SeenEvent

_SENTENCE = re.compile(r"(?<=[.!?])\s+")


class NewEvents(Made, BaseModel):
    """Events not yet taken in, and sentences to know from the first turn on."""

    events: list[SeenEvent]
    known: list[str]


class Perceive(Faculty):
    """Needs no model. Own words enter own memory too: the published Inner Thoughts code forgets them."""

    name = "perceive"
    phase = "perceive"
    writes = ("memories", "notes")

    def inputs(self, mind: MindState, moment: Moment) -> NewEvents | None:
        taken_in = mind.note(self.name, "events") or 0
        new = list(moment.seen.events[taken_in:])
        known = [] if mind.notes else _sentences(f"{moment.seen.persona}. {moment.seen.goal}")
        return NewEvents.made(events=new, known=known) if new or known else None

    def update(self, mind: MindState, moment: Moment, inputs: NewEvents, reply: None) -> MindUpdate:
        lived = [
            NewMemory.made(kind="episodic", text=remembered(event, mind.holder), source_event=event.id)
            for event in inputs.events
            if event.kind != SILENCE  # there is nothing in it to remember
        ]
        known = [NewMemory.made(kind="semantic", text=sentence) for sentence in inputs.known]
        return MindUpdate.made(memories=known + lived, notes={"events": len(moment.seen.events)})


def remembered(event: SeenEvent, holder: str) -> str:
    """An event as its witness remembers it."""
    if event.level == "content" and event.kind in SPEECH and event.actor:
        who = "I" if event.actor == holder else event.actor
        manner = "whispered" if event.kind == "whisper" else "said"
        return f"{who} {manner}: {event.text}"
    return event.text


def _sentences(known: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(known) if part.strip(" .")]
