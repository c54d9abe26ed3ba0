"""Rows for the storage tests: the smallest that are valid, with what matters to a test handed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tertulia.storage.record import EpisodeRecord, TurnRecord
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    BidRow,
    CallRow,
    EpisodeRow,
    EventRow,
    GoldRow,
    ParticipantRow,
    Row,
    ThoughtRow,
    TurnRow,
    WitnessRow,
)

START = datetime(2026, 3, 1, 12, 30, 15, 250_001, tzinfo=UTC)
LEASE = "lease"
ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def an_episode(id: str = ID, *, cast: tuple[str, ...] = ("alice", "bob"), **given: Any) -> EpisodeRecord:
    defaults: dict[str, Any] = {
        "scenario": "dinner-secret", "world": "table_talk", "config": {}, "seed": 7, "lease": LEASE,
        "created_at": START,
    }  # fmt: skip
    seats = [ParticipantRow(episode=id, name=name, ordinal=n, model="rules") for n, name in enumerate(cast)]
    return EpisodeRecord(EpisodeRow(id=id, **{**defaults, **given}), seats)


def a_turn(turn: int, *rows: Row, episode: str = ID, lease: str = LEASE, **given: Any) -> TurnRecord:
    row = TurnRow(episode=episode, turn=turn, policy="addressed", started_at=START, **given)
    return TurnRecord(episode, turn, 0, lease, [row, *rows])


def an_event(turn: int, text: str = "", ordinal: int = 0, *, episode: str = ID, **given: Any) -> EventRow:
    defaults: dict[str, Any] = {"kind": "say", "actor": "alice"}
    return EventRow(episode=episode, turn=turn, ordinal=ordinal, text=text, **{**defaults, **given})


def a_witness(turn: int, participant: str, event: int = 0, level: str = "content", *, episode: str = ID) -> WitnessRow:
    return WitnessRow(episode=episode, turn=turn, event=event, participant=participant, level=level)


def a_call(turn: int = 0, attempt: int = 0, *, episode: str = ID, **given: Any) -> CallRow:
    defaults: dict[str, Any] = {
        "take": 0, "participant": "alice", "purpose": "think", "ordinal": 0, "hash": "h", "uri": "rules",
        "schema_name": "Thoughts", "status": "ok", "cost_usd": 0.0, "started_at": START,
    }  # fmt: skip
    values = {**defaults, **given, "turn": turn, "attempt": attempt}
    parts = ("turn", "take", "participant", "purpose", "ordinal", "attempt")
    return CallRow(episode=episode, call="/".join(str(values[part]) for part in parts), **values)


def beliefs(turn: int, chain: str, variable: str, *, episode: str = ID, **probabilities: float) -> list[BeliefRow]:
    holder = chain.partition(">")[0].partition("&")[0]
    return [
        BeliefRow(
            episode=episode, turn=turn, holder=holder, chain=chain, variable=variable, value=value,
            probability=probability, estimator="rules",
        )
        for value, probability in probabilities.items()
    ]  # fmt: skip


def truth(turn: int, variable: str, value: str, *others: str, episode: str = ID) -> list[GoldRow]:
    return [
        GoldRow(
            episode=episode, turn=turn, chain="world", variable=variable, value=each,
            probability=float(each == value), basis="world",
        )
        for each in (value, *others)
    ]  # fmt: skip


def a_thought(turn: int, thought: str, text: str = "", *, holder: str = "alice", episode: str = ID) -> ThoughtRow:
    return ThoughtRow(episode=episode, holder=holder, thought=thought, turn=turn, system=2, text=text)


def an_appraisal(
    turn: int, thought: str, status: str, motivation: float, *, holder: str = "alice", episode: str = ID
) -> AppraisalRow:
    return AppraisalRow(
        episode=episode, turn=turn, holder=holder, thought=thought, status=status, motivation=motivation
    )


def a_bid(turn: int, participant: str, *, episode: str = ID, **given: Any) -> BidRow:
    defaults: dict[str, Any] = {"wants": True, "motivation": 3.0, "reason": "asked"}
    return BidRow(episode=episode, turn=turn, participant=participant, **{**defaults, **given})
