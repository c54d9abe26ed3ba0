"""How far coders agree on the same items: Cohen's kappa, Fleiss' kappa, Krippendorff's alpha, and plain agreement.

Every coefficient is a number of sums over items, and sums of episodes add up; so its interval draws whole episodes
anew. Where chance alone would agree completely (one level is all that was ever used) a coefficient is undefined: None,
with the reason, and neither 1 nor 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import mul

from tertulia.storage.measures.clustered import drawn_sums, limits

Value = Callable[[Sequence[float]], float | None]
"""A coefficient of sums; None where it is undefined."""
Weight = Callable[[int, int], float]
"""How far apart two levels are, by their places among the levels; 0 for the same."""

WEIGHTS: Mapping[str, Weight] = {
    "unweighted": lambda a, b: float(a != b),
    "linear": lambda a, b: float(abs(a - b)),
    "quadratic": lambda a, b: float((a - b) ** 2),
}
_SCALES = ("nominal", "ordinal", "interval")
_NO_PAIR = "no item was coded by two coders"
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it was coded: the episode it is of, and what each coder gave it. Who gave nothing is not in it."""

    cluster: str
    codes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One coefficient. Its interval (95 %, bootstrap) is over `episodes`, whole; None for fewer than two, and where no
    draw has a value. `undefined` of the draws had none and were left out."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    items: int
    """With at least two codes (Fleiss: with one by every coder)."""
    coders: int
    codes: int
    """In these items."""
    episodes: int
    why: str | None = None
    """Why there is no value."""
    undefined: int = 0
    of: str = ""
    """Which two coders, where it is of two."""


def agreement(items: Sequence[Item], scale: str, levels: Sequence[float] = (), seed: int = 0) -> list[Agreement]:
    """All coefficients that fit a scale: `nominal`, `ordinal` or `interval`.

    `levels` are all values of a nominal or ordinal code, in order. Weighted kappas are for ordinal codes, and weigh by
    the places of the levels. Raises `ValueError` for another scale.
    """
    if scale not in _SCALES:
        raise ValueError(f"there is no scale '{scale}'")
    coders = sorted({coder for item in items for coder in item.codes})
    found = [percent(items, seed)]
    if scale != "interval":
        weights = WEIGHTS if scale == "ordinal" else {"unweighted": WEIGHTS["unweighted"]}
        for pair in combinations(coders, 2):
            found += cohens(items, pair, levels, weights, seed)
        if len(coders) > 2:
            found.append(fleiss(items, levels, seed))
    found.append(krippendorff(items, scale, seed))
    return found


def percent(items: Sequence[Item], seed: int = 0) -> Agreement:
    """The share of pairs of codes of one item that are the same: each item counts once, whoever coded it."""

    def sums(item: Item) -> list[float]:
        counts = Counter(item.codes.values())
        m = len(item.codes)
        return [sum(n * (n - 1) for n in counts.values()) / (m * (m - 1)), 1.0]

    return _made("agreement", _paired(items), sums, lambda s: s[0] / s[1] if s[1] else None, _NO_PAIR, seed)


def cohen(
    items: Sequence[Item], pair: tuple[str, str], levels: Sequence[float], weights: str = "unweighted", seed: int = 0
) -> Agreement:
    """Cohen's kappa of two coders over the items that both coded.

    Sources: Cohen (1960), Educational and Psychological Measurement 20, 37-46; weighted: Cohen (1968), Psychological
    Bulletin 70, 213-220, as 1 - observed / expected disagreement.
    """
    return cohens(items, pair, levels, {weights: WEIGHTS[weights]}, seed)[0]


