"""Workspace: at most k inner elements are chosen before the call, and only these enter the prompt."""

from __future__ import annotations

import math

from pydantic import BaseModel

from tertulia.mind.chains import describe
from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.state import Belief, Element, MindState, MindUpdate

_HALF_LIFE = 4.0
"""A belief that has not moved for this many turns counts half as salient as one that moved just now. Ours."""


class Standing(BaseModel):
    """Everything that stands for selection."""

    elements: list[Element]


class Workspace(Faculty):
    """Chooses by one score in 0-1: a thought's motivation, a memory's saliency, a belief's certainty and freshness.

    Without it on the list, everything enters the prompt. What was left out is logged too.
    """

    name = "workspace"
    phase = "workspace"
    reads = ("beliefs", "thoughts", "memories")
    writes = ("workspace",)

    def inputs(self, mind: MindState, moment: Moment) -> Standing | None:
        elements = standing(mind, moment)
        return Standing(elements=elements) if elements else None

    def update(self, mind: MindState, moment: Moment, inputs: Standing, reply: None) -> MindUpdate:
        ranked = sorted(inputs.elements, key=lambda element: (-element.score, element.kind, element.ref))
        k = moment.spec.workspace
        return MindUpdate(workspace=[e.model_copy(update={"selected": rank < k}) for rank, e in enumerate(ranked)])


def standing(mind: MindState, moment: Moment) -> list[Element]:
    """All inner elements that could enter a prompt now, in words, with their scores."""
    beliefs = [
        Element(kind="belief", ref=key, text=in_words(belief, mind.holder), score=_weight(belief, moment.seen.turn))
        for key, belief in sorted(mind.beliefs.items())
    ]
    memories = [
        Element(kind="memory", ref=found.memory, text=mind.memories[found.memory].text, score=found.saliency)
        for found in moment.recalled
        if found.kind == "memory"
    ]
    thoughts = [
        Element(kind="thought", ref=thought.id, text=thought.text, score=(thought.motivation - 1) / 4)
        for thought in mind.open_thoughts()
    ]
    return beliefs + memories + thoughts


def in_words(belief: Belief, holder: str) -> str:
    """A belief as a line of a prompt: whose, about what, and the likeliest values in percent."""
    top = sorted(belief.probabilities.items(), key=lambda item: (-item[1], item[0]))[:4]
    values = ", ".join(f"{value} {100 * probability:.0f}%" for value, probability in top)
    return f"{describe(belief.chain, holder)} about {belief.variable}: {values}"


def _weight(belief: Belief, turn: int) -> float:
    spread = [p for p in belief.probabilities.values() if p > 0]
    entropy = -math.fsum(p * math.log(p) for p in spread)
    certainty = 1 - entropy / math.log(len(belief.probabilities)) if len(belief.probabilities) > 1 else 1.0
    freshness: float = 0.5 ** (max(0, turn - belief.turn) / _HALF_LIFE)
    return (0.5 + 0.5 * max(0.0, certainty)) * freshness
