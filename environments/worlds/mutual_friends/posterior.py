"""Which friend is shared, given everything said: exact under a stated model, with no sampling.

The model: somebody's list is the shared row and n-1 other rows. The others are exchangeable draws, independent over
attributes; within one, Dirichlet-multinomial over the V values in play, with alpha drawn evenly from the given list.
That is the generator without its rejection step (no duplicates, no further shared row), and each list on its own.
The likelihood of what someone said is the probability that all of it is literally true of their list.
Two rules of the game come on top: a row that both hold is the shared one, and a denied row is not.

Source of the closed forms: the generating function of the Dirichlet-multinomial, a factor (1 - x)^(-alpha) per value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product
from math import factorial, fsum, prod

from tertulia.environments.worlds.mutual_friends.claims import CountOf, allowed_counts, read_variable
from tertulia.storage.seen import Claim

Row = tuple[str, ...]
Fixed = tuple[tuple[str, int], ...]
FOLLOWED = 2
"""Row claims of one speaker that are followed exactly, the latest; older ones are weakened (soundly)."""
NEGLIGIBLE = 1e-15
ROUNDING = 1e-13


@dataclass(frozen=True)
class Game:
    """What both know: attributes, rows per list, values in play per attribute, and the alphas."""

    attributes: tuple[str, ...]
    n: int
    sizes: tuple[int, ...]
    alphas: tuple[float, ...]

    def widened(self, values: Sequence[Sequence[str]]) -> Game:
        """The same with at least as many values in play as are known by name."""
        return replace(self, sizes=tuple(max(s, len(set(known))) for s, known in zip(self.sizes, values, strict=True)))


@dataclass
class Evidence:
    """What someone has said of their own list. `counts`: per attribute, the counts each named value may have (mask)."""

    counts: tuple[dict[str, int], ...]
    held: list[Row] = field(default_factory=list)
    denied: list[Row] = field(default_factory=list)
    held_before: list[Row] = field(default_factory=list)
    """Older assertions: that it is shared if the hearer has it too is kept, else only that its values occur."""
    denied_before: list[Row] = field(default_factory=list)
    """Older denials: that it is not the shared row is kept, that it is not among the others is let go."""

    def rows(self) -> tuple[Row, ...]:
        """Every row that was named, asserted or denied."""
        return tuple(dict.fromkeys((*self.held, *self.denied, *self.held_before, *self.denied_before)))

    def has_said(self, row: Row) -> bool:
        """Whether the row was asserted."""
        return row in self.held or row in self.held_before

    def values(self, column: int) -> list[str]:
        """Every value of the attribute that was named, in the order of naming."""
        return list(dict.fromkeys((*self.counts[column], *(row[column] for row in self.rows()))))


def gather(game: Game, speaker: str, claims: Sequence[Claim]) -> Evidence:
    """What `claims` say of `speaker`'s list; claims about anything else say nothing."""
    evidence = Evidence(counts=tuple({} for _ in game.attributes))
    rows: dict[Row, bool] = {}
    for claim in claims:
        read = read_variable(claim.variable, game.attributes)
        if read is None or read.subject != speaker:
            continue
        if isinstance(read, CountOf):
            mask = allowed_counts(claim.value, claim.holds, game.n)
            if mask is not None:
                _limit(evidence, game, read.attribute, read.value, mask)
        elif claim.value in ("yes", "no"):
            yes = (claim.value == "yes") == claim.holds
            pairs = dict(read.pairs)
            if len(pairs) == len(read.pairs) == len(game.attributes):
                row = tuple(pairs[attribute] for attribute in game.attributes)
                if rows.pop(row, yes) != yes:
                    _limit(evidence, game, game.attributes[0], row[0], 0)  # both yes and no: cannot be true
                rows[row] = yes
            elif yes:  # less than a whole row: each of its values occurs; a denial of it says nothing of single values
                _weaken(evidence, game, read.pairs)
    _sort_rows(evidence, game, rows)
    return evidence