def cohens(
    items: Sequence[Item], pair: tuple[str, str], levels: Sequence[float], weights: Mapping[str, Weight], seed: int = 0
) -> list[Agreement]:
    """The same by several disagreement weights, also one's own, from the same draws."""
    mine = [
        Item(item.cluster, {coder: item.codes[coder] for coder in pair})
        for item in items
        if all(coder in item.codes for coder in pair)
    ]
    place = _places(mine, levels)
    k, many = len(place), len(weights)

    def sums(item: Item) -> list[float]:
        """How many, how far apart by each weight, and who gave which level."""
        a, b = (place[item.codes[coder]] for coder in pair)
        found = [1.0, *(weight(a, b) for weight in weights.values()), *[0.0] * (2 * k)]
        found[1 + many + a] = found[1 + many + k + b] = 1.0
        return found

    def kappa(n: int, weight: Weight) -> Value:
        apart = [[weight(i, j) for j in range(k)] for i in range(k)]

        def value(s: Sequence[float]) -> float | None:
            rows, columns = s[1 + many : 1 + many + k], s[1 + many + k :]
            expected = sum(r * sum(map(mul, away, columns)) for r, away in zip(rows, apart, strict=True) if r)
            return 1.0 - s[1 + n] * s[0] / expected if expected > _TINY else None

        return value

    values = {
        "cohen_kappa" if name == "unweighted" else f"cohen_kappa_{name}": kappa(n, weight)
        for n, (name, weight) in enumerate(weights.items())
    }
    nothing = "these two have coded no item in common"
    return _made_of(values, mine, sums, nothing, seed, of=" and ".join(pair))


def fleiss(items: Sequence[Item], levels: Sequence[float], seed: int = 0) -> Agreement:
    """Fleiss' kappa over the items that every coder coded.

    Source: Fleiss (1971), Psychological Bulletin 76, 378-382.
    """
    coders = {coder for item in items for coder in item.codes}
    whole = [item for item in items if len(item.codes) == len(coders) > 1]
    place = _places(whole, levels)
    m = len(coders)

    def sums(item: Item) -> list[float]:
        counts = Counter(place[code] for code in item.codes.values())
        same = sum(n * (n - 1) for n in counts.values()) / (m * (m - 1))
        return [1.0, same, *(float(counts[i]) for i in range(len(place)))]

    def value(s: Sequence[float]) -> float | None:
        n, same, *counts = s
        chance = sum((count / (n * m)) ** 2 for count in counts) if n else 1.0
        return (same / n - chance) / (1.0 - chance) if 1.0 - chance > _TINY else None

    return _made("fleiss_kappa", whole, sums, value, f"no item was coded by all {m} coders", seed)


def krippendorff(items: Sequence[Item], scale: str, seed: int = 0) -> Agreement:
    """Krippendorff's alpha over all items with two codes or more, whoever gave them.

    Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability: alpha = 1 - D_o / D_e over the coincidences
    of the values; for `interval` from sums and sums of squares, which is the same and needs no matrix.
    """
    mine = _paired(items)
    name = f"krippendorff_alpha_{scale}"
    if scale == "interval":
        return _made(name, mine, _interval_sums, _interval_alpha, _NO_PAIR, seed)
    place = _places(mine, ())
    k = len(place)
    if scale == "nominal":
        return _made(name, mine, lambda item: _nominal_sums(item, place), _nominal_alpha, _NO_PAIR, seed)
    at = {pair: i for i, pair in enumerate((a, b) for a in range(k) for b in range(a, k))}

    def sums(item: Item) -> list[float]:
        """The upper half of the item's coincidences; what lies off the diagonal stands for both halves."""
        counts = sorted(Counter(place[code] for code in item.codes.values()).items())
        found, m = [0.0] * len(at), len(item.codes)
        for n, (a, of_a) in enumerate(counts):
            found[at[a, a]] += of_a * (of_a - 1) / (m - 1)
            for b, of_b in counts[n + 1 :]:
                found[at[a, b]] += of_a * of_b / (m - 1)
        return found

    def value(s: Sequence[float]) -> float | None:
        totals = [0.0] * k
        for (a, b), i in at.items():
            totals[a] += s[i]
            if a != b:
                totals[b] += s[i]
        apart = _ordinal(totals)
        off = [(a, b, s[i], apart(a, b)) for (a, b), i in at.items() if a != b]
        observed = sum(2 * coincidence * delta for _, _, coincidence, delta in off)
        expected = sum(2 * totals[a] * totals[b] * delta for a, b, _, delta in off)
        n = sum(totals)
        return 1.0 - observed * (n - 1) / expected if expected > _TINY else None

    return _made(name, mine, sums, value, _NO_PAIR, seed)


