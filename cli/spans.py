"""Spans of time as people write them."""

from __future__ import annotations

import re

from tertulia.cli.errors import BadInput

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


def parse_span(option: str, text: str) -> float:
    """`90s`, `30m`, `1.5h`, `2d`, or seconds -> seconds. Raises `BadInput`."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or float(found[1]) == 0:
        raise BadInput(f"{option} {text}: write a span such as 90s, 30m, 8h or 2d")
    return float(found[1]) * _UNITS[found[2]]


def span_text(seconds: float) -> str:
    """Seconds for people, with two units at most: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
