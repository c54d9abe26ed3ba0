"""What a mind holds: beliefs along chains, thoughts, memories, and what its faculties note for themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tertulia.storage.made import Made
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    Estimator,
    MemoryRow,
    MindDeltaRow,
    RecallRow,
    Row,
    ThoughtRow,
    ThoughtStatus,
)

OPEN: tuple[str, ...] = ("formed", "kept")
"""The statuses of a thought that may still be said."""


class Belief(Made, BaseModel):
    """A probability distribution over a variable along a chain, and where it came from."""

    model_config = ConfigDict(frozen=True)

    chain: str
    variable: str
    probabilities: dict[str, float]
    estimator: str
    declared: bool = True
    turn: int
    source_event: str | None = None
    call: str | None = None

    @property
    def mode(self) -> str:
        """The likeliest value; the first by name among equals."""
        return min(self.probabilities, key=lambda value: (-self.probabilities[value], value))


class Thought(Made, BaseModel):
    """A private candidate contribution. `motivation` (1.0-5.0) is that of its latest appraisal."""

    model_config = ConfigDict(frozen=True)

    id: str
    system: int
    text: str
    stimuli: tuple[str, ...] = ()
    turn: int
    status: str = "formed"
    motivation: float = 1.0
    accessed: int = 0
    """The turn in which it last came to mind; that of its forming, at first."""

    @property
    def open(self) -> bool:
        return self.status in OPEN


class Memory(Made, BaseModel):
    """Something kept: `episodic` (lived through) or `semantic` (known)."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    text: str
    turn: int
    source_event: str | None = None
    weight: float = 1.0
    accessed: int = 0
    """The turn in which it last came to mind; that in which it was kept, at first."""


class MindState(Made, BaseModel):
    """All a participant's mind holds between turns. JSON-exact both ways; changed only by absorbing logged rows."""

    model_config = ConfigDict(frozen=True)

    holder: str
    beliefs: dict[str, Belief] = Field(default_factory=dict)
    """By `chain|variable`."""
    thoughts: dict[str, Thought] = Field(default_factory=dict)
    memories: dict[str, Memory] = Field(default_factory=dict)
    notes: dict[str, Any] = Field(default_factory=dict)
    """By `faculty/key`."""

    def belief(self, chain: str, variable: str) -> Belief | None:
        return self.beliefs.get(f"{chain}|{variable}")

    def open_thoughts(self) -> list[Thought]:
        """Thoughts that may still be said, the most motivated first, then the youngest."""
        still = [thought for thought in self.thoughts.values() if thought.open]
        return sorted(still, key=lambda thought: (-thought.motivation, -thought.turn, thought.id))

    def note(self, faculty: str, key: str) -> Any:
        return self.notes.get(f"{faculty}/{key}")

    def absorb(self, rows: Iterable[Row]) -> MindState:
        """The state after these rows of its own, in order. Rows of other kinds or other holders change nothing.

        This is the only way a mind changes, live or folded from the log; so the two are equal.
        """
        beliefs, thoughts = dict(self.beliefs), dict(self.thoughts)
        memories, notes = dict(self.memories), dict(self.notes)
        touched: set[tuple[str, int]] = set()
        row: Any
        for row in rows:
            if getattr(row, "holder", None) != self.holder:
                continue
            kind = type(row)
            if kind is BeliefRow:
                key = f"{row.chain}|{row.variable}"
                fresh = (key, row.turn) not in touched
                touched.add((key, row.turn))
                beliefs[key] = _with_value(None if fresh else beliefs.get(key), row)
            elif kind is ThoughtRow:
                thoughts[row.thought] = Thought.made(
                    id=row.thought, system=row.system, text=row.text, stimuli=tuple(row.stimuli), turn=row.turn,
                    accessed=row.turn,
                )  # fmt: skip
            elif kind is AppraisalRow:
                thoughts[row.thought] = thoughts[row.thought].with_(status=row.status, motivation=row.motivation)
            elif kind is MemoryRow:
                memories[row.memory] = Memory.made(
                    id=row.memory, kind=row.kind, text=row.text, turn=row.turn,
                    source_event=row.source_event, weight=row.weight, accessed=row.turn,
                )  # fmt: skip
            elif kind is RecallRow:
                _came_up(thoughts if row.kind == "thought" else memories, row)
            elif kind is MindDeltaRow:
                notes[f"{row.faculty}/{row.key}"] = row.value
        return MindState.made(holder=self.holder, beliefs=beliefs, thoughts=thoughts, memories=memories, notes=notes)


