"""What one participant has reason to believe that somebody believes, from all it witnessed: a recursive filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tertulia.environments.world import Claim, Variable
from tertulia.storage.seen import SPEECH, Seen, SeenEvent

TRUST = 0.9
"""How far a told claim is believed: the probability moves this share of the way to certainty."""
MOVES = ("leave", "enter")

Chain = tuple[str, ...]
"""`(alice, bob)` is `alice>bob`; common ground is kept apart, by `ground`."""


@dataclass(frozen=True, slots=True)
class Held:
    """A distribution over a variable's values (in their order), and what it rests on."""

    probabilities: tuple[float, ...]
    source: str | None = None
    """The id of the event that moved it last."""
    sure_since: int | None = None
    """How many events had happened when it was witnessed (or known beforehand); None where it was only told."""

    def best(self) -> int:
        """The index of the most probable value, the first of equals."""
        return max(range(len(self.probabilities)), key=lambda i: (self.probabilities[i], -i))


Minds = Mapping[str, Held]


class Filter:
    """Beliefs along chains of names beginning with the one who saw, and along common ground, after each event.

    Witnessed events are certain. A told claim is believed to `TRUST`, except where it contradicts what was witnessed:
    then only if the variable can change, somebody has come or gone since, and the speaker was not expected to say
    it (whoever repeats what I think it believes anyway brings no news). What a speaker says shows what it believes.
    An event counts along a chain as far as each in it was noticed witnessing it. A belief that was set from outside
    takes the place of what was held by then; where it is certain, it is as good as witnessed.
    """

    def __init__(
        self, seen: Seen, variables: Sequence[Variable], sure: Mapping[str, str], held: Mapping[str, str]
    ) -> None:
        """`sure` and `held` are what the one who sees knows, or takes to be so, beforehand."""
        self.me = seen.participant
        self.events = seen.events
        self.variables = {variable.name: variable for variable in variables}
        self._prior = {variable.name: Held(_even(variable)) for variable in variables}
        self._mine = dict(self._prior)
        for name in [name for name in held if name in self.variables]:
            self._mine[name] = Held(_told(self._prior[name].probabilities, self._index(name, held[name]), True))
        for name in [name for name in sure if name in self.variables]:
            self._mine[name] = Held(_certain(self.variables[name], self._index(name, sure[name])), None, 0)
        self._given = [(sum(event.turn < one.turn for event in self.events), one) for one in seen.given]
        self._along: dict[Chain, list[Minds]] = {}
        self._grounds: dict[str, list[Minds]] = {}

    def along(self, chain: Chain, upto: int | None = None) -> Minds:
        """Beliefs along a chain after the first `upto` events (all by default), by variable."""
        end = len(self.events) if upto is None else upto
        if chain not in self._along:
            first = self._mine if len(chain) == 1 else self._prior
            self._along[chain] = [self._as_given(first, chain, 0)]
        steps = self._along[chain]
        while len(steps) <= end:
            index = len(steps) - 1
            event = self.events[index]
            minds = self._after(steps[-1], chain, event, index) if self._counts(chain, event) else steps[-1]
            minds = self._after_word_of_minds(minds, chain, event, index)
            steps.append(self._as_given(minds, chain, index + 1))
        return steps[end]

    def ground(self, other: str) -> Minds:
        """What the one who sees takes to be common ground with `other`: only what both witnessed, each noticed."""
        ground = (f"{self.me}&{other}",)
        steps = self._grounds.setdefault(other, [self._as_given(self._prior, ground, 0)])
        for index in range(len(steps) - 1, len(self.events)):
            event = self.events[index]
            shared = event.level == "content" and other in event.witnesses and other in event.noticed_by
            minds = self._after(steps[-1], (self.me, other), event, index, common=True) if shared else steps[-1]
            steps.append(self._as_given(minds, ground, index + 1))
        return steps[-1]

    def _as_given(self, minds: Minds, chain: Chain, upto: int) -> Minds:
        """With what was set from outside once the first `upto` events had happened."""
        if not self._given:
            return minds
        name = ">".join(chain)
        found = [one for at, one in self._given if at == upto and one.chain == name and one.variable in self.variables]
        changed = dict(minds)
        for one in found:
            shares = tuple(one.probabilities.get(value, 0.0) for value in self.variables[one.variable].values)
            changed[one.variable] = Held(shares, None, upto if max(shares) == 1.0 else None)
        return changed

    def probability(self, chain: Chain, claim: Claim) -> float:
        """How probable the claim is along a chain, now."""
        at = self.along(chain)[claim.variable].probabilities[self._index(claim.variable, claim.value)]
        return at if claim.holds else 1.0 - at

    def _counts(self, chain: Chain, event: SeenEvent) -> bool:
        """Whether everybody in the chain is taken to have got the content, each in the eyes of the one before."""
        if event.level != "content":
            return False
        for before, name in pairwise(chain):
            if name == self.me and before not in event.noticed_by:
                return False
            if name != self.me and name not in event.witnesses:
                return False
        return True

    def _after(self, minds: Minds, chain: Chain, event: SeenEvent, index: int, common: bool = False) -> Minds:
        if not event.claims or (event.kind in SPEECH and event.actor == self.me and len(chain) == 1):
            return minds
        changed = dict(minds)
        for claim in event.claims:
            variable = self.variables.get(claim.variable)
            if variable is None or claim.value not in variable.values or claim.believer is not None:
                continue
            before, at = changed[claim.variable], variable.values.index(claim.value)
            if event.kind not in SPEECH:
                changed[claim.variable] = Held(_certain(variable, at), event.id, index + 1)
            elif self._believed(before, variable, claim, chain, event, index, common):
                after = _told(before.probabilities, at, claim.holds)
                if after != before.probabilities:
                    agrees = (at == before.best()) == claim.holds
                    since = before.sure_since if agrees else None
                    changed[claim.variable] = replace(before, probabilities=after, source=event.id, sure_since=since)
        return changed

    def _after_word_of_minds(self, minds: Minds, chain: Chain, event: SeenEvent, index: int) -> Minds:
        """After what is said of somebody's belief: told to the one before that one in the chain, or shown by it."""
        claims = [claim for claim in event.claims if claim.believer == chain[-1]]
        if not claims or len(chain) < 2 or not self._counts(chain[:-1], event):
            return minds
        if event.actor == chain[-2] and len(chain) == 2:
            return minds  # own words move no belief of one's own
        changed = dict(minds)
        for claim in claims:
            variable = self.variables.get(claim.variable)
            if variable is None or claim.value not in variable.values:
                continue
            before, at = changed[variable.name], variable.values.index(claim.value)
            against = before.sure_since is not None and (before.best() == at) != claim.holds
            if against and event.actor != chain[-2]:
                continue  # what was witnessed of somebody's mind stands against a third one's word
            after = _told(before.probabilities, at, claim.holds)
            if after != before.probabilities:
                since = None if against else before.sure_since
                changed[variable.name] = replace(before, probabilities=after, source=event.id, sure_since=since)
        return changed

    def _believed(
        self, before: Held, variable: Variable, claim: Claim, chain: Chain, event: SeenEvent, index: int, common: bool
    ) -> bool:
        """Whether a told claim moves a belief at all."""
        at = variable.values.index(claim.value)
        contradicts = before.sure_since is not None and (before.best() == at) != claim.holds
        if not contradicts or (event.actor == chain[-1] and not common):
            return True
        hearers = chain if common else chain[-1:]
        if variable.static or not self._moved_since(before.sure_since or 0, index, {*hearers, event.actor}, chain):
            return False
        if common or event.actor is None:
            return True
        expected = self.along((*chain, event.actor), index)[variable.name].probabilities[at]
        return (expected < 0.5) == claim.holds

    def _moved_since(self, start: int, end: int, names: set[str | None], chain: Chain) -> bool:
        """Whether, by what counts along the chain, one of these came or went between two events."""
        return any(e.kind in MOVES and e.actor in names and self._counts(chain, e) for e in self.events[start:end])

    def _index(self, variable: str, value: str) -> int:
        return self.variables[variable].values.index(value)


