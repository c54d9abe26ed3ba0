"""Keeps what a model made of past prompts, because the next prompt of a seat begins with most of the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

_SHORTEST = 16
"""Tokens; a shorter match is not worth its copying."""
_SUPERSEDES = 0.8
"""A prompt that shares so much of an older one is its continuation, and takes its place."""
_WORTH_FREEING = 1 << 20
_MOST = 512
"""Prompts, whatever their size: each search compares with all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """The tokens of a past prompt with their keys and values, each [layers, heads, tokens, size]."""

    tokens: npt.NDArray[np.int64]
    keys: torch.Tensor
    values: torch.Tensor

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(part.numel() * part.element_size() for part in (self.keys, self.values))


class Prefixes:
    """Past prompts, least recently used first, within `budget` bytes."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._kept: list[Prefix] = []
        self._size = 0

    def find(self, tokens: Sequence[int]) -> tuple[Prefix | None, int]:
        """The past prompt that shares the longest beginning with `tokens`, and that length; at least one token is
        left to compute."""
        if not self._kept:
            return None, 0
        wanted = np.asarray(tokens[:-1], dtype=np.int64)
        length, best = max(((_shared(p.tokens, wanted), i) for i, p in enumerate(self._kept)), default=(0, 0))
        if length < _SHORTEST:
            return None, 0
        found = self._kept.pop(best)
        self._kept.append(found)
        return found, length

    def keep(self, prefix: Prefix) -> None:
        """Remember a prompt; the one it continues, and the longest unused, make room."""
        if prefix.size > self.budget:
            return
        for old in [p for p in self._kept if _shared(p.tokens, prefix.tokens) >= _SUPERSEDES * len(p.tokens)]:
            self._drop(old)
        while len(self._kept) >= _MOST or self._size + prefix.size > self.budget:
            self._drop(self._kept[0])
        self._kept.append(prefix)
        self._size += prefix.size

    def shrink(self) -> bool:
        """Halve the budget, or rather what is used of it. False, and as before, where less than a megabyte is used."""
        if self._size < _WORTH_FREEING:
            return False
        self.budget = self._size // 2
        return True

    def clear(self) -> None:
        self._kept.clear()
        self._size = 0

    def _drop(self, prefix: Prefix) -> None:
        self._kept.remove(prefix)
        self._size -= prefix.size


def _shared(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> int:
    n = min(len(one), len(other))
    differs = one[:n] != other[:n]
    return int(differs.argmax()) if differs.any() else n
