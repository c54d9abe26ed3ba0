"""What an episode's log holds on minds, folded so that any turn can be asked: beliefs, gold, probes, acts."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tertulia.storage.rows import WORLD, BeliefRow, ClaimRow, EventRow, GoldRow, ProbeBeliefRow

if TYPE_CHECKING:
    from tertulia.storage.log import Log

R = TypeVar("R", BeliefRow, GoldRow)
Distribution = dict[str, float]
_SAME = 1e-9


@dataclass(slots=True)
class Track:
    """Distributions by the turn from which they hold."""

    turns: list[int] = field(default_factory=list)
    held: list[Distribution] = field(default_factory=list)

    def at(self, turn: int) -> Distribution | None:
        """What holds at a turn; None before the first."""
        place = bisect_right(self.turns, turn)
        return self.held[place - 1] if place else None

    def put(self, turn: int, value: str, probability: float) -> None:
        """Turns must not go back."""
        if not self.turns or self.turns[-1] != turn:
            self.turns.append(turn)
            self.held.append({})
        self.held[-1][value] = probability


@dataclass(slots=True)
class Told:
    """One episode."""

    episode: str
    scenario: str
    beliefs: dict[tuple[str, str], Track]
    """By chain and variable; a chain's first name is its holder."""
    gold: dict[tuple[str | None, str, str], Track]
    """By rule, chain and variable."""
    probed: dict[tuple[str, str], dict[int, list[Distribution]]]
    """By chain and variable, then turn: what copied minds stated, in the order in which they were asked."""
    acts: dict[tuple[str, str], list[tuple[int, str]]]
    """By speaker and variable: turn and value of everything it claimed to be so, by acts of its own."""

    def believed(self, chain: str, variable: str, turn: int, elicited: str) -> Distribution | None:
        """What is held at a turn, as it was elicited: by the mind itself, or from a copy in a probe of that turn."""
        if elicited == "probe":
            stated = self.probed.get((chain, variable), {}).get(turn)
            return stated[0] if stated else None
        track = self.beliefs.get((chain, variable))
        return None if track is None else track.at(turn)

    def reported(self, name: str, variable: str, turn: int) -> Distribution | None:
        """A participant's own belief: as its mind held it, or as a copy stated it in a probe of that turn."""
        return self.believed(name, variable, turn, "inline") or self.believed(name, variable, turn, "probe")

    def golden(self, rule: str | None, chain: str, variable: str, turn: int) -> Distribution | None:
        track = self.gold.get((rule, chain, variable))
        return None if track is None else track.at(turn)


def told(log: Log, episode: str) -> Told:
    """Read an episode."""
    beliefs: dict[tuple[str, str], Track] = {}
    for row in _by_turn(log.rows(BeliefRow, episode)):
        if row.declared:
            beliefs.setdefault((row.chain, row.variable), Track()).put(row.turn, row.value, row.probability)
    gold: dict[tuple[str | None, str, str], Track] = {}
    for given in _by_turn(log.rows(GoldRow, episode)):
        if given.chain != WORLD:
            key = (given.rule, given.chain, given.variable)
            gold.setdefault(key, Track()).put(given.turn, given.value, given.probability)
    return Told(episode, log.episode(episode).scenario, beliefs, gold, _probed(log, episode), _acts(log, episode))


def _by_turn(rows: list[R]) -> list[R]:
    return sorted(rows, key=lambda row: row.turn)


def _probed(log: Log, episode: str) -> dict[tuple[str, str], dict[int, list[Distribution]]]:
    stated: dict[tuple[int, int, str, str], Distribution] = {}
    for row in log.rows(ProbeBeliefRow, episode):
        stated.setdefault((row.turn, row.ordinal, row.chain, row.variable), {})[row.value] = row.probability
    found: dict[tuple[str, str], dict[int, list[Distribution]]] = {}
    for (turn, _, chain, variable), distribution in sorted(stated.items(), key=lambda item: item[0]):
        found.setdefault((chain, variable), {}).setdefault(turn, []).append(distribution)
    return found


def _acts(log: Log, episode: str) -> dict[tuple[str, str], list[tuple[int, str]]]:
    own = {(row.turn, row.ordinal) for row in log.rows(EventRow, episode) if row.origin == "participant"}
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for row in sorted(log.rows(ClaimRow, episode), key=lambda row: (row.turn, row.event, row.ordinal)):
        if row.holds and row.believer is None and row.speaker and (row.turn, row.event) in own:
            found.setdefault((row.speaker, row.variable), []).append((row.turn, row.value))
    return found


def modes(distribution: Distribution) -> list[str]:
    """The likeliest values, all that are equal."""
    top = max(distribution.values())
    return [value for value, probability in distribution.items() if probability >= top - _SAME]


def even(values: list[str]) -> Distribution:
    """No value likelier than another."""
    return dict.fromkeys(values, 1.0 / len(values))
