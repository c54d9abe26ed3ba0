"""A probability distribution on one line: its likeliest values, each with a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tertulia.cli.display.console import Signs
from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.turns import BeliefView

if TYPE_CHECKING:
    from rich.text import Text

BAR_CELLS = 5
_LONGEST_VALUE, _SHORTEST_VALUE = 16, 4
_PERCENT_CELLS = 5
_GAP = "  "
_SMALLEST_SHOWN = 0.005
_CHANGE_SHOWN = 0.01
_SAME = 0.005
_FEW_ALIKE = 2
"""More of the likeliest values than these with the same probability are counted, not named."""


def bar(share: float, cells: int, signs: Signs) -> str:
    """`share` (0-1) of `cells` character cells, filled up with spaces; never empty for more than nothing."""
    share = min(max(share, 0.0), 1.0)
    steps = len(signs.bar)
    filled = round(share * cells * steps)
    if share > 0 and filled == 0:
        filled = 1
    whole, part = divmod(filled, steps)
    drawn = signs.bar[0] * whole + (signs.bar[steps - part] if part else "")
    return drawn.ljust(cells)


def cut(text: str, cells: int, signs: Signs) -> str:
    """The text in at most so many cells, with a sign where something was left out."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - cell_len(signs.cut))).rstrip() + signs.cut


def padded(text: str, cells: int) -> str:
    """The text filled up with spaces to so many cells; a wide character takes two."""
    from rich.cells import cell_len

    return text + " " * (cells - cell_len(text))


def belief_bars(belief: BeliefView, width: int, colour: str, signs: Signs) -> Text:
    """As many of the likeliest values as `width` holds, at least one; then how many more there are."""
    from rich.cells import cell_len
    from rich.text import Text

    line, used = Text(), 0
    values = belief.top()
    alike = [value for value in values if abs(belief.probabilities[value] - belief.probabilities[values[0]]) < _SAME]
    if len(alike) > _FEW_ALIKE:
        each = belief.probabilities[values[0]]
        line.append(f"{len(alike)} alike ", "dim").append(bar(each, BAR_CELLS, signs), colour)
        return line.append(f"{100 * each:4.0f}% each", "dim")
    for place, value in enumerate(values):
        probability = belief.probabilities[value]
        if place and probability < _SMALLEST_SHOWN:
            break
        left = len(values) - place - 1
        more = f"{_GAP}+{left}" if left else ""
        room = width - BAR_CELLS - _PERCENT_CELLS - len("  ") - len(more)
        name = cut(one_line(value) or "''", min(_LONGEST_VALUE, max(_SHORTEST_VALUE, room)), signs)
        cells = (len(_GAP) if place else 0) + cell_len(name) + 1 + BAR_CELLS + _PERCENT_CELLS + 1
        if place and used + cells + len(more) > width:
            line.append(f"{_GAP}+{left + 1}", "dim")
            break
        line.append(_GAP if place else "").append(name, "dim").append(" ")
        line.append(bar(probability, BAR_CELLS, signs), colour).append(f"{100 * probability:4.0f}%", "dim")
        line.append(_way(belief, value, signs))
        used += cells
    return line


def _way(belief: BeliefView, value: str, signs: Signs) -> Text:
    from rich.text import Text

    change = belief.probabilities[value] - belief.before.get(value, 0.0) if belief.before else 0.0
    if abs(change) < _CHANGE_SHOWN:
        return Text(" ")
    return Text(signs.up, "green dim") if change > 0 else Text(signs.down, "red dim")