def _limit(evidence: Evidence, game: Game, attribute: str, value: str, mask: int) -> None:
    counts = evidence.counts[game.attributes.index(attribute)]
    counts[value] = counts.get(value, (1 << (game.n + 1)) - 1) & mask


def _weaken(evidence: Evidence, game: Game, pairs: Sequence[tuple[str, str]]) -> None:
    for attribute, value in pairs:
        _limit(evidence, game, attribute, value, (1 << (game.n + 1)) - 2)


def _sort_rows(evidence: Evidence, game: Game, rows: Mapping[Row, bool]) -> None:
    old = max(len(rows) - FOLLOWED, 0)
    for place, (row, yes) in enumerate(rows.items()):
        if place >= old:
            (evidence.held if yes else evidence.denied).append(row)
        elif yes:
            _weaken(evidence, game, tuple(zip(game.attributes, row, strict=True)))
            evidence.held_before.append(row)
        else:
            evidence.denied_before.append(row)


@lru_cache(maxsize=1 << 14)
def _rising(a: float, k: int) -> float:
    """a (a+1) ... (a+k-1)"""
    return prod(a + i for i in range(k))


@lru_cache(maxsize=1 << 14)
def _pool(a: float, k: int) -> float:
    """The coefficient of x^k in (1 - x)^(-a)"""
    return _rising(a, k) / factorial(k)


class Likelihood:
    """How probable everything someone said is, for each row that may be the shared one."""

    def __init__(self, game: Game, evidence: Evidence) -> None:
        self.game = game
        self.evidence = evidence
        self._tables: dict[tuple[int, str | None, Fixed], float] = {}
        self._terms: list[tuple[float, tuple[Fixed, ...]]] | None = None

    def of(self, row: Row) -> float:
        """P(all that was said is true | `row` is the shared one)"""
        evidence = self.evidence
        if row in evidence.denied or row in evidence.denied_before:
            return 0.0
        if row in evidence.held:
            required = [held for held in evidence.held if held != row]
            return self._sum(_expansion(self.game, required, evidence.denied), row)
        return self.generic(row)

    def generic(self, row: Row) -> float:
        """The same, as if the row were none of those that were named."""
        return self._sum(self.terms(), row)

    def mean(self, profile: Sequence[Mapping[str | None, float]]) -> float:
        """The mean of `of` over rows with independent attributes: `profile[column][value]`, None for all unnamed."""
        whole = fsum(
            sign * prod(
                fsum(p * self.table(c, value, fixed[c]) for value, p in chances.items())
                for c, chances in enumerate(profile)
            )
            for sign, fixed in self.terms()
        )  # fmt: skip
        named = self.evidence.rows()
        return max(0.0, fsum((whole, *(_chance(row, profile) * (self.of(row) - self.generic(row)) for row in named))))

    def terms(self) -> list[tuple[float, tuple[Fixed, ...]]]:
        """The inclusion-exclusion terms for a row that was not named itself; those that cannot matter are left out."""
        if self._terms is None:
            terms = list(_expansion(self.game, self.evidence.held, self.evidence.denied))
            if len(terms) > 1:
                sizes = [abs(sign) * self._bound(fixed) for sign, fixed in terms]
                least = NEGLIGIBLE * max(sizes)
                terms = [term for term, size in zip(terms, sizes, strict=True) if size > least]
            self._terms = terms
        return self._terms

    def table(self, column: int, value: str | None, fixed: Fixed = ()) -> float:
        """P(the first draws are `fixed` and the counts of this attribute are as said | the shared row has `value`)"""
        if value not in self.evidence.counts[column]:
            value = None
        key = (column, value, fixed)
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = self.with_counts(column, value, fixed, self.evidence.counts[column])
        return found

    def with_counts(self, column: int, value: str | None, fixed: Fixed, counts: Mapping[str, int]) -> float:
        """`table`, for other counts than those said."""
        game, firsts = self.game, dict(fixed)
        totals = sorted((mask >> 1 if v == value else mask, firsts.pop(v, 0)) for v, mask in counts.items())
        size = max(game.sizes[column], len(counts) + len(firsts))
        return _drawn(game.n - 1, game.alphas, size, tuple(totals), tuple(sorted(firsts.values())))

    def _sum(self, terms: Sequence[tuple[float, tuple[Fixed, ...]]], row: Row) -> float:
        parts = [sign * prod(self.table(c, v, fixed[c]) for c, v in enumerate(row)) for sign, fixed in terms]
        if not parts:
            return 0.0
        value = fsum(parts)
        # What is left of terms that cancel to nothing is rounding, not probability.
        return value if len(parts) == 1 or value > ROUNDING * max(map(abs, parts)) else 0.0

    def _bound(self, fixed: tuple[Fixed, ...]) -> float:
        columns = enumerate(self.evidence.counts)
        return prod(max(self.table(c, v, fixed[c]) for v in (None, *counts)) for c, counts in columns)


