"""Silence as an event: whoever is in company and notices nothing in a turn notices that nobody speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tertulia.environments.world import Event
from tertulia.storage.seen import SILENCE


def silence(present: Mapping[str, tuple[str, ...]], events: Sequence[Event], seconds: float) -> Event | None:
    """The silence of a turn for those who are with others and witnessed none of its events; None where that is nobody.

    `present` has whom each participant can see. What happens in another room, or is witnessed by others alone, makes no
    difference to anybody: so nobody notices who else notices the silence.
    """
    busy = {name for event in events for name in (*event.content, *event.glimpsed)}
    idle = tuple(name for name, company in present.items() if len(company) > 1 and name not in busy)
    if not idle:
        return None
    text = f"Nobody speaks for {seconds:g} second{'' if seconds == 1 else 's'}."
    return Event(kind=SILENCE, text=text, origin="floor", content=idle, unnoticed=idle, data={"seconds": seconds})
