"""Rows that begin together and stay beside each other: for networks that count columns from their batch's beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tertulia.agents.backends.hf.cache import keep_rows, new_cache
from tertulia.agents.backends.hf.rows import Row


class Cohort:
    """One batch after another, padded on the left; what waits joins the next one. `_used` [rows, columns] tells tokens
    from padding in the cache."""

    joinable = False

    def __init__(self, network: Any, device: torch.device) -> None:
        self.rows: list[Row] = []
        self._network = network
        self._device = device
        self.clear()

    def clear(self) -> None:
        """Forget everything, and give its memory back."""
        self.rows.clear()
        self._cache: Any = None
        self._used: Any = None

    def keep_less(self) -> bool:
        """There is nothing to spare."""
        return False

    @property
    def live(self) -> list[Row]:
        return [row for row in self.rows if not row.done]

    def add(self, rows: Sequence[Row]) -> torch.Tensor:
        """Compute all tokens of `rows` in one pass; returns the logits [rows, vocabulary] that follow."""
        longest = max(len(row.tokens) for row in rows)
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        positions = torch.zeros_like(ids)
        used = torch.zeros((len(rows), longest), dtype=torch.bool)
        for number, row in enumerate(rows):
            begin = longest - len(row.tokens)
            ids[number, begin:] = torch.tensor(row.tokens)
            positions[number, begin:] = torch.arange(len(row.tokens))
            used[number, begin:] = True
        self._cache = new_cache(self._network)
        self._used = used.to(self._device)
        logits = self._forward(ids, positions)
        self.rows.extend(rows)
        return logits

    def step(self) -> tuple[list[Row], torch.Tensor]:
        """One more token of every row; of rows that are done too, until enough of them can be dropped at once. Returns
        those that are not, and the logits that follow them."""
        ids = torch.tensor([[row.tokens[-1]] for row in self.rows])
        positions = torch.tensor([[len(row.tokens) - 1] for row in self.rows])
        self._used = torch.nn.functional.pad(self._used, (0, 1), value=True)
        logits = self._forward(ids, positions)
        live = self.live
        if len(live) == len(self.rows):
            return live, logits
        return live, logits[[number for number, row in enumerate(self.rows) if not row.done]]

    def drop_done(self) -> None:
        """Drop rows that are done once they are a quarter: each drop copies the cache of all others."""
        live = [number for number, row in enumerate(self.rows) if not row.done]
        if not live:
            self.clear()
        elif 4 * (len(self.rows) - len(live)) >= len(self.rows):
            keep_rows(self._cache, live, self._device)
            self._used = self._used[live]
            self.rows = [self.rows[number] for number in live]

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        output = self._network(
            input_ids=ids.to(self._device),
            attention_mask=self._used.long(),
            position_ids=positions.to(self._device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits
