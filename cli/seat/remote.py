"""A seat at a table elsewhere: the same messages, over a WebSocket that comes back when it was lost."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tertulia.cli.seat.link import Message, Refused

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse

_TRIES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long after each failure it is tried again, and how often: a minute in all."""


class Denied(Exception):
    """The table does not give us the seat; the message says why."""


class RemoteLink:
    """A `Link` to a table at `address` (`ws://HOST:PORT`). `open` it first; `run` keeps it open."""

    def __init__(self, address: str, seat: str, token: str, tls: ssl.SSLContext | None = None) -> None:
        self.address, self.seat = address, seat
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self._token, self._tls = token, tls
        self._session: ClientSession | None = None
        self._socket: ClientWebSocketResponse | None = None
        self._answers: dict[str, asyncio.Future[str | None]] = {}
        self._unanswered: dict[str, dict[str, Any]] = {}
        """What was sent and has no answer yet: sent again, under the same id, when the line is back."""
        self._me, self._numbers = secrets.token_hex(4), itertools.count()

    async def open(self) -> None:
        """Connect and sit down. Raises `OSError` where nobody answers, `Denied` where the seat is not ours."""
        from aiohttp import ClientConnectionError, ClientError, ClientSession, WSMsgType

        from tertulia.environments.people.hosting import PROTOCOL

        if self._session is None:
            self._session = ClientSession()
        try:
            socket = await self._session.ws_connect(self.address, ssl=self._tls or True, heartbeat=20.0)
            await socket.send_json({"protocol": PROTOCOL, "seat": self.seat, "token": self._token})
            first = await socket.receive(timeout=60.0)
        except ClientConnectionError as error:
            raise OSError(str(error)) from error
        except (ClientError, TimeoutError, ValueError) as error:
            raise OSError(f"no table answers there ({error or 'it says nothing'})") from error
        if first.type is not WSMsgType.TEXT:
            raise OSError("the table hung up")
        message = first.json()
        if message["kind"] == "denied":
            await socket.close()
            raise Denied(message["reason"])
        self._socket = socket
        self._heard(message)
        for number, given in list(self._unanswered.items()):
            await socket.send_json({"n": number, "input": given})

    async def run(self) -> None:
        """Bring messages until the episode has ended; connect again whenever the line was lost.

        Raises `OSError` when that went on for a minute, and `Denied` when the seat is not ours any more.
        """
        while not await self._listen():
            self._socket = None
            for wait_s in _TRIES_S:
                self.messages.put_nowait({"kind": "trouble", "text": f"connection lost; again in {wait_s:.0f} s"})
                await asyncio.sleep(wait_s)
                try:
                    await self.open()
                    break
                except OSError:
                    continue
            else:
                self._give_up()
                raise OSError(f"{self.address} does not answer any more")

    async def _listen(self) -> bool:
        """Until the end (True) or until the line is lost."""
        from aiohttp import WSMsgType

        assert self._socket is not None
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                told = message.json()
                if told["kind"] == "denied":
                    raise Denied(told["reason"])
                self._heard(told)
                if told["kind"] == "end":
                    return True
        return False

    def _heard(self, message: dict[str, Any]) -> None:
        if message["kind"] in ("sent", "not sent"):
            answer = self._answers.get(message["n"])
            if answer is not None and not answer.done():
                answer.set_result(message.get("reason"))
        elif message["kind"] != "seated":
            self.messages.put_nowait(message)

    def _give_up(self) -> None:
        """The line will not come back: what has no answer is the person's again."""
        self._socket = None
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result("the table is lost, and it may not have arrived")

    async def send(
        self, kind: str, text: str = "", data: dict[str, Any] | None = None, composed_ms: float | None = None
    ) -> None:
        """Waits while the line is lost: the table takes each thing once, however often it is sent."""
        number = f"{self._me}-{next(self._numbers)}"
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        given = {"kind": kind, "text": text, "data": data, "composed_ms": composed_ms}
        self._unanswered[number] = given
        try:
            if self._socket is not None:
                with suppress(ConnectionError, RuntimeError):  # it is sent again with the next line
                    await self._socket.send_json({"n": number, "input": given})
            reason = await answer
        finally:
            self._unanswered.pop(number, None)
            self._answers.pop(number, None)
        if reason is not None:
            raise Refused(reason)

    def take_back(self) -> str | None:
        return None

    def types(self, typing: bool) -> None:
        socket = self._socket
        if socket is not None and not socket.closed:
            task = asyncio.get_running_loop().create_task(socket.send_json({"kind": "types", "on": typing}))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._session is not None:
            await self._session.close()
