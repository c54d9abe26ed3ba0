"""Reflect: considered thoughts, from what came to mind and from what one thought before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tertulia.mind.faculties.forming import NEW_LABELS, Draft, Fresh, Ground, compared, form, ground
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import Element, MindState, MindUpdate


class Reflection(BaseModel):
    """Two System 2 thoughts; fewer when nothing more comes."""

    model_config = ConfigDict(extra="forbid")

    thoughts: Annotated[tuple[Draft, ...], Field(max_length=2)]


class Reflect(Faculty):
    """After Inner Thoughts (Liu et al. 2025), formation of System 2: two thoughts from recalled memories and earlier
    thoughts, which cite what prompted them, temperature 0.5; a thought may be that one has no interest.

    Asked by itself, its prompt shows only those earlier thoughts that came to mind, and it does not wait for `react`.
    """

    name = "reflect"
    phase = "think"
    reads = ("memories", "thoughts")
    writes = ("thoughts",)
    instruction = text("reflect.md")
    sampling = Sampling(temperature=0.5)
    beside = "react"
    labels = NEW_LABELS[1:]

    def inputs(self, mind: MindState, moment: Moment) -> Ground:
        return ground(mind, moment)

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return Reflection

    def shows(self, element: Element, moment: Moment) -> bool:
        return element.kind != "thought" or any(found.memory == element.ref for found in moment.recalled)

    def question(self, inputs: Ground) -> str:
        return "What do you think, on consideration?"

    def compares(self, mind: MindState, moment: Moment, inputs: Ground, reply: Reflection) -> Iterable[str]:
        return compared(mind, moment, (draft.text for draft in reply.thoughts))

    def update(self, mind: MindState, moment: Moment, inputs: Ground, reply: Reflection) -> MindUpdate:
        return form(mind, moment, inputs, (Fresh(2, draft.text, draft.stimuli) for draft in reply.thoughts))
