"""How an episode ended, and how many did, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.harmless import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from tertulia.environments.result import EpisodeResult

STATUS_COLOURS = {"success": "green", "degraded": "yellow", "paused": "yellow", "error": "red", "cancelled": "red"}
_WIDEST = 100
_MS = 1000.0
_DIGITS = 4
"""Of a number in an outcome, after the point or the zeros: a third needs no sixteen. The log has all of them."""


def money(cost_usd: float | None) -> str:
    """Dollars, with as many digits as small sums need."""
    if cost_usd is None:
        return "cost unknown"
    return "$0" if cost_usd == 0 else f"${cost_usd:.4f}" if cost_usd < 1 else f"${cost_usd:.2f}"


def plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def seconds(wall_ms: float) -> str:
    """A duration for people."""
    whole = wall_ms / _MS
    return f"{whole:.1f} s" if whole < 60 else f"{int(whole // 60)} min {int(whole % 60)} s"


def outcome_parts(outcome: Mapping[str, Any]) -> dict[str, str]:
    """What came of it, each on one line; what is absent or empty is left out."""
    shown = {key: value for key, value in outcome.items() if key != "done" and value not in (None, "", [], {})}
    return {_name(key): one_line(_plain(value)) for key, value in shown.items()}


def outcome_text(outcome: Mapping[str, Any]) -> str:
    """The same on a single line."""
    return " | ".join(f"{key} {value}" for key, value in outcome_parts(outcome).items()) or "none"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = round(value, _DIGITS) if abs(value) >= 1 else float(f"{value:.{_DIGITS}g}")
        return str(int(short)) if short.is_integer() else str(short)
    if isinstance(value, Mapping):
        return "; ".join(f"{path}: {text}" for path, text in _branches(value, "")) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(f"({_listed(one)})" if isinstance(one, Mapping) else _plain(one) for one in value) or "none"
    return str(value)


def _branches(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """What is nested, by the names that lead to it; the innermost names stand beside their values."""
    if path and not any(isinstance(inner, Mapping) for inner in value.values()):
        yield path, _listed(value)
        return
    for key, inner in value.items():
        here = f"{path} {_name(key)}".strip()
        if isinstance(inner, Mapping):
            yield from _branches(inner, here)
        else:
            yield here, _plain(inner)


def _listed(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{_name(key)} {_plain(inner)}" for key, inner in value.items()) or "none"


def _name(key: object) -> str:
    return one_line(key).replace("_", " ")


def played_text(result: EpisodeResult) -> str:
    """Turns, utterances, calls, fallbacks, cost and time on one line."""
    rate = result.fallbacks / result.calls if result.calls else 0.0
    parts = [
        plural(result.turns, "turn"), plural(result.utterances, "utterance"), plural(result.calls, "call"),
        f"{plural(result.fallbacks, 'fallback')} ({100 * rate:.1f} %)", money(result.cost_usd), seconds(result.wall_ms),
    ]  # fmt: skip
    return ", ".join(parts)


def degraded_text(calls: int, fallbacks: int, most: float) -> str:
    """Why an episode counts as degraded."""
    share = 100 * fallbacks / max(1, calls)
    return f"{fallbacks} of {calls} calls fell back ({share:.0f} %), above max_fallback_rate {most:g}"


def panel(console: Console, result: EpisodeResult, log: str) -> None:
    """The closing summary in a box."""
    from rich.box import ASCII, ROUNDED
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    status = Text(result.status, f"bold {STATUS_COLOURS.get(result.status, 'white')}")
    grid.add_row("status", status.append(f"  {one_line(result.reason)}", "not bold"))
    for key, value in outcome_parts(result.outcome).items():
        grid.add_row(Text(key), Text(value))
    grid.add_row("played", Text(played_text(result)))
    grid.add_row("episode", Text(result.episode))
    grid.add_row("log", Text(one_line(log)))
    box = ROUNDED if console.encoding.lower().startswith("utf") else ASCII
    console.print(Panel(grid, box=box, border_style="dim", width=min(console.width, _WIDEST)))
