"""What a model remembers of the tokens of a batch: rows can leave it and join it between two steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_SLACK = 128
"""Spare columns: a growing cache is copied once in so many steps, not in each."""

KeyValues = tuple[torch.Tensor, torch.Tensor]
"""Of one layer and one row: keys and values, each [heads, columns, size]."""


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """Keys and values [rows, heads, columns, size] in buffers with room to spare."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        self._reserve(key_states, value_states, 0)
        self._show(0)

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> KeyValues:
        """Append columns; returns all keys and values."""
        begin = self.get_seq_length()
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        end = begin + key_states.shape[-2]
        if end > self._buffers[0].shape[-2]:
            kept = self._shown
            self._reserve(key_states, value_states, end)
            for buffer, old in zip(self._buffers, kept, strict=True):
                buffer[:, :, :begin].copy_(old)
        for buffer, new in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, begin:end].copy_(new)
        self._show(end)
        return self._shown

    def fill(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Begin anew with these."""
        self.reset()
        self.update(keys, values)

    def keep(self, rows: torch.Tensor, left: int) -> None:
        """Keep only `rows`, and drop the first `left` columns."""
        keys, values = self._shown
        self.fill(keys[rows, :, left:], values[rows, :, left:])

    def _reserve(self, keys: torch.Tensor, values: torch.Tensor, columns: int) -> None:
        self._buffers: KeyValues = (_room(keys, columns + _SLACK), _room(values, columns + _SLACK))

    def _show(self, columns: int) -> None:
        self._shown: KeyValues = (self._buffers[0][:, :, :columns], self._buffers[1][:, :, :columns])
        self.keys, self.values = self._shown


def _room(like: torch.Tensor, columns: int) -> torch.Tensor:
    return like.new_empty((*like.shape[:2], columns, like.shape[3]))


def new_cache(network: Any) -> Any:
    """An empty cache as the model's layers need it, growing where a layer attends to everything."""
    cache: Any = DynamicCache(config=network.config)
    growing: Any = GrowingLayer
    cache.layers = [growing() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def joinable(network: Any) -> bool:
    """Whether rows can be put beside each other at any time: only where every layer attends to everything.

    Sliding windows and recurrent states count columns from the beginning of their batch.
    """
    return all(isinstance(layer, GrowingLayer) for layer in new_cache(network).layers)


def keep_rows(cache: Any, rows: Sequence[int], left: int, device: torch.device) -> None:
    """Keep only `rows`, in this order, and drop the first `left` columns of growing layers."""
    index = torch.tensor(rows, device=device)
    for layer in cache.layers:
        if isinstance(layer, GrowingLayer):
            layer.keep(index, left)
        else:
            layer.reorder_cache(index)


def join(cache: Any, other: Any, columns: int) -> None:
    """Put the rows of `other` below those of `cache`, both filled up on the left to `columns`. Growing layers only."""
    for mine, theirs in zip(cache.layers, other.layers, strict=True):
        mine.fill(
            _stack(mine.keys, theirs.keys, columns),
            _stack(mine.values, theirs.values, columns),
        )
        theirs.reset()  # layer by layer, so that the two are never both in memory twice


def _stack(above: torch.Tensor, below: torch.Tensor, columns: int) -> torch.Tensor:
    rows = above.shape[0] + below.shape[0]
    whole = above.new_zeros((rows, above.shape[1], columns, above.shape[3]))
    whole[: above.shape[0], :, columns - above.shape[2] :].copy_(above)
    whole[above.shape[0] :, :, columns - below.shape[2] :].copy_(below)
    return whole


def begin_with(cache: Any, prefixes: Sequence[Sequence[KeyValues] | None], lengths: Sequence[int]) -> None:
    """Fill an empty cache with the first `lengths[i]` columns of each row's prefix, aligned on the right."""
    columns = max(lengths)
    like = next(prefix for prefix in prefixes if prefix is not None)
    for number, layer in enumerate(cache.layers):
        filled = []
        for part in (0, 1):
            sample = like[number][part]
            whole = sample.new_zeros((len(lengths), sample.shape[0], columns, sample.shape[2]))
            for row, (prefix, length) in enumerate(zip(prefixes, lengths, strict=True)):
                if prefix is not None:
                    whole[row, :, columns - length :].copy_(prefix[number][part][:, :length])
            filled.append(whole)
        layer.fill(*filled)


def row_of(cache: Any, row: int, used: torch.Tensor) -> list[KeyValues]:
    """A copy of one row's keys and values at the columns where `used` is true, layer by layer."""
    columns = used.nonzero().squeeze(1)
    return [(layer.keys[row][:, columns], layer.values[row][:, columns]) for layer in cache.layers]
