"""Reading the log back as the plain rows that were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, Select, and_, case, func, literal, select, true

from tertulia.storage.errors import NotFound, Several
from tertulia.storage.faults import patiently
from tertulia.storage.lease import is_dead
from tertulia.storage.prompts import restored
from tertulia.storage.rows import BatchRow, CallRow, EpisodeRow, ParticipantRow, Row
from tertulia.storage.tables import key_of, table_of
from tertulia.storage.target import Target
from tertulia.storage.types import now

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one episode of a batch stands."""

    episode: str
    cell: str
    seed: int
    replicate: int
    status: str
    led: bool
    """Whether a worker has it whose lease has not run out and who is not known to be dead."""
    ended_at: datetime | None = None
    """When it ended or failed."""

    @property
    def key(self) -> tuple[str, int, int]:
        """What is unique within its batch."""
        return self.cell, self.seed, self.replicate


_AT_ONCE = 500
"""Values in one `IN`."""
_LAST = "\U0010ffff"
_CALL_KEY = ("turn", "take", "participant", "purpose", "ordinal", "attempt")


_SETTLED = ("ok", "repaired", "fallback")
"""How the last attempt of a request stands, when the request has come to an end."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls of a batch have come to: dollars as far as prices are known, tokens in and out, requests that came
    to an end (one that took several attempts counts once, as everywhere), those given up after no valid reply, and
    answers at an unknown price."""

    dollars: float = 0.0
    tokens: int = 0
    calls: int = 0
    fallbacks: int = 0
    unpriced: int = 0


