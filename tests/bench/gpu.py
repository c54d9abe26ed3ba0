"""The local backend on a GPU: right, fast, short of memory, end to end. `python -m tests.bench.gpu [PART ...]`

Parts: right, fast, where, prefix, memory, episodes; all without a name. Skips with one line where there is no CUDA.
Models are made on the spot: the shapes of Qwen3's 0.6B and 4B with random weights, which say anything a schema allows.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tertulia.agents.backends.base import Completion, Prompt
from tertulia.agents.backends.hf import HfBackend
from tests.bench.gpu_commands import episodes
from tests.bench.gpu_kit import Made, empty, host_times, made, make_tokenizer, outcomes, recorded, serving, timed

CROWDS = (1, 8, 32, 128)
REPLY = 64
"""Tokens of a reply where only speed matters: all are cut off there, so that every row is as long."""


def spread(prompts: list[Prompt], count: int, **sampling: Any) -> list[Prompt]:
    """`count` requests from those recorded, each with a seed of its own."""
    chosen = [prompts[n % len(prompts)] for n in range(count)]
    return [replace(p, sampling=replace(p.sampling, **({"seed": n} | sampling))) for n, p in enumerate(chosen)]


def tokens_of(replies: list[Completion]) -> int:
    return sum(reply.output_tokens or 0 for reply in replies)


def right(work: Path, tokenizer: Any, prompts: list[Prompt]) -> None:
    """Is a row the same in company as alone, is every reply valid, do seeds reproduce?"""
    for dtype in ("float32", "bfloat16"):
        model = made(work / f"right-{dtype}", "0.6B", tokenizer, dtype)
        with serving(model, dtype=dtype, max_batch=128) as open_one:
            cold = spread(prompts, 8, temperature=0.0, max_tokens=48)
            asyncio.run(company(open_one(prefix_mb=0), cold, f"{dtype}, greedy", tokenizer))
            warm = spread(prompts, 8, temperature=0.8, max_tokens=48)
            asyncio.run(company(open_one(prefix_mb=0), warm, f"{dtype}, drawn at 0.8", tokenizer))
            if dtype == "bfloat16":
                asyncio.run(validity(open_one(), spread(prompts, 256, max_tokens=1200)))
        del model
        empty()


async def company(backend: HfBackend, asked: list[Prompt], what: str, tokenizer: Any) -> None:
    alone = (await timed(backend, asked, together=False))[1]
    together = (await timed(backend, asked))[1]
    again = (await timed(backend, asked))[1]
    same = sum(a.text == b.text for a, b in zip(alone, together, strict=True))
    shared = total = 0
    for one, other in zip(alone, together, strict=True):
        a, b = (tokenizer(reply.text, add_special_tokens=False)["input_ids"] for reply in (one, other))
        shared += next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        total += len(a)
    repeated = sum(a.text == b.text for a, b in zip(together, again, strict=True))
    print(
        f"{what}: {same} of {len(asked)} replies alone and in a batch of {together[0].extra['batch']} are equal"
        f" ({shared / total:.1%} of tokens before the first difference); {repeated} of {len(asked)} the same again"
    )


async def validity(backend: HfBackend, asked: list[Prompt]) -> None:
    took, replies = await timed(backend, asked)
    whole = [(p, r) for p, r in zip(asked, replies, strict=True) if r.finish == "stop"]
    for prompt, reply in whole:
        prompt.schema.model_validate_json(reply.text)
    longest = max(r.output_tokens or 0 for r in replies)
    print(
        f"{len(whole)} of {len(asked)} whole replies, all valid for the types the minds asked for; {tokens_of(replies)}"
        f" tokens, the longest {longest}, {took:.1f} s, {tokens_of(replies) / took:.0f} tokens/s"
    )


def fast(work: Path, tokenizer: Any, prompts: list[Prompt]) -> None:
    """Tokens and requests a second for crowds of requests, beside plain `generate` one by one."""
    for size in ("0.6B", "4B"):
        model = made(work / f"fast-{size}", size, tokenizer)
        plain(model, size, prompts)
        with serving(model, max_batch=128, prefix_mb=0) as open_one:
            asyncio.run(crowds(open_one(), size, prompts))
        del model
        empty()


def plain(model: Made, size: str, prompts: list[Prompt]) -> None:
    """One request at a time through transformers itself, with no grammar."""
    import torch

    rows = []
    for prompt in prompts[:3]:
        chat = [{"role": m.role, "content": m.content} for m in prompt.messages]
        text = model.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        rows.append(model.tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].cuda())
    settings = {"do_sample": True, "temperature": 0.7, "top_k": 0, "max_new_tokens": REPLY, "min_new_tokens": REPLY}
    model.network.generate(rows[0], **(settings | {"max_new_tokens": 4, "min_new_tokens": 4}))
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for ids in rows:
        model.network.generate(ids, attention_mask=torch.ones_like(ids), **settings)
    torch.cuda.synchronize()
    took = time.perf_counter() - begin
    print(f"{size} generate, one by one: {REPLY * len(rows) / took:8.0f} tokens/s {len(rows) / took:7.2f} requests/s")


async def crowds(backend: HfBackend, size: str, prompts: list[Prompt]) -> None:
    import torch

    await backend.start()
    for count in CROWDS:
        asked = spread(prompts, count, max_tokens=REPLY)
        # Twice, and the second time counts: kernels, grammars, and what is made once for each size of batch.
        for _ in range(2):
            torch.cuda.reset_peak_memory_stats()
            took, replies = await timed(backend, asked)
        done = tokens_of(replies)
        first, _ = await timed(backend, spread(prompts, count, max_tokens=1))
        print(
            f"{size} {count:4d} at once: {done / took:8.0f} tokens/s {count / took:7.2f} requests/s; prompts"
            f" {first * 1000:6.0f} ms, then {(took - first) * 1000 / (REPLY - 1):6.2f} ms a token;"
            f" most memory {torch.cuda.max_memory_allocated() / 1e9:.1f} GB",
            flush=True,
        )


def where(work: Path, tokenizer: Any, prompts: list[Prompt]) -> None:
    """Where the time of a batch of 32 goes, on the host and on the device."""
    from tertulia.agents.backends.hf import engine, grammar, rows

    parts = [(engine.Engine, name) for name in ("_prefill", "_step", "_draw", "_forward", "_joined", "_compacted")]
    parts += [(engine.Engine, name) for name in ("_remember", "_admit")]
    parts += [(engine, "choose"), (grammar.Grammars, "fill"), (rows.Row, "accept")]
    for size in ("0.6B", "4B"):
        model = made(work / f"where-{size}", size, tokenizer)
        with serving(model, max_batch=32) as open_one:
            backend = open_one()
            asyncio.run(timed(backend, spread(prompts, 32, max_tokens=8)))
            asked = spread(prompts, 32, max_tokens=REPLY)
            asyncio.run(timed(backend, asked))
            with host_times(*parts) as spent:
                took, replies = asyncio.run(timed(backend, asked))
            shares = ", ".join(
                f"{name.strip('_')} {s / took:.1%}" for name, s in sorted(spent.items(), key=lambda i: -i[1])
            )
            print(f"{size}, 32 at once, {took:.2f} s, {tokens_of(replies)} tokens; host: {shares}")
            profile(backend, asked, size)
        del model
        empty()


def profile(backend: HfBackend, asked: list[Prompt], size: str) -> None:
    """What the device did meanwhile, by torch's profiler."""
    import torch

    kinds = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds, acc_events=True) as profiler:
        short = [replace(p, sampling=replace(p.sampling, max_tokens=24)) for p in asked]
        took, _ = asyncio.run(timed(backend, short))
        torch.cuda.synchronize()
    events = [e for e in profiler.key_averages() if e.self_device_time_total > 0]
    busy = sum(e.self_device_time_total for e in events) / 1e6
    copies = sum(e.self_device_time_total for e in events if e.key.startswith(("Memcpy", "Memset"))) / 1e6
    print(
        f"{size} device: busy {busy / took:.1%} of {took:.2f} s, copies {copies / took:.2%}, kernels"
        f" {sum(e.count for e in events)}"
    )
    for event in sorted(events, key=lambda e: -e.self_device_time_total)[:12]:
        print(f"    {event.self_device_time_total / 1e6 / busy:6.1%} {event.count:7d} x {event.key[:90]}")


