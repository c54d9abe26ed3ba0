"""The turn, on LangGraph: all minds at once, then the floor, then those admitted speak, then the world steps.

LangGraph is imported here and nowhere else (it takes most of a second), and reads the types of the nodes below.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from typing import Any, Protocol, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from langsmith.run_helpers import tracing_context

from tertulia.environments.floor import POLICIES, Award, Bid, FloorView, weigh
from tertulia.environments.floor.asking import FloorModel, seen_by_moderator
from tertulia.environments.floor.clock import Time
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.probes import Probed, due, put
from tertulia.environments.scenario.probes import Planned
from tertulia.environments.seeing import Happened
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.world import Action
from tertulia.mind.deliberate import Deliberation
from tertulia.mind.faculty import Moment
from tertulia.mind.model import LanguageModel
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.state import Intent
from tertulia.storage.record import TurnRecord
from tertulia.storage.rows import WORLD, BidRow, CallRow, Row, TurnRow
from tertulia.storage.types import now

CLOSING_PHASES = ("perceive", "believe")
"""What a mind still does when nobody will speak again: take in the last event, and believe."""


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


class OfSeat(TypedDict):
    """What a node that works for one seat is sent."""

    name: str


class OfProbe(TypedDict):
    """What a node that puts one probe is sent."""

    ordinal: int


class TurnState(TypedDict):
    """What travels through the graph: nothing; the nodes share their `TurnWork`."""


@dataclass(slots=True)
class Turns:
    """The turns of one episode, take after take, on one run of the graph. Use it in an `async with`, from one task.

    To begin a run costs LangGraph more than a turn does, so the node that ends a take waits for the next one and goes
    on with it. `listen` gets what the nodes tell, as it comes: `deliberated`, `floor`, `event`. Nothing is traced,
    whatever the user's environment says.
    """

    listen: Callable[[dict[str, Any]], None] | None = None
    work: TurnWork = field(init=False)
    """The take that is being played."""
    _run: asyncio.Task[None] | None = None
    _over: asyncio.Future[None] = field(init=False)
    """Done when the take is."""
    _next: asyncio.Future[bool] | None = None
    """What the graph stands still for between two takes: whether there is another."""
    _untraced: AbstractContextManager[None] = field(default_factory=lambda: tracing_context(enabled=False))

    async def __aenter__(self) -> Turns:
        self._untraced.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._untraced.__exit__(None, None, None)
        if self._run is not None and self._next is not None:
            self._next.set_result(False)
            await self._run
        await self._stop()

    async def play(self, work: TurnWork) -> None:
        """Run one take. Afterwards `work` holds either failures, or everything that `record` needs."""
        self.work, self._over = work, asyncio.get_running_loop().create_future()
        if self._run is None:
            self._run = asyncio.create_task(self._graph())
            self._run.add_done_callback(self._broke_off)
        else:
            assert self._next is not None, "a run that has not failed waits for its next take"
            self._next.set_result(True)
        try:
            await self._over
        except BaseException:
            await self._stop()
            raise

    def tell(self, event: dict[str, Any]) -> None:
        """Let whoever listens know."""
        if self.listen is not None:
            self.listen(event)

    async def another(self) -> bool:
        """The take is over; whether there is one more, once that is known."""
        self._next = asyncio.get_running_loop().create_future()
        if not self._over.done():  # nobody waits any more where the episode was cancelled just now
            self._over.set_result(None)
        more = await self._next
        self._next = None
        return more

    async def _graph(self) -> None:
        run = turn_graph().astream({}, {"recursion_limit": sys.maxsize}, context=self, stream_mode=[])
        async for _ in run:
            pass

    def _broke_off(self, run: asyncio.Task[None]) -> None:
        """A run that ends before its take does takes whoever waits along."""
        if not self._over.done():
            failure = None if run.cancelled() else run.exception()
            self._over.set_exception(failure or RuntimeError("the graph ended in the middle of a turn"))

    async def _stop(self) -> None:
        run, self._run, self._next = self._run, None, None
        if run is not None and not run.done():
            run.cancel()
            await asyncio.wait([run])


async def play_turn(work: TurnWork, listen: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Run one take by itself."""
    async with Turns(listen) as turns:
        await turns.play(work)


@cache
def turn_graph() -> CompiledStateGraph[TurnState, Turns, TurnState, TurnState]:
    """The graph of a turn, compiled once. From its end it goes round to its beginning, for the next take.

    A step of LangGraph costs more than most of what happens in it. So a node goes on with what comes next by itself,
    also into the next take, unless several have to wait for their models at the same time: only then is each sent to a
    node of its own.
    """
    graph = StateGraph(TurnState, context_schema=Turns)
    graph.add_node("minds", _minds, destinations=("mind", "probe", "floor"))
    graph.add_node("mind", _mind)
    graph.add_node("probe", _probe)
    graph.add_node("floor", _floor, destinations=("speak", "step"))
    graph.add_node("speak", _speak)
    graph.add_node("step", _step, destinations=("minds", END))
    graph.add_edge(START, "minds")
    graph.add_edge("mind", "floor")
    graph.add_edge("probe", "floor")
    graph.add_edge("speak", "step")
    return graph.compile()


