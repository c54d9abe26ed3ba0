"""Seeds as people write them: `0:50`, `1,5,9`, or a list."""

from __future__ import annotations

from collections.abc import Sequence

LARGEST = 2**63 - 1


def parse_seeds(text: str) -> range | list[int]:
    """`0:200` -> range(0, 200); `1,5,9` -> [1, 5, 9]. Raises `ValueError` with what would be right."""
    if _whole(text):
        count = max(1, int(text))
        raise ValueError(f"{text}: write 0:{count} for {count} of them")
    wrong = ValueError(f"{text}: write A:B with A < B, for example 0:200, or a list such as 1,5,9")
    first, colon, last = text.partition(":")
    parts = [first, last] if colon else text.split(",")
    if not all(map(_whole, parts)):
        raise wrong
    numbers = [int(part) for part in parts]
    if colon and numbers[0] >= numbers[1]:
        raise wrong
    found = range(*numbers) if colon else numbers
    check_seeds(found, text)
    return found


def check_seeds(seeds: Sequence[int], text: str) -> None:
    """Raises `ValueError` for a seed that is too large or stands twice."""
    if seeds and max(seeds[0], seeds[-1], *(() if isinstance(seeds, range) else seeds)) > LARGEST:
        raise ValueError(f"{text}: a seed is at most {LARGEST}")
    if not isinstance(seeds, range) and len(set(seeds)) < len(seeds):
        raise ValueError(f"{text}: a seed stands twice")


def _whole(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit()