def _ordinal(totals: Sequence[float]) -> Weight:
    """Krippendorff's ordinal difference: how many values lie between the two, theirs counted by half, squared."""
    upto = [0.0]
    for total in totals:
        upto.append(upto[-1] + total)
    return lambda a, b: (upto[b + 1] - upto[a] - (totals[a] + totals[b]) / 2) ** 2


def _nominal_sums(item: Item, place: Mapping[float, int]) -> list[float]:
    """The item's coincidences of different values, and how often each value came."""
    counts, m = Counter(place[code] for code in item.codes.values()), len(item.codes)
    apart = (m * m - sum(n * n for n in counts.values())) / (m - 1)
    return [apart, *(float(counts[i]) for i in range(len(place)))]


def _nominal_alpha(s: Sequence[float]) -> float | None:
    observed, *totals = s
    n = sum(totals)
    expected = n * n - sum(total * total for total in totals)
    return 1.0 - observed * (n - 1) / expected if expected > _TINY else None


def _interval_sums(item: Item) -> list[float]:
    values, m = list(item.codes.values()), len(item.codes)
    middle = sum(values) / m
    observed = 2 * m * sum((value - middle) ** 2 for value in values) / (m - 1)
    return [float(m), sum(values), sum(value * value for value in values), observed]


def _interval_alpha(s: Sequence[float]) -> float | None:
    n, total, squares, observed = s
    expected = 2 * (n * squares - total * total)
    return 1.0 - observed * (n - 1) / expected if expected > _TINY * max(1.0, n * squares) else None


def _paired(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if len(item.codes) > 1]


def _places(items: Sequence[Item], levels: Sequence[float]) -> dict[float, int]:
    """Where each level stands: among all there are, else among those that were used."""
    known = levels or sorted({code for item in items for code in item.codes.values()})
    return {level: i for i, level in enumerate(known)}


def _made(
    name: str, items: Sequence[Item], sums: Callable[[Item], list[float]], value: Value, nothing: str, seed: int
) -> Agreement:  # fmt: skip
    return _made_of({name: value}, items, sums, nothing, seed)[0]


def _made_of(
    values: Mapping[str, Value], items: Sequence[Item], sums: Callable[[Item], list[float]], nothing: str, seed: int,
    *, of: str = "",
) -> list[Agreement]:  # fmt: skip
    """Coefficients of the same sums, from the same draws."""
    by_episode: dict[str, list[list[float]]] = {}
    for item in items:
        by_episode.setdefault(item.cluster, []).append(sums(item))
    vectors = [[sum(column) for column in zip(*by_episode[one], strict=True)] for one in sorted(by_episode)]
    whole = [sum(column) for column in zip(*vectors, strict=True)]
    found = {name: value(whole) if vectors else None for name, value in values.items()}
    drawn: dict[str, list[float | None]] = {name: [] for name in values}
    if any(one is not None for one in found.values()):
        for one in drawn_sums(vectors, seed):
            for name, value in values.items():
                drawn[name].append(value(one))
    coders = {coder for item in items for coder in item.codes}
    codes = sum(len(item.codes) for item in items)
    return [
        Agreement(
            name, found[name], *limits([one for one in drawn[name] if one is not None]), len(items), len(coders), codes,
            len(vectors), None if found[name] is not None else (_same(items) if items else nothing),
            drawn[name].count(None), of,
        )
        for name in values
    ]  # fmt: skip


def _same(items: Sequence[Item]) -> str:
    used = sorted({code for item in items for code in item.codes.values()})
    if len(used) == 1:
        return f"undefined: every code is {used[0]:g}, so chance would agree as well"
    return "undefined: chance would agree as well"