def _came_up(held: dict[str, Any], row: RecallRow) -> None:
    held[row.memory] = held[row.memory].with_(accessed=row.turn)


def _with_value(before: Belief | None, row: BeliefRow) -> Belief:
    probabilities = {**(before.probabilities if before else {}), row.value: row.probability}
    return Belief.made(
        chain=row.chain, variable=row.variable, probabilities=probabilities, estimator=row.estimator,
        declared=row.declared, turn=row.turn, source_event=row.source_event, call=row.call,
    )  # fmt: skip


_FOLD_ORDER: dict[type[Row], int] = {
    BeliefRow: 0,
    ThoughtRow: 1,
    AppraisalRow: 2,
    MemoryRow: 3,
    RecallRow: 4,
    MindDeltaRow: 5,
}


def fold(holder: str, rows: Iterable[Row]) -> MindState:
    """The mind of `holder` after all these logged rows, in whatever order they were read."""
    own = [row for row in rows if type(row) in _FOLD_ORDER and getattr(row, "holder", None) == holder]
    return MindState(holder=holder).absorb(sorted(own, key=_fold_key))


def _fold_key(row: Any) -> tuple[int, int]:
    return row.turn, _FOLD_ORDER[type(row)]


class BeliefChange(BaseModel):
    """A new distribution along a chain; weights need not sum to one, but are not all zero."""

    chain: str
    variable: str
    weights: dict[str, float]
    declared: bool = True
    source_event: str | None = None


class NewThought(BaseModel):
    """A thought just formed."""

    system: int
    text: str
    stimuli: tuple[str, ...] = ()


class Appraised(BaseModel):
    """How much a thought wants to be said now, and what becomes of it; `scores` are named as the columns are."""

    thought: str
    motivation: float
    status: ThoughtStatus = "kept"
    scores: dict[str, float] = Field(default_factory=dict)
    reason_for: str | None = None
    reason_against: str | None = None


class NewMemory(Made, BaseModel):
    """Something to keep."""

    kind: str
    text: str
    source_event: str | None = None
    weight: float = 1.0


class Recalled(BaseModel):
    """A memory or an earlier thought that came to mind, with its saliency (0-1) and how it was found (`method`)."""

    memory: str
    """Its id."""
    saliency: float
    kind: Literal["memory", "thought"] = "memory"
    method: str = "lexical"


class Element(BaseModel):
    """An inner element that stood for the workspace: `kind` is `belief`, `memory` or `thought`; score 0-1."""

    kind: str
    ref: str
    text: str
    score: float
    selected: bool = False


class MindUpdate(Made, BaseModel):
    """What one faculty changes in one turn."""

    beliefs: list[BeliefChange] = Field(default_factory=list)
    thoughts: list[NewThought] = Field(default_factory=list)
    appraisals: list[Appraised] = Field(default_factory=list)
    memories: list[NewMemory] = Field(default_factory=list)
    recalled: list[Recalled] = Field(default_factory=list)
    workspace: list[Element] = Field(default_factory=list)
    ends_turn: bool = False
    """The mind gives this turn away, whatever else is on it."""
    notes: dict[str, Any] = Field(default_factory=dict)


class Intent(Made, BaseModel):
    """What a mind wants of the floor once it has deliberated. `act` is a draft, where one was asked for already."""

    wants: bool
    volunteers: bool = False
    interrupts: bool = False
    """Is motivated enough to take a floor that was given to another."""
    motivation: float | None = None
    """None for a mind that does not want the floor."""
    thought: str | None = None
    addressee: str | None = None
    reason: str = ""
    act: Any = None


__all__ = [
    "OPEN", "Appraised", "Belief", "BeliefChange", "Element", "Estimator", "Intent", "Memory", "MindState",
    "MindUpdate", "NewMemory", "NewThought", "Recalled", "Thought", "fold",
]  # fmt: skip
