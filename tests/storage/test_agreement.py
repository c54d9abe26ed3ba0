"""Agreement between coders against published examples, definitions written out, and cases in which there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.storage.measures.agreement import (
    WEIGHTS,
    Agreement,
    Item,
    agreement,
    cohen,
    cohens,
    fleiss,
    krippendorff,
    percent,
)  # fmt: skip

NA = None
PAIR = ("a", "b")


def by_coder(*rows: Sequence[float | None]) -> list[Item]:
    """Rows of coders, columns of items, each item an episode of its own."""
    names = "abcdefgh"
    return [
        Item(str(n), {names[i]: float(code) for i, code in enumerate(column) if code is not None})
        for n, column in enumerate(zip(*rows, strict=True))
    ]


def table(counts: Sequence[Sequence[int]]) -> list[Item]:
    """Items of two coders from how often each pair of levels came."""
    return [
        Item(f"{i}/{j}/{n}", {"a": float(i), "b": float(j)})
        for i, row in enumerate(counts)
        for j, count in enumerate(row)
        for n in range(count)
    ]


# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, sections C and D: four observers, twelve units,
# missing data. Nominal 0.743, ordinal 0.815, interval 0.849.
KRIPPENDORFF = by_coder(
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
    [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
)


@pytest.mark.parametrize(("scale", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_four_observers_with_missing_data_is_krippendorffs(scale: str, published: float) -> None:
    found = krippendorff(KRIPPENDORFF, scale)
    assert found.value == pytest.approx(published, abs=0.0005)
    assert (found.items, found.coders, found.codes) == (11, 4, 40)  # the unit that one observer coded is in no pair


@pytest.mark.parametrize(("scale", "published"), [("nominal", 0.691), ("interval", 0.811)])
def test_alpha_of_three_coders_is_that_of_the_encyclopaedias_example(scale: str, published: float) -> None:
    """The computational example of Wikipedia's page on Krippendorff's alpha: three coders, fifteen units."""
    items = by_coder(
        [NA, NA, NA, NA, NA, 3, 4, 1, 2, 1, 1, 3, 3, NA, 3],
        [1, NA, 2, 1, 3, 3, 4, 3, NA, NA, NA, NA, NA, NA, NA],
        [NA, NA, 2, 1, 3, 4, 4, NA, 2, 1, 1, 3, 3, NA, 4],
    )
    assert krippendorff(items, scale).value == pytest.approx(published, abs=0.0005)


def test_fleiss_kappa_of_his_thirty_patients_is_his() -> None:
    """Fleiss (1971): thirty patients, six psychiatrists, five diagnoses: 0.430."""
    items = by_coder(
        [4, 2, 2, 5, 2, 1, 3, 1, 1, 5, 1, 1, 2, 1, 2, 3, 1, 1, 2, 1, 5, 2, 2, 1, 1, 2, 1, 2, 1, 5],
        [4, 2, 3, 5, 2, 1, 3, 1, 1, 5, 4, 2, 2, 4, 2, 3, 1, 1, 2, 3, 5, 4, 2, 1, 4, 2, 1, 2, 3, 5],
        [4, 2, 3, 5, 2, 3, 3, 3, 4, 5, 4, 4, 2, 4, 4, 3, 1, 1, 4, 3, 5, 4, 4, 4, 4, 2, 1, 4, 3, 5],
        [4, 5, 3, 5, 4, 3, 3, 3, 4, 5, 4, 4, 3, 4, 4, 3, 4, 1, 4, 5, 5, 4, 5, 4, 4, 2, 1, 4, 3, 5],
        [4, 5, 3, 5, 4, 3, 5, 3, 4, 5, 4, 4, 3, 4, 4, 3, 5, 1, 4, 5, 5, 4, 5, 4, 4, 2, 5, 4, 3, 5],
        [4, 5, 5, 5, 4, 3, 5, 4, 4, 5, 4, 4, 3, 4, 5, 5, 5, 2, 4, 5, 5, 4, 5, 4, 5, 4, 5, 4, 3, 5],
    )
    found = fleiss(items, (1, 2, 3, 4, 5))
    assert found.value == pytest.approx(0.430, abs=0.0005)
    assert (found.items, found.coders, found.codes) == (30, 6, 180)


def test_kappa_and_weighted_kappa_of_cohens_table_are_his() -> None:
    """Cohen (1968): 200 patients, two judges, three diagnoses, his disagreement weights: kappa .492, weighted .348."""
    items = table([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    weights = ((0, 1, 3), (1, 0, 6), (3, 6, 0))
    assert cohen(items, PAIR, (0, 1, 2)).value == pytest.approx(0.492, abs=0.0005)
    [weighted] = cohens(items, PAIR, (0, 1, 2), {"own": lambda i, j: float(weights[i][j])})
    assert weighted.value == pytest.approx(0.348, abs=0.0005)


tables = st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4), min_size=4, max_size=4)


@given(tables, st.sampled_from(sorted(WEIGHTS)))
def test_cohens_kappa_is_one_minus_observed_over_expected_disagreement(counts: list[list[int]], name: str) -> None:
    items = table(counts)
    xs, ys = ([item.codes[one] for item in items] for one in PAIR)
    weight = WEIGHTS[name]
    expected = sum(weight(int(x), int(y)) for x, y in product(xs, ys))
    found = cohen(items, PAIR, (0, 1, 2, 3), name)
    if not expected:
        assert found.value is None
        return
    observed = sum(weight(int(x), int(y)) for x, y in zip(xs, ys, strict=True))
    assert found.value == pytest.approx(1 - observed * len(items) / expected)


@given(tables)
def test_quadratic_kappa_is_the_concordance_of_the_two_coders(counts: list[list[int]]) -> None:
    """2 cov / (var + var + squared difference of means), with n in all denominators (Lin 1989, eq. 1)."""
    items = table(counts)
    found = cohen(items, PAIR, (0, 1, 2, 3), "quadratic")
    if found.value is None:
        return
    n = len(items)
    xs, ys = ([item.codes[one] for item in items] for one in PAIR)
    x, y = sum(xs) / n, sum(ys) / n
    covariance = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / n
    spread = (sum((a - x) ** 2 for a in xs) + sum((b - y) ** 2 for b in ys)) / n + (x - y) ** 2
    assert found.value == pytest.approx(2 * covariance / spread)


codings = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4).map(float), max_size=4), min_size=1, max_size=12
)


@given(codings, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_is_the_ratio_of_mean_differences_within_items_and_among_all(
    coded: list[dict[str, float]], scale: str
) -> None:
    """From the definition, pair by pair: no coincidence matrix, no sums."""
    items = [Item(str(n), codes) for n, codes in enumerate(coded)]
    paired = [list(item.codes.values()) for item in items if len(item.codes) > 1]
    everything = [value for values in paired for value in values]

    def apart(a: float, b: float) -> float:
        if scale == "nominal":
            return float(a != b)
        if scale == "interval":
            return (a - b) ** 2
        low, high = sorted((a, b))
        between = sum(low <= value <= high for value in everything)
        ends = (everything.count(low) + everything.count(high)) / 2
        return 0.0 if a == b else (between - ends) ** 2

    n = len(everything)
    expected = sum(apart(a, b) for a, b in product(everything, everything)) / (n * (n - 1)) if n else 0.0
    found = krippendorff(items, scale)
    if not expected:
        assert found.value is None
        assert found.why
        return
    within = sum(sum(apart(a, b) for a, b in product(some, some)) / (len(some) - 1) for some in paired) / n
    assert found.value == pytest.approx(1 - within / expected)


def test_one_level_alone_is_undefined_and_said_to_be() -> None:
    items = by_coder([2, 2, 2], [2, 2, 2], [2, 2, 2])
    for found in agreement(items, "ordinal", (1, 2, 3)):
        if found.name == "agreement":
            assert found.value == 1.0
        else:
            assert found.value is found.low is found.high is None
            assert found.why == "undefined: every code is 2, so chance would agree as well"
            assert found.items == 3


def test_where_nobody_shares_an_item_there_is_no_figure_and_the_reason_is_told() -> None:
    items = by_coder([1, NA], [NA, 2])
    assert [(one.value, one.items) for one in agreement(items, "nominal", (1, 2))] == [(None, 0)] * 3
    assert krippendorff([], "interval").why == "no item was coded by two coders"
    assert fleiss(by_coder([1, 2], [1, NA], [NA, 2]), (1, 2)).why == "no item was coded by all 3 coders"


def test_perfect_agreement_is_one_and_what_two_always_swap_is_below_zero() -> None:
    assert {one.value for one in agreement(by_coder([1, 2, 3], [1, 2, 3]), "ordinal", (1, 2, 3))} == {1.0}
    swapped = by_coder([1, 2, 1, 2], [2, 1, 2, 1])
    assert cohen(swapped, PAIR, (1, 2)).value == -1.0
    assert percent(swapped).value == 0.0


def test_an_interval_draws_episodes_not_items() -> None:
    """Items of one episode that agree together are one piece of evidence: the interval is wider than over items."""

    def coded(cluster: int, right: bool, n: int) -> Item:
        level = float(n % 2)
        return Item(str(cluster), {"a": level, "b": level if right else 1 - level})

    items = [coded(episode, episode % 2 == 0, n) for episode in range(10) for n in range(20)]
    single = [Item(str(i), item.codes) for i, item in enumerate(items)]
    width = [_width(percent(some)) for some in (items, single)]
    assert width[0] > 3 * width[1]
    assert percent(items).episodes == 10


def _width(found: Agreement) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_one_episode_has_no_interval_and_draws_without_a_value_are_counted() -> None:
    alone = [Item("x", item.codes) for item in KRIPPENDORFF]
    assert krippendorff(alone, "nominal").low is None
    rare = [Item(str(n), {"a": float(n == 0), "b": float(n == 0)}) for n in range(3)]
    found = krippendorff(rare, "nominal")
    assert found.value == 1.0
    assert 0 < found.undefined < 2000
    assert math.isclose(found.undefined / 2000, (2 / 3) ** 3 + (1 / 3) ** 3, abs_tol=0.05)


def test_a_scale_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no scale 'ratio'"):
        agreement([], "ratio")
