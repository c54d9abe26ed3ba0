"""What a seat was told of a turn, as the displays show turns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tertulia.cli.display.turns import EventView, TurnView


def view_of(turn: int, events: Iterable[Any]) -> TurnView:
    """The events of one turn as this seat witnessed them; nobody's mind is in it."""
    return TurnView(
        turn,
        events=[
            EventView(
                id=event["id"], kind=event["kind"] if event["whole"] else "", text=event["text"],
                actor=event["actor"] if event["whole"] else None, addressees=tuple(event["to"]), place=event["place"],
                origin=event["origin"], witnesses=(), onlookers=(),
            )
            for event in events
        ],
    )  # fmt: skip
