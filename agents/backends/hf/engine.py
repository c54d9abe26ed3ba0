"""The generation loop: one batch of rows, one token a step; rows leave when complete and join between steps."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Sequence

import torch

from tertulia.agents.backends.base import BackendFailure
from tertulia.agents.backends.hf.cohort import Cohort
from tertulia.agents.backends.hf.grammar import Grammars
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.loading import LoadedModel
from tertulia.agents.backends.hf.rows import Row
from tertulia.agents.backends.hf.sampling import choose
from tertulia.agents.backends.hf.slots import Slots
from tertulia.agents.backends.hf.trial import takes_slots

_PREFILL_TOKENS = {"cuda": 32768}
_PREFILL_TOKENS_ELSEWHERE = 8192
_PREFILL_ROWS = 32
"""At most; the logits of one pass grow with the square of its rows."""
_PREFIX_SHARE = 0.25
"""Of a GPU's memory, for the beginnings of prompts. They are the first to go when a batch needs it."""
_PREFIX_MB = 512.0
_RECOVERY = 1 / 16
"""How much each finished row raises a batch limit that a lack of memory has lowered."""


class Engine:
    """Owns a model and everything on its device. Used by one thread only."""

    def __init__(self, model: LoadedModel, *, max_batch: int, prefix_mb: float | None) -> None:
        self.model = model
        self._grammars = Grammars(model.tokenizer)
        with torch.inference_mode():
            fits = takes_slots(model.network, model.device)
            self._batch: Slots | Cohort = (
                Slots(model.network, model.device, _prefix_budget(model.device, prefix_mb))
                if fits
                else Cohort(model.network, model.device)
            )
        self._most = max_batch
        self._limit = float(max_batch)
        self._ready: deque[Row] = deque()
        self._in_hand: list[Row] = []
        self._masks: torch.Tensor | None = None

    def run(self, take: Callable[[int], list[Job]]) -> None:
        """Work until nothing is left: `take(n)` gives up to n waiting jobs, and is asked again between two tokens."""
        with torch.inference_mode():
            while True:
                self._admit(take)
                if not self._ready and not self._batch.rows:
                    return
                try:
                    self._advance()
                except torch.OutOfMemoryError as problem:
                    self._halve(problem)
                except RuntimeError as problem:  # how torch reports whatever fails on a device
                    self._give_up(problem)

    def release(self) -> None:
        """Forget the model and all it computed."""
        self._ready.clear()
        del self._batch
        del self.model
        _free()

    def _admit(self, take: Callable[[int], list[Job]]) -> None:
        """Take what waits, as far as there is room. A request that cannot be begun fails alone."""
        busy = len(self._ready) + len(self._batch.live)
        for job in take(max(0, int(self._limit) - busy)):
            try:
                self._ready.append(Row.start(job, self.model, self._grammars))
            except BackendFailure as failure:
                job.fail(failure)

    def _advance(self) -> None:
        """Let waiting rows join, or move all rows on by one token."""
        self._drop_abandoned()
        room = int(self._limit) - len(self._batch.rows)
        if self._ready and room > 0 and (self._batch.joinable or not self._batch.rows):
            self._in_hand = self._next_group(room)
            logits = self._batch.add(self._in_hand)
            self._draw(self._in_hand, logits, len(self._batch.live))
            self._in_hand = []
        elif self._batch.rows:
            rows, logits = self._batch.step()
            self._draw(rows, logits, len(rows))
        self._batch.drop_done()

    def _drop_abandoned(self) -> None:
        self._ready = deque(row for row in self._ready if not row.job.gone)
        for row in self._batch.rows:
            row.done = row.done or row.job.gone
        self._batch.drop_done()

    def _next_group(self, room: int) -> list[Row]:
        """Rows to prefill together, as many as the activations of one pass should hold: the longest first, so that
        little of the pass is padding. All that are ready have their turn before the next token."""
        self._ready = deque(sorted(self._ready, key=lambda row: -len(row.tokens)))
        budget = _PREFILL_TOKENS.get(self.model.device.type, _PREFILL_TOKENS_ELSEWHERE)
        group: list[Row] = []
        longest = 0
        while self._ready and len(group) < min(room, _PREFILL_ROWS if self._batch.joinable else room):
            longest = max(longest, len(self._ready[0].tokens))
            if group and self._batch.joinable and longest * (len(group) + 1) > budget:
                break
            group.append(self._ready.popleft())
        return group

    def _draw(self, rows: Sequence[Row], logits: torch.Tensor, beside: int) -> None:
        """Give every one of `rows` its next token, by its `logits` [rows, vocabulary]."""
        allowed = self._masks_of(len(rows), logits)
        # While a GPU still computes the logits, the CPU finds what each grammar allows.
        self._grammars.fill([row.matcher for row in rows], allowed.numpy())
        samplings = [row.job.prompt.sampling for row in rows]
        tokens = choose(
            logits,
            allowed,
            [max(0.0, sampling.temperature) for sampling in samplings],
            [sampling.top_p for sampling in samplings],
            [row.random.getrandbits(32) for row in rows],
        )
        for row, token in zip(list(rows), tokens, strict=True):
            row.beside = max(row.beside, beside)
            row.accept(token, self.model)
            if row.done:
                self._limit = min(float(self._most), self._limit + _RECOVERY)

    def _masks_of(self, rows: int, logits: torch.Tensor) -> torch.Tensor:
        """Room for a bit per token and row: on pages that the device reads by itself where there is one."""
        words = -(-logits.shape[1] // 32)
        if self._masks is None or self._masks.shape[0] < rows:
            self._masks = torch.zeros((2 * rows, words), dtype=torch.int32, pin_memory=logits.is_cuda)
        return self._masks[:rows]

    def _under_way(self) -> list[Row]:
        """All begun rows, which leave the batch."""
        rows = self._in_hand + self._batch.rows
        self._in_hand = []
        self._batch.clear()
        return [row for row in dict.fromkeys(rows) if not row.done]

    def _halve(self, problem: torch.OutOfMemoryError) -> None:
        """Out of memory: all rows go back in line. Half as many at most run together from now on, unless it helps to
        keep fewer beginnings of prompts."""
        spare = self._batch.keep_less()
        rows = self._under_way()
        problem.__traceback__ = None  # its frames hold the tensors
        _free()
        if spare and rows:
            self._ready.extendleft(reversed(rows))
            return
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
