"""What stands before Datasette: only this machine's user reaches it, and only harmless answers leave it."""

from __future__ import annotations

import csv
import hmac
import io
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from tertulia.storage.spreadsheets import inert

Message = MutableMapping[str, Any]
App = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_POLICY = (
    "default-src 'none'", "script-src 'self' 'unsafe-inline'", "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:", "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
)  # fmt: skip
"""Nothing from elsewhere."""
_HEADERS = {
    "content-security-policy": "; ".join(_POLICY),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


class Guard:
    """Lets a request through that names this machine as its host (a page from elsewhere cannot make a browser do so)
    and has the key, in its address once and from then on as a cookie. Only GET and HEAD. In CSV, a text that a
    spreadsheet would run is made a text.

    `begins` says with which query a page opens that is asked for without any."""

    def __init__(self, app: App, key: str, port: int, begins: Callable[[str], str | None]) -> None:
        self._app = app
        self._begins = begins
        self._key = key
        self._cookie = f"tertulia-{port}"
        self._hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        if headers.get("host") not in self._hosts:
            await _say(send, 421, "this machine alone: 127.0.0.1 or localhost")
        elif scope["method"] not in ("GET", "HEAD"):
            await _say(send, 405, "the log is only read here")
        elif self._is_key(asked.get("key", [""])[0]):
            cookie = f"{self._cookie}={self._key}; Path=/; HttpOnly; SameSite=Strict"
            place = "/" + scope["path"].lstrip("/")
            await _say(send, 303, "", {"location": place, "set-cookie": cookie})
        elif not self._is_key(self._brought(headers.get("cookie", ""))):
            await _say(send, 403, "the address that `tertulia browse` printed has a key, which is needed here")
        elif not scope["query_string"] and (query := self._begins(scope["path"])) is not None:
            await _say(send, 302, "", {"location": f"{scope['path']}?{query}"})
        else:
            await self._answer(scope, receive, send)

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._key.encode())

    def _brought(self, cookie: str) -> str:
        try:
            found = SimpleCookie(cookie).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        start: Message = {}
        body: list[bytes] = []

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(_with_headers(message))
                if not _is_csv(start):
                    await send(start)
            elif not _is_csv(start):
                await send(message)
            else:
                body.append(message.get("body", b""))
                if not message.get("more_body"):
                    whole = harmless_csv(b"".join(body).decode("utf-8", "replace")).encode("utf-8", "replace")
                    start["headers"] = [one for one in start["headers"] if one[0].lower() != b"content-length"]
                    await send(start)
                    await send({"type": "http.response.body", "body": whole})

        await self._app(scope, receive, pass_on)


def harmless_csv(text: str) -> str:
    """The same table; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    csv.field_size_limit(2**31 - 1)
    whole = io.StringIO()
    writer = csv.writer(whole, lineterminator="\r\n")
    for row in csv.reader(io.StringIO(text, newline="")):
        writer.writerow([inert(value) for value in row])
    return whole.getvalue()


def _is_csv(start: Message) -> bool:
    """Whether it is a table to be read by a program: as a file, or shown as text."""
    kinds = [value for name, value in start["headers"] if name.lower() == b"content-type"]
    return any(kind.startswith((b"text/csv", b"text/plain")) for kind in kinds)


def _with_headers(message: Message) -> Message:
    kept = [one for one in message["headers"] if one[0].decode("latin-1").lower() not in _HEADERS]
    return {**message, "headers": [*kept, *((name.encode(), value.encode()) for name, value in _HEADERS.items())]}


async def _say(send: Any, status: int, text: str, more: dict[str, str] | None = None) -> None:
    headers = {"content-type": "text/plain; charset=utf-8", **_HEADERS, **(more or {})}
    listed = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": f"{text}\n".encode()})
