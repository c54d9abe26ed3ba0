"""What kind of value each column of a view or a table holds: the same on both databases, where views have no types."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, Integer

from tertulia.storage.nearest import nearest
from tertulia.storage.query import Result
from tertulia.storage.tables import METADATA
from tertulia.storage.types import Json, Utc
from tertulia.storage.views import views


class Kind(StrEnum):
    """What a value is, whatever it is written in."""

    text = "text"
    integer = "integer"
    number = "number"
    boolean = "boolean"
    time = "time"
    json = "json"


_VIEW_KINDS: dict[Kind, str] = {
    Kind.integer: """
        act_turn appraisals appraised_turn attempt attempts cached_tokens calls chain_order constructed_turn cycle
        errors fallbacks input_tokens lag ordinal output_tokens parent_turn probe recognised_turn recognition_lag
        replicate revised_turn revision_lag seed since size spoken_turn system take turn turns unknown_prices utterances
        """,
    Kind.number: """
        act_brier act_hit act_probability after_distance before_distance believed clock_s confidence cost_usd distance
        fallback_rate gain gap gold_accuracy gold_brier gold_confidence gold_entropy gold_hit gold_log_loss
        gold_probability lasted_s latency_ms motivation overlap own_probability peak_motivation probability
        report_brier report_distance report_hit report_probability reward strength true_probability truth_accuracy
        truth_brier truth_log_loss truth_probability
        """,
    Kind.boolean: """
        beyond_gold correct declared differs holds interrupted interrupts is_true robust scheduled silent volunteers
        wants won
        """,
    Kind.time: "answered_at asked_at ended started started_at",
    Kind.json: "addressees data messages options outcome stimuli",
}
_BY_NAME = {name: kind for kind, names in _VIEW_KINDS.items() for name in names.split()}
_OF_ONE_VIEW = {("v_mutual_cycles", "event"): Kind.integer}
"""Columns that hold something else in one view than in the others."""
_FIRST = ("episode", "turn", "take", "ordinal", "participant", "holder", "thought", "chain", "variable", "value")
"""By what rows are put in order, as far as there are such columns; then by all others."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, what it holds and what it means."""

    name: str
    kind: Kind
    about: str


@dataclass(frozen=True, slots=True)
class Source:
    """A view or a table, and how the rows of one episode are asked for."""

    name: str
    about: str
    columns: tuple[Column, ...]
    sql: str
    """With one `?`, the episode's id."""

    def in_order(self, found: Result) -> list[tuple[Any, ...]]:
        """The rows as Python values of their kinds, in an order that both databases agree on."""
        places = {column.name: place for place, column in enumerate(self.columns)}
        first = [places[name] for name in _FIRST if name in places]
        order = [*first, *(place for place in range(len(self.columns)) if place not in first)]
        try:
            rows = sorted(found.rows, key=itemgetter(*order))
        except TypeError:  # somewhere NULL stands against a value; it comes last
            rows = sorted(found.rows, key=lambda row: [(row[place] is None, row[place]) for place in order])
        casts = [
            (place, _CASTS[column.kind])
            for place, column in enumerate(self.columns)
            if column.kind not in (Kind.text, Kind.integer)  # as a query gives them
        ]
        return [_cast(row, casts) for row in rows]


def _cast(row: tuple[Any, ...], casts: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, cast in casts:
        if values[place] is not None:
            values[place] = cast(values[place])
    return tuple(values)


def moment(value: Any) -> datetime:
    """A time as a query gives it, in UTC."""
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)


_CASTS: dict[Kind, Callable[[Any], Any]] = {
    Kind.number: float,
    Kind.boolean: bool,
    Kind.time: moment,
    Kind.json: json.loads,
}


def source(name: str) -> Source:
    """A view or table by name. Raises `LookupError` with what would be right."""
    for view in views():
        if view.name == name:
            columns = tuple(Column(one, kind_of(name, one), about) for one, about in view.columns.items())
            return Source(name, view.about, columns, _select(name, [c.name for c in columns], "episode"))
    if name in METADATA.tables and name not in ("batch", "alembic_version"):
        table = METADATA.tables[name]
        columns = tuple(Column(column.name, kind_of_type(column.type), "") for column in table.columns)
        return Source(name, f"The table {name}.", columns, _select(name, table.columns.keys(), _key(name)))
    known = [*(view.name for view in views()), *(name for name in METADATA.tables if name != "batch")]
    raise LookupError(f"no view and no table '{name}'; {nearest(name, known)}")


def documented() -> list[Source]:
    """All views of the log: what is exported unless something else is asked for."""
    return [source(view.name) for view in views()]


def kind_of(view: str, column: str) -> Kind:
    """What a column of a view holds."""
    return _OF_ONE_VIEW.get((view, column)) or _BY_NAME.get(column, Kind.text)


def _key(table: str) -> str:
    return "id" if table == "episode" else "episode"


def _select(name: str, columns: Iterable[str], key: str) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    return f'SELECT {listed} FROM "{name}" WHERE "{key}" = ?'


def kind_of_type(type_: Any) -> Kind:
    """What a column of a table holds, by its type."""
    if isinstance(type_, Json):
        return Kind.json
    if isinstance(type_, Utc):
        return Kind.time
    if isinstance(type_, Boolean):
        return Kind.boolean
    if isinstance(type_, Float):
        return Kind.number
    return Kind.integer if isinstance(type_, Integer | BigInteger) else Kind.text