async def _minds(state: TurnState, runtime: Runtime[Turns]) -> Command[Any]:
    """A take from its beginning."""
    return await _go_on(runtime.context, _think_or_send)


async def _floor(state: TurnState, runtime: Runtime[Turns]) -> Command[Any]:
    """A take from when all minds have come to an end of thinking."""
    return await _go_on(runtime.context, _award_or_send)


async def _step(state: TurnState, runtime: Runtime[Turns]) -> Command[Any]:
    """A take from when all who speak have found their words."""
    return await _go_on(runtime.context, _end_take)


Part = Callable[["Turns"], Awaitable[list[Send]]]
"""A part of a take; whom it sends to wait for their models beside one another, if it comes to that."""


async def _go_on(turns: Turns, part: Part) -> Command[Any]:
    """From this part on, over as many parts and takes as nobody has to be sent; at the end of an episode, the end."""
    remaining = _PARTS[_PARTS.index(part) :]
    while True:
        for part in remaining:
            if asking := await part(turns):
                return Command(goto=asking)
        if not await turns.another():
            return Command(goto=END)
        remaining = _PARTS


async def _think_or_send(turns: Turns) -> list[Send]:
    """Those who wait for nobody think here, one after the other; those who ask a model think all at once."""
    work = turns.work
    asking: list[Send] = []
    for seat in work.stage.seats.values():
        if seat.model == HUMAN:
            waits = Intent(wants=False, reason="says nothing")
            work.minds[seat.name] = Deliberated(work.stage.mind_at(seat.name, work.turn), None, waits)
            continue
        try:
            deliberation = work.begun[seat.name] = _deliberation(work, seat)
        except Exception as failure:  # noqa: BLE001  as in `_think`
            work.failures.append(failure)
            continue
        if deliberation.may_wait():
            asking.append(Send("mind", {"name": seat.name}))
        else:
            await _think(turns, seat.name)
    return asking + [Send("probe", {"ordinal": ordinal}) for ordinal in range(len(work.planned))]


async def _mind(state: OfSeat, runtime: Runtime[Turns]) -> None:
    """One mind thinks, beside the others."""
    await _think(runtime.context, state["name"])


async def _think(turns: Turns, name: str) -> None:
    """One mind deliberates. It never raises for want of an answer: its siblings' calls are already paid."""
    work = turns.work
    deliberation = work.begun[name]
    try:
        intent = await deliberation.run()
    except Exception as failure:  # noqa: BLE001  raised here, it would cancel siblings whose calls are paid
        work.failures.append(failure)
        return
    mind = deliberation.mind
    work.minds[name] = Deliberated(mind, deliberation, intent, intent.act)
    turns.tell({"kind": "deliberated", "name": name, "turn": work.turn, "rows": mind.rows()})


def _deliberation(work: TurnWork, seat: Seat) -> Deliberation:
    """A seat's mind before the work of this turn: what it has seen, what it may do, what answers it."""
    stage, name = work.stage, seat.name
    moment = Moment(
        seen=stage.seen_by(name, work.turn),
        spec=seat.spec,
        legal=None if work.closing else stage.legal(name),
        draw=partial(stage.draw, work.turn, work.take, name),
        nearness=stage.nearness_at(name),
    )
    mind = stage.mind_at(name, work.turn)
    faculties = [f for f in seat.faculties if not work.closing or f.phase in CLOSING_PHASES]
    model = work.model_for(seat, work.turn, work.take)
    embedder = work.embedder_for(seat, work.turn, work.take) if work.embedder_for and seat.spec.embeddings else None
    return Deliberation(mind, moment, faculties, model, instructed=seat.faculties, embedder=embedder)


async def _probe(state: OfProbe, runtime: Runtime[Turns]) -> None:
    """A copied mind is asked, beside the minds themselves. Trouble is trouble of the turn, as with any of them."""
    work, ordinal = runtime.context.work, state["ordinal"]
    planned = work.planned[ordinal]
    seat = work.stage.seats[planned.participant]
    try:
        model = work.model_for(seat, work.turn, work.take)
        of_turn: dict[str, Any] = {"turn": work.turn, "take": work.take, "ordinal": ordinal, "scheduled": True}
        work.probed[ordinal] = await put(work.stage, seat, planned, model, **of_turn), model
    except Exception as failure:  # noqa: BLE001  as with minds
        work.failures.append(failure)


