"""The table: the people of an episode while one process leads it. What they send is durable before it counts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tertulia.environments.people.asking import Asking
from tertulia.environments.people.chair import Chair, Hear
from tertulia.environments.people.errors import Unreadable, Withdrawn
from tertulia.environments.people.pace import Pace, Waiting
from tertulia.environments.people.pseudonyms import new_pseudonym
from tertulia.environments.people.reading import SPEECH, read_act
from tertulia.environments.people.reception import CONSENT, Reception
from tertulia.environments.people.sight import past_of, turn_of, veiled, waits_for
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.stage import Stage
from tertulia.environments.take import TurnWork
from tertulia.environments.world import Action, Pass
from tertulia.mind.state import Intent
from tertulia.storage.log import Log
from tertulia.storage.rows import ParticipantRow, Row
from tertulia.storage.rows_of_people import InboxRow
from tertulia.storage.types import now

__all__ = ["Table", "Withdrawn"]

MOST_UNSAID = 20
"""How much a person may have sent that no turn has taken up yet."""


class Table:
    """Where people and an episode meet: front ends hand in what is typed, the episode waits, asks, and shows.

    Use it from one event loop. `sit`, `hand_in`, `types` and `stand_up` are for front ends; the rest is the episode's.
    """

    def __init__(self, chairs: Mapping[str, Chair] | None = None) -> None:
        """`chairs` holds, by seat, what is known of people beforehand; seats without one get a chair of their own."""
        self.chairs: dict[str, Chair] = dict(chairs or {})
        self._stage: Stage | None = None
        self._log: Log | None = None
        self._next = 0
        self._woken = asyncio.Event()
        self._orders: list[InboxRow] = []
        """What was sent and is no act: taken by the next turn, whatever happens in it."""
        self._taking: list[int] = []
        """What the turn that is being committed takes up."""
        self._refused: dict[int, str] = {}
        """What will not be said after all, by ordinal, and why."""
        self.when_withdrawn: Callable[[], object] = lambda: None
        """Done as soon as somebody withdraws: nobody waits for minds whose thoughts nobody will hear."""
        self._hands: dict[str, tuple[InboxRow, Action]] = {}
        self._quiet_since = 0.0
        self._waiting: Waiting | None = None
        self._withdrawn: str | None = None
        self._reception: Reception | None = None
        self._asking: Asking | None = None

    # what front ends do

    def sit(self, seat: str, hear: Hear) -> Chair:
        """Somebody takes the seat, or takes it again; `hear` gets what happened so far as its first message."""
        chair = self.chairs[seat]
        chair.here, chair.came, chair.hear, chair.typed_at = not chair.left, True, hear, None
        self._welcome(chair)
        self._wake()
        return chair

    def stand_up(self, seat: str, *, watches: bool = False) -> None:
        """The seat is silent from now on: its person left, or its connection is lost. Who `watches` is still shown
        what its participant witnesses."""
        chair = self.chairs[seat]
        chair.here, chair.typed_at = False, None
        if not watches:
            chair.hear = None
        self._wake()

    def types(self, seat: str, typing: bool) -> None:
        """Somebody pressed a key, or has nothing unsent any more. Never what: drafts are nobody's business."""
        chair = self.chairs[seat]
        began = chair.typed_at is None
        chair.typed_at = self.time() if typing else None
        chair.overrun = chair.overrun and typing
        if began or not typing:
            self._wake()

    async def hand_in(
        self, seat: str, kind: str, text: str = "", data: dict[str, Any] | None = None, composed_ms: float | None = None
    ) -> InboxRow:
        """Something a person sent; durable when this returns. Raises `Unreadable` for what cannot be.

        `consent` (`agreed`, `times`) and the `answer` to a form (`form`, `answers`) have rows of their own; the one
        that is given back for them is not in the log. The `answer` to a `question` goes into the next turn.
        """
        chair = self.chairs[seat]
        if self._stage is None or self._log is None:
            raise Unreadable("it has not begun yet")
        if (received := await self._received(chair, kind, data or {})) is not None:
            return received
        row = InboxRow(
            episode=self._stage.episode, ordinal=self._next, participant=seat, kind=kind, text=text, data=data,
            arrived_at=now() if chair.keeps_times else None, composed_ms=composed_ms if chair.keeps_times else None,
        )  # fmt: skip
        if kind in SPEECH:
            if chair.left:
                raise Unreadable("you have left; /rejoin to take part again")
            if len(chair.sent) >= MOST_UNSAID:
                raise Unreadable(f"{len(chair.sent)} things that you sent wait to be said; wait for the others")
            read_act(self._stage, seat, row)
        elif kind == "answer" and self._asking is not None:
            self._asking.check(seat, data or {})
        elif kind == "withdraw":
            await self._log.withdraw(self._stage.episode, seat)
        self._next += 1
        await self._log.record([row])
        chair.typed_at, chair.overrun = None, False
        if kind == "leave":
            chair.left = True
            self.stand_up(seat, watches=True)
        elif kind == "rejoin":
            chair.left, chair.here = False, True
        self._arrived(row)
        self._wake()
        return row

    def take_back(self, seat: str) -> str | None:
        """Take back what this person sent last, where it has not been said yet: its words, or None."""
        chair = self.chairs[seat]
        if not chair.sent:
            return None
        row = chair.sent.pop()
        self._hands.pop(seat, None)
        self._drop(row, "taken back")
        return row.text

    def unsaid(self, seat: str) -> list[str]:
        """What this person sent and no turn has taken up, oldest first."""
        return [row.text for row in self.chairs[seat].sent if row.text]

    def withdrawn(self) -> Withdrawn | None:
        """Who has withdrawn, if somebody has."""
        return None if self._withdrawn is None else Withdrawn(self._withdrawn)

    # what the episode does

    def open(self, stage: Stage, log: Log, words_go_to: Sequence[str] = ()) -> None:
        """The episode begins or goes on: what was sent and not taken before it stopped is still there.

        `words_go_to` says, in lines, where what people say will go.
        """
        self._stage, self._log = stage, log
        known = {row.name: row.pseudonym for row in log.rows(ParticipantRow, stage.episode)}
        for seat in stage.seats.values():
            if seat.model == HUMAN:
                chair = self.chairs.setdefault(seat.name, Chair(seat.name))
                chair.pseudonym = known.get(seat.name) or chair.pseudonym or new_pseudonym()
        self._reception = Reception(stage, log, words_go_to, self._tell)
        self._reception.open(self.chairs.values())
        self._asking = Asking(stage, self._tell)
        self._clock()
        rows = log.rows(InboxRow, stage.episode)
        self._next = max((row.ordinal + 1 for row in rows), default=0)
        for row in rows:
            if row.taken_turn is None:
                self._arrived(row)
        self._quiet_since = self.time()
        for chair in self.chairs.values():
            self._welcome(chair)

    def _clock(self) -> None:
        """Real seconds tell how long people took: they stand in the log only where all of them agreed to that."""
        assert self._stage is not None
        chairs = self.chairs.values()
        self._stage.in_real_time = bool(chairs) and all(chair.keeps_times for chair in chairs)
        self._stage.hours_only = bool(chairs) and not self._stage.in_real_time

    def opened(self) -> None:
        """The stage is set up: everybody who is here is told where they are."""
        assert self._stage is not None
        for chair in self.chairs.values():
            self._welcome(chair)
        self._ask(self._stage.head + 1)
        self._quiet_since = self.time()

    def pseudonym(self, seat: str) -> str:
        """By which name the log knows the person; made up where nobody gave one."""
        chair = self.chairs.setdefault(seat, Chair(seat))
        chair.pseudonym = chair.pseudonym or new_pseudonym()
        return chair.pseudonym

    async def gather(self) -> None:
        """Until every seat has been taken once, and everybody has agreed and answered what comes before; nobody is
        shown anything of the episode before. Raises `Withdrawn`, also where somebody does not agree."""
        assert self._stage is not None
        assert self._reception is not None
        while True:
            self._stop_where_asked()
            missing = tuple(chair.seat for chair in self.chairs.values() if not chair.came)
            busy = tuple(seat for seat in self.chairs if self._reception.owes(seat))
            if not missing and not busy:
                break
            why = f"{', '.join(missing)} is not here yet" if missing else f"{', '.join(busy)} is still answering"
            self._tell_waiting(Waiting(missing or busy, why, None))
            await self.change(None)
        self._tell_waiting(None)
        self._clock()

    async def part(self, status: str, reason: str) -> None:
        """It has ended: everybody answers what comes afterwards, and is told how it ended."""
        if self._reception is not None:
            self._reception.part(self.chairs.values())
            while self._withdrawn is None and any(
                chair.here and self._reception.owes(chair.seat) for chair in self.chairs.values()
            ):
                await self.change(None)
        self.tell_all({"kind": "end", "status": status, "reason": reason})

    async def settle(self, work: TurnWork) -> None:
        """Wait until the floor can be given, and let those who sent something bid for it. Raises `Withdrawn`."""
        await self._answers(work)
        began = self.time()
        while True:
            self._stop_where_asked()
            self._raise_hands(work)
            pace = Pace(work, self.chairs, self._hands, began=began, quiet_since=self._quiet_since, time=self.time())
            waiting = pace.waiting()
            if waiting is None:
                break
            self._tell_waiting(waiting)
            await self.change(waiting.seconds)
        self._tell_waiting(None)

    async def deliver(self, work: TurnWork) -> None:
        """Let agents' words appear at a human pace; whoever speaks meanwhile cuts them off. Raises `Withdrawn`."""
        from tertulia.environments.people.delivery import deliver

        await deliver(self, work)
        self._stop_where_asked()

    def taken(self, work: TurnWork) -> tuple[list[int], dict[int, str]]:
        """The ordinals of all input that this turn takes up, and why some of it was not done."""
        rows = [*self._orders]
        for name, (row, act) in self._hands.items():
            if name in work.award.admitted or isinstance(act, Pass):
                rows.append(row)
        self._taking = sorted(row.ordinal for row in rows)
        return self._taking, {row: self._refused[row] for row in self._taking if row in self._refused}

    def rows(self, work: TurnWork) -> list[Row]:
        """What people were asked before this turn."""
        return self._asking.rows(work) if self._asking is not None else []

    def committed(self, work: TurnWork) -> None:
        """The turn is in the log: what it took is done with, and everybody is shown what they witnessed of it."""
        assert self._stage is not None
        done = set(self._taking)
        self._orders = [row for row in self._orders if row.ordinal not in done]
        for chair in self.chairs.values():
            chair.sent = deque(row for row in chair.sent if row.ordinal not in done)
        self._hands = {}
        self._quiet_since = self.time()
        spoke = any(name not in self.chairs for name in work.award.admitted)
        for chair in self.chairs.values():
            chair.overrun = chair.overrun or (spoke and chair.typed_at is not None)
            self._tell(chair, turn_of(self._stage, chair.seat, work.turn))
        self._ask(work.turn + 1)

    def tell(self, seats: Iterable[str], message: Mapping[str, Any]) -> None:
        """Say something to some of those who are here."""
        for seat in seats:
            self._tell(self.chairs[seat], message)

    def tell_all(self, message: Mapping[str, Any]) -> None:
        """Say something to everybody who is here: how it ended, what it waits for."""
        for chair in self.chairs.values():
            self._tell(chair, message)

    def present(self) -> list[str]:
        """The seats whose people are here."""
        return [chair.seat for chair in self.chairs.values() if chair.here]

    def spoke_last(self, seat: str) -> int:
        """The ordinal of the newest thing somebody sent that waits to be said; -1 where there is none."""
        return max((row.ordinal for row in self.chairs[seat].sent if row.kind != "pass"), default=-1)

    def _arrived(self, row: InboxRow) -> None:
        if row.kind in SPEECH:
            self.chairs[row.participant].sent.append(row)
            return
        self._orders.append(row)
        if row.kind == "withdraw":
            self._withdrawn = row.participant
            self.when_withdrawn()
        elif row.kind == "answer" and self._asking is not None:
            self._asking.answered(row)

    async def _received(self, chair: Chair, kind: str, data: Mapping[str, Any]) -> InboxRow | None:
        """What is said before the first turn and after the last; None for what belongs to a turn."""
        assert self._stage is not None
        assert self._reception is not None
        if kind == CONSENT:
            await self._reception.agree(chair, data)
        elif kind == "answer" and "form" in data:
            await self._reception.fill(chair, str(data["form"]), data.get("answers"))
        elif kind == "withdraw":
            return None
        elif kind == "leave" and self._reception.may_see(chair.seat):
            self._reception.excuse(chair.seat)
            return None
        elif not self._reception.may_see(chair.seat):
            raise Unreadable("first say whether you agree to take part: yes or no")
        elif self._stage.head < 0:
            raise Unreadable("it has not begun yet")
        else:
            return None
        if not self._reception.owes(chair.seat) and self._stage.head >= 0:
            self._welcome(chair)
        self._wake()
        return InboxRow(
            episode=self._stage.episode, ordinal=-1, participant=chair.seat, kind=kind, text="", data=dict(data)
        )

    def _welcome(self, chair: Chair) -> None:
        """What somebody who sits down is told first: what they have to answer, or all that they witnessed so far."""
        if self._stage is None or self._reception is None or chair.hear is None:
            return
        if self._reception.owes(chair.seat):
            self._reception.greet(chair)
        elif self._stage.head >= 0:
            unsaid = self.unsaid(chair.seat)
            self._tell(chair, {**past_of(self._stage, chair.seat), "pseudonym": chair.pseudonym, "unsaid": unsaid})
            later, chair.later = chair.later, []
            for message in later:
                self._tell(chair, message)
            if self._asking is not None:
                self._asking.again(chair)

    def _ask(self, turn: int) -> None:
        if self._asking is not None:
            self._asking.ask(turn, self.chairs.values(), self.time())

    async def _answers(self, work: TurnWork) -> None:
        """Wait for answers to what was asked, for a limited time; they are of this turn."""
        assert self._asking is not None
        self._ask(work.turn)
        while True:
            self._stop_where_asked()
            slow, seconds = self._asking.waits_for(self.chairs, self.time())
            if not slow:
                break
            self._tell_waiting(Waiting(slow, f"{', '.join(slow)} is answering a question", seconds))
            await self.change(seconds)
        self._asking.take(work)

    def _stop_where_asked(self) -> None:
        if self._withdrawn is not None:
            raise Withdrawn(self._withdrawn)
        if self._reception is not None and self._reception.declined is not None:
            raise self._reception.declined

    def _raise_hands(self, work: TurnWork) -> None:
        """What each has sent first becomes its bid, as far as it can still be done."""
        assert self._stage is not None
        self._hands = {}
        for name, chair in self.chairs.items():
            if work.closing:
                continue
            while chair.sent:
                row = chair.sent[0]
                try:
                    self._hands[name] = row, read_act(self._stage, name, row)
                    break
                except Unreadable as problem:
                    chair.sent.popleft()
                    self._drop(row, f"too late: {problem}")
                    refusal = {"kind": "refused", "text": row.text, "reason": f"too late: {problem}"}
                    if chair.hear is None:
                        chair.later.append(refusal)
                    self._tell(chair, refusal)
            self._bid(work, chair)

    def _bid(self, work: TurnWork, chair: Chair) -> None:
        done = work.minds[chair.seat]
        hand = self._hands.get(chair.seat)
        if hand is None or isinstance(hand[1], Pass):
            reason = "passes" if hand else "is not at the table" if not chair.here else _idle(chair)
            done.intent, done.act = Intent(wants=False, reason=reason), None
            return
        _, act = hand
        to = next(iter(getattr(act, "to", ())), None)
        done.intent, done.act = Intent(wants=True, volunteers=True, addressee=to, act=act), act

    def _drop(self, row: InboxRow, why: str) -> None:
        """It will not be said: the next turn takes it, and the log keeps why."""
        self._orders.append(row)
        self._refused[row.ordinal] = why

    def _tell_waiting(self, waiting: Waiting | None) -> None:
        if waiting == self._waiting:
            return
        self._waiting = waiting
        assert self._stage is not None
        for chair in self.chairs.values():
            for_: list[str] = []
            why = ""
            if waiting is not None:
                for_, why = waits_for(self._stage, chair.seat, waiting.for_, waiting.kind, waiting.why)
            self._tell(chair, {"kind": "waiting", "for": for_, "why": why})

    def _tell(self, chair: Chair, message: Mapping[str, Any]) -> None:
        if chair.hear is not None:
            chair.hear(message if self._stage is None else veiled(self._stage, chair.seat, message))

    def _wake(self) -> None:
        self._woken.set()

    async def change(self, seconds: float | None) -> None:
        """Until something is sent, typed or left, or the time is over."""
        self._woken.clear()
        with suppress(TimeoutError):
            # not `wait_for`: until Python 3.12 it forgets that it was cancelled, where what it waits for came just then
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    @staticmethod
    def time() -> float:
        """Seconds on the event loop's clock."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:  # no loop yet: nobody waits for anything
            return 0.0


def _idle(chair: Chair) -> str:
    return "is still typing" if chair.typed_at is not None else "says nothing"
