"""Appraise: how much does each open thought want to be said, now?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tertulia.mind.faculties.forming import KEPT, MOST, NEW_LABELS
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import Appraised, MindState, MindUpdate, Thought
from tertulia.storage.seen import Length

HEURISTICS = (
    "relevance", "information_gap", "expected_impact", "urgency", "coherence", "originality", "balance", "dynamics",
)  # fmt: skip
"""The eight heuristics the paper names; its code rates a ninth, whether the thought fills a gap, kept beside them."""

_SILENCE_GAIN = 1.01
"""Motivation grows by this factor for every turn since one last spoke (Inner Thoughts, its code, evaluation step)."""

KEPT_LABELS = tuple(f"K{n}" for n in range(1, KEPT + 1))
Label = Literal["K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "N1", "N2", "N3"]

# Models are asked for whole points; rules may answer with fractions.
Points = Annotated[float, Field(ge=1, le=5), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 5})]
Tenths = Annotated[float, Field(ge=10, le=50), WithJsonSchema({"type": "integer", "minimum": 10, "maximum": 50})]


class OpenThoughts(BaseModel):
    """The open thoughts by label, and for how many turns one has been silent."""

    thoughts: dict[str, str]
    silent_for: int


class Rating(BaseModel):
    """One thought rated: reasons first, then the heuristics (1-5), then the motivation in tenths (10-50)."""

    model_config = ConfigDict(extra="forbid")

    thought: Label
    reason_for: Annotated[str, Length(80)]
    reason_against: Annotated[str, Length(80)]
    relevance: Points
    information_gap: Points
    fills_gap: Points
    expected_impact: Points
    urgency: Points
    coherence: Points
    originality: Points
    balance: Points
    dynamics: Points
    motivation_tenths: Tenths
    keep: bool


class Ratings(BaseModel):
    """A rating for every open thought."""

    model_config = ConfigDict(extra="forbid")

    ratings: Annotated[tuple[Rating, ...], Field(max_length=KEPT + MOST)]


class Appraise(Faculty):
    """After Inner Thoughts (Liu et al. 2025), evaluation: motivation 1.0-5.0 in tenths, reasons for and against.

    The published code rates a thought once, when it is formed; here kept thoughts are rated again each turn,
    so that one can be spoken when its moment comes.
    """

    name = "appraise"
    phase = "appraise"
    reads = ("thoughts",)
    writes = ("appraisals",)
    instruction = text("appraise.md")
    sampling = Sampling(temperature=0.1)

    def inputs(self, mind: MindState, moment: Moment) -> OpenThoughts | None:
        last = moment.seen.last_spoke
        silent_for = moment.seen.turn - (last if last is not None else 0)
        shown = {label: mind.thoughts[name].text for label, name in moment.labels.items()}
        if not shown and not moment.spec.fused():  # in fused deliberation, thoughts may come in the same reply
            return None
        return OpenThoughts(thoughts=shown, silent_for=silent_for)

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return Ratings

    def question(self, inputs: OpenThoughts) -> str:
        return "How much does each of your open thoughts want to be said now?"

    def update(self, mind: MindState, moment: Moment, inputs: OpenThoughts, reply: Ratings) -> MindUpdate:
        grown = _SILENCE_GAIN ** max(0, inputs.silent_for)
        rated: dict[str, Appraised] = {}
        for rating in reply.ratings:
            name = moment.labels.get(rating.thought)
            if name is not None and mind.thoughts[name].open:
                rated[name] = Appraised(
                    thought=name,
                    motivation=min(5.0, max(1.0, rating.motivation_tenths / 10 * grown)),
                    status="kept" if rating.keep else "dropped",
                    scores={score: getattr(rating, score) for score in (*HEURISTICS, "fills_gap")},
                    reason_for=rating.reason_for or None,
                    reason_against=rating.reason_against or None,
                )
        for thought, why in _overdue(mind, rated, moment):
            before = rated.get(thought.id) or Appraised(thought=thought.id, motivation=thought.motivation)
            rated[thought.id] = before.model_copy(update={"status": "expired", "reason_against": why})
        return MindUpdate(appraisals=list(rated.values()))


def label_open(mind: MindState, turn: int | None = None) -> dict[str, str]:
    """What a prompt calls the open thoughts -> their ids: `K1`, `K2`, ... for the most motivated first. With a `turn`,
    those formed in it are `N1`, ... instead, in their order: not yet appraised, they would rank behind all others."""
    kept = mind.open_thoughts()
    if not kept:
        return {}
    fresh = sorted((thought for thought in kept if thought.turn == turn), key=lambda thought: thought.id)[:MOST]
    names = [thought.id for thought in kept if thought not in fresh][:KEPT]
    new = [thought.id for thought in fresh]
    return dict(zip(KEPT_LABELS, names, strict=False)) | dict(zip(NEW_LABELS, new, strict=False))


def _overdue(mind: MindState, rated: dict[str, Appraised], moment: Moment) -> Iterator[tuple[Thought, str]]:
    """Open thoughts that are too old, and the least motivated beyond what a mind keeps; with the reason."""
    motivation = {name: appraisal.motivation for name, appraisal in rated.items()}
    still = [
        thought for thought in mind.open_thoughts() if thought.id not in rated or rated[thought.id].status == "kept"
    ]
    still.sort(key=lambda thought: (-motivation.get(thought.id, thought.motivation), -thought.turn, thought.id))
    for rank, thought in enumerate(still):
        age = moment.seen.turn - thought.turn
        if rank >= KEPT:
            yield thought, f"no room: {KEPT} others want more to be said"
        elif age > moment.spec.keep_for:
            yield thought, f"stale: unspoken for {age} turns"
