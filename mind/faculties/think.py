"""Think: a train of private thoughts, one quick and two considered, each a possible contribution."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import MindState, MindUpdate, NewThought
from tertulia.storage.seen import Length

MOST = 3
KEPT = 8
"""How many open thoughts a mind keeps; the least motivated go first."""


class Ground(BaseModel):
    """What thoughts may rise from: recent events, recalled memories, and open thoughts in words."""

    events: dict[str, str]
    """By what prompts call them -> their ids."""
    memories: dict[str, str]
    open_thoughts: dict[str, str]


class ThoughtDraft(BaseModel):
    """A thought in under fifteen words, and the ids of what prompted it."""

    model_config = ConfigDict(extra="forbid")

    system: Literal[1, 2]
    text: Annotated[str, Length(140, 1)]
    stimuli: Annotated[tuple[Annotated[str, Length(8)], ...], Field(max_length=3)]


class Thoughts(BaseModel):
    """One System 1 and two System 2 thoughts; fewer when nothing more comes."""

    model_config = ConfigDict(extra="forbid")

    thoughts: Annotated[tuple[ThoughtDraft, ...], Field(max_length=MOST)]


class Think(Faculty):
    """After Inner Thoughts (Liu et al. 2025), formation: one System 1 and two System 2 thoughts citing their stimuli.

    A thought already open is not formed again: it is appraised again instead.
    """

    name = "think"
    phase = "think"
    reads = ("memories", "thoughts")
    writes = ("thoughts",)
    instruction = text("think.md")
    sampling = Sampling(temperature=0.7)

    def inputs(self, mind: MindState, moment: Moment) -> Ground:
        return Ground(
            events={event.label: event.id for event in moment.seen.events},
            memories={found.memory: mind.memories[found.memory].text for found in moment.recalled},
            open_thoughts={thought.id: thought.text for thought in mind.open_thoughts()},
        )

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return Thoughts

    def question(self, inputs: Ground) -> str:
        return "What goes through your mind now?"

    def update(self, mind: MindState, moment: Moment, inputs: Ground, reply: Thoughts) -> MindUpdate:
        have = {thought.text for thought in mind.thoughts.values() if thought.open}
        formed: list[NewThought] = []
        for draft in reply.thoughts:
            if draft.text not in have:
                have.add(draft.text)
                formed.append(NewThought(system=draft.system, text=draft.text, stimuli=_cited(draft, inputs)))
        return MindUpdate(thoughts=formed)


def _cited(draft: ThoughtDraft, ground: Ground) -> tuple[str, ...]:
    """The ids of what was cited: events by their place in the log, not by what this mind's prompts call them."""
    return tuple(ground.events.get(cited, cited) for cited in draft.stimuli)
