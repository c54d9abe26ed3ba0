"""An episode with one person at this terminal: begun or gone on with, led here, paused when the person leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.turns import Gathering
from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, note
from tertulia.cli.hints import go_on, program, resume_command
from tertulia.cli.options import Show
from tertulia.cli.playing import when_the_terminal_goes
from tertulia.cli.seat.face import Face, Pipe, Terminal
from tertulia.cli.seat.link import LocalLink
from tertulia.cli.seat.seat import PAUSE, UNDO, SeatAtTerminal

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode, Listen
    from tertulia.environments.people.table import Table
    from tertulia.environments.result import EpisodeResult
    from tertulia.storage.log import Log

Make = Callable[["Log", "Backends", "Listen", "Table"], Awaitable["Episode"]]
"""Begins or reopens an episode with people."""


@dataclass(slots=True)
class Seating:
    """Who sits where, and how it is shown."""

    seat: str
    pseudonym: str | None = None
    minds: bool | None = False
    """Whether minds are shown at first; None where they cannot be."""
    display: Show | None = None
    db: str | None = None
    result: EpisodeResult | None = field(default=None, init=False)

    def play(self, make: Make, *, create: bool = True) -> int:
        """Until it ends or the person leaves; the exit code. Raises what `make` raises, before anything is shown."""
        try:
            return asyncio.run(self._play(make, create))
        except KeyboardInterrupt:
            note("interrupted before the episode began")
            return INTERRUPTED

    async def _play(self, make: Make, create: bool) -> int:
        from tertulia.agents.registry import Backends
        from tertulia.storage.log import Log

        task = asyncio.current_task()
        assert task is not None
        when_the_terminal_goes(task.cancel)
        backends = Backends()
        with Log.open(self.db, create=create, writing=True) as log:
            try:
                return await self._episodes(make, log, backends)
            finally:
                await backends.aclose()

    async def _episodes(self, make: Make, log: Log, backends: Backends) -> int:
        """One episode, and another whenever something was taken back."""
        from tertulia.environments.changes import ForkError
        from tertulia.environments.episode import Episode
        from tertulia.environments.people.undoing import undo

        told, face = "", self._face()
        while True:
            playing = _AtTable(self, log, backends, face)
            left = await playing.run(make, told)
            if left != UNDO:
                return self._told(playing, left)
            assert playing.episode is not None
            old = playing.episode.stage.episode
            try:
                new = await undo(log, old, self.seat)
                told = f"taken back; goes on as {new}"
            except ForkError as problem:
                new, told = old, str(problem)

            async def make(log: Log, backends: Backends, listen: Listen, people: Table, new: str = new) -> Episode:
                return await Episode.reopen(
                    new, log=log, backends=backends, listen=listen, people=people, accept_changes=True
                )

    def _face(self) -> Face:
        """One for all of a command: what is typed ahead is not lost where an episode goes on as another."""
        plain = self.display in (Show.plain, Show.none)
        if plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return Pipe(sys.stdin, sys.stdout)
        return Terminal(self.seat)

    def _told(self, playing: _AtTable, left: str) -> int:
        assert playing.episode is not None
        episode, result = playing.episode.stage.episode, playing.result
        if playing.unsent:
            note(f"not sent: {playing.unsent}")
        if result is None or result.reason == "interrupted":
            note(f"paused after turn {playing.episode.head}; {go_on(episode, self.db)}")
            return INTERRUPTED
        note(f"{result.status}: {result.reason}")
        if result.status in ("paused", "error"):
            note(go_on(episode, self.db, result.status))
            return FAILED
        if playing.unsaid:
            note(f"sent, and not said before it ended: {'; '.join(playing.unsaid)}")
        if not playing.episode.stage.scenario.people.blind:
            note(f"what was said, thought and believed: {program()} show {episode} --minds")
        return FINE


class _AtTable:
    """One episode while its person sits at this terminal."""

    def __init__(self, seating: Seating, log: Log, backends: Backends, face: Face) -> None:
        self.seating, self.log, self.backends, self.face = seating, log, backends, face
        self.episode: Episode | None = None
        self.result: EpisodeResult | None = None
        self.unsent = ""
        self.unsaid: list[str] = []
        self._gathering: Gathering | None = None
        self._thinking: set[str] = set()
        self._at: SeatAtTerminal | None = None

    async def run(self, make: Make, told: str) -> str:
        """Why it ended here: the person left (`undo`, `pause`), or the episode's reason."""
        from tertulia.environments.people.chair import Chair
        from tertulia.environments.people.sight import shows_minds
        from tertulia.environments.people.table import Table

        seating = self.seating
        table = Table({seating.seat: Chair(seating.seat, pseudonym=seating.pseudonym)})
        self.episode = await make(self.log, self.backends, self._listen, table)
        stage = self.episode.stage
        self._gathering = Gathering(stage.seats)
        self._gathering.know(stage.minds.values())
        link = LocalLink(table, seating.seat)
        face = self.face
        self._at = SeatAtTerminal(
            link, face, saved=self._saved, can_undo=True, minds=seating.minds if shows_minds(stage) else None
        )
        if isinstance(face, Terminal):
            face.types = self._at.typing
        if told:
            self._at.say(told)
        self._asks()
        return await self._until_left(table)

    async def _until_left(self, table: Table) -> str:
        assert self.episode is not None
        assert self._at is not None
        playing = asyncio.create_task(self.episode.play())
        sitting = asyncio.create_task(self._at.run())
        left = ""
        try:
            await asyncio.wait({playing, sitting}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done() and not sitting.done():  # an episode's last word to the person comes just before its end
                await asyncio.wait({sitting}, timeout=1.0)
        except asyncio.CancelledError:  # Ctrl-C, where no prompt is there to catch it
            task = asyncio.current_task()
            assert task is not None
            task.uncancel()
            left = PAUSE
        self.unsent = self.face.unsent()
        if sitting.done() and not self._at.place.ended:
            playing.cancel()
        if left:
            playing.cancel()
        played, sat = await self._both(playing, sitting)
        self.unsaid = table.unsaid(self.seating.seat)
        for trouble in (played, sat):
            if isinstance(trouble, Exception):
                raise trouble
        if not isinstance(played, BaseException):
            self.result = played
            return played.reason
        return left or ("" if isinstance(sat, BaseException) else sat)

    @staticmethod
    async def _both(
        playing: asyncio.Task[EpisodeResult], sitting: asyncio.Task[str]
    ) -> tuple[EpisodeResult | BaseException, str | BaseException]:
        """Wait for both, whatever comes: the log is open until the episode has written how it stands."""
        [played] = await asyncio.gather(playing, return_exceptions=True)
        if not sitting.done():
            sitting.cancel()
        [sat] = await asyncio.gather(sitting, return_exceptions=True)
        return played, sat

    def _saved(self) -> str:
        assert self.episode is not None
        episode = self.episode
        where = f"every turn up to {episode.head} is in {self.log.target}"
        return f"{where}; Ctrl-C pauses, and {resume_command(episode.stage.episode, self.seating.db)} goes on"

    def _listen(self, event: dict[str, Any]) -> None:
        kind = event["kind"]
        if self._at is None or self._gathering is None:
            return
        if kind == "turn":
            # in the line of what the seat is told, so that minds stand under what was said
            view = self._gathering.turn(event["turn"], event["rows"])
            self._at.link.messages.put_nowait({"kind": "minds", "view": view})
            self._asks()
        elif kind == "deliberated":
            self._thinking.discard(event["name"])
            self._at.thinks(self._in_order())
        elif kind == "floor":
            self._at.thinks(())

    def _asks(self) -> None:
        """A turn begins: whoever asks a model thinks for a while; not said where nobody may know who is an agent."""
        from tertulia.environments.people.sight import shows_ai

        assert self.episode is not None
        assert self._at is not None
        if not shows_ai(self.episode.stage):
            return
        seats = self.episode.stage.seats.values()
        self._thinking = {seat.name for seat in seats if seat.model not in ("rules", "human")}
        self._at.thinks(self._in_order())

    def _in_order(self) -> list[str]:
        assert self.episode is not None
        return [name for name in self.episode.stage.seats if name in self._thinking]
