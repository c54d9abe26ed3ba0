"""The line between a person's terminal and the table, wherever that is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tertulia.environments.people.table import Table

Message = Mapping[str, Any]


class Refused(Exception):
    """What was sent cannot be; the message says why in a line. Nothing is lost: the words are still the person's."""


class Link(Protocol):
    """What a terminal needs of a table. `messages` brings what the seat is told, oldest first."""

    seat: str
    messages: asyncio.Queue[Message]

    async def send(
        self, kind: str, text: str = "", data: dict[str, Any] | None = None, composed_ms: float | None = None
    ) -> None:
        """Hand something in; durable when this returns. Raises `Refused`."""
        ...

    def types(self, typing: bool) -> None:
        """A key was pressed, or nothing unsent is left."""
        ...

    def take_back(self) -> str | None:
        """Take back what was sent last, where it waits to be said: its words; None where nothing does."""
        ...


class LocalLink:
    """A seat at a table in this process."""

    def __init__(self, table: Table, seat: str) -> None:
        self.table, self.seat = table, seat
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        table.sit(seat, self.messages.put_nowait)

    async def send(
        self, kind: str, text: str = "", data: dict[str, Any] | None = None, composed_ms: float | None = None
    ) -> None:
        from tertulia.environments.people.reading import Unreadable
        from tertulia.storage.errors import LogError

        try:
            await self.table.hand_in(self.seat, kind, text, data, composed_ms)
        except Unreadable as problem:
            raise Refused(str(problem)) from None
        except LogError as error:
            raise Refused(f"it could not be written down: {error}") from None

    def types(self, typing: bool) -> None:
        self.table.types(self.seat, typing)

    def take_back(self) -> str | None:
        return self.table.take_back(self.seat)


__all__ = ["Link", "LocalLink", "Message", "Refused"]
