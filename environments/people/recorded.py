"""The people of a logged turn, for its replay: they do again what they did then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from tertulia.environments.people.asking import PERSON, believe
from tertulia.environments.people.questions import question_of
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.take import TurnWork
from tertulia.environments.world import Action
from tertulia.mind.state import Intent
from tertulia.storage.rows import BidRow, ProbeRow, Row, TurnRow

CUT_OFF = ", but was cut off by "
"""In the reason of a bid: what the speaker did not get to the end of."""


@dataclass(frozen=True, slots=True)
class RecordedPeople:
    """What people did in one turn is given, like the replies of models; what follows from it is played again."""

    turn: TurnRow
    bids: dict[str, BidRow]
    asked: tuple[ProbeRow, ...] = ()
    """What people were asked before the turn, with what they answered."""

    @classmethod
    def of(cls, turn: TurnRow, logged: Iterable[Row]) -> RecordedPeople:
        """From all rows of a turn."""
        rows = list(logged)
        asked = tuple(row for row in rows if isinstance(row, ProbeRow) and row.kind == PERSON)
        return cls(turn, {row.participant: row for row in rows if isinstance(row, BidRow)}, asked)

    async def settle(self, work: TurnWork) -> None:
        """Everybody bids as then. What was sent and did not win is in the inbox; that it was there is in the bid."""
        for row in self.asked:
            believe(work, question_of(row, work.stage), row.answer)
        for name, seat in work.stage.seats.items():
            bid = self.bids.get(name)
            if seat.model != HUMAN or bid is None:
                continue
            done = work.minds[name]
            done.act = self._act(work, name)
            done.intent = Intent(
                wants=bid.wants, volunteers=bid.volunteers, interrupts=bid.interrupts, motivation=bid.motivation,
                addressee=bid.addressee, reason="" if bid.wants else bid.reason, act=done.act,
            )  # fmt: skip

    async def deliver(self, work: TurnWork) -> None:
        """Who was cut off is cut off at the same word. Its bid has the reason it won, which is known here again, and
        after it nothing but this: a reason that a moderator gave may tell of somebody who was cut off, too."""
        for name in work.award.admitted:
            bid, won = self.bids.get(name), work.award.reasons[name]
            by = bid.reason.removeprefix(won + CUT_OFF) if bid is not None else ""
            if bid is not None and by in work.stage.seats and bid.reason == f"{won}{CUT_OFF}{by}":
                work.minds[name].act, work.minds[name].cut_off = self._act(work, name), True
                work.award.reasons[name] = bid.reason

    def rows(self, work: TurnWork) -> list[Row]:
        """What people were asked is given, too."""
        return [*self.asked]

    def committed(self, work: TurnWork) -> None:
        """Nobody is shown anything."""

    def taken(self, work: TurnWork) -> tuple[list[int], dict[int, str]]:
        """Nothing: a replay writes nothing."""
        return [], {}

    def _act(self, work: TurnWork, name: str) -> Action | None:
        raw, legal = self.turn.actions.get(name), work.stage.legal(name)
        return None if raw is None or legal is None else cast(Action, legal.model_validate(raw).root)
