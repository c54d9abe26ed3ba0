"""Where a person reads and types: a terminal with a line that stays at the bottom, or plain lines in a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console

Paint = Callable[["Console"], object]
"""Prints something on a console."""


class Face(Protocol):
    """What a seat needs of a terminal."""

    def show(self, paint: Paint) -> None:
        """Print above the line that is being typed, which stays as it is."""
        ...

    def now(self, speaking: str, status: str) -> None:
        """What is being said at this moment, and what is waited for."""
        ...

    async def read(self, ask: str = "") -> str:
        """The next line typed. Raises `EOFError` at the end of input, `KeyboardInterrupt` for Ctrl-C."""
        ...

    def put_back(self, text: str) -> None:
        """What could not be sent stands in the line again, to be changed."""
        ...

    def unsent(self) -> str:
        """What has been typed and not sent."""
        ...

    def stash(self) -> str:
        """Take what is being typed out of the line: something else is asked first."""
        ...

    def close(self) -> None: ...


class Terminal:
    """prompt_toolkit keeps the line at the bottom; rich paints what appears above it."""

    def __init__(self, name: str) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.formatted_text import FormattedText
        from prompt_toolkit.styles import Style

        from tertulia.cli.display.console import console_on

        self._name = name
        self.types: Callable[[bool], None] = lambda typing: None
        """Told when something is typed, and when nothing unsent is left."""
        self._speaking, self._status, self._ask = "", "", ""
        self._draft = ""
        self._again: list[str] = []
        """What could not be sent, and waits for an empty line."""
        self._console = console_on(sys.stdout)
        self._text: Any = FormattedText
        style = Style.from_dict({"bottom-toolbar": "noreverse", "status": "ansibrightblack", "me": "bold"})
        self._session: PromptSession[str] = PromptSession(
            self._line,
            bottom_toolbar=self._toolbar,
            erase_when_done=True,
            style=style,
            refresh_interval=1.0,
            enable_suspend=True,
        )
        self._session.default_buffer.on_text_changed += self._typed

    def show(self, paint: Paint) -> None:
        from prompt_toolkit import print_formatted_text
        from prompt_toolkit.formatted_text import ANSI

        shown = self._painted(paint)
        if self._session.app.is_running:
            print_formatted_text(ANSI(shown), end="", output=self._session.app.output)
        else:
            sys.stdout.write(shown)
            sys.stdout.flush()

    def now(self, speaking: str, status: str) -> None:
        if (speaking, status) != (self._speaking, self._status):
            self._speaking, self._status = speaking, status
            if self._session.app.is_running:
                self._session.app.invalidate()

    async def read(self, ask: str = "") -> str:
        from prompt_toolkit.patch_stdout import patch_stdout

        self._ask, self._draft = ask, self._again.pop(0) if self._again else ""
        default = self._draft
        with patch_stdout(raw=True):
            try:
                line = str(await self._session.prompt_async(default=default, handle_sigint=True))
            except EOFError:  # Ctrl-D leaves as Ctrl-C does: at a terminal, more can always be typed
                raise KeyboardInterrupt from None
        self._draft = ""
        return line

    def put_back(self, text: str) -> None:
        if self._session.app.is_running and not self._session.default_buffer.text:
            self._session.default_buffer.text = text
        else:
            self._again.append(text)

    def unsent(self) -> str:
        return "; ".join(text for text in (self._draft, *self._again) if text)

    def stash(self) -> str:
        text, self._draft = self._draft, ""
        self._session.default_buffer.text = ""
        return text

    def close(self) -> None:
        if self._session.app.is_running:
            with contextlib.suppress(Exception):  # it may be over by now, which is what is wanted
                self._session.app.exit(exception=EOFError())

    def _painted(self, paint: Paint) -> str:
        """As rich would print it on this terminal, at its present width."""
        from tertulia.cli.display.console import NARROWEST

        kept, self._console.file = self._console.file, io.StringIO()
        try:
            self._console.width = max(NARROWEST, self._session.app.output.get_size().columns)
            paint(self._console)
            return self._console.file.getvalue()
        finally:
            self._console.file = kept

    def _line(self) -> Any:
        above = [("class:status", f"{line}\n") for line in self._wrapped(self._speaking)]
        ask = f"{self._ask} " if self._ask else ""
        return self._text([*above, ("class:me", f"{ask or self._name}> ")])

    def _wrapped(self, text: str) -> list[str]:
        """The last few lines of what is being said: prompt_toolkit cuts a prompt's lines where the terminal ends."""
        import textwrap

        return textwrap.wrap(text, max(20, self._session.app.output.get_size().columns - 1))[-3:]

    def _toolbar(self) -> Any:
        return self._text([("class:status", self._status)])

    def _typed(self, buffer: Any) -> None:
        if self._session.app.is_running or buffer.text:  # at its end the line is emptied, and that is nobody's doing
            self._draft = buffer.text
        words = buffer.text.strip()
        self.types(bool(words) and (not words.startswith("/") or " " in words))


class Pipe:
    """One plain line for everything, no colour, nothing that moves: for pipes, files and screen readers."""

    def __init__(self, source: TextIO, stream: TextIO) -> None:
        self._source, self._stream = source, stream
        self._status = ""
        self._lines: asyncio.Queue[str | None] | None = None

    def show(self, paint: Paint) -> None:
        from tertulia.cli.display.console import console_on

        console = console_on(self._stream)
        console.width = 1_000_000  # a line is as long as it is
        console.no_color = True
        paint(console)
        self._stream.flush()

    def now(self, speaking: str, status: str) -> None:
        """Nothing moves here; what is waited for is not said again and again."""

    async def read(self, ask: str = "") -> str:
        if ask:
            print(ask, file=self._stream, flush=True)
        if self._lines is None:
            self._lines = asyncio.Queue()
            self._begin(asyncio.get_running_loop(), self._lines)
        line = await self._lines.get()
        if line is None:
            raise EOFError
        return line

    def put_back(self, text: str) -> None:
        pass

    def unsent(self) -> str:
        return ""

    def stash(self) -> str:
        return ""

    def close(self) -> None:
        pass

    def _begin(self, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
        """Reads in a thread of its own, which ends with the program: a read cannot be taken back."""
        import threading

        def read() -> None:
            with contextlib.suppress(RuntimeError, ValueError):  # the loop or the stream is closed: nobody reads
                for line in self._source:
                    loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
                loop.call_soon_threadsafe(lines.put_nowait, None)

        threading.Thread(target=read, name="tertulia-typed", daemon=True).start()
