"""What was changed from outside at a fork, read back from its rows: beliefs that were set, and where chance parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tertulia.mind.rows import SET, TurnOfMind
from tertulia.mind.state import BeliefChange, MindUpdate
from tertulia.storage.rows import InterventionRow
from tertulia.storage.seen import Given

CHANCE = "(chance)"
"""The target of the row that gives a replicate draws of its own from its turn on; `new` is the replicate's number."""
SCRIPT = "(event)"
"""The target of the row that adds an event to the script; `new` is the event."""
_BELIEF = ".belief."


@dataclass(frozen=True, slots=True)
class SetBelief:
    """A distribution that a mind is given at the beginning of a turn, before it deliberates."""

    turn: int
    chain: str
    variable: str
    probabilities: dict[str, float]

    @property
    def holder(self) -> str:
        return holder_of(self.chain)


def holder_of(chain: str) -> str:
    """Whose mind a chain is in: `alice` of `alice>bob` and of `alice&bob`."""
    return chain.replace("&", ">").split(">")[0]


def belief_target(chain: str, variable: str) -> str:
    """How an intervention's row names a belief: `alice>bob.belief.cake`."""
    return f"{chain}{_BELIEF}{variable}"


@dataclass(frozen=True, slots=True)
class Interventions:
    """All that was changed from outside in an episode, by turn. Nothing, for one that was never forked.

    Rows with other targets (keys of the scenario, events of its script) are in the episode's config already.
    """

    beliefs: tuple[SetBelief, ...] = ()
    branches: tuple[tuple[int, int], ...] = ()
    """(turn, replicate) where chance parts, in order; a fork of a fork has several."""

    @classmethod
    def of(cls, rows: Iterable[InterventionRow]) -> Interventions:
        """From the rows of one episode."""
        beliefs, branches = [], []
        for row in sorted(rows, key=lambda row: (row.turn, row.ordinal)):
            if row.target == CHANCE:
                branches.append((row.turn, int(row.new)))
            elif _BELIEF in row.target:
                chain, _, variable = row.target.partition(_BELIEF)
                beliefs.append(SetBelief(row.turn, chain, variable, dict(row.new)))
        return cls(tuple(beliefs), tuple(branches))

    def seed(self, seed: int, turn: int) -> int | str:
        """The seed of all draws of a turn: the episode's own, with every branch taken by then mixed in."""
        taken = [f"~{at}.{replicate}" for at, replicate in self.branches if turn >= at]
        return f"{seed}{''.join(taken)}" if taken else seed

    def begin(self, mind: TurnOfMind) -> TurnOfMind:
        """Give a mind what it is given at the beginning of its turn, as rows of this turn."""
        mine = [one for one in self.beliefs if one.turn == mind.turn and one.holder == mind.state.holder]
        if mine:
            changes = [
                BeliefChange(chain=one.chain, variable=one.variable, weights=one.probabilities)
                for one in {(one.chain, one.variable): one for one in mine}.values()
            ]
            mind.apply(SET, MindUpdate(beliefs=changes), estimator=SET)
        return mind

    def given(self, name: str, turn: int) -> tuple[Given, ...]:
        """What `name` was given by a turn, this one included, for rules that take such beliefs over."""
        return tuple(
            Given(chain=one.chain, variable=one.variable, probabilities=one.probabilities, turn=one.turn)
            for one in self.beliefs
            if one.holder == name and one.turn <= turn
        )
