"""Playing one episode from the command line: begun or resumed, shown while it lasts, paused when interrupted."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.live import Display, Nothing, Plain, Rich
from tertulia.cli.display.summary import degraded_text
from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, let_go_of_stdout, note
from tertulia.cli.hints import go_on, query_to_try
from tertulia.cli.options import Show
from tertulia.storage.statuses import BROKEN_OFF

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode, Listen
    from tertulia.environments.result import EpisodeResult
    from tertulia.storage.log import Log

Make = Callable[["Log", "Backends", "Listen"], Awaitable["Episode"]]
"""Begins or reopens an episode."""
After = Callable[[], Awaitable[None]]


def json_line(result: EpisodeResult) -> str:
    """An episode's result as one line of ASCII JSON."""
    return json.dumps(asdict(result), ensure_ascii=True)


def play_one(
    make: Make, *, db: str | None, display: Show | None, minds: bool, as_json: bool, create: bool = True,
    after: After | None = None,
) -> int:  # fmt: skip
    """Play to the end or a pause, and return the exit code. Raises what `make` raises, before anything is shown.

    Without `create`, a log that is not there is an error. `after` is done when it is over, whatever happened.
    """
    shown = _display(display, minds, as_json)
    playing = _Playing(make, shown, db, create, after)
    try:
        result = asyncio.run(playing.run())
    except KeyboardInterrupt:
        _told_paused(playing, "paused")
        return INTERRUPTED
    finally:
        shown.close()
    if playing.failure is not None:
        if playing.result is None:
            _told_paused(playing, "paused, as it could not be shown any more")
        if isinstance(playing.failure, BrokenPipeError):
            let_go_of_stdout()
            return FAILED
        raise playing.failure
    assert result is not None
    if as_json:
        print(json_line(result), flush=True)
    else:
        _last_words(playing, result, db)
    return _told_how_it_went(playing, result, db)


class _Playing:
    """One episode while it is played, and what stopped its display, if anything did."""

    def __init__(self, make: Make, shown: Display, db: str | None, create: bool, after: After | None) -> None:
        self.make, self.shown, self.db, self.create, self.after = make, shown, db, create, after
        self.episode: Episode | None = None
        self.result: EpisodeResult | None = None
        self.failure: Exception | None = None
        self.log = ""
        self._task: asyncio.Task[Any] | None = None

    async def run(self) -> EpisodeResult | None:
        """None when the display failed: the episode is paused then."""
        from tertulia.agents.registry import Backends
        from tertulia.storage.log import Log

        self._task = asyncio.current_task()
        when_the_terminal_goes(lambda: signal.raise_signal(signal.SIGINT))
        backends = Backends()
        with Log.open(self.db, create=self.create, writing=True) as log:
            self.log = str(log.target)
            try:
                self.episode = await self.make(log, backends, self._listen)
                self._show(lambda: self.shown.begin(self.episode, self.log))  # type: ignore[arg-type]
                self.result = await self.episode.play()
            except asyncio.CancelledError:
                if self.failure is None:
                    raise
                assert self._task is not None
                self._task.uncancel()
            finally:
                if self.after is not None:
                    await self.after()
                await backends.aclose()
        return self.result

    def _listen(self, event: dict[str, Any]) -> None:
        self._show(lambda: self.shown.tell(event))

    def _show(self, show: Callable[[], None]) -> None:
        if self.failure is not None:
            return
        try:
            show()
        except Exception as failure:  # noqa: BLE001  whatever ails the display must not end the episode as an error
            self.failure = failure
            assert self._task is not None
            self._task.cancel()


def when_the_terminal_goes(do: Callable[[], object]) -> None:
    """A closed terminal, or somebody who ends the program, pauses as Ctrl-C does; `do` it in the running loop. What a
    shell has told us to ignore (`nohup`) is ignored."""
    for sign in ("SIGHUP", "SIGTERM"):
        number = getattr(signal, sign, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            with suppress(NotImplementedError):  # on Windows
                asyncio.get_running_loop().add_signal_handler(number, do)


def _display(display: Show | None, minds: bool, as_json: bool) -> Display:
    """What shows an episode: on stdout, or beside JSON on stderr."""
    stream = sys.stderr if as_json else sys.stdout
    if display is None:
        display = Show.none if as_json else Show.rich if stream.isatty() else Show.plain
    if display is Show.rich:
        return Rich(stream, minds)
    return Plain(stream, minds) if display is Show.plain else Nothing()


def _last_words(playing: _Playing, result: EpisodeResult, db: str | None) -> None:
    if isinstance(playing.shown, Nothing) or not result.turns:
        return
    if isinstance(playing.shown, Rich):
        print("Who believed what, and when:")
        print(f"  {query_to_try(result.episode, db)}")
    else:
        print(f"log {playing.log}")
        print(f"try {query_to_try(result.episode, db)}", flush=True)


def _told_how_it_went(playing: _Playing, result: EpisodeResult, db: str | None) -> int:
    """What went wrong, on stderr: the reason once (a display has told it already), and what helps."""
    assert playing.episode is not None
    if result.status == "degraded":
        most = playing.episode.stage.scenario.max_fallback_rate
        note(f"degraded: {degraded_text(result.calls, result.fallbacks, most)}")
    if result.status not in BROKEN_OFF:
        return FINE
    if isinstance(playing.shown, Nothing):
        note(f"{result.status}: {result.reason}")
    note(go_on(result.episode, db, result.status))
    return FAILED


def _told_paused(playing: _Playing, how: str) -> None:
    if playing.episode is None:
        note("interrupted before the episode began")
    else:
        note(f"{how}; {go_on(playing.episode.stage.episode, playing.db)}")
