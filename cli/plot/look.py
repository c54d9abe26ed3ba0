"""How figures look: sizes, fonts, and colours that stay apart for colour-blind eyes and in grey print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DOTS_PER_INCH = 72
"""A dot of the drawing is a point of print."""
FONT = "Liberation Sans"
"""Comes with vl-convert, as wide as Arial and Helvetica, which stand in for it where an SVG is opened without it."""
_FAMILY = f"{FONT}, Arial, Helvetica, sans-serif"

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#7F7F7F")
"""Okabe & Ito 2008, whose colours colour-blind eyes tell apart. In grey print shapes and dashes do."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left", "triangle-right")
DASHES = ([1, 0], [6, 2], [2, 2], [8, 2, 2, 2], [4, 4], [1, 3], [10, 3], [3, 1, 1, 1])
MOST = len(COLOURS)

CONFIG: dict[str, Any] = {
    "background": "white",
    "font": _FAMILY,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 9, "titleFontSize": 9.5, "titleFontWeight": "normal", "gridColor": "#E4E4E4",
        "domainColor": "#444444", "tickColor": "#444444", "labelColor": "#222222", "labelLimit": 220,
        "labelFlush": False,
    },
    "legend": {
        "orient": "bottom", "labelFontSize": 9, "titleFontSize": 9, "titleFontWeight": "normal", "symbolSize": 60,
        "labelLimit": 320, "symbolStrokeWidth": 1.5, "symbolOpacity": 1,
    },
    "title": {"fontSize": 11, "fontWeight": "normal", "anchor": "start"},
}  # fmt: skip


def scales(names: list[str], *, dashed: bool = False) -> dict[str, Any]:
    """Colour, shape and, for lines, dash of each name, as encodings with one legend."""
    place = range(len(names))
    colour = {"domain": names, "range": [COLOURS[at % MOST] for at in place]}
    shape = {"domain": names, "range": [SHAPES[at % MOST] for at in place]}
    dash = {"domain": names, "range": [DASHES[at % MOST] for at in place]}
    found = {"color": colour, "shape": shape, **({"strokeDash": dash} if dashed else {})}
    return {channel: {"field": "label", "type": "nominal", "scale": scale} for channel, scale in found.items()}


def legend(title: str | None, names: Sequence[str], width_in: float) -> dict[str, Any] | None:
    """Filled shapes, in as many columns as there is room for; None where one name needs no legend."""
    if len(names) < 2:
        return None
    wide = (30 + 4.9 * max(map(len, names))) / DOTS_PER_INCH
    # No outline: it would be dashed as the line is.
    return {"title": title, "columns": max(1, min(4, int((width_in - 0.6) / wide))), "symbolStrokeWidth": 0}


def span(values: Sequence[float], *, zero: bool = False) -> list[float]:
    """From where to where an axis goes that shows these; a little on both sides of one alone."""
    least, most = min([*values, *([0.0] * zero)]), max([*values, *([0.0] * zero)])
    if most - least < 1e-9:
        room = max(0.5, abs(most) * 0.1)
        return [least - room, most + room]
    return [least, most]
