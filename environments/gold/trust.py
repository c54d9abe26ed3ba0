"""Trust rules: whether one who hears a claim believes it. Pluggable: a class with a name, put into `RULES`."""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import TYPE_CHECKING, Protocol

from tertulia.storage.nearest import nearest
from tertulia.storage.rows import ClaimRow

if TYPE_CHECKING:
    from tertulia.environments.gold.engine import Line
    from tertulia.environments.gold.evidence import Evidence
    from tertulia.environments.gold.held import Golden


class Whereabouts:
    """When somebody was last known to leave a place, by the events that count along a line. Every event is looked at
    once for each name and place."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._known: dict[tuple[str, str | None], tuple[int, list[tuple[int, float]]]] = {}
        """By name and place: up to where the events were looked at, and what changed at which."""

    def left(self, name: str, place: str | None, end: int) -> float:
        done, changes = self._known.get((name, place), (0, []))
        for number in self._line.counted(end, done):
            event = self._line.seen(number)
            if place is not None and event.place != place:
                continue
            if event.kind == "leave":
                if event.actor == name:
                    changes.append((number, float(number)))
            elif name in event.content and not (changes and changes[-1][1] == inf):
                changes.append((number, inf))
        self._known[name, place] = max(done, end), changes
        at = bisect_left(changes, end, key=lambda change: change[0])
        return changes[at - 1][1] if at else -inf


class Scene:
    """What a trust rule may look at: the events before a claim that count along the hearer's chain (or among its
    group), and what is held along it by then. Nothing the hearer, as the chain has it, could not know: of the
    witnesses of an event, only those whom all of the chain noticed."""

    def __init__(self, line: Line, hearer: str, index: int) -> None:
        self.hearer = hearer
        self._line, self._index = line, index

    @property
    def names(self) -> tuple[str, ...]:
        """The chain, the hearer last; or the members of a group."""
        return self._line.names

    @property
    def joint(self) -> bool:
        """Whether this is common ground, rather than a chain."""
        return self._line.joint

    def held(self, variable: str) -> Golden:
        """What is held about the variable before the claim."""
        return self._line.at(variable, self._index)

    def events(self) -> list[Evidence]:
        """The events that count, oldest first. All of them: ask `last_about` or `left` where they are enough."""
        return [self._line.seen(number) for number in self._line.counted(self._index)]

    def last_about(self, variable: str) -> Evidence | None:
        """The last witnessed event that showed the variable."""
        number = self._line.last_showing(variable, self._index)
        return None if number is None else self._line.seen(number)

    def left(self, name: str, place: str | None) -> float:
        """When `name` was last known to leave the place (any, where it is None): the number of the event, infinite for
        one who is still there or came back, minus infinite for one who was never seen there."""
        return self._line.whereabouts.left(name, place, self._index)


class TrustRule(Protocol):
    """Whether `scene.hearer` believes a claim of somebody else. Pure; asked once for each hearer and chain."""

    name: str

    def believes(self, scene: Scene, claim: ClaimRow, event: Evidence) -> bool: ...


class Nobody:
    """Words move nothing; only what is witnessed counts."""

    name = "none"

    def believes(self, scene: Scene, claim: ClaimRow, event: Evidence) -> bool:
        return False


class Credulous:
    """Whoever hears a claim believes it, also against what it saw before: the last word counts."""

    name = "credulous"

    def believes(self, scene: Scene, claim: ClaimRow, event: Evidence) -> bool:
        return True


class LaterExit:
    """After Hi-ToM (He et al. 2023): a claim is believed of one who left the place of the thing later than the hearer,
    and so may have seen more. One who has never witnessed anything of the thing believes anybody, and a voice from
    nowhere (an event without an actor) is believed by all."""

    name = "later-exit"

    def believes(self, scene: Scene, claim: ClaimRow, event: Evidence) -> bool:
        last = scene.last_about(claim.variable)
        if last is None:
            return True
        place = last.place
        return event.actor is None or scene.left(event.actor, place) > scene.left(scene.hearer, place)


RULES: dict[str, TrustRule] = {rule.name: rule for rule in (Nobody(), Credulous(), LaterExit())}
"""The rules that decide whether an item is robust: it is where all of these agree."""


def rule_named(name: str) -> TrustRule:
    """Raises `LookupError` with the nearest name."""
    if name not in RULES:
        raise LookupError(f"no trust rule '{name}'; {nearest(name, list(RULES))}")
    return RULES[name]
