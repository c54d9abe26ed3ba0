"""The first difference between a turn as it stands in the log and the same turn as it was replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tertulia.environments.interventions import holder_of
from tertulia.storage.readers import order_of
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    BidRow,
    CallRow,
    ClaimRow,
    EventRow,
    GoldRow,
    MemoryRow,
    MindDeltaRow,
    ObservationRow,
    ProbeBeliefRow,
    ProbeRow,
    RecallRow,
    Row,
    ThoughtRow,
    TurnRow,
    WitnessRow,
    WorkspaceRow,
)
from tertulia.storage.tables import key_of, table_name, table_of
from tertulia.storage.types import Json, dump_json

OF_A_TURN: tuple[type[Row], ...] = (
    CallRow, RecallRow, MemoryRow, BeliefRow, WorkspaceRow, ThoughtRow, MindDeltaRow, AppraisalRow, ProbeRow,
    ProbeBeliefRow, BidRow, TurnRow, EventRow, WitnessRow, ClaimRow, ObservationRow, GoldRow,
)  # fmt: skip
"""All that a turn writes, causes before effects."""
_TIMES = frozenset({"started_at", "created_at", "latency_ms", "wall_ms"})
_WHOSE = ("holder", "participant", "actor", "speaker")


@dataclass(frozen=True, slots=True)
class Difference:
    """Where log and replay part: `participant` None where it is the world's. A version is None where there is none."""

    turn: int
    participant: str | None
    what: str
    """The row and its column, or the request and its line."""
    log: Any
    replay: Any


def first_difference(turn: int, logged: Iterable[Row], replayed: Iterable[Row]) -> Difference | None:
    """Compare all rows of a turn, times apart; None where they are equal."""
    theirs, mine = _by_kind(logged), _by_kind(replayed)
    for kind in OF_A_TURN:
        there, here = theirs.get(kind, {}), mine.get(kind, {})
        for key in sorted({*there, *here}, key=lambda key: [(part is None, str(type(part)), part) for part in key]):
            found = _between(turn, kind, there.get(key), here.get(key))
            if found is not None:
                return found
    return None


def _by_kind(rows: Iterable[Row]) -> dict[type[Row], dict[tuple[Any, ...], dict[str, Any]]]:
    found: dict[type[Row], dict[tuple[Any, ...], dict[str, Any]]] = {}
    for row in rows:
        values = plain_row(row)
        key = tuple(values[name] for name in order_of(type(row)))
        found.setdefault(type(row), {})[key] = values
    return found


def plain_row(row: Row) -> dict[str, Any]:
    """A row's values without times, JSON as it comes back from a database."""
    json_columns = {column.name for column in table_of(type(row)).columns if isinstance(column.type, Json)}
    return {
        name: plain_json(value) if name in json_columns else value
        for name, value in row.__dict__.items()
        if name in type(row).model_fields and name not in _TIMES
    }


def plain_json(value: Any) -> Any:
    """Tuples as lists and keys as text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): plain_json(one) for key, one in value.items()}
    return [plain_json(one) for one in value] if isinstance(value, (list, tuple)) else value


def _between(
    turn: int, kind: type[Row], log: dict[str, Any] | None, replay: dict[str, Any] | None
) -> Difference | None:
    if log == replay:
        return None
    one = cast(dict[str, Any], log or replay)
    name = _name(kind, one)
    if log is None or replay is None:
        return Difference(turn, _whose(kind, one), name, _told(kind, log), _told(kind, replay))
    differing = [column for column in one if log[column] != replay[column]]
    first = differing[0]
    return Difference(turn, _whose(kind, one), f"{name}: {first}", log[first], replay[first])


def _name(kind: type[Row], values: dict[str, Any]) -> str:
    """`belief alice alice>bob cake kitchen`: the table, and the row's key within its turn."""
    key = [str(values[name]) for name in key_of(kind) if name not in ("episode", "turn")]
    return " ".join([table_name(kind), *key])


def _told(kind: type[Row], values: dict[str, Any] | None) -> dict[str, Any] | None:
    """A row that only one side has, without what its name says already."""
    if values is None:
        return None
    return {name: value for name, value in values.items() if name not in key_of(kind) and value is not None}


def _whose(kind: type[Row], values: dict[str, Any]) -> str | None:
    if kind is GoldRow:
        return None if values["chain"] == "world" else holder_of(values["chain"])
    return next((values[name] for name in _WHOSE if values.get(name) is not None), None)


def where_texts_part(log: Sequence[dict[str, str]] | None, asked: Sequence[dict[str, str]]) -> tuple[str, Any, Any]:
    """The first line at which two prompts differ: where it stands, and both versions of the line."""
    for place in range(max(len(log or ()), len(asked))):
        theirs = log[place] if log is not None and place < len(log) else None
        mine = asked[place] if place < len(asked) else None
        if theirs == mine:
            continue
        if theirs is None or mine is None or theirs["role"] != mine["role"]:
            return f"message {place + 1}", theirs and theirs["role"], mine and mine["role"]
        lines, others = theirs["content"].split("\n"), mine["content"].split("\n")
        for number in range(max(len(lines), len(others))):
            line = lines[number] if number < len(lines) else None
            other = others[number] if number < len(others) else None
            if line != other:
                return f"line {number + 1} of message {place + 1} ({mine['role']})", line, other
    return "", dump_json(log), dump_json(asked)
