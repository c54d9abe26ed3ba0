"""What `tertulia score` shows: tables of how well belief states were predicted, of calibration, and of honesty."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.table import folded_lines

if TYPE_CHECKING:
    from tertulia.cli.score import Scored
    from tertulia.storage.measures.accuracy import Calibration, Figures, How
    from tertulia.storage.measures.clustered import Interval
    from tertulia.storage.measures.honesty import Honesty

NONE = "-"


def score_lines(found: Scored, width: int | None = None) -> Iterator[str]:
    """All tables of a scoring."""
    many = f"{len(found.episodes)} episode{'' if len(found.episodes) == 1 else 's'}"
    yield f"Belief-state prediction: {one_line(', '.join(found.scenarios))}"
    yield f"{many}, {found.beliefs} beliefs, each at every turn at which it was held"
    if found.without_gold:
        yield f"{found.without_gold} of them have no gold: too deep, or of somebody's next act"
    groups: dict[tuple[str, How], list[Figures]] = {}
    for figures in found.figures:
        groups.setdefault((figures.target, figures.how), []).append(figures)
    for (target, how), some in groups.items():
        yield ""
        yield from _accuracy(target, how, some, width)
    for calibration in found.calibration:
        yield ""
        yield from _calibration(calibration, width)
    if found.honesty:
        yield ""
        yield from _honesty(found.honesty, width)


def _accuracy(target: str, how: How, found: Sequence[Figures], width: int | None) -> Iterator[str]:
    meant = "what should have been believed" if target == "gold" else "what was true; own beliefs only"
    yield f"Against {target} ({meant})"
    yield _how(how)
    columns = ("items", "n", "Brier", "95 %", "log loss", "least", "mode right")
    rows = [
        (
            one.group, one.n, _mean(one.brier), _between(one.brier), _mean(one.log_loss), _number(one.least_log_loss),
            _mean(one.accuracy),
        )
        for one in found
    ]  # fmt: skip
    yield from _table(columns, rows, width, without={"least"} if target == "truth" else ())
    beyond = next(one.beyond_gold for one in found if one.group == "headline")
    if beyond:
        yield f"headline: without {beyond} beliefs that give the truth more than gold does"


def _calibration(found: Calibration, width: int | None) -> Iterator[str]:
    over = "where gold is certain and all trust rules agree" if found.target == "gold" else "own beliefs only"
    yield f"Calibration against {found.target} ({over})"
    yield _how(found.how)
    rows = [
        (
            f"{one.low:.1f}-{one.high:.1f}", one.n,
            *(("too small", NONE) if one.too_small else (_number(one.confidence), _number(one.accuracy))),
        )
        for one in found.bins
    ]  # fmt: skip
    yield from _table(("likeliest value given", "n", "mean", "came true"), rows, width)
    error = "not measured" if found.error is None else f"{found.error:.3f}"
    left_out = f"; {found.left_out} in bins too small to tell" if found.left_out else ""
    yield f"expected calibration error {error} (n = {found.n}{left_out})"


def _honesty(found: Sequence[Honesty], width: int | None) -> Iterator[str]:
    yield "What was claimed beside what its speaker believed"
    columns = ("speaker", "words", "claims", "beliefs", "n", "honest", "mistaken", "deceptive", "unsure")
    rows = [
        (
            one.speaker or "all", "own" if one.origin == "participant" else one.origin, one.established,
            one.estimator or "none stated", one.n,
            *(one.counts[name] if one.n else NONE for name in ("honest", "mistaken", "deceptive", "unsure")),
        )
        for one in found
    ]  # fmt: skip
    yield from _table(columns, rows, width)
    unstated = sum(one.unstated for one in found if one.speaker is None)
    if unstated:
        yield f"{unstated} claim{'' if unstated == 1 else 's'} of speakers who had stated no belief about it"


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None, without: Collection[str] = ()
) -> Iterator[str]:
    """Intervals are left out where there are none."""
    empty = [name for i, name in enumerate(columns) if name == "95 %" and all(row[i] == NONE for row in rows)]
    kept = [i for i, name in enumerate(columns) if name not in without and name not in empty]
    yield from folded_lines([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], width)


def _how(how: How) -> str:
    where = "" if how.source == "turn" else ", stated in probes"
    return f"beliefs by {how.estimator}{where}" + (f"; gold by the trust rule {how.rule}" if how.rule else "")


def _mean(found: Interval | None) -> str:
    return NONE if found is None else _number(found.mean)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}".replace("-0.000", "0.000")


def _between(found: Interval | None) -> str:
    if found is None or found.low is None:
        return NONE
    return f"{_number(found.low)}-{_number(found.high)}"
