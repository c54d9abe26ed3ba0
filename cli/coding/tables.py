"""Agreement and preferences as tables and as data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tertulia.storage.coding.results import OfCode, Wins
from tertulia.storage.measures.agreement import Agreement

_COLUMNS = ("code", "coefficient", "of", "value", "95 %", "items", "coders", "codes", "episodes")
_NUMBERS = ("value", "95 %", "items", "coders", "codes", "episodes")
_SETTLED = 0.05
"""A share of draws without a value above which the interval is told to be of the others."""


def agreement_lines(found: Sequence[OfCode], preferred: Sequence[Wins]) -> list[str]:
    """A table for each set, what is undefined and why below it, then preferences."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines

    width, lines = width_of(sys.stdout), list[str]()
    for set_id in dict.fromkeys(one.set for one in found):
        mine = [one for one in found if one.set == set_id]
        figures = [(one, figure) for one in mine for figure in one.figures]
        columns = [name for name in _COLUMNS if name != "of" or any(figure.of for _, figure in figures)]
        rows = [[_cell(name, one, figure) for name in columns] for one, figure in figures]
        lines += [*([""] if lines else []), f"Agreement, set {set_id}"]
        lines += folded_lines(columns, rows, width, whole=_NUMBERS, above="code")
        lines += _remarks(figures)
    for win in preferred:
        lines += ["", *_win_lines(win)]
    return lines


def _cell(name: str, one: OfCode, figure: Agreement) -> str:
    if name == "value":
        return "-" if figure.value is None else f"{figure.value:.3f}"
    if name == "95 %":
        return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
    if name in ("code", "coefficient"):
        return one.code if name == "code" else figure.name
    return str(getattr(figure, name))


def _remarks(figures: Sequence[tuple[OfCode, Agreement]]) -> list[str]:
    found: dict[str, None] = {}
    for one, figure in figures:
        if figure.why is not None:
            found[f"{one.code}: {figure.why}"] = None
        elif figure.undefined > _SETTLED * 2000:
            found[f"{one.code}, {figure.name}: {figure.undefined} of 2000 draws were undefined; the interval is of the "
                  "others"] = None  # fmt: skip
    return list(found)


def _win_lines(win: Wins) -> list[str]:
    bounds = "" if win.low is None else f" (95 %: {win.low:.3f} to {win.high:.3f})"
    decided = "-" if win.decided is None else f"{win.decided:.3f}"
    left = "-" if win.left is None else f"{win.left:.3f}"
    return [
        f"{win.code}, set {win.set}: {win.first} over {win.second}",
        f"win rate {win.rate:.3f}{bounds}, ties counted half, n = {win.pairs} pairs, {win.judgements} judgements",
        f"without the {win.ties} ties {decided}; share of side A {left}",
    ]


def data(found: Sequence[OfCode], preferred: Sequence[Wins]) -> dict[str, Any]:
    """For programs."""
    return {"agreement": [asdict(one) for one in found], "preferences": [asdict(one) for one in preferred]}
