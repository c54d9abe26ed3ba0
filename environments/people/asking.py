"""Questions that are open at a table: put at a turn's boundary, waited for, taken with the turn or lapsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.environments.people.errors import Unreadable
from tertulia.environments.people.questions import Question, schedule
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.stage import Stage
from tertulia.mind.state import BeliefChange, MindUpdate
from tertulia.storage.rows import ProbeRow, Row
from tertulia.storage.rows_of_people import InboxRow
from tertulia.storage.types import now

if TYPE_CHECKING:
    from tertulia.environments.people.chair import Chair
    from tertulia.environments.take import TurnWork

PERSON = "person"


def believe(work: TurnWork, question: Question, answer: Mapping[str, Any] | None) -> None:
    """An answer becomes what its person believes, as rows of this turn; none changes nothing."""
    weights = question.distribution(answer) if answer else None
    if weights is not None:
        change = BeliefChange(chain=question.chain, variable=question.variable.name, weights=weights)
        work.minds[question.seat].mind.apply(PERSON, MindUpdate(beliefs=[change]), estimator="person")


@dataclass(slots=True)
class _Open:
    question: Question
    since: float
    answer: InboxRow | None = None
    over: bool = False
    """It has gone into its turn, answered or not."""


@dataclass(slots=True)
class Asking:
    """The questions of one episode, as its process leads it. One at most is open at a seat."""

    stage: Stage
    tell: Callable[[Chair, Mapping[str, Any]], None]
    _planned: dict[str, dict[int, Question]] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)

    def ask(self, turn: int, chairs: Iterable[Chair], time: float) -> None:
        """Put what comes before a turn to those who are here."""
        for chair in chairs:
            question = self._plan(chair.seat).get(turn)
            opened = self._open.get(chair.seat)
            if question is None or not chair.here or (opened is not None and opened.question.turn == turn):
                continue
            self._open[chair.seat] = _Open(question, time)
            self.tell(chair, question.message())

    def again(self, chair: Chair) -> None:
        """Put an open question once more to somebody who comes back."""
        opened = self._open.get(chair.seat)
        if opened is not None and opened.answer is None and not opened.over:
            self.tell(chair, opened.question.message())

    def check(self, seat: str, data: Mapping[str, Any]) -> None:
        """Raises `Unreadable` for an answer that is none, or that comes too late."""
        opened = self._open.get(seat)
        if opened is None or opened.over or data.get("question") != opened.question.id:
            raise Unreadable("this question is not open any more")
        if opened.answer is not None:
            raise Unreadable("you have answered this already")
        opened.question.distribution(data)

    def answered(self, row: InboxRow) -> None:
        """An answer that is durable, also one from before the episode was resumed."""
        turn = self.stage.head + 1
        question = self._plan(row.participant).get(turn)
        if question is not None and (row.data or {}).get("question") == question.id:
            opened = self._open.setdefault(row.participant, _Open(question, 0.0))
            if opened.question is not question and opened.question.turn != turn:
                opened = self._open[row.participant] = _Open(question, 0.0)
            opened.answer = row

    def waits_for(self, chairs: Mapping[str, Chair], time: float) -> tuple[tuple[str, ...], float]:
        """Who is still to answer, and for how many seconds the table waits for them."""
        patience = self.stage.scenario.people.answer_s
        left = {
            seat: opened.since + patience - time
            for seat, opened in self._open.items()
            if opened.answer is None and not opened.over and chairs[seat].here
        }
        slow = tuple(seat for seat, seconds in left.items() if seconds > 0)
        return slow, max((left[seat] for seat in slow), default=0.0)

    def take(self, work: TurnWork) -> None:
        """The answers become what their people believe, as rows of this turn; whatever is open is over."""
        for opened in self._open.values():
            if opened.question.turn != work.turn:
                continue
            opened.over = True
            if opened.answer is not None:
                believe(work, opened.question, opened.answer.data)

    def rows(self, work: TurnWork) -> list[Row]:
        """What was asked before this turn, answered or not."""
        people = [name for name, seat in self.stage.seats.items() if seat.model == HUMAN]
        return [
            self._row(opened, len(work.planned) + people.index(seat))
            for seat, opened in self._open.items()
            if opened.question.turn == work.turn
        ]

    def _row(self, opened: _Open, ordinal: int) -> ProbeRow:
        question, data = opened.question, dict(opened.answer.data or {}) if opened.answer is not None else None
        names = question.chain.split(">")
        skipped = data is not None and bool(data.get("skip"))
        error = "no answer came" if data is None else "skipped" if skipped else None
        answer = None if data is None or skipped else {k: data[k] for k in ("choice", "sure", "percent") if k in data}
        return ProbeRow(
            episode=self.stage.episode, turn=question.turn, ordinal=ordinal, participant=question.seat, kind=PERSON,
            about=names[1] if len(names) > 1 else None, question=question.text, answer=answer, error=error,
            scheduled=True, model=HUMAN, created_at=self.stage.stamp(now()), chain=question.chain,
            variable=question.variable.name, options=list(question.options),
        )  # fmt: skip

    def _plan(self, seat: str) -> dict[int, Question]:
        if seat not in self._planned:
            self._planned[seat] = schedule(self.stage, seat)
        return self._planned[seat]
