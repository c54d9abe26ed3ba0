"""The one way in: a conversation from elsewhere becomes the rows of an episode, all of them in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from tertulia.storage import rows as r
from tertulia.storage.errors import Duplicate
from tertulia.storage.imports.conversation import Conversation, Happening, Turn
from tertulia.storage.types import dump_json, now

if TYPE_CHECKING:
    from tertulia.storage.log import Log

WORLD = "imported"
"""The world of an episode that was not played here: there are no rules to play it on by."""
PREFIX = "import:"
"""How the scenario of such an episode begins."""
POLICY = "imported"
OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Entered:
    """An episode that is in the log, and whether it came in now."""

    episode: str
    new: bool


def episode_id(conversation: Conversation) -> str:
    """An id in the shape of every other, made from source and key alone: so the same conversation has the same id in
    every log, and is entered once."""
    from ulid import ULID

    digest = sha256(dump_json([conversation.source, conversation.key]).encode()).digest()
    return str(ULID(digest[:16]))


async def enter(log: Log, conversation: Conversation, *, batch: str | None = None) -> Entered:
    """Enter a conversation, whole or not at all; one that is in the log already stays as it is there.

    With `batch`, it belongs to the batch of that name, which is made where there is none.
    """
    id = episode_id(conversation)
    if log.query("SELECT 1 FROM episode WHERE id = ?", [id]).rows:
        return Entered(id, new=False)
    replicate = 0
    if batch is not None:
        await _make_batch(log, batch, conversation.source)
        found = log.query("SELECT coalesce(max(replicate), -1) + 1 FROM episode WHERE batch = ?", [batch]).rows
        replicate = int(found[0][0])
    await log.record(list(rows_of(conversation, id, batch=batch, replicate=replicate)))
    return Entered(id, new=True)


async def _make_batch(log: Log, name: str, source: str) -> None:
    if log.query("SELECT 1 FROM batch WHERE id = ?", [name]).rows:
        return
    try:
        await log.record([r.BatchRow(id=name, name=name, grid={"imported": source}, created_at=now())])
    except Duplicate:
        return


def rows_of(
    conversation: Conversation, id: str, *, batch: str | None = None, replicate: int = 0
) -> Iterator[r.Row]:  # fmt: skip
    """All rows of the episode. The cell, within a batch, is what was played."""
    moment = now()
    began = conversation.began or moment
    title = f"{PREFIX}{conversation.source}/{conversation.title}"
    yield r.EpisodeRow(
        id=id, scenario=title, world=WORLD, config=_config(conversation, title), seed=0, batch=batch,
        cell=title if batch is not None else None, replicate=replicate, head=len(conversation.turns), status="success",
        reason=conversation.reason, outcome=conversation.outcome, reward=conversation.reward,
        versions={"imported": conversation.source}, created_at=began, ended_at=conversation.ended or moment,
    )  # fmt: skip
    for ordinal, seat in enumerate(conversation.seats):
        yield r.ParticipantRow(
            episode=id, name=seat.name, ordinal=ordinal, kind=seat.kind, persona=seat.persona, goal=seat.goal,
            model=seat.model, mind=None, pseudonym=seat.pseudonym,
        )  # fmt: skip
        if seat.knows:
            yield r.ObservationRow(episode=id, turn=0, participant=seat.name, text=seat.knows)
    opening = [Happening(OPENING, conversation.premise)] if conversation.premise else []
    names = tuple(seat.name for seat in conversation.seats)
    for number, turn in enumerate([Turn(opening, began), *conversation.turns]):
        yield from _turn(id, number, turn, names, began)
    for ordinal, score in enumerate(conversation.scores):
        yield r.ScoreRow(
            id=f"{id}.{ordinal}", run=f"import:{id}", episode=id, measure=score.measure, holder=score.holder,
            value=score.value, n=score.n, detail=score.detail, created_at=moment,
        )  # fmt: skip


def _config(conversation: Conversation, title: str) -> dict[str, Any]:
    """In the shape of a resolved scenario, as far as there is one."""
    seats = [
        {"name": seat.name, "persona": seat.persona or "", "goal": seat.goal or "", "model": seat.model}
        for seat in conversation.seats
    ]
    config: dict[str, Any] = {
        "scenario": title, "world": WORLD, "premise": conversation.premise, "participants": seats,
        "imported": {"source": conversation.source, **conversation.about},
    }  # fmt: skip
    return config if conversation.people is None else {**config, "people": conversation.people}


def _turn(id: str, number: int, turn: Turn, names: tuple[str, ...], began: datetime) -> Iterator[r.Row]:
    acts = {
        one.actor: {"kind": one.kind, "text": one.text, "to": list(one.to)}
        for one in turn.happenings
        if one.actor is not None
    }
    yield r.TurnRow(
        episode=id, turn=number, policy=POLICY, actions=acts, silent=number > 0 and not turn.happenings,
        started_at=turn.started_at or began, clock_s=turn.clock_s, lasted_s=turn.lasted_s,
    )  # fmt: skip
    for ordinal, one in enumerate(turn.happenings):
        yield r.EventRow(
            episode=id, turn=number, ordinal=ordinal, kind=one.kind, actor=one.actor, text=one.text,
            occurrence=one.occurrence, addressees=list(one.to), data=one.data,
            origin="participant" if one.actor is not None else "world",
        )  # fmt: skip
        whole = names if one.content is None else one.content
        seen = dict.fromkeys(whole, "content") | {name: "occurrence" for name in one.glimpsed if name not in whole}
        for name, level in seen.items():
            others = [other for other in seen if other != name]
            yield r.WitnessRow(
                episode=id, turn=number, event=ordinal, participant=name, level=level, noticed_by=others
            )  # fmt: skip
