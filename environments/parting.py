"""Two episodes side by side: where their transcripts part, who had the floor there, and who believed otherwise."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tertulia.environments.seeing import uttered
from tertulia.mind.chains import order_of
from tertulia.storage.log import Log
from tertulia.storage.rows import WORLD, BeliefRow, EpisodeRow, EventRow, GoldRow, TurnRow
from tertulia.storage.seen import SILENCE

SAME = 1e-9
"""Probabilities that differ by no more are equal."""
Key = tuple[str, str]
"""Chain and variable."""
_SHOWN = ("kind", "actor", "text", "addressees", "origin")


@dataclass(frozen=True, slots=True)
class Belief:
    """A distribution from the turn on in which it was written."""

    turn: int
    probabilities: dict[str, float]
    estimator: str


@dataclass(slots=True)
class Told:
    """One episode as far as it is compared: what happened in each turn, and all that was believed."""

    row: EpisodeRow
    turns: dict[int, TurnRow]
    events: dict[int, list[EventRow]]
    beliefs: dict[Key, list[Belief]] = field(default_factory=dict)
    """About declared variables, by time."""
    truths: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, log: Log, row: EpisodeRow) -> Told:
        events: dict[int, list[EventRow]] = defaultdict(list)
        for event in log.rows(EventRow, row.id):
            events[event.turn].append(event)
        told = cls(row, {turn.turn: turn for turn in log.rows(TurnRow, row.id)}, events)
        changes: dict[tuple[Key, int], list[BeliefRow]] = defaultdict(list)
        for belief in log.rows(BeliefRow, row.id):
            if belief.declared:
                changes[(belief.chain, belief.variable), belief.turn].append(belief)
        for (key, turn), rows in sorted(changes.items(), key=lambda item: item[0][1]):
            shares = {one.value: one.probability for one in rows}
            told.beliefs.setdefault(key, []).append(Belief(turn, shares, rows[0].estimator))
        for gold in log.rows(GoldRow, row.id, chain=WORLD):
            if gold.probability == 1.0:
                told.truths.setdefault(gold.variable, []).append((gold.turn, gold.value))
        return told

    def held(self, key: Key, turn: int) -> Belief | None:
        """What is held at a turn: the last distribution written by then."""
        written = self.beliefs.get(key, [])
        place = bisect_right(written, turn, key=lambda belief: belief.turn)
        return written[place - 1] if place else None

    def truth(self, variable: str, turn: int) -> str | None:
        """What is true at a turn; None where the world decides nothing."""
        return next((value for at, value in reversed(self.truths.get(variable, [])) if at <= turn), None)

    def transcript(self, turn: int) -> list[dict[str, Any]]:
        """What happened in a turn, as far as somebody could witness it; that nobody spoke is nothing."""
        happened = (event for event in self.events.get(turn, ()) if event.kind != SILENCE)
        return [{name: getattr(event, name) for name in _SHOWN} for event in happened]

    def admitted(self, turn: int) -> list[str]:
        """Who had the floor, in order."""
        found = self.turns.get(turn)
        return list(found.actions) if found else []

    def played(self) -> list[TurnRow]:
        """Its turns without the opening and the closing."""
        return [turn for turn in self.turns.values() if turn.turn > 0 and not turn.closing]

    def figures(self) -> dict[str, float | None]:
        """What is compared of whole episodes."""
        played = self.played()
        return {
            "reward": self.row.reward,
            "turns": len(played),
            "utterances": sum(uttered(event) for events in self.events.values() for event in events),
            "silence": sum(turn.silent for turn in played) / len(played) if played else None,
        }


FIGURES = {
    "reward": "0-1, where the world sets a task",
    "turns": "turns played, silences included",
    "utterances": "what was said or whispered",
    "silence": "the share of turns in which nobody spoke or acted, 0-1",
}


@dataclass(frozen=True, slots=True)
class OtherBelief:
    """A distribution that two episodes do not share at a turn; None where there is none yet."""

    chain: str
    variable: str
    a: dict[str, float] | None
    b: dict[str, float] | None
    by_a: str | None
    by_b: str | None
    """The estimators: `set` for what was set from outside."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The first turn in which something else happens, and the first event there that differs. None: nothing happened,
    or there is no such turn any more."""

    turn: int
    a: dict[str, Any] | None
    b: dict[str, Any] | None
    ended: str | None
    """`a` or `b` where that one had ended before this turn; None where both were there."""
    admitted_a: list[str]
    admitted_b: list[str]
    beliefs: list[OtherBelief]
    """What is believed otherwise at that turn, before it is played."""


def parting(a: Told, b: Told) -> Parting | None:
    """Where two transcripts part; None where they never do. A closing turn is compared as one in which nothing is."""
    for turn in range(max(a.row.head, b.row.head) + 1):
        one, other = a.transcript(turn), b.transcript(turn)
        ended = "a" if _over(a, turn) and not _over(b, turn) else "b" if _over(b, turn) and not _over(a, turn) else None
        if one == other and ended is None:
            continue
        place = next(
            (i for i in range(max(len(one), len(other))) if one[i : i + 1] != other[i : i + 1]),
            max(len(one), len(other)),
        )
        return Parting(
            turn, one[place] if place < len(one) else None, other[place] if place < len(other) else None, ended,
            a.admitted(turn), b.admitted(turn), list(other_beliefs(a, b, turn)),
        )  # fmt: skip
    return None


def _over(told: Told, turn: int) -> bool:
    """Whether there is nothing played in this turn any more."""
    found = told.turns.get(turn)
    return found is None or found.closing


def other_beliefs(a: Told, b: Told, turn: int) -> Iterator[OtherBelief]:
    """What is believed otherwise at a turn, own beliefs first."""
    for key in sorted({*a.beliefs, *b.beliefs}, key=lambda key: (order_of(key[0]), key)):
        one, other = a.held(key, turn), b.held(key, turn)
        if distance(one, other) > SAME:
            chain, variable = key
            yield OtherBelief(chain, variable, _shares(one), _shares(other), _estimator(one), _estimator(other))


def _shares(belief: Belief | None) -> dict[str, float] | None:
    return None if belief is None else belief.probabilities


def _estimator(belief: Belief | None) -> str | None:
    return None if belief is None else belief.estimator


def distance(one: Belief | None, other: Belief | None) -> float:
    """Total variation distance between two distributions, 0-1; 1 where only one is there, 0 where neither is."""
    if one is None or other is None:
        return float(one is not other)
    values = {**one.probabilities, **other.probabilities}
    return sum(abs(one.probabilities.get(v, 0.0) - other.probabilities.get(v, 0.0)) for v in values) / 2


def beliefs_part(a: Told, b: Told) -> tuple[int, OtherBelief] | None:
    """The first turn at which something is believed otherwise, and the first such belief."""
    for turn in range(1, max(a.row.head, b.row.head) + 1):
        if turn in a.turns and turn in b.turns:
            found = next(other_beliefs(a, b, turn), None)
            if found is not None:
                return turn, found
    return None
