"""The turn, on LangGraph: all minds at once, then the floor, then those admitted speak, then the world steps.

LangGraph is imported here and nowhere else (it takes most of a second), and reads the types of the nodes below.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypedDict

from langgraph.errors import NodeCancelledError
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from langsmith.run_helpers import tracing_context

from tertulia.environments.floor import POLICIES, FloorView
from tertulia.environments.floor.asking import seen_by_moderator
from tertulia.environments.floor.clock import Time
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.probes import put
from tertulia.environments.stage import Seat
from tertulia.environments.take import Deliberated, TurnWork, weighed
from tertulia.environments.world import Action
from tertulia.mind.deliberate import Deliberation
from tertulia.mind.faculty import Moment
from tertulia.mind.state import Intent
from tertulia.storage.rows import WORLD

CLOSING_PHASES = ("perceive", "believe")
"""What a mind still does when nobody will speak again: take in the last event, and believe."""


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
    """The turns of one episode, take after take, on one run of the graph.

    To begin a run costs LangGraph more than a turn does, so the node that ends a take goes on with the next one.
    `listen` gets what the nodes tell, as it comes: `deliberated`, `floor`, `event`.
    """

    listen: Callable[[dict[str, Any]], None] | None = None
    work: TurnWork = field(init=False)
    """The take that is being played."""
    _takes: AsyncIterator[TurnWork] = field(init=False)

    async def play(self, takes: AsyncGenerator[TurnWork, None]) -> None:
        """Play all takes, each before the next is asked for; then it holds either failures, or everything that its
        `record` needs. Raises what `takes` raises. Nothing is traced, whatever the user's environment says."""
        self._takes = takes
        async with aclosing(takes):
            with tracing_context(enabled=False):
                run = turn_graph().astream({}, {"recursion_limit": sys.maxsize}, context=self, stream_mode=[])
                try:
                    async for _ in run:
                        pass
                except NodeCancelledError as error:  # what somebody cancelled from within is cancelled
                    raise asyncio.CancelledError from error

    def tell(self, event: dict[str, Any]) -> None:
        """Let whoever listens know."""
        if self.listen is not None:
            self.listen(event)

    async def another(self) -> bool:
        """Whether there is one more take; what is done between two is done here."""
        work = await anext(self._takes, None)
        if work is not None:
            self.work = work
        return work is not None


async def play_turn(work: TurnWork, listen: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Run one take by itself."""

    async def alone() -> AsyncGenerator[TurnWork, None]:
        yield work

    await Turns(listen).play(alone())


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
    """Takes from the beginning of the first."""
    return await _go_on(runtime.context, _PARTS[:0])


async def _floor(state: TurnState, runtime: Runtime[Turns]) -> Command[Any]:
    """A take from when all minds have come to an end of thinking."""
    return await _go_on(runtime.context, _PARTS[1:])


async def _step(state: TurnState, runtime: Runtime[Turns]) -> Command[Any]:
    """A take from when all who speak have found their words."""
    return await _go_on(runtime.context, _PARTS[2:])


Part = Callable[["Turns"], Awaitable[list[Send]]]
"""A part of a take; whom it sends to wait for their models beside one another, if it comes to that."""


async def _go_on(turns: Turns, remaining: tuple[Part, ...]) -> Command[Any]:
    """What remains of a take, and on over as many takes as nobody has to be sent; after the last one, the end."""
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
        transcript=stage.transcripts[name],
    )
    mind = stage.mind_at(name, work.turn)
    faculties = [f for f in seat.faculties if not work.closing or f.phase in CLOSING_PHASES]
    model = work.model_for(seat, work.turn, work.take)
    embedder = work.embedder_for(seat, work.turn, work.take) if work.embedder_for and seat.spec.embeddings else None
    return Deliberation(
        mind, moment, faculties, model, instructed=seat.faculties, embedder=embedder, types=stage.types
    )  # fmt: skip


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
