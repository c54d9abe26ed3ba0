"""Think: a train of private thoughts, one quick and two considered, each a possible contribution."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tertulia.mind.faculties.forming import MOST, NEW_LABELS, Draft, Fresh, Ground, compared, form, ground
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import MindState, MindUpdate


class ThoughtDraft(Draft):
    """A thought of either system."""

    system: Literal[1, 2]


class Thoughts(BaseModel):
    """One System 1 and two System 2 thoughts; fewer when nothing more comes."""

    model_config = ConfigDict(extra="forbid")

    thoughts: Annotated[tuple[ThoughtDraft, ...], Field(max_length=MOST)]


class Think(Faculty):
    """After Inner Thoughts (Liu et al. 2025), formation: one System 1 and two System 2 thoughts citing their stimuli.

    All of them at once, from everything on the mind; `react` and `reflect` ask for the two kinds apart, as the paper
    does. A thought already open is not formed again: it is appraised again instead.
    """

    name = "think"
    phase = "think"
    reads = ("memories", "thoughts")
    writes = ("thoughts",)
    instruction = text("think.md")
    sampling = Sampling(temperature=0.7)
    labels = NEW_LABELS

    def inputs(self, mind: MindState, moment: Moment) -> Ground:
        return ground(mind, moment)

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return Thoughts

    def question(self, inputs: Ground) -> str:
        return "What goes through your mind now?"

    def compares(self, mind: MindState, moment: Moment, inputs: Ground, reply: Thoughts) -> Iterable[str]:
        return compared(mind, moment, (draft.text for draft in reply.thoughts))

    def update(self, mind: MindState, moment: Moment, inputs: Ground, reply: Thoughts) -> MindUpdate:
        return form(mind, moment, inputs, (Fresh(draft.system, draft.text, draft.stimuli) for draft in reply.thoughts))
