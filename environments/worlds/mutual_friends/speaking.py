"""What is worth saying: the expected gain, in nats, of telling counts or proposing a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, fsum, log, log1p, log2

from tertulia.environments.worlds.mutual_friends.posterior import Evidence, Game, Likelihood, Row, profile_of

VALUES_PER_UTTERANCE = 4
SHORTLIST = 10
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

    def best_facts(self, facts: Sequence[Fact], most: int = VALUES_PER_UTTERANCE) -> tuple[tuple[Fact, ...], float]:
        """Up to `most` facts, chosen greedily by expected gain, and that gain in nats."""
        weighed = {fact: self._shift(fact) for fact in facts}
        ranked = sorted(facts, key=lambda f: -self._gain([weighed[f]], [f]))[:SHORTLIST]
        chosen: list[Fact] = []
        gained = 0.0
        while ranked and len(chosen) < most:
            gains = [self._gain([weighed[f] for f in (*chosen, fact)], (*chosen, fact)) for fact in ranked]
            best = max(range(len(ranked)), key=lambda i: (gains[i], -i))
            if chosen and gains[best] - gained < 1e-3:
                break
            gained = gains[best]
            chosen.append(ranked.pop(best))
        return tuple(chosen), gained

    def gain_of_proposing(self, place: int) -> float:
        """Of naming my row at `place` in full: the partner learns whether it is shared, and answers."""
        p = self.beliefs[place]
        return p * -log(max(self.inferred[place], 1e-12)) + _entropy((p, 1.0 - p))

    def _gain(self, shifts: Sequence[Sequence[float]], facts: Sequence[Fact]) -> float:
        return self._partner_gain([fsum(column) for column in zip(*shifts, strict=True)]) + self._own_gain(facts)

    def _partner_gain(self, shift: Sequence[float]) -> float:
        """How much more of the partner's belief the shared row is expected to get (mean log ratio)."""
        odds = self._log_odds
        return fsum(
            p * (_log_sigmoid(odds[i] + shift[i]) - _log_sigmoid(odds[i])) for i, p in enumerate(self.beliefs) if p > 0
        )

    @cached_property
    def _log_odds(self) -> list[float]:
        return [_logit(q) for q in self.inferred]

    def _shift(self, fact: Fact) -> list[float]:
        """For each of my rows: the change of the partner's log odds for it, were it the shared one."""
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

    def _own_gain(self, facts: Sequence[Fact]) -> float:
        """What I expect to learn if the partner answers whether they have any friends with these values (nats)."""
        masses = [list(self.beliefs)]
        for fact in facts:
            if fact.value in self.partner.evidence.counts[fact.column]:
                continue
            none = exp(self._effect(False, Fact(fact.column, fact.value, 0)).uncounted)
            split = []
            for mass in masses:
                without = [
                    0.0 if row[fact.column] == fact.value else m * none for row, m in zip(self.rows, mass, strict=True)
                ]
                split += [without, [m - w for m, w in zip(mass, without, strict=True)]]
            masses = split
        return _entropy(self.beliefs) - fsum(_spread(mass) for mass in masses)

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
    return total * log(total) - fsum(m * log(m) for m in mass if m > 0) if total > 0 else 0.0


def _log_ratio(after: float, before: float) -> float:
    return max(log(after / before), NEVER) if after > 0 and before > 0 else NEVER


def _logit(p: float) -> float:
    return log(max(p, 1e-15)) - log(max(1.0 - p, 1e-15))


def _log_sigmoid(x: float) -> float:
    return -log1p(exp(-x)) if x > -30 else x
