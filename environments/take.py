"""One take of one turn: what its minds, its people and the floor came to, and the rows it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tertulia.environments.floor import Award, Bid, weigh
from tertulia.environments.floor.asking import FloorModel
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.probes import Probed, due
from tertulia.environments.scenario.probes import Planned
from tertulia.environments.seeing import Happened
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.world import Action
from tertulia.mind.deliberate import Deliberation
from tertulia.mind.model import LanguageModel
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.state import Intent
from tertulia.storage.record import TurnRecord
from tertulia.storage.rows import BidRow, CallRow, Row, TurnRow
from tertulia.storage.types import now


@dataclass(slots=True)
class Deliberated:
    """One mind's turn: what it did, what it wants, or why it could not."""

    mind: TurnOfMind
    work: Deliberation | None
    """None for a person, who thinks elsewhere."""
    intent: Intent
    act: Action | None = None
    cut_off: bool = False
    """Somebody spoke before it was all said."""


class People(Protocol):
    """The people of an episode, as its turns need them; `environments.people.table.Table` is one."""

    async def settle(self, work: TurnWork) -> None:
        """Wait until the floor can be given, and put the intents of those who sent something into `work.minds`."""
        ...

    async def deliver(self, work: TurnWork) -> None:
        """Let people hear what is about to be said; they may cut it off, which changes the act in `work.minds`."""
        ...

    def taken(self, work: TurnWork) -> tuple[list[int], dict[int, str]]:
        """The rows of the inbox, by ordinal, that this turn takes up; and why some of them were not done."""
        ...

    def rows(self, work: TurnWork) -> list[Row]:
        """What people were asked before this turn, ready to be committed with it."""
        ...

    def committed(self, work: TurnWork) -> None:
        """The turn is in the log: show everybody what they witnessed of it."""
        ...


@dataclass(slots=True)
class TurnWork:
    """One take of one turn, as the nodes of the graph share it. The graph's own state holds names alone."""

    stage: Stage
    turn: int
    take: int
    model_for: Callable[[Seat, int, int], LanguageModel]
    closing: bool = False
    embedder_for: Callable[[Seat, int, int], LanguageModel] | None = None
    """What answers requests for embeddings, for seats whose minds have them."""
    people: People | None = None
    begun: dict[str, Deliberation] = field(default_factory=dict)
    """The work of each mind, from its beginning."""
    minds: dict[str, Deliberated] = field(default_factory=dict)
    """Those that came to the end of it."""
    planned: list[Planned] = field(init=False)
    """What the scenario asks copied minds at this turn, by ordinal."""
    probed: dict[int, tuple[Probed, LanguageModel]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    award: Award = field(default_factory=lambda: Award((), {}))
    bids: list[Bid] = field(default_factory=list)
    """As the floor weighed them, in seat order."""
    floor: FloorModel = field(init=False)
    """Whoever answers what the floor asks."""
    lasted_s: float | None = None
    """How long the turn takes in seconds: real ones where people play; without it, that is simulated."""
    clock_s: float = field(init=False)
    """When it begins on the conversation's clock."""
    events: list[Happened] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    started_at: datetime = field(default_factory=now)
    clock: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.planned = due(self.stage, self.turn)
        self.clock_s = self.stage.clock_s
        self.floor = FloorModel(self.stage, self.turn, self.take, self.model_for)

    def record(self, lease: str) -> TurnRecord:
        """All rows of this turn, ready to be committed."""
        stage = self.stage
        acts = {name: self.minds[name].act for name in self.award.admitted if self.minds[name].act is not None}
        record = TurnRecord(stage.episode, self.turn, self.take, lease)
        if self.people is not None:
            record.taken, record.refused = self.people.taken(self)
        record.rows.append(
            TurnRow.made(
                episode=stage.episode, turn=self.turn, take=self.take, policy=stage.scenario.turns.policy,
                actions={name: act.model_dump(mode="json") for name, act in acts.items() if act is not None},
                silent=not acts, closing=self.closing, state_hash=stage.state_hash(),
                started_at=stage.stamp(self.started_at),
                wall_ms=0.0 if stage.hours_only else 1000 * (time.perf_counter() - self.clock),
                clock_s=self.clock_s, lasted_s=0.0 if self.closing else stage.lasted_s,
            )
        )  # fmt: skip
        for one in self.events:
            record.add(one.rows())
        record.add(self.rows)
        for name in stage.seats:
            if name in self.minds:
                record.add(self.minds[name].mind.rows())
                if (mind := self.minds[name].work) is not None:
                    record.add(_calls_of(mind.model, stage))
        record.add(self._bid_row(bid) for bid in self.bids)
        record.add(_calls_of(self.floor.model, stage))
        for _, (probed, model) in sorted(self.probed.items(), key=lambda item: item[0]):
            record.add(probed.rows())
            record.add(_calls_of(model, stage))
        if self.people is not None:
            record.add(self.people.rows(self))
        return record

    def _bid_row(self, bid: Bid) -> BidRow:
        """A bid as the mind made it, with what the floor made of it."""
        name, intent = bid.participant, self.minds[bid.participant].intent
        return BidRow.made(
            episode=self.stage.episode, turn=self.turn, participant=name, wants=bid.wants,
            volunteers=intent.volunteers, interrupts=intent.interrupts, motivation=bid.motivation,
            strength=bid.strength, thought=bid.thought, addressee=bid.addressee, won=name in self.award.admitted,
            reason=self.award.reasons.get(name, ""), interrupted=name in self.award.interrupted,
        )  # fmt: skip


def open_turn(stage: Stage, lease: str) -> tuple[list[Happened], TurnRecord]:
    """Turn 0: the stage is set up. Its events, and all rows, ready to be committed."""
    events, rows = stage.open()
    record = TurnRecord(stage.episode, 0, 0, lease)
    record.rows.append(
        TurnRow(
            episode=stage.episode, turn=0, policy=stage.scenario.turns.policy, silent=True,
            state_hash=stage.state_hash(), started_at=stage.stamp(now()), clock_s=0.0, lasted_s=0.0,
        )
    )  # fmt: skip
    for one in events:
        record.add(one.rows())
    record.add(rows)
    return events, record


def _calls_of(model: Any, stage: Stage) -> list[CallRow]:
    """Calls that were not recorded by themselves when they were made: those answered by rules."""
    rows = [row for row in getattr(model, "rows", ()) if row.uri == "rules"]
    if not stage.hours_only:
        return rows
    return [row.model_copy(update={"started_at": stage.stamp(row.started_at)}) for row in rows]


def weighed(work: TurnWork) -> list[Bid]:
    """What everybody wants of the floor as things stand, in seat order, with what holds some of them back."""
    stage, turns = work.stage, work.stage.scenario.turns
    return weigh(
        [_bid(stage.seats[name], work.minds[name].intent) for name in stage.seats], turn=work.turn, policy=turns.policy,
        last_spoke=stage.eyes.last_spoke, addressed=stage.called(), cooldown=turns.cooldown,
        standings=stage.standings if turns.normalise else None,
    )  # fmt: skip


def _bid(seat: Seat, intent: Intent) -> Bid:
    return Bid.made(
        participant=seat.name, person=seat.model == HUMAN, wants=intent.wants, volunteers=intent.volunteers,
        interrupts=intent.interrupts,
        motivation=intent.motivation, strength=intent.motivation, thought=intent.thought, addressee=intent.addressee,
        reason=intent.reason,
    )  # fmt: skip
