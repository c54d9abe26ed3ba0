"""How much faster do requests run together than one by one? `python -m tests.bench.local_engine [MODEL]`

Without MODEL (a folder or a hub name), a random model of some 6 million parameters is made for the occasion.
One thread: on a machine that does other work too, threads of one operation wait for each other.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from tertulia.agents.backends.base import Completion, Prompt
from tertulia.agents.backends.hf import HfBackend
from tertulia.mind.model import Message, Sampling
from tests.tiny_model import make_tiny_model

REQUESTS = 16
TURNS = 4


class Thought(BaseModel):
    text: Annotated[str, Field(min_length=20, max_length=40)]
    motivation: Annotated[float, Field(ge=1, le=5)]


class Deliberation(BaseModel):
    kind: Literal["think"] = "think"
    thoughts: Annotated[list[Thought], Field(min_length=1, max_length=2)]


def ask(seat: int, turn: int, rules: int = 1) -> Prompt:
    """What a seat asks at a turn: rules and persona, a transcript that grows at its end, a short tail."""
    rules_text = f"You are guest {seat} at a dinner in an old house. Say only what you know. " * rules
    transcript = "\n".join(f"Turn {t}: Alice says that the house was sold in spring, number {t}." for t in range(turn))
    messages = [Message("system", rules_text), Message("user", f"{transcript}\nWhat do you think, guest {seat}?")]
    return Prompt(messages, Deliberation, Sampling(temperature=0.8, seed=1000 * seat + turn, max_tokens=400))


async def timed(backend: HfBackend, prompts: list[Prompt], *, together: bool) -> tuple[float, list[Completion]]:
    begin = time.perf_counter()
    if together:
        replies = await asyncio.gather(*map(backend.complete, prompts))
    else:
        replies = [await backend.complete(prompt) for prompt in prompts]
    return time.perf_counter() - begin, replies


async def compare(model: str) -> list[str]:
    backend = HfBackend(model, uri=f"hf/{model}", max_batch=REQUESTS, prefix_mb=0)
    await backend.start()
    prompts = [ask(seat, 0) for seat in range(REQUESTS)]
    await timed(backend, prompts[:2], together=True)  # warm up: grammar, kernels
    alone_s, alone = await timed(backend, prompts, together=False)
    together_s, together = await timed(backend, prompts, together=True)
    await backend.aclose()
    rate = [sum(r.output_tokens or 0 for r in replies) / s for replies, s in ((alone, alone_s), (together, together_s))]
    same = sum(a.text == b.text for a, b in zip(alone, together, strict=True))
    lines = [
        f"{REQUESTS} requests one by one: {rate[0]:8.0f} tokens/s",
        f"{REQUESTS} requests together:   {rate[1]:8.0f} tokens/s   {rate[1] / rate[0]:.1f} times as many",
        f"equal replies: {same} of {REQUESTS}",
    ]
    spent = {megabytes: await prompting_s(model, megabytes) for megabytes in (0.0, 512.0)}
    lines.append(
        f"{TURNS} turns of {REQUESTS} seats, prompts only: {spent[0.0]:.2f} s without kept prefixes,"
        f" {spent[512.0]:.2f} s with; {spent[0.0] / spent[512.0]:.1f} times as fast"
    )
    return lines


async def prompting_s(model: str, prefix_mb: float) -> float:
    """Seconds to read the prompts of some turns; of each reply only the first token is drawn."""
    backend = HfBackend(model, uri=f"hf/{model}", max_batch=REQUESTS, prefix_mb=prefix_mb)
    await backend.start()
    spent = 0.0
    for turn in range(6, 6 + TURNS):
        asked = [ask(seat, turn, rules=8) for seat in range(REQUESTS)]
        once = [Prompt(prompt.messages, prompt.schema, Sampling(max_tokens=1)) for prompt in asked]
        took, _ = await timed(backend, once, together=True)
        spent += took
    await backend.aclose()
    return spent


def main() -> None:
    """Print the comparison."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = sys.argv[1] if len(sys.argv) > 1 else str(make_tiny_model(Path(folder), hidden=320, layers=6))
        print("\n".join(asyncio.run(compare(model))))


if __name__ == "__main__":
    main()
