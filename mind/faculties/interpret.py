"""Interpret: what somebody meant by what they just said."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import MindState, MindUpdate
from tertulia.storage.seen import SPEECH, Length, SeenEvent

LAST = 5
"""How many of the last utterances an interpretation goes by (Inner Thoughts, its code, trigger step)."""
_KEY = "interpretation"


class LastWords(BaseModel):
    """The last utterances, the one to interpret at the end."""

    words: list[SeenEvent]


class Interpretation(BaseModel):
    """The intent, the tone and what was left unsaid, in a sentence."""

    model_config = ConfigDict(extra="forbid")

    interpretation: Annotated[str, Length(200)]


class Interpret(Faculty):
    """After Inner Thoughts (Liu et al. 2025), trigger: a short reading of the last utterance, by which memories are
    retrieved beside its words.

    Each mind reads for itself, from what it heard. In a pause there is nothing new to read. In fused deliberation the
    reading comes with all else, too late for this turn's retrieval.
    """

    name = "interpret"
    phase = "interpret"
    writes = ("notes",)
    instruction = text("interpret.md")
    sampling = Sampling(temperature=0.7)

    def inputs(self, mind: MindState, moment: Moment) -> LastWords | None:
        words = [event for event in moment.seen.events if event.kind in SPEECH and event.level == "content"][-LAST:]
        if not words or words[-1].actor == mind.holder or interpretation_of(mind, words[-1]) is not None:
            return None
        return LastWords(words=words)

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return Interpretation

    def question(self, inputs: LastWords) -> str:
        return f"What did {inputs.words[-1].actor} mean by [{inputs.words[-1].label}]?"

    def update(self, mind: MindState, moment: Moment, inputs: LastWords, reply: Interpretation) -> MindUpdate:
        return MindUpdate(notes={_KEY: {"of": inputs.words[-1].id, "text": reply.interpretation}})


def interpretation_of(mind: MindState, event: SeenEvent) -> str | None:
    """How a mind reads an utterance; None where it has not read it, or has read another since."""
    note: Any = mind.note(Interpret.name, _KEY)
    return note["text"] if note and note["of"] == event.id else None