def _even(variable: Variable) -> tuple[float, ...]:
    return (1.0 / len(variable.values),) * len(variable.values)


def _certain(variable: Variable, at: int) -> tuple[float, ...]:
    return tuple(float(i == at) for i in range(len(variable.values)))


def _told(probabilities: tuple[float, ...], at: int, holds: bool) -> tuple[float, ...]:
    """`TRUST` of the way to "it is so", or to "it is not so" with the rest in their proportions."""
    p = probabilities[at]
    if holds:
        return tuple(TRUST * (i == at) + (1.0 - TRUST) * q for i, q in enumerate(probabilities))
    if p >= 1.0:
        share = TRUST / (len(probabilities) - 1)
        return tuple(1.0 - TRUST if i == at else share for i in range(len(probabilities)))
    scale = (1.0 - (1.0 - TRUST) * p) / (1.0 - p)
    return tuple((1.0 - TRUST) * q if i == at else q * scale for i, q in enumerate(probabilities))


def chains(me: str, cast: Sequence[str], order: int) -> list[Chain]:
    """All chains from `me` up to `order`, shallow ones first; nobody follows itself."""
    level: list[Chain] = [(me,)]
    found = list(level)
    for _ in range(order - 1):
        level = [(*chain, name) for chain in level for name in cast if name != chain[-1]]
        found += level
    return found
