"""Speak: the words or the act themselves."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, RootModel, create_model

from tertulia.mind.faculties.appraise import KEPT_LABELS
from tertulia.mind.faculties.forming import NEW_LABELS
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.spec import MindSpec
from tertulia.mind.state import MindState, MindUpdate
from tertulia.storage.made import Made
from tertulia.storage.once import once_a_type


class Occasion(Made, BaseModel):
    """What it would be spoken from: open thoughts by label; and the kinds of acts that are legal now."""

    thoughts: dict[str, str]
    acts: list[str]
    chosen: str | None = None
    """The label of the thought that the floor was won with."""


class Speak(Faculty):
    """Drafts one legal act from the best thought. It changes nothing in the mind: the floor decides whether it is made.

    In fused deliberation it answers with all else; in staged it is asked of the winner alone.
    """

    name = "speak"
    phase = "speak"
    reads = ("thoughts",)
    instruction = text("speak.md")
    sampling = Sampling(temperature=0.7)

    def instruct(self, spec: MindSpec) -> str:
        """With `proactive_tone`, a sentence more; it is ours."""
        return f"{self.instruction} {text('tone.md')}" if spec.proactive_tone else self.instruction

    def inputs(self, mind: MindState, moment: Moment) -> Occasion | None:
        if moment.legal is None:
            return None
        thoughts = {label: mind.thoughts[name].text for label, name in moment.labels.items()}
        chosen = next((label for label, name in moment.labels.items() if name == moment.chosen), None)
        return Occasion.made(thoughts=thoughts, acts=list(_kinds(moment.legal)), chosen=chosen)

    def reply_type(self, moment: Moment) -> type[BaseModel] | None:
        return None if moment.legal is None else _draft_type(moment.legal)

    def question(self, inputs: Occasion) -> str:
        may = f"You may: {', '.join(inputs.acts)}."
        if inputs.chosen is not None:
            return f"The floor is yours: put {inputs.chosen} into words. {may}"
        return f"What do you do, if the floor is yours? {may}"

    def update(self, mind: MindState, moment: Moment, inputs: Occasion, reply: Any) -> MindUpdate:
        return MindUpdate()


@once_a_type
def _kinds(legal: type[RootModel[Any]]) -> tuple[str, ...]:
    """The names of the legal acts, in their order."""
    root = legal.model_fields["root"].annotation
    types = get_args(root) or (root,)
    return tuple(str(fields["kind"].default) for kind in types if "kind" in (fields := kind.model_fields))


@once_a_type
def _draft_type(legal: type[BaseModel]) -> type[BaseModel]:
    label: Any = Literal[("none", *KEPT_LABELS, *NEW_LABELS)]
    return create_model("Draft", __config__=ConfigDict(extra="forbid"), thought=(label, ...), act=(legal, ...))