def prefix(work: Path, tokenizer: Any, prompts: list[Prompt]) -> None:
    """Four conversations of 30 turns at once, asked in their order, with and without the beginnings of prompts kept."""
    talk = recorded(30, max_tokens=1)
    for size in ("0.6B", "4B"):
        model = made(work / f"prefix-{size}", size, tokenizer)
        with serving(model, max_batch=64) as open_one:
            for megabytes in (0, None):
                backend = open_one(prefix_mb=megabytes)
                asyncio.run(timed(backend, [named(p, -1) for p in talk[:8]]))
                took, read, kept = asyncio.run(conversation(backend, talk))
                label = "without" if megabytes == 0 else "with"
                print(
                    f"{size}, {4 * len(talk)} prompts {label} kept prefixes: {took:.2f} s, {read} tokens of prompts,"
                    f" {kept} not computed again ({kept / read:.1%})",
                    flush=True,
                )
        del model
        empty()


def named(prompt: Prompt, conversation: int) -> Prompt:
    """The prompt as another conversation asks it: nothing is shared between two."""
    first, *rest = prompt.messages
    return replace(prompt, messages=[replace(first, content=f"Table {conversation}. {first.content}"), *rest])


async def conversation(backend: HfBackend, talk: list[Prompt]) -> tuple[float, int, int]:
    """Turn by turn: the minds of a turn ask together."""
    begin = time.perf_counter()
    replies: list[Completion] = []
    for n in range(0, len(talk), 4):
        asked = [named(prompt, table) for table in range(4) for prompt in talk[n : n + 4]]
        replies += await asyncio.gather(*map(backend.complete, asked))
    took = time.perf_counter() - begin
    return took, sum(r.input_tokens or 0 for r in replies), sum(r.cached_tokens or 0 for r in replies)


