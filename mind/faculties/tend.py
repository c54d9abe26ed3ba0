"""Tend: thoughts that have been said, by whomever, are let go."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.nearness import says_the_same
from tertulia.mind.state import Appraised, MindState, MindUpdate, Thought
from tertulia.storage.seen import SPEECH, SeenEvent


class Voiced(BaseModel):
    """Open thoughts, and what was said since the oldest of them was formed."""

    thoughts: list[Thought]
    words: list[SeenEvent]


class Tend(Faculty):
    """Drops an open thought that an utterance heard since then has said, by rule: three quarters of its content words
    are in it (with embeddings, a cosine of 0.85), neither denies what the other does not, and a question answers
    nothing.

    Ours: the published code of Inner Thoughts keeps what it has thought for ever. What has gone stale, or lost its
    point for another reason, `appraise` lets go. Where rules answer, they know themselves when a thought has been said.
    """

    name = "tend"
    phase = "perceive"
    reads = ("thoughts",)
    writes = ("appraisals",)

    def inputs(self, mind: MindState, moment: Moment) -> Voiced | None:
        thoughts = [] if moment.exact else mind.open_thoughts()
        since = min((thought.turn for thought in thoughts), default=0)
        words = [event for event in moment.seen.events if event.turn >= since and _is_speech(event)]
        return Voiced(thoughts=thoughts, words=words) if thoughts and words else None

    def compares(self, mind: MindState, moment: Moment, inputs: Voiced, reply: None) -> Iterable[str]:
        return [*(thought.text for thought in inputs.thoughts), *(event.text for event in inputs.words)]

    def update(self, mind: MindState, moment: Moment, inputs: Voiced, reply: None) -> MindUpdate:
        dropped = []
        for thought in inputs.thoughts:
            for event in inputs.words:
                same = says_the_same(moment.nearness, thought.text, event.text) if event.turn >= thought.turn else None
                if same is not None:
                    who = "said it oneself" if event.actor == mind.holder else f"{event.actor} said it"
                    dropped.append(
                        Appraised(
                            thought=thought.id, motivation=thought.motivation, status="dropped",
                            reason_against=f"{who} in turn {event.turn} ({same:.2f} alike)",
                        )
                    )  # fmt: skip
                    break
        return MindUpdate(appraisals=dropped)


def _is_speech(event: SeenEvent) -> bool:
    return event.kind in SPEECH and event.level == "content"
