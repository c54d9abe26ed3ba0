"""Forks: new episodes that begin with a copy of another one's turns, all of a command's in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, literal, or_, select

from tertulia.storage import rows as r
from tertulia.storage.record import EpisodeRecord
from tertulia.storage.tables import table_of
from tertulia.storage.types import Text
from tertulia.storage.work import Work, insert_all, refusing

SHARED: tuple[type[r.Row], ...] = (
    r.TurnRow, r.EventRow, r.WitnessRow, r.ClaimRow, r.ObservationRow, r.ThoughtRow, r.AppraisalRow, r.BidRow,
    r.BeliefRow, r.GoldRow, r.MemoryRow, r.RecallRow, r.WorkspaceRow, r.MindDeltaRow, r.ProbeRow, r.ProbeBeliefRow,
    r.InterventionRow,
)  # fmt: skip
"""What a fork has of its parent's turns. Not calls: the ledger says what was asked and paid, and that was once. Nor
probes put afterwards, a person's inbox, or scores: they are about the parent."""


def fork_work(batch: r.BatchRow, forks: Sequence[EpisodeRecord]) -> Work:
    """Enter a batch with its forks and their pasts, all or none. A fork's row names its parent and the last turn that
    they share."""

    def enter(connection: Connection) -> None:
        insert_all(connection, [batch])
        for fork in forks:
            insert_all(connection, [fork.episode, *fork.participants])
            for row_type in SHARED:
                _copy(connection, row_type, fork.episode)
            insert_all(connection, fork.interventions)

    return Work(special=enter)


def _copy(connection: Connection, row_type: type[r.Row], to: r.EpisodeRow) -> None:
    """The parent's rows of the shared turns, under another episode; the database copies them itself."""
    table = table_of(row_type)
    columns = [literal(to.id, Text()) if column.name == "episode" else column for column in table.columns]
    source = select(*columns).where(table.c.episode == to.parent_episode, _shared(row_type, to.parent_turn or 0))
    with refusing(row_type, []):
        connection.execute(insert(table).from_select([column.name for column in table.columns], source))


def _shared(row_type: type[r.Row], upto: int) -> ColumnElement[bool]:
    table, probe = table_of(row_type), table_of(r.ProbeRow)
    if row_type is r.InterventionRow:  # at the beginning of the turn that comes next: a fork stands after it
        # but not what its parent was gone on with then (a fork begins with what is here now), nor what was forgotten
        return or_(
            table.c.turn <= upto, and_(table.c.turn == upto + 1, table.c.target.not_in(("versions", "(forgotten)")))
        )
    if row_type is r.ProbeRow:
        return and_(table.c.turn <= upto, table.c.scheduled)
    if row_type is r.ProbeBeliefRow:
        of_scheduled = exists().where(
            probe.c.episode == table.c.episode, probe.c.turn == table.c.turn, probe.c.ordinal == table.c.ordinal,
            probe.c.scheduled,
        )  # fmt: skip
        return and_(table.c.turn <= upto, of_scheduled)
    return table.c.turn <= upto
