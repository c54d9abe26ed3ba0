"""Recall: which memories and earlier thoughts come to mind, given what was last said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from tertulia.mind.faculties.interpret import interpretation_of
from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.state import Memory, MindState, MindUpdate, Recalled, Thought
from tertulia.storage.seen import SILENCE

TOP = 5
TOP_THOUGHTS = 3
THRESHOLD = 0.25
"""At most five memories and three thoughts, of a saliency of at least 0.25: the numbers of Inner Thoughts (its code,
retrieval step)."""


class Cue(BaseModel):
    """What brings things up: the last words heard and how one reads them; and the memories and thoughts there are."""

    cue: str
    interpretation: str | None
    memories: list[Memory]
    thoughts: list[Thought]


class Recall(Faculty):
    """After Inner Thoughts (Liu et al. 2025), retrieval: `saliency = max(similarity to the words, similarity to their
    interpretation) x weight x decay ^ (turns since it last came to mind)`, at most 1.

    By words (BM25) unless the mind has `embeddings`; every row says which. Memories of the cue itself do not come up,
    nor do thoughts that are spoken or let go: own words are memories anyway.
    """

    name = "recall"
    phase = "recall"
    reads = ("memories", "thoughts", "notes")
    writes = ("recalled",)

    def inputs(self, mind: MindState, moment: Moment) -> Cue | None:
        heard = [e for e in moment.seen.events if e.actor != mind.holder and e.kind != SILENCE][-2:]
        fresh = {event.id for event in heard}
        memories = sorted(
            (memory for memory in mind.memories.values() if memory.source_event not in fresh),
            key=lambda memory: (memory.turn, memory.id),
        )
        thoughts = sorted(mind.open_thoughts(), key=lambda thought: (thought.turn, thought.id))
        if not heard or not (memories or thoughts):
            return None
        cue, read = " ".join(event.text for event in heard), interpretation_of(mind, heard[-1])
        return Cue(cue=cue, interpretation=read or None, memories=memories, thoughts=thoughts)

    def compares(self, mind: MindState, moment: Moment, inputs: Cue, reply: None) -> Iterable[str]:
        held: list[Memory | Thought] = [*inputs.memories, *inputs.thoughts]
        return [*_queries(inputs), *(one.text for one in held)]

    def update(self, mind: MindState, moment: Moment, inputs: Cue, reply: None) -> MindUpdate:
        memories = _salient(moment, inputs, inputs.memories)[:TOP]
        thoughts = _salient(moment, inputs, inputs.thoughts)[:TOP_THOUGHTS]
        method = moment.nearness.method
        return MindUpdate(
            recalled=[Recalled(memory=name, saliency=s, method=method) for s, name in memories]
            + [Recalled(memory=name, saliency=s, kind="thought", method=method) for s, name in thoughts]
        )


def _queries(cue: Cue) -> list[str]:
    return [cue.cue, *([cue.interpretation] if cue.interpretation else [])]


def _salient(moment: Moment, cue: Cue, held: Sequence[Memory | Thought]) -> list[tuple[float, str]]:
    """Those above the threshold, the most salient first; of equal ones, the older first."""
    texts = [one.text for one in held]
    by_query = [moment.nearness.similarity(query, texts) for query in _queries(cue)]
    found = []
    for one, scores in zip(held, zip(*by_query, strict=True), strict=True):
        faded: float = moment.spec.decay ** max(0, moment.seen.turn - one.accessed)
        found.append((min(1.0, max(scores) * getattr(one, "weight", 1.0) * faded), one.id))
    return sorted((pair for pair in found if pair[0] >= THRESHOLD), key=lambda pair: -pair[0])
