"""Rows under way, each in a slot of its own: they come and go between two tokens, and none is moved for another.

For networks whose every layer attends to everything. On CUDA a step is recorded once for a size of batch and replayed
from then on: the launches of one step take the host ten times as long as the device needs to work them off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

from tertulia.agents.backends.hf.graphs import Graphs
from tertulia.agents.backends.hf.prefixes import Prefix, Prefixes
from tertulia.agents.backends.hf.rows import Row

_LEAST_COLUMNS = 64
_LEAST_ROWS = 1


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a pass writes and what it reads: `rows` [count, 1] and `columns` [count, tokens] of the slots; it attends
    to `width` columns from slot `first` on, or to its own tokens alone where they are the beginning (`fresh`)."""

    first: int
    rows: torch.Tensor
    columns: torch.Tensor
    width: int
    fresh: bool


class Layout:
    """What all layers share: how many slots of how many columns there are, how many are taken, and where the pass under
    way writes."""

    def __init__(self) -> None:
        self.room = (0, 0)
        self.taken = 0
        self.place: Place


class SlotLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """Keys and values [slots, heads, columns, size] of one layer. What lies beyond a row's tokens is never read."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._layout = layout
        self.keys: Any = None
        self.values: Any = None

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys, self.values = self._room(key_states), self._room(value_states)
        self.is_initialized = True

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Any:
        """Write the new tokens of each row; returns the keys and values that the pass attends to."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        place = self._layout.place
        self.keys[place.rows, :, place.columns] = key_states.transpose(1, 2)
        self.values[place.rows, :, place.columns] = value_states.transpose(1, 2)
        if place.fresh:
            return key_states, value_states
        end = place.first + place.rows.shape[0]
        return tuple(part[place.first : end, :, : place.width] for part in (self.keys, self.values))

    def grow(self) -> None:
        """Move to more room; the room of before is free again before the next layer moves."""
        if self.is_initialized:
            kept = self._layout.taken
            for name in ("keys", "values"):
                old = getattr(self, name)
                new = self._room(old)
                new[:kept, :, : old.shape[2]] = old[:kept]
                setattr(self, name, new)

    def _room(self, like: torch.Tensor) -> torch.Tensor:
        rows, columns = self._layout.room
        return like.new_zeros((rows, like.shape[1], columns, like.shape[3]))

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        place = self._layout.place
        return (query_length if place.fresh else place.width), 0

    def get_seq_length(self) -> int:
        return 0  # each row has its own, and says so by its positions

    def get_max_length(self) -> int:
        return -1

    get_max_cache_shape = get_max_length  # its name before transformers 5.2x