def memory(work: Path, tokenizer: Any, prompts: list[Prompt]) -> None:
    """Somebody else holds almost all memory: the engine halves, or refuses in one line; then it goes on."""
    model = made(work / "memory", "4B", tokenizer)
    with serving(model, max_batch=64) as open_one:
        backend = open_one()
        asked = spread(prompts, 64, max_tokens=32)
        asyncio.run(timed(backend, asked[:2]))
        for free in (6e9, 5e7):
            hog = hold_all_but(free)
            found = asyncio.run(outcomes(backend, asked if free > 1e9 else [longest(prompts)]))
            del hog
            empty()
            replies = [one for one in found if isinstance(one, Completion)]
            failed = sorted({f"{one.kind}: {one.message}" for one in found if not isinstance(one, Completion)})
            halved = max((r.extra.get("halvings", 0) for r in replies), default=0)
            print(f"{free / 1e6:.0f} MB free: {len(replies)} of {len(found)} answered, halved {halved} times; {failed}")
        after = asyncio.run(outcomes(backend, asked))
        answered = sum(isinstance(one, Completion) for one in after)
        print(f"memory back: {answered} of {len(after)} answered, in batches of {last_batch(after)}")


def longest(prompts: list[Prompt]) -> Prompt:
    """One prompt of some twenty thousand tokens."""
    first = prompts[-1]
    words = "\n".join(m.content for m in first.messages)
    messages = [first.messages[0], replace(first.messages[-1], content=words * 10)]
    return replace(first, messages=messages, sampling=replace(first.sampling, max_tokens=8))


def last_batch(found: list[Any]) -> int:
    return max((one.extra["batch"] for one in found if isinstance(one, Completion)), default=0)


def hold_all_but(free: float) -> Any:
    import torch

    empty()
    left = torch.cuda.mem_get_info()[0]
    return torch.empty(max(0, int(left - free)), dtype=torch.uint8, device="cuda")


PARTS: dict[str, Callable[..., None]] = {
    "right": right,
    "fast": fast,
    "where": where,
    "prefix": prefix,
    "memory": memory,
    "episodes": episodes,
}


def main() -> None:
    """Print all parts, or those named; a part that fails says so and the others go on."""
    import torch

    if not torch.cuda.is_available():
        print("skipped: no CUDA device")
        return
    import transformers

    print(
        f"{torch.cuda.get_device_name()}, Python {sys.version.split()[0]}, torch {torch.__version__},"
        f" transformers {transformers.__version__}"
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tokenizer = make_tokenizer(work / "tokenizer")
        prompts = recorded(4)
        sizes = [sum(len(m.content) for m in p.messages) for p in prompts]
        print(f"{len(prompts)} prompts recorded, {min(sizes)} to {max(sizes)} characters")
        for name in sys.argv[1:] or PARTS:
            begin = time.perf_counter()
            print(f"-- {name}", flush=True)
            try:
                PARTS[name](work, tokenizer, prompts)
            except Exception:  # noqa: BLE001
                traceback.print_exc()
                empty()
            print(f"   ({time.perf_counter() - begin:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
