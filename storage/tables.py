"""The tables of the log: each row type bound to the table of its name, with keys and indexes.

There are no foreign keys. A turn enters only through the fenced update of its episode, so it cannot be an orphan;
a call must be durable before its turn is; and on PostgreSQL every check would lock the episode's row.
"""

from __future__ import annotations

import re

from sqlalchemy import Column, Index, MetaData, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlmodel.main import get_column_from_field

from tertulia.storage import rows as r
from tertulia.storage import rows_of_people as p
from tertulia.storage.types import Json

ROWS: tuple[type[r.Row], ...] = (
    r.BatchRow, r.EpisodeRow, r.ParticipantRow, r.TurnRow, r.EventRow, r.WitnessRow, r.ClaimRow, r.ObservationRow,
    r.ThoughtRow, r.AppraisalRow, r.BidRow, r.BeliefRow, r.GoldRow, r.MemoryRow, r.RecallRow, r.WorkspaceRow,
    r.MindDeltaRow, p.InboxRow, p.ConsentRow, p.AnswerRow, r.CallRow, r.ProbeRow, r.ProbeBeliefRow,
    r.InterventionRow, r.ScoreRow,
)  # fmt: skip
"""All row types, in the order in which the tables are created."""

_CLUSTERED = frozenset({
    r.ParticipantRow, r.WitnessRow, r.ClaimRow, r.AppraisalRow, r.BidRow, r.BeliefRow, r.GoldRow, r.RecallRow,
    r.WorkspaceRow, r.MindDeltaRow, r.ProbeBeliefRow,
})  # fmt: skip
"""Small rows with long keys: on SQLite kept in the key's own tree, so that the key is stored once, not twice."""

_KEYS: dict[type[r.Row], tuple[str, ...]] = {
    r.BeliefRow: ("episode", "holder", "chain", "variable", "turn", "value"),
    r.GoldRow: ("episode", "chain", "variable", "turn", "value", "rule"),
    r.AppraisalRow: ("episode", "holder", "thought", "turn"),
}
"""Keys in another order than the columns: what has a history lies together, its turns in order. So "what held at turn
t" is one look-up in the key itself, without an index that repeats it: half of the space, half of the time to write."""

_EXTRAS: dict[type[r.Row], tuple[str, ...]] = {
    r.EpisodeRow: ("scenario",),
    # All that counting calls and costs needs: the rows themselves hold whole prompts.
    r.CallRow: (
        "episode", "turn", "take", "participant", "purpose", "ordinal", "attempt", "status", "cost_usd",
        "input_tokens", "output_tokens",
    ),
    r.ScoreRow: ("episode", "measure"),
}  # fmt: skip
"""Secondary indexes: few and at most one a table, for every one is paid at every insert."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def table_name(row: type[r.Row]) -> str:
    """`MindDeltaRow` is kept in `mind_delta`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", row.__name__.removesuffix("Row")).lower()


def _columns(row: type[r.Row]) -> list[Column[object]]:
    columns = []
    for name, field in row.model_fields.items():
        column = get_column_from_field(field)
        column.name = column.key = name
        column.index = None  # all indexes stand in _EXTRAS
        if isinstance(column.type, Json) and not field.is_required() and field.default is None:
            column.nullable = True
        columns.append(column)
    return columns


def _bind(row: type[r.Row]) -> Table:
    table = Table(table_name(row), METADATA, *_columns(row), sqlite_with_rowid=row not in _CLUSTERED)
    if row in _KEYS:
        table.append_constraint(PrimaryKeyConstraint(*(table.c[name] for name in _KEYS[row])))
    if row is r.EpisodeRow:
        table.append_constraint(UniqueConstraint("batch", "cell", "seed", "replicate"))
        led = table.c.lease.is_not(None)
        Index("ix_episode_lease", table.c.lease, sqlite_where=led, postgresql_where=led)
    if row in _EXTRAS:
        Index(f"ix_{table.name}", *(table.c[name] for name in _EXTRAS[row]))
    return table


_TABLES: dict[type[r.Row], Table] = {row: _bind(row) for row in ROWS}


def table_of(row: type[r.Row]) -> Table:
    """The table that keeps this row type."""
    return _TABLES[row]


def key_of(row: type[r.Row]) -> tuple[str, ...]:
    """The names of the columns that make up the key, in its order."""
    return tuple(column.name for column in table_of(row).primary_key)