async def _award_or_send(turns: Turns) -> list[Send]:
    """Who may speak; one who speaks alone finds its words here, several find them all at once."""
    work = turns.work
    if not work.failures and work.people is not None:
        await _with_people(work, work.people.settle)
    if not work.failures and not work.closing:
        await _award(work)
    if not work.failures and not work.closing:
        turns.tell({"kind": "floor", "turn": work.turn, "award": work.award})
        undrafted = [name for name in work.award.admitted if work.minds[name].act is None]
        if len(undrafted) > 1:
            return [Send("speak", {"name": name}) for name in undrafted]
        for name in undrafted:
            await _find_words(work, name)
    return []


async def _with_people(work: TurnWork, do: Callable[[TurnWork], Awaitable[None]]) -> None:
    """What people make of the turn. Trouble with it fails the turn, as with a mind."""
    try:
        await do(work)
    except Exception as failure:  # noqa: BLE001  as in `_think`
        work.failures.append(failure)


async def _award(work: TurnWork) -> None:
    """The floor goes by the scenario's policy. Bids stand in seat order, whoever finished first."""
    stage, turns, called = work.stage, work.stage.scenario.turns, work.stage.called()
    work.bids = weighed(work)
    view = FloorView(
        work.turn, tuple(stage.seats), stage.able(), stage.last_actor, stage.owner(), called, stage.interrupted,
        heard=stage.heard, interruptions=turns.interruptions, **seen_by_moderator(stage, work.turn),
    )  # fmt: skip
    work.floor.deliberations = work.begun
    try:
        rng = stage.draw(work.turn, work.take, WORLD, "floor")
        work.award = await POLICIES[turns.policy](view, work.bids, rng, work.floor)
    except Exception as failure:  # noqa: BLE001  as with minds: what they were asked is paid
        work.failures.append(failure)


def weighed(work: TurnWork) -> list[Bid]:
    """What everybody wants of the floor as things stand, in seat order, with what holds some of them back."""
    stage, turns = work.stage, work.stage.scenario.turns
    return weigh(
        [_bid(stage.seats[name], work.minds[name].intent) for name in stage.seats], turn=work.turn, policy=turns.policy,
        last_spoke=stage.eyes.last_spoke, addressed=stage.called(), cooldown=turns.cooldown,
        standings=stage.standings if turns.normalise else None,
    )  # fmt: skip


def _bid(seat: Seat, intent: Intent) -> Bid:
    return Bid(
        participant=seat.name, person=seat.model == HUMAN, wants=intent.wants, volunteers=intent.volunteers,
        interrupts=intent.interrupts,
        motivation=intent.motivation, strength=intent.motivation, thought=intent.thought, addressee=intent.addressee,
        reason=intent.reason,
    )  # fmt: skip


async def _speak(state: OfSeat, runtime: Runtime[Turns]) -> None:
    """One of several who speak in this turn finds its words, beside the others."""
    await _find_words(runtime.context.work, state["name"])


async def _find_words(work: TurnWork, name: str) -> None:
    """The winner finds its words, where it has no draft. No valid answer is a declared fallback: it passes."""
    mind = work.minds[name].work
    assert mind is not None, "people bring their words along"
    try:
        act = await mind.speak()
    except Exception as failure:  # noqa: BLE001  as above
        work.failures.append(failure)
        return
    work.minds[name].act = act if isinstance(act, Action) and act.kind != "pass" else None
    if work.minds[name].act is None:
        reason = "chose to pass" if act is not None else f"fallback ({'; '.join(mind.fallbacks)})"
        work.award.reasons[name] += f", but {reason}"


async def _end_take(turns: Turns) -> list[Send]:
    """The world takes the actions in, everybody sees what they witness, and minds settle; the take is over."""
    work = turns.work
    if not work.failures and not work.closing and work.people is not None:
        await _with_people(work, work.people.deliver)
    if not work.failures:
        _happen(work)
        for one in work.events:
            turns.tell({"kind": "event", "turn": work.turn, "event": one.event})
        for name, done in work.minds.items():
            work.stage.minds[name] = done.mind.state
            if done.work is not None:
                work.stage.keep_vectors(name, done.work.moment.nearness)
    return []


_PARTS: tuple[Part, ...] = (_think_or_send, _award_or_send, _end_take)
"""A take, in order."""


def _happen(work: TurnWork) -> None:
    """What those admitted do happens in the world; in a closing turn nothing does any more."""
    if work.closing:
        work.rows = work.stage.close(work.turn)
        return
    acts = {name: act for name in work.award.admitted if (act := work.minds[name].act) is not None}
    if work.stage.in_real_time and work.lasted_s is None:
        work.lasted_s = round(time.perf_counter() - work.clock, 3)
    taken = None if work.lasted_s is None else Time(work.lasted_s)
    work.events, work.rows = work.stage.step(work.turn, work.take, acts, taken)
    work.stage.interrupted = work.award.interrupted
    work.stage.standings.take_in(work.bids)
    for name in acts:
        thought = work.minds[name].intent.thought
        if thought is not None and not work.minds[name].cut_off:
            work.minds[name].mind.mark(thought, "spoken")
