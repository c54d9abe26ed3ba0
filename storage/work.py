"""One item of work for the writer: what it changes, and what it says when it is refused."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError, StatementError

from tertulia.storage.errors import Duplicate, Ended, LeaseHeld, LostLease, NotFound, Refused, first_line
from tertulia.storage.faults import fault_of
from tertulia.storage.inserts import Statement, inserter
from tertulia.storage.lease import is_dead
from tertulia.storage.record import Closing, TurnRecord
from tertulia.storage.rows import BatchRow, EpisodeRow, ParticipantRow, Row
from tertulia.storage.rows_of_people import ConsentRow
from tertulia.storage.statuses import ONGOING, UNFINISHED
from tertulia.storage.tables import table_of
from tertulia.storage.types import escape_text, now

_BATCH = table_of(BatchRow)
_EPISODE = table_of(EpisodeRow)
_CONSENT = table_of(ConsentRow)
_PARTICIPANT = table_of(ParticipantRow)

FENCE = Statement(
    "UPDATE episode SET head = :b_turn, status = 'running', reason = NULL, ended_at = NULL"
    " WHERE id = :b_episode AND head = :b_before AND lease = :b_lease"
)
"""An episode that takes a turn is running, whatever it was paused for before."""
GUARD = Statement("UPDATE episode SET lease = :b_lease WHERE id = :b_episode AND lease = :b_lease")
"""Passes only for the worker that leads the episode."""
TAKE = Statement(
    "UPDATE inbox SET taken_turn = :b_turn, taken_take = :b_take, refused = :b_refused"
    " WHERE episode = :b_episode AND ordinal = :b_ordinal AND taken_turn IS NULL"
)
"""What a person sent is taken once, with the turn it went into."""
_CLOSE = (
    update(_EPISODE)
    .where(_EPISODE.c.id == bindparam("b_episode"))
    .where(_EPISODE.c.lease == bindparam("b_lease"))
    .values({name: bindparam(f"b_{name}") for name in ("status", "reason", "outcome", "reward", "ended_at")})
)
_CLOSE_OUTSIDE_A_TURN = _CLOSE.where(_EPISODE.c.status.in_(UNFINISHED)).values(lease=None, lease_until=None)
"""Lets go of the lease as well. What comes late (an interruption, a failing display) does not undo how it ended."""
Params = dict[str, Any]

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)|Key \(([^)]*)\)=")
"""Where SQLite and PostgreSQL say which columns had to be unique."""


@dataclass(slots=True)
class Work:
    """A fence or a guard to pass, rows to insert, a closing to write: all of it or nothing. Run in that order."""

    rows: list[Row] = field(default_factory=list)
    fence: Params | None = None
    guard: Params | None = None
    taken: list[Params] = field(default_factory=list)
    """What people sent, and the turn that takes it."""
    closing: Params | None = None
    lease_s: float | None = None
    """For so long, from now on, the episodes among the rows are led by whoever began them."""
    special: Callable[[Connection], Any] | None = None
    """What must read before it writes; its value is the item's result."""


def turn_work(record: TurnRecord) -> Work:
    """The fenced commit of one turn. Raises `ValueError` for a row of another episode."""
    for row in record.rows:
        if row.__dict__["episode"] != record.episode:
            raise ValueError(
                f"a {type(row).__name__} of episode {row.__dict__['episode']} in a turn of {record.episode}"
            )
    fence = {
        "b_episode": record.episode, "b_before": record.turn - 1, "b_turn": record.turn, "b_lease": record.lease,
    }  # fmt: skip
    closing = closing_params(record.episode, record.lease, record.closing) if record.closing else None
    taken = [
        {
            "b_episode": record.episode, "b_turn": record.turn, "b_take": record.take, "b_ordinal": ordinal,
            "b_refused": escape_text(record.refused[ordinal]) if ordinal in record.refused else None,
        }
        for ordinal in record.taken
    ]  # fmt: skip
    return Work(rows=record.rows, fence=fence, taken=taken, closing=closing)


def closing_params(episode: str, lease: str, closing: Closing) -> Params:
    """The parameters of the statement that closes an episode; one that merely pauses has no end yet."""
    return {
        "b_episode": episode, "b_lease": lease, "b_status": closing.status, "b_reason": closing.reason,
        "b_outcome": closing.outcome, "b_reward": closing.reward,
        "b_ended_at": None if closing.status in ONGOING else closing.ended_at or now(),
    }  # fmt: skip


