"""The command in a terminal of its own, as a person sees it: a screen of cells, and keys."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pyte

COMMAND = (sys.executable, "-m", "tertulia.cli.main")
ENTER, CTRL_C, CTRL_D = "\r", "\x03", "\x04"
PATIENCE_S = 60.0
"""How long something may be long in coming before a test gives up; nothing here depends on how fast it came."""


class Screen:
    """Runs the command; `until` reads on until the screen shows something. Use it in a `with`."""

    def __init__(self, *arguments: str, at: Path, columns: int = 80, rows: int = 40, **environment: str) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=5000)
        self._stream = pyte.ByteStream(self.screen)
        self._shown: str | None = None
        self.sent = b""
        """Everything the terminal was sent."""
        parent, child = pty.openpty()
        ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        given = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
        given.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=child, stdout=child, stderr=child, env=given, cwd=at, start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self._parent, self._child = parent, child

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._child)
        with suppress(OSError):
            os.close(self._parent)

    def type(self, text: str, end: str = ENTER) -> None:
        """Press these keys, and Enter."""
        os.write(self._parent, (text + end).encode())

    def press(self, key: str) -> None:
        self.type(key, "")

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def until(self, *wanted: str) -> str:
        """Read until the screen or what has scrolled off it holds all of `wanted`; everything on it by then."""
        end = time.monotonic() + PATIENCE_S
        while not all(text in (shown := self.text()) for text in wanted):
            if time.monotonic() > end or (self.process.poll() is not None and not self._read(0.2)):
                missing = [text for text in wanted if text not in shown]
                raise AssertionError(f"never seen: {missing}; the terminal shows:\n{shown}")
            self._read(0.1)
        return shown

    def more(self) -> str:
        """Read a little further; everything on the screen by then."""
        self._read(0.1)
        return self.text()

    def pause(self, seconds: float) -> None:
        """Do nothing for so long, as a person does, and read what comes."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read(left)

    def ended(self) -> int:
        """Wait for the command to end; its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; the terminal shows:\n{self.text()}"
            self._read(0.1)
        while self._read(0.1):
            pass
        return self.process.returncode

    def text(self) -> str:
        """All lines, those that scrolled off too, without the blanks at their ends."""
        if self._shown is not None:
            return self._shown
        above = ["".join(line[x].data for x in range(self.screen.columns)) for line in self.screen.history.top]
        self._shown = "\n".join(line.rstrip() for line in [*above, *self.screen.display])
        return self._shown

    def cooked(self) -> bool:
        """Whether the terminal echoes and reads lines again, as a shell needs it."""
        flags = termios.tcgetattr(self._child)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._parent], [], [], seconds)
        try:
            part = os.read(self._parent, 65536) if ready else b""
        except OSError:
            part = b""
        if b"\x1b[6n" in part:  # it asks where the cursor is
            os.write(self._parent, f"\x1b[{self.screen.cursor.y + 1};{self.screen.cursor.x + 1}R".encode())
        self.sent += part
        self._shown = None if part else self._shown
        self._stream.feed(part)
        return bool(part)
