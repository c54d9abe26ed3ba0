"""Seats for people at other terminals: one WebSocket a seat, and nothing goes through it but what the seat may see."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.environments.people.reading import SPEECH, Unreadable
from tertulia.storage.errors import LogError

if TYPE_CHECKING:
    from aiohttp import web

    from tertulia.environments.people.table import Table

PROTOCOL = 1
INPUTS = frozenset({*SPEECH, "leave", "rejoin", "withdraw", "consent", "answer"})
"""What may come from a seat."""
_LARGEST = 64 * 1024
"""Bytes of one message from a seat: far more than an act may have."""
_BEAT_S = 20.0
_BEHIND = 200
"""So many messages unread, and what only tells of the moment is left out."""
_PASSING = ("speaking", "waiting", "trouble")
_REMEMBERED = 100
"""The answers a seat may ask for again."""
_WRONG_WAIT_S = 1.0
"""How long a wrong token waits for its answer: so many guesses a second at most."""


def new_tokens(seats: Iterable[str]) -> dict[str, str]:
    """A secret for each seat: whoever has it may take the seat."""
    return {seat: secrets.token_urlsafe(16) for seat in seats}


def is_loopback(host: str) -> bool:
    """Whether nobody but programs of this machine can reach an address."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(slots=True)
class _Line:
    """One connection of a seat, and what is still to be sent through it."""

    seat: str
    messages: asyncio.Queue[Mapping[str, Any] | None] = field(default_factory=asyncio.Queue)

    def hear(self, message: Mapping[str, Any]) -> None:
        if self.messages.qsize() < _BEHIND or message["kind"] not in _PASSING:
            self.messages.put_nowait(message)


class Hosting:
    """Serves the seats of a table. `open` it in the loop that plays the episode, `close` it afterwards."""

    def __init__(
        self, table: Table, tokens: Mapping[str, str], *, host: str = "127.0.0.1", port: int = 0,
        tls: ssl.SSLContext | None = None, tell: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        """`tell` gets a line whenever somebody comes, goes, or has a wrong token."""
        self.table, self.tokens, self.tell = table, dict(tokens), tell
        self.host, self.port, self._tls = host, port, tls
        self._lines: dict[str, _Line] = {}
        self._answered: dict[str, OrderedDict[str, Mapping[str, Any]]] = {}
        self._runner: web.AppRunner | None = None
        self._failed = asyncio.Lock()

    @property
    def address(self) -> str:
        """What people write after `tertulia join`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self._tls else 'ws'}://{host}:{self.port}"

    async def open(self) -> None:
        """Listen. Raises `OSError` where the address cannot be had."""
        from aiohttp import web

        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port, ssl_context=self._tls).start()
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Send what is still to be sent, and let everybody go."""
        lines = list(self._lines.values())
        for line in lines:
            line.messages.put_nowait(None)
        for _ in range(100):  # a second at most, for those who still read
            if all(line.messages.empty() for line in lines):
                break
            await asyncio.sleep(0.01)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        from aiohttp import web

        socket = web.WebSocketResponse(heartbeat=_BEAT_S, max_msg_size=_LARGEST)
        await socket.prepare(request)
        seat = await self._seat(socket)
        if seat is None:
            await socket.close()
            return socket
        line = self._sit(seat)
        sending = asyncio.create_task(self._send(socket, line))
        try:
            async for message in socket:
                if message.type is web.WSMsgType.TEXT and not await self._take(line, message.data):
                    break
        finally:
            sending.cancel()
            self._gone(line)
            await socket.close()
        return socket

    async def _seat(self, socket: web.WebSocketResponse) -> str | None:
        """The seat that the first message asks for, if it has its token."""
        try:
            first = _object(await socket.receive_str(timeout=30.0))
        except (TypeError, ValueError, TimeoutError):
            return None
        seat, token = str(first.get("seat")), str(first.get("token"))
        if first.get("protocol") != PROTOCOL:
            wrong = f"this table speaks version {PROTOCOL} of the protocol; use the same version of tertulia"
            await socket.send_json({"kind": "denied", "reason": wrong})
        elif secrets.compare_digest(_bytes(token), _bytes(self.tokens.get(seat, secrets.token_urlsafe(16)))):
            return seat
        else:
            async with self._failed:  # one at a time, whoever asks
                await asyncio.sleep(_WRONG_WAIT_S)
            self.tell(f"somebody asked for a seat with a wrong token ({seat[:40]!r})")
            await socket.send_json({"kind": "denied", "reason": "no seat here goes with this name and this token"})
        return None

    def _sit(self, seat: str) -> _Line:
        """The newest connection has the seat; an older one, perhaps a dead one, is told that it lost it."""
        line = _Line(seat)
        before = self._lines.get(seat)
        if before is not None:
            before.hear({"kind": "denied", "reason": "the seat was taken from another terminal"})
            before.messages.put_nowait(None)
        self._lines[seat] = line
        line.hear({"kind": "seated", "seat": seat})
        self.table.sit(seat, line.hear)
        missing = [chair.seat for chair in self.table.chairs.values() if not chair.came]
        waits = f"; it begins when {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} here too"
        self.tell(f"{seat} is {'back' if before else 'here'}{waits if missing else ''}")
        return line

    def _gone(self, line: _Line) -> None:
        if self._lines.get(line.seat) is line:
            self.table.stand_up(line.seat)
            self.tell(f"{line.seat} is gone; the seat is silent until it is taken again")

    async def _send(self, socket: web.WebSocketResponse, line: _Line) -> None:
        while (message := await line.messages.get()) is not None:
            await socket.send_json(message)
        await socket.close()

    async def _take(self, line: _Line, text: str) -> bool:
        """One message of a seat; False where it is none, and the line ends."""
        try:
            message = _object(text)
            if message.get("kind") == "types":
                self.table.types(line.seat, bool(message.get("on")))
                return True
            number, given = str(message["n"])[:40], message["input"]
            kind, words, data = str(given["kind"]), str(given.get("text") or ""), given.get("data")
            took = given.get("composed_ms")
            if kind not in INPUTS or not isinstance(data, dict | None) or not isinstance(took, int | float | None):
                raise ValueError(kind)
        except (KeyError, TypeError, ValueError, OverflowError):
            line.hear({"kind": "denied", "reason": "that was no message of this protocol"})
            line.messages.put_nowait(None)
            return True
        line.hear(await self._handed_in(line.seat, number, kind, words, data, took))
        return True

    async def _handed_in(
        self, seat: str, number: str, kind: str, words: str, data: Any, took: Any
    ) -> Mapping[str, Any]:
        """The answer to what a seat sent. What comes again after a lost line is answered as it was the first time."""
        known = self._answered.setdefault(seat, OrderedDict())
        if number not in known:
            try:
                await self.table.hand_in(seat, kind, words, data, took)
                known[number] = {"kind": "sent", "n": number}
            except Unreadable as problem:
                known[number] = {"kind": "not sent", "n": number, "reason": str(problem)}
            except LogError as error:
                return {"kind": "not sent", "n": number, "reason": f"it could not be written down: {error}"}
            if len(known) > _REMEMBERED:
                known.popitem(last=False)
        return known[number]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