class Readers:
    """The reading half of a log: synchronous, on connections of its own, safe from any thread."""

    target: Target
    _reads: Engine

    def episode(self, id: str) -> EpisodeRow:
        """The episode with this id, or the only one whose id begins so. Raises `NotFound`."""
        table = table_of(EpisodeRow)
        for start in dict.fromkeys((id, id.upper())):
            query = select(table).where(table.c.id >= start, table.c.id < start + _LAST).order_by(table.c.id)
            found = self._read(EpisodeRow, query.limit(21))
            exact = [row for row in found if row.id == start]
            if exact or len(found) == 1:
                return (exact or found)[0]
            if found and id:
                number = "more than 20" if len(found) > 20 else len(found)
                raise Several(f"{number} episodes begin with '{id}': {found[0].id}, {found[1].id}, ...")
        raise NotFound(f"no episode '{id}' in {self.target}; to see what there is: tertulia episodes")

    def episodes(
        self,
        limit: int | None = None,
        *,
        status: str | Sequence[str] | None = None,
        scenario: str | None = None,
        batch: str | None = None,
    ) -> list[EpisodeRow]:
        """Episodes, the newest first."""
        table = table_of(EpisodeRow)
        query = select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
        if status is not None:
            query = query.where(table.c.status.in_([status] if isinstance(status, str) else list(status)))
        if scenario is not None:
            query = query.where(table.c.scenario == scenario)
        if batch is not None:
            query = query.where(table.c.batch == batch)
        return self._read(EpisodeRow, query)

    def batch(self, id: str) -> BatchRow:
        """The batch with this id, or the only one whose id begins so. Raises `NotFound`."""
        table = table_of(BatchRow)
        query = select(table).where(table.c.id >= id, table.c.id < id + _LAST).order_by(table.c.id).limit(2)
        found = self._read(BatchRow, query)
        if found and id and (found[0].id == id or len(found) == 1):
            return found[0]
        if found and id:
            raise Several(f"several batches begin with '{id}': {found[0].id}, {found[1].id}, ...")
        raise NotFound(f"no batch '{id}' in {self.target}; to see what there is: tertulia episodes --batches")

    def batches(self) -> list[BatchRow]:
        """All batches, the newest first."""
        table = table_of(BatchRow)
        return self._read(BatchRow, select(table).order_by(table.c.created_at.desc(), table.c.id.desc()))

    def standing(self, batch: str) -> list[Standing]:
        """How every episode of a batch stands, in the order in which they were begun."""
        table = table_of(EpisodeRow)
        columns = [table.c[name] for name in ("id", "cell", "seed", "replicate", "status", "lease", "ended_at")]
        clock = literal(now(), table.c.lease_until.type) if self.target.path is not None else func.clock_timestamp()
        over = func.coalesce(table.c.lease_until <= clock, true())
        query = select(*columns, over).where(table.c.batch == batch).order_by(table.c.id)
        with self._reading() as connection:
            found = connection.execute(query).all()
        dead = {token: is_dead(token) for token in {row[5] for row in found if row[5] is not None}}
        return [
            Standing(*row[:5], led=row[5] is not None and not row[7] and not dead[row[5]], ended_at=row[6])
            for row in found
        ]

    def come_to(self, batch: str) -> dict[str, tuple[int, int]]:
        """How far a batch has come: by status, how many episodes stand so, and how many turns they have in the log."""
        table = table_of(EpisodeRow)
        query = (
            select(table.c.status, func.count(), func.coalesce(func.sum(table.c.head + 1), 0))
            .where(table.c.batch == batch)
            .group_by(table.c.status)
        )
        with self._reading() as connection:
            return {status: (int(count), int(turns)) for status, count, turns in connection.execute(query)}

    def spent(self, batch: str) -> Spent:
        """What the calls of a batch have come to so far, probes and those by rules included."""
        calls, episodes = table_of(CallRow), table_of(EpisodeRow)
        tokens = func.coalesce(calls.c.input_tokens, 0) + func.coalesce(calls.c.output_tokens, 0)
        unpriced = and_(calls.c.cost_usd.is_(None), calls.c.status != "error")
        query = (
            select(
                func.coalesce(func.sum(calls.c.cost_usd), 0.0),
                func.coalesce(func.sum(tokens), 0),
                func.coalesce(func.sum(case((calls.c.status.in_(_SETTLED), 1), else_=0)), 0),
                func.coalesce(func.sum(case((calls.c.status == "fallback", 1), else_=0)), 0),
                func.coalesce(func.sum(case((unpriced, 1), else_=0)), 0),
            )
            .select_from(calls.join(episodes, episodes.c.id == calls.c.episode))
            .where(episodes.c.batch == batch)
        )
        with self._reading() as connection:
            dollars, *counts = connection.execute(query).one()
        return Spent(float(dollars), *map(int, counts))

    def answered(self, batch: str) -> set[str]:
        """The URIs of the models that have answered anything in a batch."""
        calls, episodes = table_of(CallRow), table_of(EpisodeRow)
        joined = calls.join(episodes, episodes.c.id == calls.c.episode)
        query = select(calls.c.uri).distinct().select_from(joined)
        with self._reading() as connection:
            return set(connection.execute(query.where(episodes.c.batch == batch, calls.c.status != "error")).scalars())

    def participants(self, episode: str) -> list[ParticipantRow]:
        """The seats of an episode, by seat order."""
        return sorted(self.rows(ParticipantRow, episode), key=lambda row: row.ordinal)

    def rows(self, row_type: type[R], episode: str, *, upto_turn: int | None = None, **equals: Any) -> list[R]:
        """The rows of one type of one episode, by turn and then by key.

        `upto_turn` leaves out later turns; further arguments name columns and the values they must have.
        Raises `ValueError` for a column that the rows lack.
        """
        table = table_of(row_type)
        wanted = {"id" if row_type is EpisodeRow else "episode": episode, **equals}
        unknown = [name for name in (*wanted, *(["turn"] if upto_turn is not None else [])) if name not in table.c]
        if unknown:
            raise ValueError(f"{table.name} has no column '{unknown[0]}'")
        query = select(table).where(*(table.c[name] == value for name, value in wanted.items()))
        if upto_turn is not None:
            query = query.where(table.c.turn <= upto_turn)
        found = self._read(row_type, query.order_by(*(table.c[name] for name in order_of(row_type))))
        return cast(list[R], self._with_prompts(cast(list[CallRow], found))) if row_type is CallRow else found

    def _with_prompts(self, calls: list[CallRow]) -> list[CallRow]:
        """The calls with their messages, also where the log has only the rest of them."""
        bases = sorted({call.base for call in calls if call.base is not None})
        if not bases:
            return calls
        table = table_of(CallRow)
        whole = {call.call: call.messages for call in calls if call.base is None}
        missing = [base for base in bases if base not in whole]
        with self._reading() as connection:
            for start in range(0, len(missing), _AT_ONCE):
                of = (table.c.episode == calls[0].episode, table.c.call.in_(missing[start : start + _AT_ONCE]))
                for call, messages in connection.execute(select(table.c.call, table.c.messages).where(*of)):
                    whole[call] = messages
        return [restored(call, whole) for call in calls]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection to read by. A server that is started again is waited for; readers meet it as writers do."""
        where, connect = self.target, self._reads.connect
        with where.told_in_one_line(), patiently(where, connect, ("locked", "away")) as connection:
            yield connection

    def _read(self, row_type: type[R], query: Select[Any]) -> list[R]:
        with self._reading() as connection:
            found = connection.execute(query)
            names = tuple(found.keys())
            return [
                cast(R, row_type.model_construct(None, **dict(zip(names, values, strict=True)))) for values in found
            ]


def order_of(row_type: type[Row]) -> tuple[str, ...]:
    """The columns by which rows of this type are put in order: the turn first where each has one, then the key."""
    if row_type is CallRow:
        return ("episode", *_CALL_KEY)  # the id `10/...` would come before `2/...`
    key = key_of(row_type)
    turn = table_of(row_type).c.get("turn")
    return key if turn is None or turn.nullable else (key[0], *dict.fromkeys(("turn", *key[1:])))
