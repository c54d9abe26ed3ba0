"""Back on the stage: the world is re-run over the logged actions, the minds are folded from the logged rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from tertulia.environments.floor.clock import Time
from tertulia.environments.interventions import Interventions
from tertulia.environments.scenario import Scenario
from tertulia.environments.seeing import by_event, uttered
from tertulia.environments.stage import Stage
from tertulia.mind.embedding import EMBED, recorded
from tertulia.mind.nearness import Vector
from tertulia.mind.state import fold
from tertulia.storage.forget import forgotten_from
from tertulia.storage.log import Log
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    BidRow,
    CallRow,
    ClaimRow,
    EpisodeRow,
    Established,
    EventRow,
    GoldRow,
    InterventionRow,
    MemoryRow,
    MindDeltaRow,
    RecallRow,
    Row,
    ThoughtRow,
    TurnRow,
    WitnessRow,
)
from tertulia.storage.seen import SILENCE


class RestoreError(Exception):
    """The log cannot be played on from: the code does not arrive where the logged episode stood."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A stage as it stood after the last committed turn."""

    stage: Stage
    utterances: int


def stage_of(log: Log, row: EpisodeRow) -> Stage:
    """An empty stage for a logged episode, with what was changed in it from outside."""
    stage = Stage.of(Scenario.from_resolved(row.config), row.seed, row.id)
    stage.interventions = Interventions.of(log.rows(InterventionRow, row.id))
    return stage


def not_forgotten(log: Log, row: EpisodeRow, last: int) -> None:
    """Raises `RestoreError` where the turns up to `last` cannot be played again because a person was forgotten."""
    since = forgotten_from(log, row.id)
    if since is not None and since <= last:
        upto = f"; it can be put back up to turn {since - 1}" if since > 1 else ""
        raise RestoreError(f"episode {row.id}: a person's words were forgotten from turn {since} on{upto}")


def restore(log: Log, row: EpisodeRow, upto: int | None = None) -> Restored:
    """The stage of a logged episode after its head, or as it stood before turn `upto` began.

    Raises `RestoreError` where world and log part.
    """
    last = None if upto is None else upto - 1
    not_forgotten(log, row, row.head if last is None else last)
    stage = stage_of(log, row)
    turns = sorted(log.rows(TurnRow, row.id, upto_turn=last), key=lambda turn: turn.turn)
    claims = log.rows(ClaimRow, row.id, upto_turn=last)
    stage.established = {(c.turn, c.event, c.ordinal): cast(Established, c.established) for c in claims}
    logged_events = log.rows(EventRow, row.id, upto_turn=last)
    pauses = {event.turn: event.data["seconds"] for event in logged_events if event.kind == SILENCE}
    for turn in turns:
        _replay(stage, turn, pauses.get(turn.turn, 0.0))
    stage.established = {}
    if row.parent_episode is not None and stage.gold is not None:
        kept = log.rows(GoldRow, row.id, upto_turn=last)
        stage.gold.unwritten_but({(gold.chain, gold.variable) for gold in kept})
    for name, seat in stage.seats.items():
        if seat.spec.embeddings:
            stage.vectors[name] = dict(_vectors(log, row, last, name, seat.spec.embeddings))
    bids = log.rows(BidRow, row.id, upto_turn=last)
    stage.standings.take_in(bids)
    stage.interrupted = tuple(
        name for name in stage.seats for bid in bids
        if bid.interrupted and bid.turn == stage.head and bid.participant == name
    )  # fmt: skip
    events = by_event(logged_events, log.rows(WitnessRow, row.id, upto_turn=last), claims)
    logged: list[Row] = []
    for kind in (BeliefRow, ThoughtRow, AppraisalRow, MemoryRow, RecallRow, MindDeltaRow):
        logged += log.rows(kind, row.id, upto_turn=last)
    for name in stage.seats:
        stage.minds[name] = fold(name, logged)
    return Restored(stage, sum(uttered(one.event) for one in events))


def _vectors(log: Log, row: EpisodeRow, upto: int | None, name: str, uri: str) -> Iterator[tuple[str, Vector]]:
    """The embeddings that a seat was given in committed turns: what was paid for is not asked for again. A fork has
    those of its parent's turns."""
    if row.parent_episode is not None and row.parent_turn is not None:
        shared = row.parent_turn if upto is None else min(upto, row.parent_turn)
        yield from _vectors(log, log.episode(row.parent_episode), shared, name, uri)
    takes = {turn.turn: turn.take for turn in log.rows(TurnRow, row.id, upto_turn=upto)}
    calls = log.rows(CallRow, row.id, upto_turn=upto, purpose=EMBED, participant=name, uri=uri)
    for call in sorted(calls, key=lambda call: (call.turn, call.ordinal, call.attempt)):
        if call.take == takes.get(call.turn) and call.status in ("ok", "repaired") and call.messages and call.reply:
            yield from recorded([(call.messages, call.reply)]).items()


def _replay(stage: Stage, turn: TurnRow, pause_s: float) -> None:
    """One logged turn again; a silence is heard where one was, however the scenario was changed since."""
    if turn.closing:
        stage.close(turn.turn)
        return
    if turn.turn == 0:
        stage.open()
    else:
        acts = {}
        for name, raw in turn.actions.items():
            legal = stage.world.legal(stage.state, name)
            if legal is None:
                raise RestoreError(f"turn {turn.turn}: {name} acted in the log but cannot act in this version")
            try:
                acts[name] = legal.model_validate(raw).root
            except ValueError as error:
                raise RestoreError(f"turn {turn.turn}: what {name} did is not legal in this version") from error
        stage.step(turn.turn, turn.take, acts, Time(turn.lasted_s, pause_s))
    if stage.state_hash() != turn.state_hash:
        raise RestoreError(
            f"turn {turn.turn}: the world comes to another state than the log has; was the code or a file changed?"
        )
