"""A turn as plain lines: one an event, no colour; minds only where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.turns import BeliefView, EventView, TurnView

_SMALLEST_SHOWN = 0.005


def plain_lines(view: TurnView, *, minds: bool = False) -> Iterator[str]:
    """The lines of one turn, each beginning with its number."""
    at = f"{view.turn:>4} "
    for event in view.events:
        yield at + _event(event)
    if not view.events and not view.closing:
        yield at + "(silence)"
    if not minds:
        return
    for mind in view.minds:
        who = one_line(mind.name)
        for thought in mind.thoughts:
            yield f"{at}{who} thought {thought.motivation:.1f} {one_line(thought.status)}: {one_line(thought.text)}"
        for belief in mind.beliefs:
            if belief.says_nothing:
                continue
            yield f"{at}{who} believes {one_line(belief.chain)} {one_line(belief.variable)}: {_values(belief)}"
    for bid in view.bids:
        did = "won" if bid.won else "lost" if bid.wants else "no bid"
        yield f"{at}{one_line(bid.name)} floor {did}{bid.strength}: {one_line(bid.reason)}"


def _event(event: EventView) -> str:
    text, mark = one_line(event.text), "* " if event.scripted else ""
    if event.speaker is None:
        return mark + text
    to = f"to {', '.join(event.addressees)}" if event.addressees else ""
    how = one_line(f"{event.how} {to}")
    return f"{mark}{one_line(event.speaker)}{f' ({how})' if how else ''}: {text}"


def _values(belief: BeliefView) -> str:
    shown = [value for value in belief.top() if belief.probabilities[value] >= _SMALLEST_SHOWN]
    return ", ".join(f"{one_line(value)} {belief.probabilities[value]:.2f}" for value in shown)
