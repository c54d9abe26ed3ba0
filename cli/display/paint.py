"""Turns on a terminal: speech in the speaker's colour, and beneath it, dimmed, what went on inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tertulia.cli.display.bars import belief_bars, cut, padded
from tertulia.cli.display.console import colour_of, signs_of
from tertulia.cli.display.harmless import harmless, one_line
from tertulia.cli.display.turns import SPOKEN, BeliefView, EventView, MindView, ThoughtView, TurnView

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_EMPTY_LINES = re.compile("\n{3,}")
_NUMBER_CELLS = 4
_WIDEST_NAME = 12
_MOVED = 0.01
"""A change smaller than this, in total variation, is shown only where everything is."""
_LONGEST_LABEL = 0.42
"""The share of a line that the name of a belief may take."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a mind is shown; None is everything."""

    thoughts: int | None = 2
    thought_lines: int | None = 2
    beliefs: int | None = 2
    floor_lines: int | None = 1


BRIEF, WHOLE = Detail(), Detail(None, None, None, None)


class Painter:
    """Paints turns on a console, one below the other; `detail` None leaves minds out."""

    def __init__(self, console: Console, names: tuple[str, ...], detail: Detail | None = BRIEF) -> None:
        self.console, self.names, self.detail = console, names, detail
        self.signs = signs_of(console)
        self.name_cells = min(_WIDEST_NAME, max((cell_len(one_line(name)) for name in names), default=0))
        self.indent = _NUMBER_CELLS + 1 + self.name_cells + 2
        self.width = max(20, console.width - self.indent - 1)

    def turn(self, view: TurnView) -> None:
        """Paint one turn; a closing turn in which nothing changed is not painted."""
        shown = self.happenings(view)
        if not view.events and not view.closing:
            self._line(str(view.turn), "", "", self._text("(silence)", "dim italic"))
            shown = True
        if self.detail is None:
            return
        if self.inside(view, at_the_end=view.closing and not shown) or shown:
            self.console.print()

    def happenings(self, view: TurnView) -> bool:
        """Paint what happened, without what went on in minds; whether there was anything."""
        number = "" if view.closing else str(view.turn)
        for event in view.events:
            self._event(number, event)
            number = ""
        return bool(view.events)

    def inside(self, view: TurnView, *, at_the_end: bool = False) -> bool:
        """Paint what went on in minds, and who got the floor; whether there was anything."""
        detail, shown = self.detail or BRIEF, False
        for mind in view.minds:
            if not mind.thoughts and all(belief.says_nothing for belief in mind.beliefs):
                continue
            if at_the_end and not shown:
                self._line("", "", "", self._text("(at the end)", "dim italic"))
            self._mind(mind, detail)
            shown = True
        if any(bid.wants or bid.won for bid in view.bids):
            self._floor(view, detail)
        return shown

    def _text(self, text: str, style: str = "") -> Text:
        from rich.text import Text

        return Text().append(_EMPTY_LINES.sub("\n\n", harmless(text)), style)

    def _event(self, number: str, event: EventView) -> None:
        colour = colour_of(self.names, event.speaker)
        body = self._text(f"{self.signs.scripted} " if event.scripted else "", "yellow")
        if event.speaker is not None:
            to = f"{self.signs.arrow} {', '.join(event.addressees)}" if event.addressees else ""
            how = one_line(f"{event.how} {to}")
            body.append_text(self._text(f"({how}) " if how else "", f"{colour} dim"))
        style = "yellow italic" if event.scripted else "italic" if event.how else ""
        body.append_text(self._text(event.text, style))
        self._line(number, event.speaker or "", f"bold {colour}", body)

    def _mind(self, mind: MindView, detail: Detail) -> None:
        colour, name = colour_of(self.names, mind.name), mind.name
        lines: list[Text] = []
        for thought in mind.thoughts[: detail.thoughts]:
            lines += self._thought(thought, colour, detail.thought_lines)
        changes = [belief for belief in mind.beliefs if not belief.says_nothing]
        if detail.beliefs is not None:
            changes = sorted((one for one in changes if one.moved >= _MOVED), key=lambda one: -one.moved)
        shown = changes[: detail.beliefs]
        lines += self._beliefs(shown, colour, len(changes) - len(shown))
        for line in lines:
            self._line("", name, f"{colour} dim", line)
            name = ""

    def _thought(self, thought: ThoughtView, colour: str, most: int | None) -> list[Text]:
        spoken = thought.status == SPOKEN
        sign = self.signs.spoken if spoken else self.signs.thought
        head = self._text(f"{sign} {thought.motivation:.1f} ", colour if spoken else f"{colour} dim")
        if thought.status not in (SPOKEN, "formed", "kept"):
            head.append(f"({one_line(thought.status)}) ", "dim")
        body = self._text(one_line(thought.text), "dim")
        room = self.width - head.cell_len
        lines = list(body.wrap(self.console, room))
        if most is not None and len(lines) > most:
            lines = lines[:most]
            kept = lines[-1].plain.rstrip()
            lines[-1] = self._text(cut(f"{kept} {'.' * room}", room, self.signs), "dim")
            lines[-1] = self._text(cut(kept, room - len(self.signs.cut), self.signs).rstrip("."), "dim")
            lines[-1].append(self.signs.cut, "dim")
        margin = " " * head.cell_len
        return [head + line if not place else self._text(margin) + line for place, line in enumerate(lines or [body])]

    def _beliefs(self, beliefs: Iterable[BeliefView], colour: str, more: int) -> list[Text]:
        shown = list(beliefs)
        labels = [one_line(f"{belief.chain}: {belief.variable}") for belief in shown]
        room = int(self.width * _LONGEST_LABEL)
        labels = [cut(label, room, self.signs) for label in labels]
        cells = max(map(cell_len, labels), default=0)
        lines = []
        for label, belief in zip(labels, shown, strict=True):
            tail = f"  +{more} more" if more and belief is shown[-1] else ""
            line = self._text(padded(label, cells) + "  ", "dim")
            line.append_text(belief_bars(belief, self.width - cells - 2 - len(tail), f"{colour} dim", self.signs))
            lines.append(line.append(tail, "dim"))
        return lines

    def _floor(self, view: TurnView, detail: Detail) -> None:
        won = [f"{bid.name}{bid.strength}, {bid.reason}" for bid in view.bids if bid.won]
        lost = [
            f"{bid.name}{bid.strength} lost: {bid.reason}" if bid.wants else f"{bid.name}: {bid.reason}"
            for bid in view.bids
            if not bid.won and bid.reason
        ]
        told = f"{self.signs.floor} floor: " + "; ".join(one_line(part) for part in (won or ["nobody"]) + lost)
        if detail.floor_lines == 1:
            told = cut(told, self.width, self.signs)
        self._line("", "", "", self._text(told, "dim"))

    def _line(self, number: str, name: str, style: str, body: Text) -> None:
        """One paragraph with a hanging indent."""
        name = cut(one_line(name), self.name_cells, self.signs) if name else ""
        prefix = (
            self._text(f"{number:>{_NUMBER_CELLS}} ", "dim").append(padded(name, self.name_cells), style).append("  ")
        )
        margin = self._text(" " * self.indent)
        for place, line in enumerate(body.wrap(self.console, self.width) or [body]):
            line.rstrip()
            self.console.print((margin if place else prefix) + line, soft_wrap=True)
