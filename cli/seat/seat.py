"""One person's seat: shows what the table tells it, and carries what is typed to the table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.harmless import one_line
from tertulia.cli.seat.commands import COMMANDS, Typed, Unclear, understand, usage
from tertulia.cli.seat.filling import FORMS, Filling
from tertulia.cli.seat.link import Link, Message, Refused

if TYPE_CHECKING:
    from rich.console import Console

    from tertulia.cli.display.paint import Painter
    from tertulia.cli.display.turns import TurnView
    from tertulia.cli.seat.face import Face

TALK = ("say", "whisper", "pass")
"""Acts that need no list: words are typed, and the two others are commands."""
UNDO, PAUSE = "undo", "pause"
"""Why a person leaves the terminal, where it was not because the episode ended."""


@dataclass(slots=True)
class Place:
    """What the seat knows of where it is, from what it was told last."""

    names: tuple[str, ...] = ()
    here: tuple[str, ...] = ()
    acts: dict[str, dict[str, bool]] = field(default_factory=dict)
    turn: int = 0
    persona: str = ""
    goal: str = ""
    shown: str = ""
    pseudonym: str = ""
    waits: str = ""
    speaking: str = ""
    ended: str = ""


class SeatAtTerminal:
    """Runs until the episode ends for this person. `undo` is None where nothing can be taken back (`join`)."""

    def __init__(
        self, link: Link, face: Face, *, saved: Callable[[], str], can_undo: bool = False, minds: bool | None = None
    ) -> None:
        """`saved` says in a line where everything is and how to go on; `minds` whether minds are shown, None where
        they cannot be."""
        self.link, self.face, self.place = link, face, Place()
        self._saved, self._can_undo, self.minds = saved, can_undo, minds
        self._began: float | None = None
        self._sent = ""
        self._thinking: tuple[str, ...] = ()
        self._since = time.monotonic()
        self._trouble = ""
        self._filling = Filling(link, face, self.say)

    async def run(self) -> str:
        """Until the end (returns the reason) or until the person leaves (`undo`, `pause`)."""
        reading = asyncio.create_task(self._read())
        showing = asyncio.create_task(self._show())
        ticking = asyncio.create_task(self._tick())
        try:
            done, _ = await asyncio.wait({reading, showing}, return_when=asyncio.FIRST_COMPLETED)
            return str(next(iter(done)).result())
        finally:
            self.face.close()
            self._filling.put_away()
            for task in (reading, showing, ticking):
                task.cancel()
            await asyncio.gather(reading, showing, ticking, return_exceptions=True)

    # what is told

    async def _show(self) -> str:
        while not self.place.ended:
            self.hear(await self.link.messages.get())
        return self.place.ended

    async def _tick(self) -> None:
        """How long somebody has been thinking is said anew every second."""
        while True:
            await asyncio.sleep(1.0)
            self.status()

    def hear(self, message: Message) -> None:
        """Show one message of the table."""
        kind = message["kind"]
        if kind in FORMS:
            self._filling.begin(message)
        elif kind == "turn" and self._filling.kind == "question":
            self._filling.put_away()
            self.say("the question is over")
        if kind == "past":
            self._past(message)
        elif kind == "turn":
            self._turn(message)
        elif kind == "minds":
            self.inside(message["view"])
        elif kind == "speaking":
            self.place.speaking = f"{one_line(message['name'])}: {one_line(message['text'])}"
        elif kind == "waiting":
            mine = list(message["for"]) == [self.link.seat]
            self.place.waits = self._mine(message["why"]) if mine else one_line(message["why"])
        elif kind == "refused":
            self._sent = ""
            self.face.put_back(message["text"])
            self.say(f"{message['reason']}; not said: {one_line(message['text'])}")
        elif kind == "trouble":
            self._trouble = one_line(message["text"])
        elif kind == "end":
            self.place.ended = message["reason"] or message["status"]
        self.status()

    def _past(self, message: Message) -> None:
        place = self.place
        place.names, place.persona, place.goal = tuple(message["cast"]), message["persona"], message["goal"]
        place.pseudonym = message.get("pseudonym") or ""
        self._stands(message)
        self._sent = "; ".join(map(one_line, message.get("unsaid", ())))
        lines = [one_line(message["scenario"]), *message["premise"].splitlines(), *self._who_i_am()]
        if place.pseudonym:
            lines.append(f"The log knows you as {one_line(place.pseudonym)}.")
        self.face.show(lambda console: self._paragraphs(console, [*lines, "", "/help says what you can do."]))
        if message["events"]:
            self._paint_events(message["events"])

    def _turn(self, message: Message) -> None:
        before = self.place.shown
        self._stands(message)
        self.place.speaking, self._trouble = "", ""
        if any(event["actor"] == self.link.seat for event in message["events"]):
            self._sent = ""
        self._paint_events(message["events"])
        if message["shown"] != before and message["turn"]:
            self.say(*message["shown"].splitlines())

    def _stands(self, message: Message) -> None:
        place = self.place
        place.turn, place.here = message["turn"], tuple(message["here"])
        place.acts, place.shown = message["acts"], message["shown"]

    def inside(self, view: TurnView) -> None:
        """Show what went on in the others' minds, where this person may see it and wants to."""
        if self.minds:

            def paint(console: Console) -> None:
                if self._painter(console).inside(view):
                    console.print()

            self.face.show(paint)

    def thinks(self, names: Iterable[str]) -> None:
        """Who is still thinking in this turn."""
        names = tuple(names)
        if names and not self._thinking:
            self._since = time.monotonic()
        self._thinking = names
        self.status()

    def _mine(self, why: str) -> str:
        """What the others wait for, where it is me."""
        if why.endswith("is typing"):
            return ""
        if why.endswith("was addressed"):
            return "you were addressed"
        return "it is your turn" if why.startswith("it is the turn") else "the others wait for you"

    def status(self) -> None:
        """The line at the bottom: the turn, what is waited for, what was sent and waits to be said."""
        place = self.place
        parts = [f"turn {place.turn}"]
        if self._thinking:
            verb = "thinks" if len(self._thinking) == 1 else "think"
            parts.append(f"{', '.join(self._thinking)} {verb}{self._for()}")
        elif place.waits:
            parts.append(place.waits)
        if self._trouble:
            parts.append(self._trouble)
        if self._sent:
            parts.append(f"sent: {self._sent}")
        self.face.now(place.speaking, " · ".join([*parts, "/help"]))

    def _for(self) -> str:
        seconds = int(time.monotonic() - self._since)
        return f" ({seconds} s)" if seconds else ""

    # what is typed

    async def _read(self) -> str:
        while True:
            try:
                line = await self.face.read()
            except EOFError:
                await self._gone()
                continue
            except KeyboardInterrupt:
                return PAUSE
            if await self._filling.takes(line):
                continue
            try:
                typed = understand(line, self.place.acts)
                if typed is not None and (left := await self._do(typed)):
                    return left
            except (Unclear, Refused) as problem:
                self.say(str(problem))
                self.face.put_back(line)

    async def _gone(self) -> None:
        """Nothing more will be typed: the seat is silent, the rest is watched. Who cannot say yes has not agreed."""
        if self._filling.kind == "consent":
            await self.link.send("consent", data={"agreed": False})
            await asyncio.Event().wait()
        await self._send(Typed("leave"))
        await asyncio.Event().wait()

    async def _do(self, typed: Typed) -> str | None:
        if not typed.here:
            await self._send(typed)
            return None
        match typed.kind:
            case "who":
                self.say(*self._who())
            case "acts":
                self.say(*self._acts())
            case "think":
                self._think()
            case "save":
                self.say(self._saved())
            case "help":
                self._help()
            case "undo" if self._can_undo:
                if (words := self.link.take_back()) is None:
                    return UNDO
                self._sent = ""
                self.face.put_back(words)
                self.say("taken back, before it was said; the words stand in the line again")
            case "undo":
                self.say("what was said among several people cannot be taken back")
            case "stop":
                await self._stop(typed.text)
        return None

    async def _send(self, typed: Typed) -> None:
        took = None if self._began is None else 1000 * (time.monotonic() - self._began)
        await self.link.send(typed.kind, typed.text, typed.data or None, took)
        self._began = None
        if typed.kind == "leave":
            self.say("you have left, and watch; /rejoin to take part again")
        elif typed.kind == "rejoin":
            self.say("you take part again")
        if typed.kind in ("say", "whisper", "act"):
            self._sent = one_line(typed.text) or f"/{typed.data['kind']}"
        self.status()

    def typing(self, typing: bool) -> None:
        """A key was pressed, or nothing unsent is left."""
        if typing and self._began is None:
            self._began = time.monotonic()
        elif not typing:
            self._began = None
        self.link.types(typing)

    def _acts(self) -> list[str]:
        more = [
            usage(f"act {kind}" if f"/{kind}" in COMMANDS else kind, fields)
            for kind, fields in self.place.acts.items()
            if kind not in TALK
        ]
        return more or ["nothing but to talk" if self.place.acts else "nothing, just now"]

    def _think(self) -> None:
        if self.minds is None:
            self.say("minds are not shown at this table")
        else:
            self.minds = not self.minds
            self.say("minds are shown from now on" if self.minds else "minds are hidden")

    async def _stop(self, word: str) -> None:
        if word.strip().lower() != "yes":
            self.say("this ends the episode for good and marks it as withdrawn; to do it: /stop yes")
        else:
            await self.link.send("withdraw")

    # how it is said

    def say(self, *lines: str) -> None:
        """A word of the terminal's own, not of the conversation."""
        self.face.show(lambda console: self._paragraphs(console, lines, "dim"))

    def _help(self) -> None:
        width = max(map(len, COMMANDS))
        without = {"/undo"} if not self._can_undo else set()
        without |= {"/think"} if self.minds is None else set()
        shown = [(command, what) for command, what in COMMANDS.items() if command not in without]
        lines = ["Type words to say them to everybody here; begin with NAME: to say them to somebody."]
        self.say(*lines, *[f"{command:<{width}}  {what}" for command, what in shown])

    def _who(self) -> list[str]:
        place = self.place
        away = [name for name in place.names if name not in place.here and name != self.link.seat]
        lines = self._who_i_am()
        lines.append(f"here: {', '.join(map(one_line, place.here)) or 'nobody'}")
        if place.pseudonym:
            lines.append(f"the log knows you as {one_line(place.pseudonym)}")
        if away:
            lines.append(f"elsewhere: {', '.join(map(one_line, away))}")
        return lines

    def _who_i_am(self) -> list[str]:
        place, me = self.place, one_line(self.link.seat)
        lines = [f"You are {me}: {one_line(place.persona).rstrip('.')}." if place.persona else f"You are {me}."]
        lines += [f"You want: {one_line(place.goal).rstrip('.')}."] if place.goal else []
        return lines + place.shown.splitlines()

    def _paint_events(self, events: Iterable[Any]) -> None:
        from tertulia.cli.seat.views import view_of

        shown = [event for event in events if event["kind"] != "silence"]
        if shown:
            turns = sorted({event["turn"] for event in shown})
            views = [view_of(turn, [event for event in shown if event["turn"] == turn]) for turn in turns]

            def paint(console: Console) -> None:
                painter = self._painter(console)
                for view in views:
                    painter.happenings(view)

            self.face.show(paint)

    def _painter(self, console: Console) -> Painter:
        from tertulia.cli.display.paint import Painter

        return Painter(console, self.place.names)

    @staticmethod
    def _paragraphs(console: Console, lines: Iterable[str], style: str = "") -> None:
        from rich.text import Text

        from tertulia.cli.display.harmless import harmless

        for line in lines:
            console.print(Text(harmless(line), style))