@lru_cache(maxsize=1 << 15)
def _drawn(
    draws: int, alphas: tuple[float, ...], size: int, totals: tuple[tuple[int, int], ...], others: tuple[int, ...]
) -> float:
    """P(the first draws are as fixed, in order, and the totals of all `draws` are as counted), over `size` values.

    `totals`: for each counted value, the totals it may have (mask), and how many of the first draws it is fixed for;
    `others`: the latter for values that are fixed but not counted.
    """
    return fsum(_drawn_with(alpha, draws, size, totals, others) for alpha in alphas) / len(alphas)


def _drawn_with(alpha: float, draws: int, size: int, totals: Sequence[tuple[int, int]], others: Sequence[int]) -> float:
    fixed = sum(others) + sum(first for _, first in totals)
    scale = factorial(draws - fixed) / _rising(size * alpha, draws)
    free = (size - len(totals)) * alpha
    degree = 0
    for first in others:  # (1 - x)^(-alpha), differentiated `first` times
        scale *= _rising(alpha, first)
        degree += first
        free += first
    several: list[list[tuple[int, float]]] = []
    for total, first in totals:
        mask = total & (1 << (draws + 1)) - (1 << first)
        if mask == 0:
            return 0.0
        if mask & (mask - 1) == 0:
            k = mask.bit_length() - 1
            scale *= _rising(alpha, k) / factorial(k - first)
            degree += k
        else:
            ks = (k for k in range(first, draws + 1) if mask >> k & 1)
            several.append([(k, _rising(alpha, k) / factorial(k - first)) for k in ks])
    left = draws - degree
    if left < 0:
        return 0.0
    if not several:
        return scale * _pool(free, left)
    ways = [1.0] + [0.0] * left
    for choices in several:
        ways = [fsum([ways[at - k] * w for k, w in choices if k <= at]) for at in range(left + 1)]
    return scale * fsum([way * _pool(free, left - at) for at, way in enumerate(ways)])


def _expansion(game: Game, required: Sequence[Row], absent: Sequence[Row]) -> list[tuple[float, tuple[Fixed, ...]]]:
    """ "All of `required` and none of `absent` are among the draws", as a signed sum over "the first draws are these".

    Inclusion-exclusion over ordered draws; only multisets that hold every required row are left after cancellation.
    """
    draws, rows = game.n - 1, (*required, *absent)
    if not rows:
        return [(1.0, ((),) * len(game.attributes))]
    terms = []
    for times in _multiplicities(draws, len(required), len(rows)):
        total = sum(times)
        ways = factorial(draws) // (prod(map(factorial, times)) * factorial(draws - total))
        sign = -1.0 if (total - len(required)) % 2 else 1.0
        terms.append((sign * ways, tuple(_fixed(rows, times, c) for c in range(len(game.attributes)))))
    return terms


def _multiplicities(draws: int, required: int, rows: int) -> Iterator[tuple[int, ...]]:
    ranges = [range(1 if place < required else 0, draws + 1) for place in range(rows)]
    return (times for times in product(*ranges) if sum(times) <= draws)


