"""How thoughts are formed: what they may rise from, in which shape a model gives them, and which of them are new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tertulia.mind.faculty import Moment
from tertulia.mind.nearness import alike, says_the_same
from tertulia.mind.state import MindState, MindUpdate, NewThought
from tertulia.storage.seen import SPEECH, Length

MOST = 3
"""How many thoughts a mind forms in a turn: one of System 1 and two of System 2."""
KEPT = 8
"""How many open thoughts a mind keeps; the least motivated go first."""
NEW_LABELS = tuple(f"N{n}" for n in range(1, MOST + 1))
LONGEST = 140

Words = Annotated[str, Length(LONGEST, 1)]
Stimuli = Annotated[tuple[Annotated[str, Length(8)], ...], Field(max_length=3)]


class Ground(BaseModel):
    """What thoughts may rise from: recent events, recalled memories, and open thoughts in words."""

    events: dict[str, str]
    """By what prompts call them -> their ids."""
    memories: dict[str, str]
    open_thoughts: dict[str, str]


class Draft(BaseModel):
    """A thought in under fifteen words, and the ids of what prompted it."""

    model_config = ConfigDict(extra="forbid")

    text: Words
    stimuli: Stimuli


class Fresh(NamedTuple):
    """A thought as it comes out of a reply."""

    system: int
    text: str
    stimuli: tuple[str, ...]


def ground(mind: MindState, moment: Moment) -> Ground:
    """All that a thought may rise from now."""
    return Ground(
        events={event.label: event.id for event in moment.seen.events},
        memories={f.memory: mind.memories[f.memory].text for f in moment.recalled if f.kind == "memory"},
        open_thoughts={thought.id: thought.text for thought in mind.open_thoughts()},
    )


def form(mind: MindState, moment: Moment, rises_from: Ground, fresh: Iterable[Fresh]) -> MindUpdate:
    """Form those that are new. A thought that is open already is appraised again instead; one that says what one has
    said oneself does not come back."""
    known = _known(mind, moment)
    formed: list[NewThought] = []
    for thought in fresh:
        if _is_new(mind, moment, thought.text, known):
            known[f"+{len(formed)}"] = thought.text
            cited = tuple(_id_of(stimulus, moment, rises_from) for stimulus in thought.stimuli)
            formed.append(NewThought(system=thought.system, text=thought.text, stimuli=cited))
    return MindUpdate(thoughts=formed)


def compared(mind: MindState, moment: Moment, fresh: Iterable[str]) -> list[str]:
    """The texts that `form` compares."""
    return [] if moment.exact else [*fresh, *_known(mind, moment).values(), *_own_words(mind, moment)]


def _known(mind: MindState, moment: Moment) -> dict[str, str]:
    """Thoughts that are not new, by id: the open ones; for models, those one has spoken too."""
    spoken = [] if moment.exact else [thought for thought in mind.thoughts.values() if thought.status == "spoken"]
    return {thought.id: thought.text for thought in [*mind.open_thoughts(), *spoken]}


def _is_new(mind: MindState, moment: Moment, text: str, known: dict[str, str]) -> bool:
    if moment.exact:
        return text not in known.values()
    if alike(moment.nearness, text, known) is not None:
        return False
    return not any(says_the_same(moment.nearness, text, words) for words in _own_words(mind, moment))


def _own_words(mind: MindState, moment: Moment) -> list[str]:
    return [event.text for event in moment.seen.events if event.actor == mind.holder and event.kind in SPEECH]


def _id_of(cited: str, moment: Moment, rises_from: Ground) -> str:
    """The id of what was cited: an event by its place in the log, not by what this mind's prompts call it; an open
    thought by its id, not by its label of the moment."""
    return rises_from.events.get(cited) or moment.labels.get(cited) or cited
