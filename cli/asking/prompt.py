"""The prompt itself."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tertulia.cli.asking.answering import Format, answer
from tertulia.cli.asking.commands import COMMANDS, columns_of, given, split, tell
from tertulia.cli.asking.running import run_named
from tertulia.cli.errors import message_of
from tertulia.cli.errors import tell as tell_error

if TYPE_CHECKING:
    from tertulia.storage.log import Log

_ASIDE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/""", re.DOTALL)
_ONCE_MORE, _LAST = "      -> ", "tertulia> "


def is_whole(text: str) -> bool:
    """Whether Enter asks it: a command, or a statement that ends with a semicolon outside quotation marks."""
    bare = _ASIDE.sub(" ", text).strip()
    return not text.strip() or text.lstrip().startswith(".") or (
        bare.endswith(";") and "'" not in bare and '"' not in bare
    )  # fmt: skip


def history_file() -> Path:
    """Where what was typed is kept from one time to the next: the user's folder for state, never the log's own."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "tertulia" / "sql-history"


def prompt(log: Log, wanted: Format) -> None:
    """Ask until `.quit` or the end of input. What goes wrong is told in a line, and asked on."""
    session = _session()
    print(f"{log.target}, read-only. Statements end with a semicolon; .help says what else there is.")
    with _CtrlC() as ctrl_c:
        while True:
            try:
                line = session.prompt(handle_sigint=False)
            except KeyboardInterrupt:  # the key: what was being typed is let go
                continue
            except EOFError:
                return
            if line.strip().rstrip(";") in (".quit", ".exit"):
                return
            try:
                with ctrl_c.ends_it():
                    _do(log, line.strip(), wanted)
            except KeyboardInterrupt:
                tell_error("interrupted")
            except Exception as error:  # what is no mistake of the user's is raised again
                message = message_of(error)
                if message is None:
                    raise
                tell_error(message)


class _CtrlC:
    """Ctrl-C as a signal ends what is being asked, once, and nothing else.

    While the prompt has the terminal it is a key. As a signal, in the moments before and after, it would find the
    prompt's event loop half made and leave one that never answers; nothing runs then that it could end.
    """

    def __init__(self) -> None:
        self._asking = False
        self._before: Any = None

    def __enter__(self) -> _CtrlC:
        self._before = signal.signal(signal.SIGINT, self._pressed)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def ends_it(self) -> Iterator[None]:
        """What is done in here can be ended."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def _pressed(self, signum: int, frame: object) -> None:
        if self._asking:
            self._asking = False
            raise KeyboardInterrupt


def _do(log: Log, line: str, wanted: Format) -> None:
    if not line.strip("; \n"):
        return
    if not line.startswith("."):
        answer(log, line, (), wanted)
        return
    command, *words = split(line.rstrip(";"))
    if command == ".run":
        name, *pairs = words or [""]
        run_named(log, name, given(pairs), wanted)
    else:
        tell(command, words)


def _session() -> Any:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.filters import Condition

    from tertulia.cli.asking.completing import SqlCompleter
    from tertulia.storage.named import named

    known = {"tables": columns_of(), "commands": COMMANDS, "named": sorted(named())}
    session: Any = PromptSession(
        _LAST,
        history=_history(),
        completer=SqlCompleter(**known),
        complete_while_typing=False,
        multiline=Condition(lambda: not is_whole(session.default_buffer.text)),
        prompt_continuation=lambda width, number, wrapped: _ONCE_MORE,
    )
    return session


def _history() -> Any:
    """In a file that only its owner reads; in memory where there can be none."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    file = history_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))
