"""What is worth saying: the expected gain, in nats, of telling counts or proposing a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, fsum, log, log1p, log2

from tertulia.environments.worlds.mutual_friends.posterior import Evidence, Game, Likelihood, Row, profile_of

VALUES_PER_UTTERANCE = 4
SHORTLIST = 8
NEVER = -60.0
"""The logarithm that stands for impossible; finite, so that sums stay comparable."""


@dataclass(frozen=True)
class Fact:
    """`count` of my friends have `value`."""

    column: int
    value: str
    count: int


@dataclass(frozen=True)
class _Effect:
    """How much more probable (log) a fact is than what was said before, by the shared row's value of its attribute."""

    same: float
    counted: float
    uncounted: float


class Speaking:
    """One moment of one speaker: own rows, what each has said, and what the speaker believes (`beliefs`, by row)."""

    def __init__(self, game: Game, rows: Sequence[Row], beliefs: Sequence[float], mine: Likelihood,
                 partner: Likelihood) -> None:  # fmt: skip
        self.game, self.rows, self.beliefs, self.mine, self.partner = game, rows, beliefs, mine, partner
        self._shifts: dict[Fact, list[float]] = {}
        self._effects: dict[tuple[bool, int, str | None, int], _Effect] = {}

    # -- what the partner can infer ------------------------------------------------------------------------------

    @cached_property
    def profile(self) -> list[dict[str | None, float]]:
        """A row of the partner's, as far as the partner described it."""
        return profile_of(self.game, self.partner.evidence, _values_of(self.mine.evidence, self.game))

    @cached_property
    def inferred(self) -> list[float]:
        """For each of my rows: how sure the partner is of it, if it is the shared one.

        Our approximation: besides it the partner holds n-1 rows as the profile has them, and weighs all by what I said.
        """
        return share_of(self.game, self.rows, self.mine, self.profile)

    # -- what telling gains --------------------------------------------------------------------------------------

    def facts(self) -> list[Fact]:
        """The counts worth telling: of values I have, and of those the partner spoke of; none that was told."""
        facts = []
        for c in range(len(self.game.attributes)):
            own = [row[c] for row in self.rows]
            for value in dict.fromkeys((*own, *self.partner.evidence.values(c))):
                mask = self.mine.evidence.counts[c].get(value, 0)
                if mask == 0 or mask & (mask - 1):
                    facts.append(Fact(c, value, own.count(value)))
        return facts

    def best_facts(
        self, facts: Sequence[Fact], most: int = VALUES_PER_UTTERANCE, first: Sequence[Fact] = ()
    ) -> tuple[tuple[Fact, ...], float]:
        """Up to `most` facts, chosen greedily by expected gain, and that gain in nats. One of `first` is among them."""
        told = _Told(self)
        if first:
            told = max((told.plus(fact) for fact in first), key=lambda t: t.gain)
        single = {fact: _Told(self).plus(fact).gain for fact in facts if fact not in told.facts}
        shortlist = sorted(single, key=lambda fact: -single[fact])[:SHORTLIST]
        while shortlist and len(told.facts) < most:
            longer = max((told.plus(fact) for fact in shortlist), key=lambda t: t.gain)
            if told.facts and longer.gain - told.gain < 1e-3:
                break
            told = longer
            shortlist.remove(told.facts[-1])
        return told.facts, told.gain

    def gain_of_proposing(self, place: int) -> float:
        """Of naming my row at `place` in full: the partner learns whether it is shared, and answers."""
        p = self.beliefs[place]
        return p * -log(max(self.inferred[place], 1e-12)) + _entropy((p, 1.0 - p))

    def partner_gain(self, shift: Sequence[float]) -> float:
        """How much more of the partner's belief the shared row is expected to get (mean log ratio, nats)."""
        odds = self._log_odds
        gains = [p * (_log_sigmoid(odds[i] + shift[i]) - was) for i, p, was in self._possible]
        return fsum(gains)

    @cached_property
    def _log_odds(self) -> list[float]:
        return [_logit(q) for q in self.inferred]

    @cached_property
    def _possible(self) -> list[tuple[int, float, float]]:
        return [(i, p, _log_sigmoid(self._log_odds[i])) for i, p in enumerate(self.beliefs) if p > 0]

    @cached_property
    def uncertainty(self) -> float:
        """Entropy of the beliefs, in nats."""
        return _entropy(self.beliefs)

    def shift(self, fact: Fact) -> list[float]:
        """For each of my rows: the change of the partner's log odds for it, were it the shared one."""
        found = self._shifts.get(fact)
        if found is None:
            found = self._shifts[fact] = self._shift(fact)
        return found

    def _shift(self, fact: Fact) -> list[float]:
        effect = self._effect(True, fact)
        chances, counted = self.profile[fact.column], self.mine.evidence.counts[fact.column]
        same = chances.get(fact.value, 0.0)
        if fact.value not in chances and chances[None] > 0:
            same = chances[None] / max(self.game.sizes[fact.column] - len(chances) + 1, 1)
        known = fsum(chances[value] for value in counted if value in chances and value != fact.value)
        rest = max(fsum(chances.values()) - same - known, 0.0)
        mean = log(max(same * exp(effect.same) + known * exp(effect.counted) + rest * exp(effect.uncounted), 1e-26))
        shifts = []
        for row in self.rows:
            value = row[fact.column]
            hit = effect.same if value == fact.value else effect.counted if value in counted else effect.uncounted
            shifts.append(hit - mean)
        return shifts

    def split(self, masses: list[list[float]], fact: Fact) -> list[list[float]]:
        """The unnormalised posteriors after each answer so far, split by "none of mine has this value" or not."""
        if fact.value in self.partner.evidence.counts[fact.column]:
            return masses
        none = exp(self._effect(False, Fact(fact.column, fact.value, 0)).uncounted)
        column, value = fact.column, fact.value
        found = []
        for mass in masses:
            without = [0.0 if row[column] == value else m * none for row, m in zip(self.rows, mass, strict=True)]
            found += [without, [m - w for m, w in zip(mass, without, strict=True)]]
        return found

    def _effect(self, of_mine: bool, fact: Fact) -> _Effect:
        """The log ratios of one more exact count; those of values not spoken of so far are alike."""
        likelihood = self.mine if of_mine else self.partner
        said = likelihood.evidence.counts[fact.column]
        key = (of_mine, fact.column, fact.value if fact.value in said else None, fact.count)
        found = self._effects.get(key)
        if found is None:
            counted = next((value for value in said if value != fact.value), None)
            counts = {**said, fact.value: said.get(fact.value, -1) & 1 << fact.count}
            ratios = [
                _log_ratio(likelihood.with_counts(fact.column, v, (), counts), likelihood.table(fact.column, v))
                for v in (fact.value, counted, None)
            ]
            found = self._effects[key] = _Effect(*ratios)
        return found


