"""From what faculties change to rows of the log; ids are numbered within holder and turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tertulia.mind.state import MindState, MindUpdate
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    Estimator,
    MemoryRow,
    MindDeltaRow,
    RecallRow,
    Row,
    ThoughtRow,
    WorkspaceRow,
)

_KEYS: dict[type[Row], Callable[[Any], tuple[Any, ...]]] = {
    BeliefRow: lambda row: (BeliefRow, row.chain, row.variable, row.value),
    ThoughtRow: lambda row: (ThoughtRow, row.thought),
    AppraisalRow: lambda row: (AppraisalRow, row.thought),
    MemoryRow: lambda row: (MemoryRow, row.memory),
    RecallRow: lambda row: (RecallRow, row.memory),
    WorkspaceRow: lambda row: (WorkspaceRow, row.kind, row.element),
    MindDeltaRow: lambda row: (MindDeltaRow, row.faculty, row.key),
}
"""What tells the rows of one mind in one turn apart."""

SET: Estimator = "set"
"""The estimator of a belief that was set from outside. Restating it is no change, so that it never looks like the
mind's own, which measures would score."""

_SAME = 1e-12
"""Distributions that differ by no more than this in every value are not a change."""


@dataclass(slots=True)
class TurnOfMind:
    """One mind's work in one turn: the state as it stands, and the rows that made it so.

    Rows are kept by key, the last one for a key wins, so that a thought appraised and then spoken is one row.
    """

    episode: str
    turn: int
    state: MindState
    _rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    _thoughts: int = 0
    _memories: int = 0

    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def mark(self, thought: str, status: str) -> None:
        """What became of an open thought when the floor had decided; its appraisal of this turn stays as it is."""
        key = (AppraisalRow, thought)
        held = self.state.thoughts[thought]
        row = self._rows.get(key) or AppraisalRow(
            episode=self.episode, turn=self.turn, holder=self.state.holder, thought=thought,
            status=status, motivation=held.motivation,
        )  # fmt: skip
        assert isinstance(row, AppraisalRow)
        self._rows[key] = row.with_(status=status)
        self.state = self.state.absorb([self._rows[key]])

    def apply(
        self, faculty: str, update: MindUpdate, call: str | None = None, estimator: Estimator = "rules"
    ) -> list[str]:
        """Absorb an update; returns the ids of the thoughts it formed, in their order."""
        fresh = list(self._rows_of(faculty, update, call, estimator))
        moved = {(row.chain, row.variable) for row in fresh if isinstance(row, BeliefRow)}
        if moved:  # a second change in one turn replaces the first, whole
            for key in [k for k in self._rows if k[0] is BeliefRow and (k[1], k[2]) in moved]:
                del self._rows[key]
        for row in fresh:
            self._rows[_KEYS[type(row)](row)] = row
        self.state = self.state.absorb(fresh)
        return [row.thought for row in fresh if isinstance(row, ThoughtRow)]

    def _rows_of(self, faculty: str, update: MindUpdate, call: str | None, estimator: Estimator) -> Iterator[Row]:
        at: dict[str, Any] = {"episode": self.episode, "turn": self.turn, "holder": self.state.holder}
        yield from self._belief_rows(update, at, call, estimator)
        for thought in update.thoughts:
            self._thoughts += 1
            name = f"t{self.turn}.{self._thoughts}"
            yield ThoughtRow.made(
                **at, thought=name, system=thought.system, text=thought.text, stimuli=list(thought.stimuli), call=call
            )
            yield AppraisalRow(**at, thought=name, status="formed", motivation=1.0, call=call)
        for rated in update.appraisals:
            scores: dict[str, Any] = rated.scores
            if rated.thought in self.state.thoughts:
                yield AppraisalRow(
                    **at, thought=rated.thought, status=rated.status, motivation=rated.motivation, call=call,
                    reason_for=rated.reason_for, reason_against=rated.reason_against, **scores,
                )  # fmt: skip
        for memory in update.memories:
            self._memories += 1
            yield MemoryRow.made(
                **at, memory=f"m{self.turn}.{self._memories}", kind=memory.kind, text=memory.text,
                source_event=memory.source_event, weight=memory.weight,
            )  # fmt: skip
        for rank, found in enumerate(update.recalled):
            yield RecallRow.made(
                **at, memory=found.memory, rank=rank, saliency=found.saliency, kind=found.kind, method=found.method
            )
        for rank, element in enumerate(update.workspace):
            yield WorkspaceRow.made(
                **at, kind=element.kind, element=element.ref, rank=rank, score=element.score, selected=element.selected
            )
        for key, value in update.notes.items():
            if self.state.note(faculty, key) != value:
                yield MindDeltaRow.made(**at, faculty=faculty, key=key, value=value)

    def _belief_rows(
        self, update: MindUpdate, at: dict[str, Any], call: str | None, estimator: Estimator
    ) -> Iterator[Row]:
        for change in update.beliefs:
            total = math.fsum(change.weights.values())  # `sum` rounds differently from one Python to the next
            probabilities = {value: weight / total for value, weight in change.weights.items()}
            before = self.state.belief(change.chain, change.variable)
            if before and before.estimator in (estimator, SET) and _same(before.probabilities, probabilities):
                continue
            for value, probability in probabilities.items():
                yield BeliefRow.made(
                    **at, chain=change.chain, variable=change.variable, value=value, probability=probability,
                    estimator=estimator, declared=change.declared, source_event=change.source_event, call=call,
                )  # fmt: skip


def restates(mind: MindState, chain: str, variable: str, probabilities: dict[str, float]) -> bool:
    """Whether a distribution is only what was set from outside, told again."""
    held = mind.belief(chain, variable)
    return held is not None and held.estimator == SET and _same(held.probabilities, probabilities)


def _same(a: dict[str, float], b: dict[str, float]) -> bool:
    return a.keys() == b.keys() and all(abs(a[value] - b[value]) <= _SAME for value in a)
