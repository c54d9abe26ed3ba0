"""A story as turns: what one who watches it, or one of its characters, gets of each sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tertulia.environments.stories.story import Sentence, Story
from tertulia.environments.world import Claim, Event
from tertulia.environments.worlds.story.you import as_you
from tertulia.storage.seen import SPEECH

TELL = "tell"
"""The kind of an event in which a character says something: its claims are that character's word, and so stand in
`data` alone. An event's own claims would count as seen, or as said by somebody who has a seat."""


@dataclass(frozen=True, slots=True)
class Told:
    """One turn: the events in it, and how many sentences are told after it."""

    events: tuple[Event, ...]
    upto: int


def turns_of(story: Story, viewer: str | None, seat: str) -> tuple[Told, ...]:
    """One turn for each sentence that is witnessed; what happens unseen in between belongs to the next of them, so
    that not even the number of turns tells of it. What is unseen after the last belongs to the last."""
    turns: list[Told] = []
    waiting: list[Event] = []
    sights = _Sights(story)
    for number, sentence in enumerate(story.sentences, 1):
        events = tuple(_events(sentence, story, viewer, seat, sights))
        waiting += events
        if any(event.content or event.glimpsed for event in events):
            turns.append(Told(tuple(waiting), number))
            waiting = []
    if waiting and turns:
        turns[-1] = Told((*turns[-1].events, *waiting), len(story.sentences))
    elif waiting:
        turns.append(Told(tuple(waiting), len(story.sentences)))
    return tuple(turns)


class _Sights:
    """What a character has seen so far, and in words what it newly sees."""

    def __init__(self, story: Story) -> None:
        self._variables = {variable.name: variable for variable in story.variables}
        self._saw: dict[str, str] = {}

    def of(self, events: Sequence[Event], text: str) -> str:
        """What these events show that is news and that the text does not say, as further sentences: to enter a room
        may be to see what is in it. Only where a place is looked at: other events say in their words what they show."""
        news = []
        for event in events:
            shown = [c for c in event.claims if event.kind not in SPEECH and c.holds and c.believer is None]
            for claim in shown:
                looked = event.kind in ("enter", "see") and event.place is not None
                if looked and self._saw.get(claim.variable) != claim.value and not _names(text, claim.value):
                    news.append(self._words(claim))
                self._saw[claim.variable] = claim.value
        return "".join(f" You see: {sentence}" for sentence in dict.fromkeys(news))

    def _words(self, claim: Claim) -> str:
        variable = self._variables.get(claim.variable)
        template = (variable.say if variable else None) or "The {name} is in the {value}."
        return template.replace("{name}", claim.variable).replace("{value}", claim.value)


def _events(sentence: Sentence, story: Story, viewer: str | None, seat: str, sights: _Sights) -> Iterator[Event]:
    """A sentence for one seat: at most one event it witnesses whole, one that it glimpses, and one it misses."""
    if not sentence.events:
        mine = viewer is None or _names(sentence.text, viewer) or not any(_names(sentence.text, n) for n in story.cast)
        yield _world_event(sentence.text, "narration", (seat,) if mine else (), viewer)
        return
    whole = [event for event in sentence.events if viewer is None or viewer in event.content]
    glimpsed = [event for event in sentence.events if event not in whole and viewer in event.glimpsed]
    missed = [event for event in sentence.events if event not in whole and event not in glimpsed]
    if whole:
        yield from _witnessed(sentence, whole, viewer, seat, sights)
    for event in glimpsed:
        text = as_you(event.occurrence or "", viewer) if viewer else ""
        unread = _world_event(event.text, _kind(event), (), viewer)
        yield unread.model_copy(update={"glimpsed": (seat,), "occurrence": text})
    if missed and not whole and not glimpsed:
        yield _world_event(sentence.text, _kind(missed[0]), (), None).model_copy(update=_seen(missed))


def _witnessed(
    sentence: Sentence, events: Sequence[Event], viewer: str | None, seat: str, sights: _Sights
) -> Iterator[Event]:
    """What is seen of it whole: the sentence itself; where that tells more than was seen, the events' own words."""
    all_of_it = len(events) == len(sentence.events)
    texts = dict.fromkeys(event.text for event in events)
    text = sentence.text if all_of_it or sentence.text in texts else " ".join(texts)
    event = _world_event(text, _kind(events[0]), (seat,), viewer)
    if viewer is not None:
        event = event.model_copy(update={"text": event.text + sights.of(events, text)})
    yield event.model_copy(update=_seen(events) | {"data": {"story": [noticed(one, viewer) for one in events]}})


def _seen(events: Sequence[Event]) -> dict[str, Any]:
    """The claims of what is to be seen; words are the speaker's own."""
    claims = [claim for event in events if event.kind not in SPEECH for claim in event.claims if claim.believer is None]
    place = next((event.place for event in events if event.place), None)
    return {"claims": tuple(dict.fromkeys(claims)), "place": place}


def _world_event(text: str, kind: str, content: tuple[str, ...], viewer: str | None) -> Event:
    words = text if viewer is None else as_you(text, viewer)
    return Event(kind=kind, text=words, content=content, origin="scripted")


def _kind(event: Event) -> str:
    return TELL if event.kind in SPEECH else event.kind


def noticed(event: Event, viewer: str | None) -> dict[str, Any]:
    """A story's event as data for rules, with only those witnesses whom the viewer notices."""
    hidden = () if viewer is None else tuple(name for name in event.unnoticed if name != viewer)
    return {
        "kind": event.kind,
        "actor": event.actor if event.actor not in hidden else None,
        "place": event.place,
        "content": [name for name in event.content if name not in hidden],
        "unnoticed": [name for name in event.unnoticed if name not in hidden],
        "claims": [claim.model_dump(mode="json") for claim in event.claims],
    }


def _names(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
