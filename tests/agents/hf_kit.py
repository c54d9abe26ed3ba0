"""Shared by the tests of the local backend: prompts, reply types, and an engine that proves each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, Field

from tertulia.agents.backends.base import Completion, Prompt
from tertulia.agents.backends.hf.engine import Engine
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.loading import LoadedModel, load
from tertulia.agents.backends.hf.rows import Row
from tertulia.mind.model import Message, Sampling


class Thought(BaseModel):
    text: Annotated[str, Field(max_length=12)]
    motivation: Annotated[float, Field(ge=1, le=5)]


class Thoughts(BaseModel):
    """A reply long enough that rows differ in length, short enough to be quick."""

    kind: Literal["think"] = "think"
    first: Thought
    others: Annotated[list[Thought], Field(min_length=1, max_length=2)]


def prompt(
    words: str, *, schema: type[BaseModel] = Thoughts, temperature: float = 1.0, seed: int = 0, **sampling: Any
) -> Prompt:
    messages = [Message("system", "You are Bob, at dinner with friends."), Message("user", words)]
    return Prompt(messages, schema, Sampling(temperature=temperature, seed=seed, **sampling))


def various(count: int) -> list[Prompt]:
    """Prompts of different lengths, seeds, and settings."""
    heat = (0.0, 0.7, 1.2)
    return [
        prompt("Who knows? " * (1 + 5 * i % 17), temperature=heat[i % 3], seed=i, top_p=(1.0, 0.9)[i % 2])
        for i in range(count)
    ]


@cache
def loaded(folder: Path) -> LoadedModel:
    return load(str(folder), device="cpu", dtype="float32", max_context=None)


class ProvingEngine(Engine):
    """Compares the logits of every row at every step with those of the whole row computed alone, without padding,
    cache or company."""

    worst = 0.0
    steps = 0
    widest = 0

    def __init__(self, model: LoadedModel, *, max_batch: int = 8, prefix_mb: float | None = 0) -> None:
        super().__init__(model, max_batch=max_batch, prefix_mb=prefix_mb)

    def _draw(self, rows: Sequence[Row], logits: torch.Tensor, beside: int) -> None:
        for row, given in zip(rows, logits, strict=True):
            alone = self.model.network(input_ids=torch.tensor([row.tokens]), use_cache=False)
            self.worst = max(self.worst, float((alone.logits[0, -1] - given).abs().max()))
        self.steps += 1
        self.widest = max(self.widest, len(rows))
        super()._draw(rows, logits, beside)


def arriving(jobs: list[Job], after: Callable[[int], int] = lambda job: 0) -> Callable[[int], list[Job]]:
    """Gives job i from the `after(i)`-th asking on, and never more than there is room for."""
    waiting = list(enumerate(jobs))
    asked = -1

    def take(room: int) -> list[Job]:
        nonlocal asked
        asked += 1
        due = [entry for entry in waiting if after(entry[0]) <= asked][:room]
        for entry in due:
            waiting.remove(entry)
        return [job for _, job in due]

    return take


def answers(jobs: list[Job]) -> list[Completion]:
    return [job.future.result(timeout=0) for job in jobs]
