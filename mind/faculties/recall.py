"""Recall: which memories come to mind, given what was last said."""

from __future__ import annotations

from pydantic import BaseModel

from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.lexical import similarity
from tertulia.mind.state import Memory, MindState, MindUpdate, Recalled

TOP = 5
THRESHOLD = 0.25
"""At most five memories, of a saliency of at least 0.25: the numbers of Inner Thoughts (its code, retrieval step)."""


class Cue(BaseModel):
    """What brings memories up: the last words heard, and the memories there are."""

    cue: str
    memories: list[Memory]


class Recall(Faculty):
    """Lexical retrieval (BM25), labelled so: the paper retrieves by embeddings.

    Saliency is similarity times the memory's own weight, at most 1. Memories of the cue itself do not come up.
    """

    name = "recall"
    phase = "recall"
    reads = ("memories",)
    writes = ("recalled",)

    def inputs(self, mind: MindState, moment: Moment) -> Cue | None:
        heard = [event for event in moment.seen.events if event.actor != mind.holder][-2:]
        fresh = {event.id for event in heard}
        memories = sorted(
            (memory for memory in mind.memories.values() if memory.source_event not in fresh),
            key=lambda memory: (memory.turn, memory.id),
        )
        return Cue(cue=" ".join(event.text for event in heard), memories=memories) if heard and memories else None

    def update(self, mind: MindState, moment: Moment, inputs: Cue, reply: None) -> MindUpdate:
        scores = similarity(inputs.cue, [memory.text for memory in inputs.memories])
        rated = [
            Recalled(memory=memory.id, saliency=min(1.0, score * memory.weight))
            for memory, score in zip(inputs.memories, scores, strict=True)
        ]
        rated.sort(key=lambda found: -found.saliency)
        return MindUpdate(recalled=[found for found in rated[:TOP] if found.saliency >= THRESHOLD])
