"""How far coders agree on the same items: Cohen's kappa, Fleiss' kappa, Krippendorff's alpha, and plain agreement.

Every coefficient is a number of sums over items, and sums of episodes add up; so its interval draws whole episodes anew
(`clustered.bounds`). Where chance alone would agree completely (one level is all that was ever used) a coefficient is
undefined: None, with the reason, and neither 1 nor 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from tertulia.storage.measures.clustered import bounds

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
        weights = list(WEIGHTS) if scale == "ordinal" else ["unweighted"]
        for pair in combinations(coders, 2):
            found += [cohen(items, pair, levels, weight, seed) for weight in weights]
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
    first, second = pair
    both = [item for item in items if first in item.codes and second in item.codes]
    name = "cohen_kappa" if weights == "unweighted" else f"cohen_kappa_{weights}"
    return cohen_by(both, pair, levels, WEIGHTS[weights], name, seed)


def cohen_by(
    both: Sequence[Item], pair: tuple[str, str], levels: Sequence[float], weight: Weight, name: str, seed: int = 0
) -> Agreement:
    """The same with disagreement weights of one's own."""
    place = _places(both, levels)
    k = len(place)

    def sums(item: Item) -> list[float]:
        a, b = (place[item.codes[coder]] for coder in pair)
        found = [0.0] * (2 + 2 * k)
        found[0], found[1], found[2 + a], found[2 + k + b] = 1.0, weight(a, b), 1.0, 1.0
        return found

    def value(s: Sequence[float]) -> float | None:
        rows, columns = s[2 : 2 + k], s[2 + k :]
        expected = sum(
            weight(i, j) * r * c for i, r in enumerate(rows) if r for j, c in enumerate(columns) if c
        )  # fmt: skip
        return 1.0 - s[1] * s[0] / expected if expected > _TINY else None

    mine = [Item(item.cluster, {coder: item.codes[coder] for coder in pair}) for item in both]
    return _made(name, mine, sums, value, "these two have coded no item in common", seed, of=" and ".join(pair))


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
        apart = _ordinal(totals) if scale == "ordinal" else WEIGHTS["unweighted"]
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
    name: str, items: Sequence[Item], sums: Callable[[Item], list[float]],
    value: Callable[[Sequence[float]], float | None], nothing: str, seed: int, *, of: str = "",
) -> Agreement:  # fmt: skip
    by_episode: dict[str, list[list[float]]] = {}
    for item in items:
        by_episode.setdefault(item.cluster, []).append(sums(item))
    vectors = [[sum(column) for column in zip(*by_episode[one], strict=True)] for one in sorted(by_episode)]
    whole = value([sum(column) for column in zip(*vectors, strict=True)]) if vectors else None
    undefined = 0

    def counted(drawn: Sequence[float]) -> float | None:
        nonlocal undefined
        found = value(drawn)
        undefined += found is None
        return found

    low, high = bounds(vectors, counted, seed) if whole is not None else (None, None)
    coders = {coder for item in items for coder in item.codes}
    why = None if whole is not None else (_same(items) if items else nothing)
    return Agreement(
        name, whole, low, high, len(items), len(coders), sum(len(item.codes) for item in items), len(vectors), why,
        undefined, of,
    )  # fmt: skip


def _same(items: Sequence[Item]) -> str:
    used = sorted({code for item in items for code in item.codes.values()})
    if len(used) == 1:
        return f"undefined: every code is {used[0]:g}, so chance would agree as well"
    return "undefined: chance would agree as well"
