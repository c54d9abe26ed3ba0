"""How far a long run has come, on stderr: a line that renews itself on a terminal, a few lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_TOLD = 10
"""How often progress is told where it cannot be renewed in place."""


@contextmanager
def progress_on(stream: TextIO, total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """Yields what to call after each episode."""
    if not shown:
        yield lambda: None
    elif stream.isatty():
        with _renewed(stream, total) as step:
            yield step
    else:
        yield _told(stream, total)


@contextmanager
def _renewed(stream: TextIO, total: int) -> Iterator[Callable[[], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    from tertulia.cli.display.console import console_on

    columns = (
        "episodes",
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        "elapsed,",
        TimeRemainingColumn(),
        "left",
    )
    with Progress(
        *columns, console=console_on(stream), transient=True, refresh_per_second=4, redirect_stdout=False
    ) as progress:
        task = progress.add_task("episodes", total=total)
        yield lambda: progress.advance(task)


def _told(stream: TextIO, total: int) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if done * _TOLD // total > (done - 1) * _TOLD // total:
            print(f"{done} of {total} episodes", file=stream, flush=True)

    return step
