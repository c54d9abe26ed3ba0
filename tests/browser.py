"""A real browser, driven over its debugging protocol on loopback: what it says, asks for and shows."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

REQUIRED = "TERTULIA_REQUIRE_BROWSER"


def chromium() -> str:
    """The browser's program. Skips the test where there is none, unless it is said to be required."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name, path="/usr/bin:/usr/local/bin:/snap/bin")
        if found is not None:
            return found
    if os.environ.get(REQUIRED):
        pytest.fail(f"no Chromium here, and {REQUIRED} is set")
    pytest.skip("no Chromium on this machine")


class Tab:
    """One page: everything it complained of in `trouble`, everything it asked for in `asked`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._replies: dict[int, asyncio.Future[Any]] = {}
        self._loaded = asyncio.Event()
        self.trouble: list[str] = []
        self.asked: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._replies.pop(said["id"]).set_result(said)
                continue
            self._note(said["method"], said["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
            self.trouble.append(json.dumps(params))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.trouble.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.trouble.append(params["entry"]["text"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        self._number += 1
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies[self._number] = reply
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        said = await asyncio.wait_for(reply, 60)
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    async def open(self, path: Path) -> None:
        """Show a file, and wait until it is there."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        self._loaded.clear()
        await self.call("Page.navigate", url=path.as_uri())
        await asyncio.wait_for(self._loaded.wait(), 60)

    async def see(self, *, width: int, height: int = 900, dark: bool = False, media: str = "screen") -> None:
        """As a window of this size, in this scheme, on this medium."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    async def run(self, script: str) -> Any:
        """The value of an expression on the page; of a promise, once it is kept."""
        said = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def press(self, key: str) -> None:
        """One key, down and up."""
        for kind in ("keyDown", "keyUp"):
            code = {"ArrowLeft": 37, "ArrowRight": 39, "Tab": 9, "Enter": 13, "Home": 36, "End": 35}[key]
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    async def picture(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the page."""
        said = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        _keep(path, b64decode(said["data"]))


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    """A headless browser with one empty page; `folder` is its profile."""
    program = chromium()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"]
    where = [f"--user-data-dir={folder}", "--remote-debugging-port=0", "about:blank"]
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, *flags, *quiet, *where, stdout=nowhere, stderr=nowhere)
    try:
        port = await _port(folder / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                pages = [page for page in await reply.json() if page["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    for _ in range(1200):
        if (found := _port_in(file)) is not None:
            return found
        assert process.returncode is None, "the browser has ended"
        await asyncio.sleep(0.05)
    raise AssertionError("the browser did not open its port")


def _port_in(file: Path) -> int | None:
    """What the browser wrote, once it is whole."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return int(lines[0]) if lines and lines[0].endswith("\n") else None


def _keep(path: Path, content: bytes) -> None:
    path.write_bytes(content)
