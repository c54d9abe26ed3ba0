"""What tests of calls share: a ledger in memory, a seat before a real server, and requests to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.caller import RetryPolicy, SeatModel
from tertulia.agents.limiter import Limiter
from tertulia.mind.model import Message, Request, Sampling
from tertulia.storage.rows import CallRow
from tertulia.storage.seen import Seen
from tests.loopback import Loopback

NO_WAIT = RetryPolicy(max_attempts=6, base_s=0.0)


class Opinion(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=60)]
    percent: Annotated[int, Field(ge=0, le=100)]
    whom: Literal["alice", "bob"]


class Kept:
    """A ledger in memory; `order` tells rows and uses of answers apart."""

    def __init__(self, rows: Sequence[CallRow] = ()) -> None:
        self.rows = list(rows)

    def recorded(self, purpose: str, ordinal: int) -> list[CallRow]:
        mine = [row for row in self.rows if (row.purpose, row.ordinal) == (purpose, ordinal)]
        return sorted(mine, key=lambda row: row.attempt)

    async def record(self, row: CallRow) -> None:
        self.rows.append(row)


def ask_for(
    said: str = "What do you think?", schema: type[Any] = Opinion, *, purpose: str = "think", ordinal: int = 0
) -> Request[Any]:
    seen = Seen(participant="alice", turn=3, cast=("alice", "bob"), present=("alice", "bob"), premise="A dinner.")
    messages = [Message("system", "You are Alice."), Message("user", said)]
    return Request(purpose, schema, seen, {}, lambda: messages, lambda: Sampling(max_tokens=300, seed=5), ordinal)


def backend_of(server: Loopback, **named: Any) -> OpenAIBackend:
    return OpenAIBackend("any", base_url=server.url, **named)


def seat(backend: Any, ledger: Any, **named: Any) -> SeatModel:
    settings: dict[str, Any] = {"limiter": Limiter(), "retry": NO_WAIT} | named
    return SeatModel(
        backend, uri=backend.uri, episode="e1", turn=3, take=0, participant="alice", ledger=ledger, **settings
    )
