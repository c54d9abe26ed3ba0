"""Questions to the minds of an episode that has been played, at any of its turns: nothing of it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.backends.rules import RulesModel
from tertulia.agents.caller import RetryPolicy, SeatModel
from tertulia.agents.registry import Backends, parse_uri
from tertulia.environments.answering import backend_of
from tertulia.environments.people.local import keep_words_local
from tertulia.environments.people.questions import reserved
from tertulia.environments.probes import Probed, believable, due, put
from tertulia.environments.restore import restore
from tertulia.environments.scenario.probes import Planned
from tertulia.environments.stage import Seat, Stage
from tertulia.mind.probing import NARROWER, PROBE
from tertulia.storage.lease import is_dead
from tertulia.storage.log import Duplicate, LeaseHeld, Log
from tertulia.storage.rows import CallRow, EpisodeRow, ProbeRow, Row, TurnRow
from tertulia.storage.statuses import ENDED
from tertulia.storage.types import now

_ATTEMPTS = 9
"""So often a question is put again with another ordinal, where somebody else who asks at the same turn had its own."""


class ProbeError(Exception):
    """Something that cannot be asked; one line that says what would be right."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """The ledger of probes put afterwards: they belong to no turn, so no lease guards them."""

    log: Log

    def recorded(self, purpose: str, ordinal: int) -> list[CallRow]:
        return []

    def record(self, row: CallRow) -> Awaitable[None]:
        return self.log.record_call(row)


@dataclass(slots=True)
class Interview:
    """An episode as it stood before one of its turns, to put questions to copies of its minds.

    Make one with `open_interview`.
    """

    log: Log
    stage: Stage
    turn: int
    take: int
    first: int
    """The ordinal of the next probe of the turn: above those the scenario asks there, and those asked before."""

    @property
    def cast(self) -> tuple[str, ...]:
        """All participants, by seat order."""
        return tuple(self.stage.seats)

    async def ask(
        self, asked: Sequence[Planned], *, backends: Backends, model: str | None = None, repeat: int = 1,
        retry: RetryPolicy | None = None,
    ) -> list[Probed]:  # fmt: skip
        """Put all questions, each `repeat` times with seeds of its own, and write down what came of them.

        `model` asks another model than the seat's. Raises `ProbeError`, `ModelURIError`, and `ModelTrouble` once what
        the others answered is in the log.
        """
        if model is not None:
            parse_uri(model)
        row = self.log.episode(self.stage.episode)
        keep_words_local(self.log, row, self.stage.scenario, backends, *([model] if model is not None else []))
        whole = [one for one in asked for _ in range(repeat)]
        self._check(whole)
        answered: list[Probed] = []
        for attempt in range(_ATTEMPTS):
            found = await self._put_all(whole, backends, model, retry or RetryPolicy())
            answered += [one for one in found if isinstance(one, Probed)]
            trouble = next((one for one in found if not isinstance(one, Probed | Duplicate)), None)
            taken = next((one for one in found if isinstance(one, Duplicate)), None)
            if trouble is None and taken is None:
                break
            if trouble is not None or attempt == _ATTEMPTS - 1:
                raise trouble or cast(Duplicate, taken)
            whole = [asked for asked, one in zip(whole, found, strict=True) if isinstance(one, Duplicate)]
            self.first = max(self.first, _first_free(self.log, self.stage, self.turn))
        return sorted(answered, key=lambda one: one.row.ordinal)

    async def _put_all(
        self, asked: Sequence[Planned], backends: Backends, model: str | None, retry: RetryPolicy
    ) -> list[Probed | BaseException]:
        """What came of each. `Duplicate` where somebody else asks at this turn as well and took the ordinal first."""
        put_each = [
            self._put(one, ordinal, backends, model, retry) for ordinal, one in enumerate(asked, self.first)
        ]  # fmt: skip
        self.first += len(asked)
        found = await asyncio.gather(*put_each, return_exceptions=True)
        rows: list[Row] = [row for one in found if isinstance(one, tuple) for row in (*one[0].rows(), *one[1])]
        try:
            if rows:
                await self.log.record(rows)
        except Duplicate as taken:
            return [taken if isinstance(one, tuple) else one for one in found]
        return [one[0] if isinstance(one, tuple) else one for one in found]

    def _check(self, asked: Sequence[Planned]) -> None:
        for one in asked:
            if one.kind == "beliefs" and not believable(self.stage, one.participant):
                raise ProbeError(f"there are no variables {one.participant} could hold beliefs about; ask in words")

    async def _put(
        self, planned: Planned, ordinal: int, backends: Backends, model: str | None, retry: RetryPolicy
    ) -> tuple[Probed, list[CallRow]]:
        """One probe, and those of its calls that are not in the log yet: calls answered by rules."""
        seat = self.stage.seats[planned.participant]
        seat = seat if model is None else replace(seat, model=model)
        answers = self._model(seat, backends, retry)
        of_turn = {"turn": self.turn, "take": self.take, "ordinal": ordinal}
        probed = await put(self.stage, seat, planned, answers, **of_turn, scheduled=False)
        return probed, answers.rows if isinstance(answers, RulesModel) else []

    def _model(self, seat: Seat, backends: Backends, retry: RetryPolicy) -> RulesModel | SeatModel:
        stage, at = self.stage, (self.turn, self.take)
        if seat.model == RULES:
            return RulesModel(stage.policy, stage.episode, *at, seat.name, stage.draw(*at, seat.name, PROBE))
        return SeatModel(
            backend_of(backends, seat.model), uri=seat.model, episode=stage.episode, turn=self.turn, take=self.take,
            participant=seat.name, ledger=_Beside(self.log), limiter=backends.limiter(seat.model), retry=retry,
        )  # fmt: skip


def open_interview(log: Log, episode: str, turn: int | None = None) -> Interview:
    """Put an episode back as it stood before `turn`; without one, as it stands after its last turn.

    Raises `NotFound`, `LeaseHeld` for an episode that is being played now, `ProbeError` for a turn there is not, and
    `RestoreError`.
    """
    row = log.episode(episode)
    _not_being_played(row)
    after = row.head + 1
    if after < 1:
        raise ProbeError(f"episode {row.id} has no turn yet; nobody in it has seen anything")
    at = after if turn is None else turn
    if not 1 <= at <= after:
        raise ProbeError(
            f"turn {at}: episode {row.id} has turns 1 to {row.head}, and {after} for how it stands at last"
        )
    stage = restore(log, row, upto=at).stage
    take = next((found.take for found in log.rows(TurnRow, row.id, turn=at)), 0)
    return Interview(log, stage, at, take, _first_free(log, stage, at))


def _not_being_played(row: EpisodeRow) -> None:
    if row.status in ENDED or row.lease is None or row.lease_until is None or is_dead(row.lease):
        return
    left_s = (row.lease_until - now()).total_seconds()
    if left_s > 0:
        raise LeaseHeld(f"episode {row.id} is being played now; ask once it has paused or ended")


def _first_free(log: Log, stage: Stage, turn: int) -> int:
    """No ordinal is used twice, nor one that the scenario's own probes of the turn have or will have on a resume."""
    taken = [row.ordinal for row in log.rows(ProbeRow, stage.episode, turn=turn)]
    taken += [row.ordinal % NARROWER for row in log.rows(CallRow, stage.episode, turn=turn, purpose=PROBE)]
    return max([len(due(stage, turn)) + reserved(stage) - 1, *taken]) + 1
