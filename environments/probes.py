"""Probes as they are put: which are due at a turn, and one question to one copied mind as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tertulia.environments.scenario.probes import Planned, beliefs_of, planned_by
from tertulia.environments.stage import Seat, Stage
from tertulia.mind.faculty import Moment
from tertulia.mind.model import LanguageModel
from tertulia.mind.probing import CopiedMind, Question, Told, with_believe
from tertulia.mind.rows import SET, restates
from tertulia.storage.rows import ProbeBeliefRow, ProbeRow, Row, Variable
from tertulia.storage.seen import Seen
from tertulia.storage.types import escape_text, now


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of one probe."""

    row: ProbeRow
    beliefs: list[ProbeBeliefRow] = field(default_factory=list)

    def rows(self) -> list[Row]:
        return [self.row, *self.beliefs]


def due(stage: Stage, turn: int) -> list[Planned]:
    """What the scenario asks out of band at a turn; a probe's place in this list is its ordinal.

    Depends on scenario and turn alone, so that a resumed turn asks the same. Where there is nothing to believe,
    nobody is asked for beliefs.
    """
    scenario, cast = stage.scenario, tuple(stage.seats)
    found = [beliefs_of(name) for name in cast] if scenario.elicit == "probe" and turn > 0 else []
    for spec in scenario.probes:
        if spec.is_due(turn):
            found += planned_by(spec, cast)
    empty = {name for name in cast if not believable(stage, name)}
    return [one for one in dict.fromkeys(found) if one.kind != "beliefs" or one.participant not in empty]


def believable(stage: Stage, name: str) -> tuple[Variable, ...]:
    """The variables `name` can hold beliefs about, whether or not its mind is told of them."""
    return tuple(variable for variable in stage.variables if variable.holder in (None, name))


async def put(
    stage: Stage, seat: Seat, planned: Planned, model: LanguageModel,
    *, turn: int, take: int, ordinal: int, scheduled: bool,
) -> Probed:  # fmt: skip
    """Ask a copy of a seat's mind, as it stands before it deliberates at `turn`. Nothing of the stage changes.

    Raises `ModelTrouble` and `StaleTake`.
    """
    seen = stage.seen_by(seat.name, turn)
    wide = seen.model_copy(update={"variables": believable(stage, seat.name), "order": planned.order or seen.order})
    told = await _asked(stage, seat, planned, model, seen, wide, take, ordinal)
    of_row: dict[str, Any] = {"episode": stage.episode, "turn": turn, "ordinal": ordinal}
    failed = told.answer is None and not told.beliefs and bool(told.reason)
    row = ProbeRow(
        **of_row, participant=seat.name, kind=planned.kind, about=planned.about, question=_question(planned),
        answer=None if failed else _answer(planned, told), error=told.reason if failed else None, scheduled=scheduled,
        model=seat.model, call=told.call, created_at=stage.stamp(now()),
    )  # fmt: skip
    held = stage.mind_at(seat.name, turn).state
    beliefs = [
        ProbeBeliefRow(
            **of_row, holder=seat.name, chain=one.chain, variable=one.variable, value=value, probability=probability,
            estimator=SET if restates(held, one.chain, one.variable, one.probabilities) else told.estimator,
        )
        for one in told.beliefs
        if one.declared
        for value, probability in one.probabilities.items()
    ]  # fmt: skip
    return Probed(row, beliefs)


async def _asked(
    stage: Stage, seat: Seat, planned: Planned, model: LanguageModel, seen: Seen, wide: Seen, take: int, ordinal: int
) -> Told:
    asks_beliefs = planned.kind == "beliefs"
    moment = Moment(
        seen=wide if asks_beliefs else seen,
        spec=seat.spec,
        legal=None,
        draw=partial(stage.draw, seen.turn, take, seat.name),
    )
    mind = stage.mind_at(seat.name, seen.turn)
    instructed: Sequence[Any] = with_believe(seat.faculties) if asks_beliefs else seat.faculties
    copy = CopiedMind(
        mind, moment, seat.faculties, model, instructed=instructed, ordinal=ordinal, types=stage.types
    )  # fmt: skip
    if asks_beliefs:
        return await copy.beliefs()
    others = tuple(name for name in seen.cast if name != seat.name)
    question = Question(
        holder=seat.name, others=others, text=planned.question, about=planned.about, choices=planned.choices,
        variables=list(wide.variables),
    )  # fmt: skip
    return await copy.answer(question, wide)


def _question(planned: Planned) -> str:
    return f"{planned.question} (one of: {', '.join(planned.choices)})" if planned.choices else planned.question


def _answer(planned: Planned, told: Told) -> Any:
    """Words, or what was stated: how many distributions, and the propositions that no variable names."""
    if planned.kind == "ask":
        return None if told.answer is None else escape_text(told.answer)  # as text columns are, so that SQL can read it
    open_ones = {escape_text(one.variable): one.probabilities["true"] for one in told.beliefs if not one.declared}
    return {"distributions": sum(one.declared for one in told.beliefs), "propositions": open_ones}
