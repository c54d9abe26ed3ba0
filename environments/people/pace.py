"""How long a turn waits for people before the floor is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tertulia.environments.floor.bids import Bid, after
from tertulia.environments.floor.weighing import BY_THEMSELVES
from tertulia.environments.people.spec import PeopleSpec
from tertulia.environments.take import TurnWork, weighed
from tertulia.environments.world import Pass

if TYPE_CHECKING:
    from tertulia.environments.people.chair import Chair

READING_WORDS_PER_SECOND = 4.0
"""How fast people read, roughly: 240 words a minute. Ours."""
_LONGEST_PAUSE_S = 60.0


Kind = Literal["public", "seen", "private"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """For whom, why, and for how many seconds at most; None: until they act."""

    for_: tuple[str, ...]
    why: str
    seconds: float | None
    kind: Kind = "public"
    """Who may be told of whom: everybody, whoever sees them, or they themselves alone."""

    def __eq__(self, other: object) -> bool:
        """The same wait, however much of it is left."""
        return isinstance(other, Waiting) and (self.for_, self.why) == (other.for_, other.why)

    def __hash__(self) -> int:
        return hash((self.for_, self.why))


@dataclass(slots=True)
class Pace:
    """One look at a turn whose agents have deliberated: does it wait for people, for whom, and how long?"""

    work: TurnWork
    chairs: Mapping[str, Chair]
    hands: Mapping[str, tuple[Any, Any]]
    began: float
    """When the turn began to wait."""
    quiet_since: float
    """When the last turn was committed."""
    time: float

    def waiting(self) -> Waiting | None:
        """None where the floor can be given now."""
        if self.work.closing or not self.chairs:
            return None
        policy = self.work.stage.scenario.turns.policy
        if policy in ("round-robin", "alternate"):
            return self._in_order(policy)
        if policy == "simultaneous":
            missing = tuple(name for name in self._present() if name not in self.hands)
            return Waiting(missing, "all act at once", None) if missing else None
        return self._self_selected()

    def _in_order(self, policy: str) -> Waiting | None:
        """Turns go round: a person whose turn it is is waited for, one who is not here is passed over."""
        stage = self.work.stage
        owner = stage.owner()
        order = after(stage.last_actor, tuple(stage.seats)) if policy == "alternate" else (owner,) if owner else ()
        for name in order:
            if name in self.chairs:
                if name in self.hands:
                    if policy == "alternate" and isinstance(self.hands[name][1], Pass):
                        continue
                    return None
                if name in self._present():
                    return Waiting((name,), f"it is the turn of {name}", None)
            elif name is not None and self.work.minds[name].intent.wants:
                return self._until(self.quiet_since + self._gap(), (), "somebody is about to speak")
        return self._until(self.quiet_since + self._pause(), (), "nobody has anything to say")

    def _self_selected(self) -> Waiting | None:
        """Whoever speaks up has the floor. Agents let people finish typing and answer, unless one interrupts."""
        if any(not isinstance(act, Pass) for _, act in self.hands.values()):
            return None
        bids = [bid for bid in weighed(self.work) if not bid.person]
        turns = self.work.stage.scenario.turns
        allowed = turns.interruptions and turns.policy in BY_THEMSELVES
        overrun = any(self.chairs[name].overrun for name in self._present())
        if overrun or not (allowed and any(bid.interrupts for bid in bids)):
            courtesy = self._for_the_typing() or self._for_the_addressed()
            if courtesy is not None:
                return courtesy
        if any(self._speaks(bid) for bid in bids):
            return self._until(self.quiet_since + self._gap(), (), "somebody is about to speak")
        present = set(self._present())
        if present and present <= set(self.hands):  # they pass, and nobody else wants to speak
            return None
        return self._until(self.quiet_since + self._pause(), (), "nobody speaks")

    def _for_the_typing(self) -> Waiting | None:
        keys = {name: at for name in self._present() if (at := self.chairs[name].typed_at) is not None}
        if not keys:
            return None
        until, who = max(keys.values()) + self._spec().hold_s, ", ".join(keys)
        return self._until(until, tuple(keys), f"{who} is typing", "seen")

    def _for_the_addressed(self) -> Waiting | None:
        called = tuple(n for n in self._present() if n in self.work.stage.called() and n not in self.hands)
        if not called:
            return None
        until = self.began + self._spec().patience_s
        return self._until(until, called, f"{', '.join(called)} was addressed", "private")

    def _speaks(self, bid: Bid) -> bool:
        """Whether the floor may well go to an agent now, as the scenario's policy has it."""
        stage = self.work.stage
        if stage.scenario.turns.policy in BY_THEMSELVES:
            return bid.volunteers or (bid.wants and bid.participant in stage.called())
        return bid.wants

    def _until(self, moment: float, for_: tuple[str, ...], why: str, kind: Kind = "seen") -> Waiting | None:
        left = moment - self.time
        return Waiting(for_, why, left, kind) if left > 0 else None

    def _present(self) -> tuple[str, ...]:
        able = self.work.stage.able()
        return tuple(name for name, chair in self.chairs.items() if chair.here and name in able)

    def _gap(self) -> float:
        """Time to read what was said last, and a moment more."""
        stage = self.work.stage
        latest = [e for seen in stage.eyes.seen.values() for e in seen[-1:] if e.turn == self.work.turn - 1]
        words = max((len(event.text.split()) for event in latest), default=0)
        spec = self._spec()
        shown = words / spec.words_per_second if spec.words_per_second else 0.0
        return spec.gap_s and spec.gap_s + max(0.0, words / READING_WORDS_PER_SECOND - shown)

    def _pause(self) -> float:
        return min(_LONGEST_PAUSE_S, self._spec().pause_s * 1.5**self.work.stage.silent_turns)

    def _spec(self) -> PeopleSpec:
        return self.work.stage.scenario.people
