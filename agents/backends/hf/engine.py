"""The generation loop: one batch of rows, one token a step; rows leave when complete and join between steps."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tertulia.agents.backends.base import BackendFailure
from tertulia.agents.backends.hf.cache import begin_with, join, joinable, keep_rows, new_cache, row_of
from tertulia.agents.backends.hf.grammar import Grammars
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.loading import LoadedModel
from tertulia.agents.backends.hf.prefixes import Prefix, Prefixes
from tertulia.agents.backends.hf.rows import Row
from tertulia.agents.backends.hf.sampling import choose

_PREFILL_TOKENS = {"cuda": 32768}
_PREFILL_TOKENS_ELSEWHERE = 8192
_PREFIX_SHARE = 0.08
_PREFIX_MB = 512.0
_RECOVERY = 1 / 16
"""How much each finished row raises a batch limit that a lack of memory has lowered."""


@dataclass(slots=True, eq=False)
class Batch:
    """Rows under way. `used` [rows, columns] tells tokens from padding in the cache."""

    rows: list[Row]
    cache: Any
    used: torch.Tensor

    @property
    def live(self) -> list[int]:
        return [number for number, row in enumerate(self.rows) if not row.done]


class Engine:
    """Owns a model and everything on its device. Used by one thread only."""

    def __init__(self, model: LoadedModel, *, max_batch: int, prefix_mb: float | None) -> None:
        self.model = model
        self._grammars = Grammars(model.tokenizer)
        self._joinable = joinable(model.network)
        self._prefixes = Prefixes(_prefix_budget(model.device, prefix_mb) if self._joinable else 0)
        self._most = max_batch
        self._limit = float(max_batch)
        self._ready: deque[Row] = deque()
        self._in_hand: list[Row] = []
        self._batch: Batch | None = None

    def run(self, take: Callable[[int], list[Job]]) -> None:
        """Work until nothing is left: `take(n)` gives up to n waiting jobs, and is asked again between two tokens."""
        with torch.inference_mode():
            while True:
                self._admit(take)
                if not self._ready and self._batch is None:
                    return
                try:
                    self._advance()
                except torch.OutOfMemoryError as problem:
                    self._halve(problem)
                except RuntimeError as problem:  # how torch reports whatever fails on a device
                    self._give_up(problem)

    def release(self) -> None:
        """Forget the model and all it computed."""
        self._prefixes.clear()
        self._batch = None
        self._ready.clear()
        del self.model
        _free()

    def _admit(self, take: Callable[[int], list[Job]]) -> None:
        """Take what waits, as far as there is room. A request that cannot be begun fails alone."""
        busy = len(self._ready) + (len(self._batch.live) if self._batch else 0)
        for job in take(max(0, int(self._limit) - busy)):
            try:
                self._ready.append(Row.start(job, self.model, self._grammars))
            except BackendFailure as failure:
                job.fail(failure)

    def _advance(self) -> None:
        """Let waiting rows join, or move all rows on by one token."""
        self._drop_abandoned()
        room = int(self._limit) - (len(self._batch.rows) if self._batch else 0)
        if self._ready and room > 0 and (self._batch is None or self._joinable):
            self._in_hand = self._next_group(room)
            added, logits = self._prefill(self._in_hand)
            beside = len(self._in_hand) + (len(self._batch.live) if self._batch else 0)
            self._draw(added, logits, beside)
            self._batch = self._joined(self._batch, added)
            self._in_hand = []
        elif self._batch is not None:
            logits = self._step(self._batch)
            self._draw(self._batch, logits, len(self._batch.live))
        if self._batch is not None:
            self._batch = self._compacted(self._batch)

    def _drop_abandoned(self) -> None:
        self._ready = deque(row for row in self._ready if not row.job.gone)
        if self._batch is not None:
            for row in self._batch.rows:
                row.done = row.done or row.job.gone
            self._batch = self._compacted(self._batch)

    def _next_group(self, room: int) -> list[Row]:
        """Rows to prefill together: the oldest first, as many as the activations of one pass should hold."""
        budget = _PREFILL_TOKENS.get(self.model.device.type, _PREFILL_TOKENS_ELSEWHERE)
        group: list[Row] = []
        longest = 0
        while self._ready and len(group) < room:
            longest = max(longest, len(self._ready[0].tokens))
            if group and self._joinable and longest * (len(group) + 1) > budget:
                break
            group.append(self._ready.popleft())
        return group

    def _prefill(self, rows: list[Row]) -> tuple[Batch, torch.Tensor]:
        """Compute all tokens of `rows` in one pass, padded on the left; returns the logits that follow each row.

        Columns are [prefix, padded | rest, padded]: what an earlier prompt has already computed, then what is new.
        """
        found = [self._prefixes.find(row.tokens) for row in rows]
        reused = [length for _, length in found]
        before, longest = max(reused), max(len(row.tokens) - n for row, n in zip(rows, reused, strict=True))
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        positions = torch.zeros_like(ids)
        used = torch.zeros((len(rows), before + longest), dtype=torch.bool)
        for number, (row, n) in enumerate(zip(rows, reused, strict=True)):
            new = len(row.tokens) - n
            ids[number, longest - new :] = torch.tensor(row.tokens[n:])
            positions[number, longest - new :] = torch.arange(n, len(row.tokens))
            used[number, before - n : before] = True
            used[number, before + longest - new :] = True
            row.reused = min(n, row.prompt)
        cache = new_cache(self.model.network)
        if before:
            begin_with(cache, [prefix.layers if prefix else None for prefix, _ in found], reused)
        used = used.to(self.model.device)
        batch = Batch(rows=list(rows), cache=cache, used=used)
        logits = self._forward(batch, ids, positions)
        self._remember(batch)
        return batch, logits

    def _remember(self, batch: Batch) -> None:
        if self._prefixes.budget:
            for number, row in enumerate(batch.rows):
                layers = row_of(batch.cache, number, batch.used[number])
                self._prefixes.keep(Prefix(np.asarray(row.tokens, dtype=np.int64), layers))

    def _step(self, batch: Batch) -> torch.Tensor:
        """One more token of every row; of rows that are done too, until enough of them can be dropped at once."""
        ids = torch.tensor([[row.tokens[-1]] for row in batch.rows])
        positions = torch.tensor([[len(row.tokens) - 1] for row in batch.rows])
        batch.used = torch.nn.functional.pad(batch.used, (0, 1), value=True)
        return self._forward(batch, ids, positions)

    def _forward(self, batch: Batch, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        output = self.model.network(
            input_ids=ids.to(self.model.device),
            attention_mask=batch.used.long(),
            position_ids=positions.to(self.model.device),
            past_key_values=batch.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    def _draw(self, batch: Batch, logits: torch.Tensor, beside: int) -> None:
        """Give every live row its next token."""
        live = batch.live
        rows = [batch.rows[number] for number in live]
        allowed = np.zeros((len(rows), -(-logits.shape[1] // 32)), dtype=np.int32)
        # While a GPU still computes the logits, the CPU finds what each grammar allows.
        self._grammars.fill([row.matcher for row in rows], allowed)
        samplings = [row.job.prompt.sampling for row in rows]
        tokens = choose(
            logits if len(live) == len(batch.rows) else logits[live],
            torch.from_numpy(allowed),
            [max(0.0, sampling.temperature) for sampling in samplings],
            [sampling.top_p for sampling in samplings],
            [row.random.getrandbits(32) for row in rows],
        )
        for row, token in zip(rows, tokens, strict=True):
            row.beside = max(row.beside, beside)
            row.accept(token, self.model)
            if row.done:
                self._limit = min(float(self._most), self._limit + _RECOVERY)

    def _joined(self, batch: Batch | None, added: Batch) -> Batch:
        if batch is None:
            return added
        columns = max(batch.used.shape[1], added.used.shape[1])
        join(batch.cache, added.cache, columns)
        used = [torch.nn.functional.pad(part.used, (columns - part.used.shape[1], 0)) for part in (batch, added)]
        return Batch(rows=batch.rows + added.rows, cache=batch.cache, used=torch.cat(used))

    def _compacted(self, batch: Batch) -> Batch | None:
        """Drop rows that are done once they are a quarter: each drop copies the cache of all others."""
        live = batch.live
        if not live:
            return None
        if 4 * (len(batch.rows) - len(live)) < len(batch.rows):
            return batch
        used = batch.used[live]
        left = int(used.any(dim=0).int().argmax()) if self._joinable else 0
        keep_rows(batch.cache, live, left, self.model.device)
        return Batch(rows=[batch.rows[number] for number in live], cache=batch.cache, used=used[:, left:])

    def _under_way(self) -> list[Row]:
        """All begun rows, which leave the batch."""
        rows = self._in_hand + (self._batch.rows if self._batch else [])
        self._in_hand, self._batch = [], None
        return [row for row in dict.fromkeys(rows) if not row.done]

    def _halve(self, problem: torch.OutOfMemoryError) -> None:
        """Out of memory: all rows go back in line, and half as many at most run together from now on."""
        rows = self._under_way()
        problem.__traceback__ = None  # its frames hold the tensors
        self._prefixes.clear()
        _free()
        if len(rows) <= 1:
            for row in rows:
                message = f"hf/{self.model.name}: out of memory on {self.model.device} with one request alone"
                row.fail(BackendFailure("server", f"{message} ({len(row.tokens)} tokens)"))
            return
        self._limit = float(max(1, len(rows) // 2))
        for row in rows:
            row.halvings += 1
        self._ready.extendleft(reversed(rows))

    def _give_up(self, problem: RuntimeError) -> None:
        line = (str(problem).strip() or type(problem).__name__).splitlines()[0][:300]
        for row in self._under_way():
            row.fail(BackendFailure("server", f"hf/{self.model.name}: {line}"))


def _prefix_budget(device: torch.device, megabytes: float | None) -> int:
    if megabytes is not None:
        return int(megabytes * 1e6)
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * _PREFIX_SHARE)
    return int(_PREFIX_MB * 1e6)


def _free() -> None:
    """Give a GPU's memory back; on the CPU the last reference does it."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
