"""Which of the words there are was probably meant: for every error that names one there is not."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def nearest(word: str, options: Sequence[str], *, limit: int = 8) -> str:
    """Which of `options` was probably meant, as a remedy in words: `nearest: 'limit' (others: policy)`."""
    if not options:
        return "there is none to choose from"
    known = [str(option) for option in options]
    close = get_close_matches(word.casefold(), [option.casefold() for option in known], n=1, cutoff=0.5)
    best = next((option for option in known if close and option.casefold() == close[0]), None)
    others = [option for option in known if option != best]
    listed = ", ".join(others[:limit]) + (", ..." if len(others) > limit else "")
    if best is None:
        return f"one of: {listed}"
    return f"nearest: '{best}'" + (f" (others: {listed})" if listed else "")


def quoted(value: object) -> str:
    """A value from a file as an error shows it: on one line, and not longer than 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