def insert_all(connection: Connection, rows: Iterable[Row]) -> None:
    """One `executemany` for each table. The rows' own dictionaries are the parameters: no copy is made."""
    grouped: dict[type[Row], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[type(row)].append(row.__dict__)
    for row_type, params in grouped.items():
        with refusing(row_type, params):
            inserter(row_type, connection.dialect.name).run(connection, params)


@contextmanager
def refusing(row_type: type[Row], params: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Turns what the database does not take into `Refused`; what ails the database itself passes through."""
    try:
        yield
    except StatementError as error:  # the driver's errors are among its children
        if getattr(error, "connection_invalidated", False) or fault_of(error) is not None:
            raise
        raise _refusal(row_type, error, params) from error
    except (OverflowError, TypeError, ValueError) as error:  # some drivers let these through
        raise Refused(f"{table_of(row_type).name}: {first_line(error)}") from error


def _refusal(row_type: type[Row], error: StatementError, params: Sequence[Mapping[str, Any]]) -> Refused:
    table, said = table_of(row_type).name, first_line(error.orig)
    if isinstance(error, IntegrityError) and "unique" in said.lower():
        found = _UNIQUE.search(str(error.orig))
        names = re.findall(r"\w+(?=,|$)", found[1] or found[2]) if found else []
        values = ", ".join(str(params[0].get(name)) for name in names) if len(params) == 1 else ""
        return Duplicate(f"already in the log: {table}" + (f" with {', '.join(names)} = {values}" if values else ""))
    return Refused(f"{table}: {said}")


def run_one(connection: Connection, work: Work) -> Any:
    """Do one item. Raises a `LogError` when it is refused."""
    if work.special is not None:
        return work.special(connection)
    if work.fence is not None and _changed(connection, FENCE, [work.fence]) != 1:
        raise LostLease(_why_lost(connection, work.fence))
    if work.guard is not None and _changed(connection, GUARD, [work.guard]) != 1:
        raise LostLease(_why_lost(connection, work.guard))
    _start_leases(connection, [work])
    insert_all(connection, work.rows)
    _take(connection, work)
    if work.closing is not None:
        close(connection, work.closing, within_turn=work.fence is not None)
    return None


def run_many(connection: Connection, works: list[Work]) -> bool:
    """Do plain items together, table by table. False when a fence refused one of them: then nothing may be kept.

    Episodes are born before their turns: rows of items without a fence go in first.
    """
    guards = [work.guard for work in works if work.guard is not None]
    if guards and _changed(connection, GUARD, guards) != len(guards):
        return False
    _start_leases(connection, works)
    insert_all(connection, (row for work in works if work.fence is None for row in work.rows))
    fences = [work.fence for work in works if work.fence is not None]
    if fences and _changed(connection, FENCE, fences) != len(fences):
        return False
    insert_all(connection, (row for work in works if work.fence is not None for row in work.rows))
    for work in works:
        _take(connection, work)
        if work.closing is not None:
            close(connection, work.closing, within_turn=work.fence is not None)
    return True


def _take(connection: Connection, work: Work) -> None:
    if work.taken:
        _changed(connection, TAKE, work.taken)


def close(connection: Connection, params: Params, *, within_turn: bool) -> None:
    """Write how an episode ended. Raises `LostLease`; outside a turn, `Ended` where it has ended already."""
    if _changed(connection, _CLOSE if within_turn else _CLOSE_OUTSIDE_A_TURN, [params]) == 1:
        return
    found = connection.execute(select(_EPISODE.c.lease).where(_EPISODE.c.id == params["b_episode"])).first()
    if found is not None and found.lease == params["b_lease"]:
        raise Ended(f"episode {params['b_episode']} has ended already")
    raise LostLease(_why_lost(connection, params))


def _changed(connection: Connection, statement: Update | Statement, params: list[Params]) -> int:
    with refusing(EpisodeRow, params):
        if isinstance(statement, Statement):
            return statement.run(connection, params)
        return connection.execute(statement, params).rowcount


def _why_lost(connection: Connection, params: Params) -> str:
    episode = params["b_episode"]
    found = connection.execute(select(_EPISODE.c.head, _EPISODE.c.lease).where(_EPISODE.c.id == episode)).first()
    if found is None:
        return f"there is no episode {episode}"
    if found.lease != params["b_lease"]:
        return f"another worker leads episode {episode}"
    return f"turn {params.get('b_turn')} of episode {episode} cannot follow turn {found.head}"


def _clock(connection: Connection) -> datetime:
    """The server's clock where many machines meet; this machine's where one file is."""
    if connection.dialect.name == "sqlite":
        return now()
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def _start_leases(connection: Connection, works: Iterable[Work]) -> None:
    """A first lease is measured by the same clock as all that follow."""
    beginning = [(work.lease_s, row) for work in works if work.lease_s is not None for row in work.rows]
    moment = _clock(connection) if beginning else None
    for seconds, row in beginning:
        if isinstance(row, EpisodeRow) and moment is not None:
            row.__dict__["lease_until"] = moment + timedelta(seconds=seconds)


def lease_work(episode: str, token: str, ttl_s: float, force: bool) -> Work:
    """Take or renew the lease of an episode."""

    def take(connection: Connection) -> EpisodeRow:
        query = select(_EPISODE).where(_EPISODE.c.id == episode).with_for_update()
        found = connection.execute(query).mappings().first()
        if found is None:
            raise NotFound(f"there is no episode {episode}")
        moment, holder, until = _clock(connection), found["lease"], found["lease_until"]
        free = holder is None or holder == token or until is None or until <= moment or is_dead(holder)
        if not free and not force:
            seconds = (until - moment).total_seconds()
            raise LeaseHeld(f"another worker leads episode {episode}; its lease runs out in {seconds:.0f} s")
        changes = {"lease": token, "lease_until": moment + timedelta(seconds=ttl_s)}
        connection.execute(update(_EPISODE).where(_EPISODE.c.id == episode).values(changes))
        return EpisodeRow.model_construct(**{**found, **changes})

    return Work(special=take)


def renew_work(token: str, ttl_s: float) -> Work:
    """Renew all leases that a worker has on episodes that are not over; those that are keep theirs as it was."""

    def renew(connection: Connection) -> int:
        until = _clock(connection) + timedelta(seconds=ttl_s)
        led = update(_EPISODE).where(_EPISODE.c.lease == token, _EPISODE.c.status.in_(UNFINISHED))
        return connection.execute(led.values(lease_until=until)).rowcount

    return Work(special=renew)


def grid_work(batch: str, grid: Any, was: Any) -> Work:
    """Keep the grid of a batch anew, where it still is what it `was`; whether it is kept."""

    def keep(connection: Connection) -> bool:
        query = select(_BATCH.c.grid).where(_BATCH.c.id == batch).with_for_update()
        if connection.execute(query).scalar_one_or_none() != was:
            return False
        connection.execute(update(_BATCH).where(_BATCH.c.id == batch).values(grid=grid))
        return True

    return Work(special=keep)


def release_work(episode: str, token: str) -> Work:
    """Let go of the lease, if it is still ours."""
    statement = (
        update(_EPISODE).where(_EPISODE.c.id == episode, _EPISODE.c.lease == token).values(lease=None, lease_until=None)
    )
    return Work(special=lambda connection: connection.execute(statement) and None)


def agree_work(consent: ConsentRow) -> Work:
    """Somebody agreed: that, and from now on their pseudonym at their seat."""
    seat = (_PARTICIPANT.c.episode == consent.episode, _PARTICIPANT.c.name == consent.participant)

    def agree(connection: Connection) -> None:
        insert_all(connection, [consent])
        connection.execute(update(_PARTICIPANT).where(*seat).values(pseudonym=consent.pseudonym))

    return Work(special=agree)


def withdraw_work(episode: str, participant: str) -> Work:
    """Somebody takes back what they agreed to; nothing happens where nobody was asked."""
    mine = (_CONSENT.c.episode == episode, _CONSENT.c.participant == participant, _CONSENT.c.withdrawn_at.is_(None))
    statement = update(_CONSENT).where(*mine).values(withdrawn_at=now())
    return Work(special=lambda connection: connection.execute(statement) and None)