class Slots:
    """The rows under way and what the network remembers of them; past prompts within `prefix_bytes` beside them."""

    joinable = True

    def __init__(self, network: Any, device: torch.device, prefix_bytes: int) -> None:
        self.rows: list[Row] = []
        self._layout = Layout()
        self._network = network
        self._device = device
        self._prefixes = Prefixes(prefix_bytes)
        self._graphs = Graphs(device) if device.type == "cuda" else None
        self.clear()

    def record_nothing(self) -> None:
        """Work every step off directly from now on."""
        self._graphs = None

    def clear(self) -> None:
        """Forget everything, and give its memory back."""
        self.rows.clear()
        self._layout.room = (0, 0)
        self._prefixes.clear()
        layers = DynamicCache(config=self._network.config).layers
        self._cache: Any = Cache(layers=[SlotLayer(self._layout) for _ in layers])
        if self._graphs is not None:
            self._graphs.clear()

    def keep_less(self) -> bool:
        """Keep at most half as many bytes of past prompts from now on as there are; False where that frees little."""
        return self._prefixes.shrink()

    @property
    def live(self) -> list[Row]:
        return self.rows

    def add(self, rows: Sequence[Row]) -> torch.Tensor:
        """Compute all tokens of `rows` in one pass and take them in; returns the logits [rows, vocabulary] that follow.

        Of each row only what no earlier prompt begins with is computed. Shorter rows are padded on the right: a token
        sees only those before it, so nothing sees the padding.
        """
        found = [self._prefixes.find(row.tokens) for row in rows]
        reused = np.array([length for _, length in found])
        lengths = np.array([len(row.tokens) for row in rows])
        first = len(self.rows)
        width = _columns(int(lengths.max()) + 1)
        self._reserve(first + len(rows), width)
        for number, (row, (prefix, length)) in enumerate(zip(rows, found, strict=True)):
            row.reused = min(length, row.prompt)
            if prefix is not None:
                self._begin_with(first + number, prefix, length)
        columns = reused[:, None] + np.arange(int((lengths - reused).max()))
        ids = np.zeros_like(columns)
        for number, (row, length) in enumerate(zip(rows, reused, strict=True)):
            ids[number, : len(row.tokens) - length] = row.tokens[length:]
        # Padding is written where the row's next token will be, and over by it.
        where, positions = (
            torch.from_numpy(np.minimum(columns, most[:, None])).to(self._device, non_blocking=True)
            for most in (lengths, lengths - 1)
        )
        slots = torch.arange(first, first + len(rows), device=self._device).unsqueeze(1)
        self._layout.place = Place(first, slots, where, width, fresh=not reused.any())
        last, which = np.unique(lengths - reused - 1, return_inverse=True)
        logits = self._forward(self._on_device(ids), positions, self._on_device(last))
        self.rows.extend(rows)
        self._remember(first)
        return logits[torch.arange(len(rows), device=self._device), self._on_device(which)]

    def step(self) -> tuple[list[Row], torch.Tensor]:
        """One more token of every row; returns the rows and the logits [rows, vocabulary] that follow them."""
        count = len(self.rows)
        rows = count if self._graphs is None else _at_least(count, _LEAST_ROWS, parts=2)
        width = _columns(max(len(row.tokens) for row in self.rows))
        self._reserve(rows, width)
        inputs = np.zeros((2, rows), dtype=np.int64)
        inputs[0, :count] = [row.tokens[-1] for row in self.rows]
        inputs[1, :count] = [len(row.tokens) - 1 for row in self.rows]
        if self._graphs is None:
            logits = self._pass(self._on_device(inputs), width)
        else:
            logits = self._graphs.run(self._pass, torch.from_numpy(inputs), width)
        return self.rows, logits[:count]

    def drop_done(self) -> None:
        """Let go of rows that are done; the last ones take their slots."""
        for number in reversed(range(len(self.rows))):
            row = self.rows[number]
            if not row.done:
                continue
            if row.failed:  # the whole slot, before another row takes it: it brings only its own columns along
                self._wipe(number)
            last = self.rows.pop()
            if last is not row:
                self.rows[number] = last
                self._move(len(self.rows), number, len(last.tokens))

    def _reserve(self, rows: int, columns: int) -> None:
        """Make room, in steps large enough that it is seldom made."""
        had = self._layout.room
        if rows <= had[0] and columns <= had[1]:
            return
        self._layout.room = (max(_at_least(rows, _LEAST_ROWS, parts=2), had[0]), max(columns, had[1]))
        self._layout.taken = len(self.rows)
        if self._graphs is not None:
            self._graphs.clear()
        for layer in self._cache.layers:
            layer.grow()

    def _pass(self, inputs: torch.Tensor, width: int) -> torch.Tensor:
        """One token a row: `inputs` [2, rows] holds the tokens and their positions."""
        ids, positions = inputs.unsqueeze(2)
        slots = torch.arange(ids.shape[0], device=self._device).unsqueeze(1)
        self._layout.place = Place(0, slots, positions, width, fresh=False)
        return self._forward(ids, positions, 1)[:, -1]

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor, keep: int | torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._network(
            input_ids=ids,
            attention_mask=None if self._layout.place.fresh else self._mask(positions),
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=keep,
        ).logits
        return logits

    def _mask(self, positions: torch.Tensor) -> torch.Tensor:
        """What is added to the scores [rows, 1, tokens, width]: nothing up to a token's own column, then almost all."""
        dtype = self._network.dtype
        seen = torch.arange(self._layout.place.width, device=self._device) <= positions.unsqueeze(-1)
        hidden = torch.full((), torch.finfo(dtype).min, dtype=dtype, device=self._device)
        return torch.where(seen, hidden.new_zeros(()), hidden).unsqueeze(1)

    def _remember(self, first: int) -> None:
        if self._prefixes.budget:
            layers = self._cache.layers
            for number, row in enumerate(self.rows[first:], start=first):
                length = len(row.tokens)
                keys, values = (
                    torch.stack([getattr(layer, part)[number, :, :length] for layer in layers])
                    for part in ("keys", "values")
                )
                self._prefixes.keep(Prefix(np.asarray(row.tokens, dtype=np.int64), keys, values))

    def _begin_with(self, slot: int, prefix: Prefix, length: int) -> None:
        for part in ("keys", "values"):
            kept = getattr(prefix, part)[:, :, :length]
            if not self._cache.layers[0].is_initialized:
                for layer in self._cache.layers:
                    layer.lazy_initialization(prefix.keys[0][None], prefix.values[0][None])
            into = [getattr(layer, part)[slot, :, :length] for layer in self._cache.layers]
            torch._foreach_copy_(into, list(kept.unbind(0)))

    def _move(self, source: int, target: int, length: int) -> None:
        parts = [part for layer in self._cache.layers for part in (layer.keys, layer.values)]
        torch._foreach_copy_([p[target, :, :length] for p in parts], [p[source, :, :length] for p in parts])

    def _wipe(self, slot: int) -> None:
        """What is not finite would spoil the slot's next row even where it is masked."""
        for layer in self._cache.layers:
            layer.keys[slot] = 0
            layer.values[slot] = 0

    def _on_device(self, numbers: Any) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(numbers)).to(self._device, non_blocking=True)


def _columns(count: int) -> int:
    return _at_least(count, _LEAST_COLUMNS, parts=4)


def _at_least(count: int, least: int, parts: int) -> int:
    """The next of the sizes that divide each doubling into `parts`: few sizes, and never much too large."""
    if count <= least:
        return least
    below = 1 << (count - 1).bit_length() - 1
    step = max(1, below // parts)
    return -(-count // step) * step