class _Told:
    """Facts taken together: what the partner gains by hearing them, and what I by the partner's answer."""

    def __init__(self, speaking: Speaking, facts: tuple[Fact, ...] = (), shift: Sequence[float] = (),
                 masses: list[list[float]] | None = None) -> None:  # fmt: skip
        self.speaking, self.facts = speaking, facts
        self.shift = shift or [0.0] * len(speaking.rows)
        self.masses = masses or [list(speaking.beliefs)]
        answered = speaking.uncertainty - fsum([_spread(mass) for mass in self.masses]) if facts else 0.0
        self.gain = speaking.partner_gain(self.shift) + answered

    def plus(self, fact: Fact) -> _Told:
        """These and one more."""
        shift = [a + b for a, b in zip(self.shift, self.speaking.shift(fact), strict=True)]
        return _Told(self.speaking, (*self.facts, fact), shift, self.speaking.split(self.masses, fact))


def share_of(
    game: Game, rows: Sequence[Row], said: Likelihood, profile: Sequence[dict[str | None, float]]
) -> list[float]:
    """For each row: its weight against n-1 others drawn from `profile`, all weighed by what was `said`."""
    others = (game.n - 1) * said.mean(profile)
    weights = [said.of(row) for row in rows]
    return [weight / (weight + others) if weight > 0 else 0.0 for weight in weights]


def described(game: Game, teller: Likelihood, heard: Likelihood) -> list[dict[str | None, float]]:
    """The profile of `teller`'s rows, with every value by name that `heard` spoke of."""
    return profile_of(game, teller.evidence, _values_of(heard.evidence, game))


def bits(probabilities: Sequence[float]) -> float:
    """Entropy in bits."""
    return -fsum(p * log2(p) for p in probabilities if p > 0)


def _values_of(evidence: Evidence, game: Game) -> list[list[str]]:
    return [evidence.values(c) for c in range(len(game.attributes))]


def _entropy(probabilities: Sequence[float]) -> float:
    return -fsum(p * log(p) for p in probabilities if p > 0)


def _spread(mass: Sequence[float]) -> float:
    """P(answer) times the entropy that is left after it, for the unnormalised posterior after that answer."""
    total = fsum(mass)
    return total * log(total) - fsum([m * log(m) for m in mass if m > 0]) if total > 0 else 0.0


def _log_ratio(after: float, before: float) -> float:
    return max(log(after / before), NEVER) if after > 0 and before > 0 else NEVER


def _logit(p: float) -> float:
    return log(max(p, 1e-15)) - log(max(1.0 - p, 1e-15))


def _log_sigmoid(x: float) -> float:
    return -log1p(exp(-x)) if x > -30 else x
