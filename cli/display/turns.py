"""One turn as it is shown, made of its committed rows: the same for a live episode and for one from the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.mind.chains import order_of
from tertulia.storage.seen import SILENCE, SPEECH

if TYPE_CHECKING:
    from tertulia.mind.state import MindState

SPOKEN = "spoken"
_EVEN = 1e-9
_STANDING = {"spoken": 0, "formed": 1, "kept": 2}


@dataclass(frozen=True, slots=True)
class EventView:
    """One event with those who witnessed it."""

    id: str
    kind: str
    actor: str | None
    text: str
    addressees: tuple[str, ...]
    place: str | None
    origin: str
    witnesses: tuple[str, ...]
    onlookers: tuple[str, ...]

    @property
    def scripted(self) -> bool:
        """Whether it was not a participant's own doing."""
        return self.origin != "participant"

    @property
    def speaker(self) -> str | None:
        """Whose line it is: of a scripted event only where words are put into somebody's mouth."""
        return self.actor if not self.scripted or self.kind in SPEECH else None

    @property
    def how(self) -> str:
        """`whisper`, `select`, ...; nothing for plain speech and for what has no speaker."""
        return self.kind if self.speaker is not None and self.kind != "say" else ""


@dataclass(frozen=True, slots=True)
class ThoughtView:
    """A thought as it was appraised in this turn; motivation 1.0-5.0."""

    id: str
    text: str
    status: str
    motivation: float
    system: int


@dataclass(frozen=True, slots=True)
class BeliefView:
    """A distribution that changed in this turn, and what it was before (empty where it is new)."""

    chain: str
    variable: str
    probabilities: dict[str, float]
    before: dict[str, float]
    estimator: str

    @property
    def says_nothing(self) -> bool:
        """Whether it is a new one that prefers no value: nothing has been learned yet."""
        values = self.probabilities.values()
        return not self.before and len(values) > 1 and max(values) - min(values) < _EVEN

    @property
    def moved(self) -> float:
        """How far it moved: total variation, 0-1; a new one from an even distribution."""
        before = self.before or dict.fromkeys(self.probabilities, 1 / max(1, len(self.probabilities)))
        values = sorted(self.probabilities.keys() | before.keys())
        return sum(abs(self.probabilities.get(v, 0.0) - before.get(v, 0.0)) for v in values) / 2

    def top(self) -> list[str]:
        """Its values, the likeliest first."""
        return sorted(self.probabilities, key=lambda value: (-self.probabilities[value], value))


@dataclass(frozen=True, slots=True)
class BidView:
    """Who wanted the floor, how much, and why it was or was not given."""

    name: str
    wants: bool
    motivation: float | None
    won: bool
    reason: str

    @property
    def strength(self) -> str:
        """How much, for people; empty where nothing was appraised."""
        return "" if self.motivation is None else f" {self.motivation:.1f}"


@dataclass(slots=True)
class MindView:
    """What went on inside one participant in one turn: thoughts by standing, beliefs as they changed."""

    name: str
    thoughts: list[ThoughtView] = field(default_factory=list)
    beliefs: list[BeliefView] = field(default_factory=list)


@dataclass(slots=True)
class TurnView:
    """One turn: what happened, what went on inside, who wanted the floor."""

    turn: int
    silent: bool = False
    closing: bool = False
    policy: str = ""
    events: list[EventView] = field(default_factory=list)
    minds: list[MindView] = field(default_factory=list)
    bids: list[BidView] = field(default_factory=list)


class Gathering:
    """Makes views of turns that come in order; remembers what later turns only refer to (texts, former beliefs)."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._texts: dict[tuple[str, str], tuple[str, int]] = {}
        self._beliefs: dict[tuple[str, str, str], dict[str, float]] = {}

    def know(self, minds: Iterable[MindState]) -> None:
        """Take over what minds hold already, where the first turns are not shown."""
        for mind in minds:
            for thought in mind.thoughts.values():
                self._texts[mind.holder, thought.id] = thought.text, thought.system
            for belief in mind.beliefs.values():
                self._beliefs[mind.holder, belief.chain, belief.variable] = dict(belief.probabilities)

    def turn(self, turn: int, rows: Iterable[Any]) -> TurnView:
        """The view of one turn's rows."""
        by_kind: dict[str, list[Any]] = {}
        for row in rows:
            by_kind.setdefault(type(row).__name__, []).append(row)
        view = TurnView(turn, events=_events(by_kind))
        for row in by_kind.get("TurnRow", ()):
            view.silent, view.closing, view.policy = bool(row.silent), bool(row.closing), row.policy
        minds = {name: MindView(name) for name in self.names}
        for mind in minds.values():
            mind.thoughts = self._thoughts(mind.name, by_kind)
            mind.beliefs = self._changes(mind.name, by_kind)
        view.minds = [mind for mind in minds.values() if mind.thoughts or mind.beliefs]
        bids = {row.participant: row for row in by_kind.get("BidRow", ())}
        view.bids = [
            BidView(name, bool(bids[name].wants), bids[name].motivation, bool(bids[name].won), bids[name].reason)
            for name in self.names
            if name in bids
        ]
        return view

    def _thoughts(self, name: str, by_kind: dict[str, list[Any]]) -> list[ThoughtView]:
        for row in by_kind.get("ThoughtRow", ()):
            self._texts[row.holder, row.thought] = row.text, row.system
        found = []
        for row in by_kind.get("AppraisalRow", ()):
            if row.holder == name:
                text, system = self._texts.get((name, row.thought), ("", 0))
                found.append(ThoughtView(row.thought, text, row.status, row.motivation, system))
        return sorted(found, key=lambda one: (_STANDING.get(one.status, 3), -one.motivation, one.id))

    def _changes(self, name: str, by_kind: dict[str, list[Any]]) -> list[BeliefView]:
        fresh: dict[tuple[str, str], dict[str, float]] = {}
        estimators: dict[tuple[str, str], str] = {}
        for row in by_kind.get("BeliefRow", ()):
            if row.holder == name:
                fresh.setdefault((row.chain, row.variable), {})[row.value] = row.probability
                estimators[row.chain, row.variable] = row.estimator
        found = []
        for chain, variable in sorted(fresh, key=lambda key: (order_of(key[0]), "&" in key[0], key)):
            probabilities = fresh[chain, variable]
            before = self._beliefs.get((name, chain, variable), {})
            found.append(BeliefView(chain, variable, probabilities, before, estimators[chain, variable]))
            self._beliefs[name, chain, variable] = probabilities
        return found


def _events(by_kind: dict[str, list[Any]]) -> list[EventView]:
    witnesses: dict[tuple[int, str], list[str]] = {}
    for row in by_kind.get("WitnessRow", ()):
        witnesses.setdefault((row.event, row.level), []).append(row.participant)
    return [
        EventView(
            id=f"{row.turn}.{row.ordinal}", kind=row.kind, actor=row.actor, text=row.text,
            addressees=tuple(row.addressees or ()), place=row.place, origin=row.origin,
            witnesses=tuple(witnesses.get((row.ordinal, "content"), ())),
            onlookers=tuple(witnesses.get((row.ordinal, "occurrence"), ())),
        )
        for row in sorted(by_kind.get("EventRow", ()), key=lambda row: row.ordinal)
        if row.kind != SILENCE
    ]  # fmt: skip
