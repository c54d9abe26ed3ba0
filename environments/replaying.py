"""Replay: a logged episode played again, minds included, with its recorded calls alone. Nothing is sent or written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.backends.rules import RulesModel
from tertulia.agents.caller import StaleTake
from tertulia.agents.recorded import AskedOtherwise, RecordedModel
from tertulia.environments.answering import Totals
from tertulia.environments.differing import (
    OF_A_TURN,
    Difference,
    first_difference,
    plain_json,
    plain_row,
    where_texts_part,
)
from tertulia.environments.people.recorded import RecordedPeople
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.restore import not_forgotten, restore, stage_of
from tertulia.environments.rows_of_stage import outcome_of, seats_of
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.take import TurnWork, open_turn
from tertulia.environments.turn import play_turn
from tertulia.mind.embedding import EMBED
from tertulia.mind.model import LanguageModel, ModelTrouble
from tertulia.mind.probing import NARROWER, PROBE
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, EpisodeRow, ProbeBeliefRow, ProbeRow, Row, TurnRow
from tertulia.storage.statuses import PLAYED_OUT


@dataclass(slots=True)
class Replayed:
    """What came of a replay. No `difference`: everything in the log followed from its scenario, seed and calls."""

    episode: str
    since: int
    """The first turn replayed: 0, or where a fork parted from its parent, whose the turns before are."""
    parent: str | None
    ended: bool
    """Whether the log ends with a closing turn; else it was replayed as far as it goes."""
    turns: int = 0
    """Turns found equal, without the opening and the closing."""
    calls: int = 0
    """Requests of minds that were answered from the log, or anew by rules."""
    requests: int = 0
    """Requests that reached a model: none, as there is nothing here to send them with."""
    difference: Difference | None = None


async def replay(log: Log, episode: str) -> Replayed:
    """Play a logged episode again up to its last turn, and compare every row but for times.

    Raises `NotFound`, `ScenarioError` where its scenario is none in this version, `RestoreError` where the past of a
    fork cannot be put back.
    """
    return await _Replay.of(log, log.episode(episode)).run()


@dataclass(slots=True)
class _Replay:
    log: Log
    row: EpisodeRow
    stage: Stage
    found: Replayed
    totals: Totals = field(default_factory=Totals)
    _calls: list[CallRow] = field(default_factory=list)
    """Those of the turn and take that is replayed."""
    _made: list[RulesModel | RecordedModel] = field(default_factory=list)

    @classmethod
    def of(cls, log: Log, row: EpisodeRow) -> _Replay:
        not_forgotten(log, row, row.head)
        since = 0 if row.parent_turn is None else row.parent_turn + 1
        stage = stage_of(log, row) if since == 0 else restore(log, row, upto=since).stage
        return cls(log, row, stage, Replayed(row.id, since, row.parent_episode, ended=False))

    async def run(self) -> Replayed:
        found = self.found
        logged = {turn.turn: turn for turn in self.log.rows(TurnRow, self.row.id)}
        turns = [logged.get(turn) for turn in range(found.since, self.row.head + 1)]
        found.difference = self._seats()
        for number, turn in enumerate(turns, found.since):
            if found.difference is not None:
                break
            found.difference = await self._turn(turn) if turn else Difference(number, None, "the turn", None, "a turn")
            found.turns += found.difference is None and number > 0 and not (turn and turn.closing)
        found.ended = bool(turns) and turns[-1] is not None and turns[-1].closing
        if found.difference is None and turns and turns[-1] is not None:
            found.difference = self._ending(turns[-1])
        return found

    def _seats(self) -> Difference | None:
        """Whether those at the table are those of the scenario."""
        logged = {row.name: plain_row(row) for row in self.log.participants(self.row.id)}
        seats = {row.name: plain_row(row) for row in seats_of(self.stage)}
        for name in {**seats, **logged}:
            theirs, mine = logged.get(name, {}), seats.get(name, {})
            for column in {**mine, **theirs}:
                if column != "pseudonym" and theirs.get(column) != mine.get(column):
                    what = f"participant {name}: {column}"
                    return Difference(self.found.since, name, what, theirs.get(column), mine.get(column))
        return None

    async def _turn(self, turn: TurnRow) -> Difference | None:
        logged = self._logged(turn)
        if turn.turn == 0:
            return first_difference(0, logged, open_turn(self.stage, "")[1].rows)
        if (difference := self._goes_on(turn)) is not None:
            return difference
        self._made.clear()
        work = TurnWork(
            self.stage, turn.turn, turn.take, self._model_for, closing=turn.closing, embedder_for=self._embedder_for,
            people=RecordedPeople.of(turn, logged),
        )  # fmt: skip
        people = any(seat.model == HUMAN for seat in self.stage.seats.values())
        if people and turn.wall_ms:  # it went by real seconds: where times were not to be kept, there is no wall time
            work.lasted_s = turn.lasted_s
        await play_turn(work)
        if work.failures:
            return self._asked_otherwise(turn, work)
        return first_difference(turn.turn, logged, work.record("").rows) or self._not_asked(turn)

    def _logged(self, turn: TurnRow) -> list[Row]:
        """The rows that this turn committed. Of its calls, those of other takes and of probes put afterwards are none
        of it, and those of models were recorded by themselves."""
        calls = self.log.rows(CallRow, self.row.id, turn=turn.turn)
        self.totals.add(calls)
        scheduled = [probe for probe in self.log.rows(ProbeRow, self.row.id, turn=turn.turn) if probe.scheduled]
        ordinals = {probe.ordinal for probe in scheduled}
        self._calls = [
            call for call in calls
            if call.take == turn.take and (call.purpose != PROBE or call.ordinal % NARROWER in ordinals)
        ]  # fmt: skip
        self.found.calls += len({(call.participant, call.purpose, call.ordinal) for call in self._calls})
        rows: list[Row] = [turn, *scheduled, *(call for call in self._calls if call.uri == RULES)]
        beliefs = self.log.rows(ProbeBeliefRow, self.row.id, turn=turn.turn)
        rows += [row for row in beliefs if row.ordinal in ordinals]
        for kind in OF_A_TURN:
            if kind not in (TurnRow, CallRow, ProbeRow, ProbeBeliefRow):
                rows += self.log.rows(kind, self.row.id, turn=turn.turn)
        return rows

    def _goes_on(self, turn: TurnRow) -> Difference | None:
        """Whether the episode ends before this turn here as it did then."""
        ends = self.stage.ending(turn.turn - 1)
        if (ends is not None) == turn.closing:
            return None
        logged = "the closing turn" if turn.closing else "a turn like others"
        return Difference(turn.turn, None, "the end", logged, f"ended before it: {ends}" if ends else "it goes on")

    def _model_for(self, seat: Seat, turn: int, take: int) -> LanguageModel:
        stage = self.stage
        model: RulesModel | RecordedModel
        if seat.model == RULES:
            model = RulesModel(
                stage.policy, stage.episode, turn, take, seat.name, stage.draw(turn, take, seat.name, RULES)
            )
        else:
            mine = [call for call in self._calls if call.participant == seat.name]
            model = RecordedModel.of(
                mine, uri=seat.model, episode=stage.episode, turn=turn, take=take, participant=seat.name
            )
        self._made.append(model)
        return model

    def _embedder_for(self, seat: Seat, turn: int, take: int) -> LanguageModel:
        mine = [call for call in self._calls if call.participant == seat.name and call.purpose == EMBED]
        model: RecordedModel = RecordedModel.of(
            mine, uri=seat.spec.embeddings or "", episode=self.stage.episode, turn=turn, take=take,
            participant=seat.name,
        )  # fmt: skip
        self._made.append(model)
        return model

    def _asked_otherwise(self, turn: TurnRow, work: TurnWork) -> Difference:
        """The first failure by seat order. Raises one that has nothing to do with what was recorded."""
        order = list(self.stage.seats)
        found = [failure for failure in work.failures if isinstance(failure, AskedOtherwise)]
        unforeseen = [f for f in work.failures if not isinstance(f, AskedOtherwise | ModelTrouble | StaleTake)]
        if unforeseen or not found:
            raise (unforeseen or work.failures)[0]
        first = min(found, key=lambda failure: order.index(failure.participant))
        what, recorded, asked = first.what, first.recorded, first.asked
        if what.startswith("prompt"):
            where, recorded, asked = where_texts_part(recorded, asked)
            what = f"{what}, {where}" if where else what
        return Difference(turn.turn, first.participant, what, recorded, asked)

    def _not_asked(self, turn: TurnRow) -> Difference | None:
        """A recorded call that no mind asked for."""
        asked = {call for model in self._made if isinstance(model, RecordedModel) for call in model.asked}
        left = next((call for call in self._calls if call.uri != RULES and call.call not in asked), None)
        if left is None:
            return None
        what = f"call {left.call}: a request that was not made"
        return Difference(turn.turn, left.participant, what, left.messages, None)

    def _ending(self, last: TurnRow) -> Difference | None:
        """How it ended, against how it ended here."""
        row = self.row
        if not last.closing:
            if row.status not in PLAYED_OUT:
                return None
            return Difference(row.head + 1, None, "the closing turn", None, "it has ended, so there is one")
        rate = self.totals.worst_fallback_rate
        mine: dict[str, Any] = {
            "status": "degraded" if rate > self.stage.scenario.max_fallback_rate else "success",
            "reason": self.stage.ending(last.turn - 1),
            "outcome": plain_json(outcome_of(self.stage, self.stage.state)),
            "reward": self.stage.outcome().reward,
        }
        for column, value in mine.items():
            if getattr(row, column) != value:
                return Difference(last.turn, None, f"episode: {column}", getattr(row, column), value)
        return None
