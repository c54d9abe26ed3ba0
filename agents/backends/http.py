"""JSON by POST to one server, on aiohttp: connections kept open, proxies and certificates as the environment has them.

The openai SDK takes several times the CPU of this for the same request, on its default transport most of all
(`tests/bench/calls.py` measures all of them side by side); of what it offers beyond it, we used nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    import ssl

    import aiohttp

CONNECT_S = 10.0
_IDLE_S = 4.0
"""Common servers hang up after five idle seconds; a request on its way just then would be lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whole."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in any case."""
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Raises `ValueError` for what is no JSON."""
        return json.loads(self.content)


class Poster:
    """Posts to one server. The connections are made when first needed and belong to that event loop until `aclose`."""

    def __init__(self, base_url: str, headers: Mapping[str, str], *, timeout_s: float) -> None:
        """`timeout_s` bounds a whole request, from connecting to the last byte of the answer."""
        self.base_url = base_url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes) -> Answer:
        """One request, never sent twice. Raises `aiohttp.ClientError`, `OSError` or (too slow) `TimeoutError`."""
        session = self._session or self._connect()
        async with session.post(self.base_url + path, data=body) as answer:
            return Answer(answer.status, answer.reason or "", answer.headers, await answer.read())

    async def aclose(self) -> None:
        """Closes the connections. A later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _connect(self) -> aiohttp.ClientSession:
        import aiohttp

        self._session = aiohttp.ClientSession(
            # How many at once is the limiter's to say.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S, ssl=_tls(self.base_url)),
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=CONNECT_S),
            headers=self._headers,
            proxy=proxy_for(self.base_url),
            cookie_jar=aiohttp.DummyCookieJar(),  # a request depends on nothing that was asked before
        )
        return self._session


def is_loopback(url: str) -> bool:
    """Whether the server is on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a server. One for the outside world is never meant for this machine."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return None
    found = getproxies()
    return found.get(parts.scheme) or found.get("all")


def _tls(url: str) -> ssl.SSLContext | bool:
    """The certificates that are trusted: the system's own, or those of `SSL_CERT_FILE` or `SSL_CERT_DIR`."""
    if urlsplit(url).scheme != "https":
        return True
    import httpx2

    return httpx2.create_ssl_context()