def _fixed(rows: Sequence[Row], times: Sequence[int], column: int) -> Fixed:
    firsts: dict[str, int] = {}
    for row, k in zip(rows, times, strict=True):
        if k:
            firsts[row[column]] = firsts.get(row[column], 0) + k
    return tuple(firsts.items())


def _chance(row: Row, profile: Sequence[Mapping[str | None, float]]) -> float:
    return prod(chances[value] for value, chances in zip(row, profile, strict=True))


def own_posterior(rows: Sequence[Row], partner: Likelihood) -> list[float] | None:
    """P(row is the shared one) for each of my rows, given what the partner said; even before that. None: impossible."""
    both = [row for row in rows if partner.evidence.has_said(row)]
    if len(both) > 1:
        return None
    weights = [partner.of(row) if row in both or not both else 0.0 for row in rows]
    return _normalised(weights)


def public_posterior(rows: Sequence[Row], one: Likelihood, two: Likelihood) -> list[float] | None:
    """P(row is the shared one) for each of `rows`, from what both have said in public and nothing else.

    Every row over the values in play is as likely as any other before that; exact, since it factorises over attributes
    but for the rows that were named, which are summed one by one. What is missing to 1 lies on other rows.
    """
    both = [row for row in one.evidence.rows() if one.evidence.has_said(row) and two.evidence.has_said(row)]
    if both:
        sure = len(both) == 1 and one.of(both[0]) * two.of(both[0]) > 0
        return [float(row == both[0]) for row in rows] if sure else None
    whole = _universe(one, two)
    if whole <= 0:
        return None
    return [min(one.of(row) * two.of(row) / whole, 1.0) for row in rows]


def _universe(one: Likelihood, two: Likelihood) -> float:
    """The sum of both likelihoods' product over all rows there may be; 0 where what remains is rounding."""
    game = one.game
    classes: list[list[tuple[str | None, int]]] = []
    for c, size in enumerate(game.sizes):
        named = list(dict.fromkeys((*one.evidence.counts[c], *two.evidence.counts[c])))
        classes.append([(None, size - len(named)), *((value, 1) for value in named)])
    terms = [
        sign * other * prod(
            fsum(many * one.table(c, v, a[c]) * two.table(c, v, b[c]) for v, many in classes[c])
            for c in range(len(classes))
        )
        for sign, a in one.terms() for other, b in two.terms()
    ]  # fmt: skip
    named_rows = dict.fromkeys((*one.evidence.rows(), *two.evidence.rows()))
    terms += [one.of(r) * two.of(r) - one.generic(r) * two.generic(r) for r in named_rows]
    whole = fsum(terms)
    return whole if whole > ROUNDING * fsum(map(abs, terms)) else 0.0


def _normalised(weights: Sequence[float]) -> list[float] | None:
    total = fsum(weights)
    return [weight / total for weight in weights] if total > 0 else None


def profile_of(game: Game, evidence: Evidence, also: Sequence[Sequence[str]]) -> list[dict[str | None, float]]:
    """What a row of someone's list looks like as far as they described it, per attribute: value -> probability.

    A counted value has the share of the fewest friends it may have; the rest is spread evenly over the values in play
    that nobody counted. Values in `also` are listed by name; key None is all the others together.
    """
    profile: list[dict[str | None, float]] = []
    for c, size in enumerate(game.sizes):
        counts = evidence.counts[c]
        chances: dict[str | None, float] = {v: max(_fewest(mask), 0) / game.n for v, mask in counts.items()}
        known = fsum(chances.values())
        unnamed = size - len(counts)
        if unnamed <= 0 or known > 1.0:
            chances = {v: share / known if known else 1.0 / len(counts) for v, share in chances.items()}
        each = max(1.0 - known, 0.0) / unnamed if unnamed > 0 else 0.0
        chances |= {value: each for value in also[c] if value not in chances}
        chances[None] = max(size - len(chances), 0) * each
        profile.append(chances)
    return profile


def _fewest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
