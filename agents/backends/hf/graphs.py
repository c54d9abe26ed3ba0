"""A step of a batch, recorded on CUDA and replayed: one launch instead of a thousand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch

Step = Callable[[torch.Tensor, int], torch.Tensor]


class Graphs:
    """Replays a step (of inputs and width), recorded once for each number of rows and width.

    The first time a size is wanted it is worked off directly, the second time recorded. A network that cannot be
    recorded (one that asks the device for numbers midway) is worked off directly for good.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._inputs: torch.Tensor | None = None
        self._recorded: dict[tuple[int, int], tuple[Any, torch.Tensor]] = {}
        self._seen: set[tuple[int, int]] = set()
        self._pool: Any = None
        self.possible = True

    def clear(self) -> None:
        """Forget all recordings: they hold the addresses of what they read."""
        self._recorded.clear()
        self._seen.clear()
        self._pool = None

    def run(self, step: Step, inputs: torch.Tensor, width: int) -> torch.Tensor:
        """The logits of `step(inputs on the device, width)`, good until the next one. `inputs` [2, rows] lie on the
        host."""
        with torch.cuda.device(self._device):
            return self._run(step, inputs, width)

    def _run(self, step: Step, inputs: torch.Tensor, width: int) -> torch.Tensor:
        rows = inputs.shape[1]
        if self._inputs is None or self._inputs.shape[1] < rows:
            self.clear()
            self._inputs = torch.zeros((2, max(64, 2 * rows)), dtype=torch.long, device=self._device)
        here = self._inputs[:, :rows]
        here.copy_(inputs, non_blocking=True)
        size = (rows, width)
        if size not in self._recorded and self.possible and size in self._seen:
            self._record(step, size, here)
        self._seen.add(size)
        if size not in self._recorded:
            return step(here, width)
        graph, logits = self._recorded[size]
        graph.replay()
        return logits

    def _record(self, step: Step, size: tuple[int, int], inputs: torch.Tensor) -> None:
        # Not torch.cuda.graph(): it collects garbage and empties the allocator's cache each time.
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        graph = torch.cuda.CUDAGraph()
        stream.wait_stream(torch.cuda.current_stream())
        problem: RuntimeError | None = None
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                logits = step(inputs, size[1])
            except RuntimeError as raised:
                problem = raised
            if problem is None:
                try:
                    graph.capture_end()
                except RuntimeError as raised:
                    problem = raised
            else:
                with suppress(RuntimeError):
                    graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)
        if problem is None:
            self._recorded[size] = (graph, logits)
        elif isinstance(problem, torch.OutOfMemoryError):
            raise problem
        else:
            self.possible = False
