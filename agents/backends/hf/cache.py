"""What a model remembers of the tokens of a batch whose rows begin together; they can leave it between two steps."""

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

    def keep(self, rows: torch.Tensor) -> None:
        """Keep only `rows`."""
        keys, values = (part[rows] for part in self._shown)
        self.reset()
        self.update(keys, values)

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


def keep_rows(cache: Any, rows: Sequence[int], device: torch.device) -> None:
    """Keep only `rows`, in this order."""
    index = torch.tensor(rows, device=device)
    for layer in cache.layers:
        if isinstance(layer, GrowingLayer):
            layer.keep(index)
        else:
            layer.reorder_cache(index)
