"""React: the quick thought, an unbidden reaction to what just happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tertulia.mind.faculties.forming import NEW_LABELS, Draft, Fresh, Ground, compared, form, ground
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import Element, MindState, MindUpdate


class Reaction(BaseModel):
    """One System 1 thought, or none."""

    model_config = ConfigDict(extra="forbid")

    thoughts: Annotated[tuple[Draft, ...], Field(max_length=1)]


class React(Faculty):
    """After Inner Thoughts (Liu et al. 2025), formation of System 1: fast, from the context alone, temperature 0.8.

    Asked by itself, its prompt shows neither memories nor earlier thoughts.
    """

    name = "react"
    phase = "think"
    reads = ("thoughts",)
    writes = ("thoughts",)
    instruction = text("react.md")
    sampling = Sampling(temperature=0.8)
    labels = NEW_LABELS[:1]

    def inputs(self, mind: MindState, moment: Moment) -> Ground:
        return ground(mind, moment)

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return Reaction

    def shows(self, element: Element, moment: Moment) -> bool:
        return False

    def question(self, inputs: Ground) -> str:
        return "What is your first reaction?"

    def compares(self, mind: MindState, moment: Moment, inputs: Ground, reply: Reaction) -> Iterable[str]:
        return compared(mind, moment, (draft.text for draft in reply.thoughts))

    def update(self, mind: MindState, moment: Moment, inputs: Ground, reply: Reaction) -> MindUpdate:
        return form(mind, moment, inputs, (Fresh(1, draft.text, draft.stimuli) for draft in reply.thoughts))
