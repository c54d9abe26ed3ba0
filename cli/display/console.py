"""Where things are shown: how wide it is, which colours and signs it can do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

NARROWEST = 40
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_magenta")


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of a display; a terminal without Unicode gets plain ones."""

    bar: str
    """From a full cell down to its smallest part."""
    spoken: str
    thought: str
    floor: str
    scripted: str
    arrow: str
    dot: str
    cut: str
    up: str
    down: str


UNICODE = Signs("█▉▊▋▌▍▎▏", "●", "○", "└", "✦", "→", "·", "…", "↑", "↓")
ASCII = Signs("#", "*", "o", "-", "*", "->", "-", "...", "+", "-")


def console_on(stream: TextIO | None = None) -> Console:
    """A console that shows text as it is: no markup, no emoji codes, no highlighting."""
    from rich.console import Console

    class Honest(Console):
        """Says when nobody reads any more, instead of leaving the program from within."""

        def on_broken_pipe(self) -> None:
            raise  # rich calls this while it handles that very error

    stream = sys.stdout if stream is None else stream
    console = Honest(file=stream, markup=False, emoji=False, highlight=False)
    if console.width < NARROWEST:
        console.width = NARROWEST
    return console


def signs_of(console: Console) -> Signs:
    """The signs that this console's encoding has."""
    return UNICODE if console.encoding.lower().startswith("utf") else ASCII


def colour_of(names: tuple[str, ...], name: str | None) -> str:
    """A participant's colour, the same in every episode with the same seats."""
    return _COLOURS[names.index(name) % len(_COLOURS)] if name in names else "white"


def width_of(stream: TextIO) -> int | None:
    """How many cells a line of this stream has; None where nobody looks at it (a file, a pipe)."""
    if not stream.isatty():
        return None
    from shutil import get_terminal_size

    return max(NARROWEST, get_terminal_size().columns)
