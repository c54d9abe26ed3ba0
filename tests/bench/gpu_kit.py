"""What the GPU's benchmark needs: models made on the spot, the prompts of a real conversation, where the time goes."""

from __future__ import annotations

import asyncio
import gc
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.hf import HfBackend
from tertulia.mind.samples import sample
from tests.playing import play
from tests.tiny_model import CHAT_TEMPLATE, SPECIAL_TOKENS

SHAPES = {
    "0.6B": {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16},
    "4B": {"hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32},
}
"""Of Qwen3's models of these sizes: 8 heads of keys and values, each 128 wide, and a vocabulary of 151,936."""
VOCABULARY = 151_936


def make_tokenizer(folder: Path, vocabulary: int = 32_000) -> Any:
    """A byte-level BPE tokenizer trained in place, on the standard library's sources."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    bpe.train_from_iterator((path.read_text("utf-8", "ignore") for path in sources), trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|pad|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_network(size: str, tokenizer: Any, dtype: str = "bfloat16", device: str = "cuda") -> Any:
    """A Qwen3-shaped network with random weights, made on the device."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        **SHAPES[size],
        vocab_size=VOCABULARY,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.04,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    torch.manual_seed(0)
    try:
        with torch.device(device):
            network = Qwen3ForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    return network.eval()


@dataclass
class Made:
    """A network in memory beside the folder of its tokenizer and configuration."""

    folder: Path
    tokenizer: Any
    network: Any


def made(folder: Path, size: str, tokenizer: Any, dtype: str = "bfloat16") -> Made:
    """`size` in a folder that the backend accepts although its weights are only in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    network = make_network(size, tokenizer, dtype)
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").touch()
    return Made(folder, tokenizer, network)


@contextmanager
def serving(model: Made, **options: Any) -> Iterator[Callable[[], HfBackend]]:
    """Makes backends that find `model` in memory rather than on disk: gigabytes take longer to write than to use."""
    from tertulia.agents.backends.hf import loading

    read: Any = loading._read
    loading._read = lambda folder, dtype: (model.tokenizer, model.network)
    opened: list[HfBackend] = []

    def open_one(**more: Any) -> HfBackend:
        opened.append(HfBackend(str(model.folder), uri="hf/made", **(options | more)))
        return opened[-1]

    try:
        yield open_one
    finally:
        for backend in opened:
            asyncio.run(backend.aclose())
        loading._read = read


def recorded(turns: int, **sampling: Any) -> list[Prompt]:
    """The prompts of a real conversation of four minds, in their order, answered with random valid replies.

    Only those of the fused minds (all questions of a turn in one call), as the preset `full` asks them.
    """
    prompts: list[Prompt] = []
    chance = Random(0)

    async def answer(self: HfBackend, prompt: Prompt) -> Completion:
        if prompt.schema.__name__ == "Deliberated":
            prompts.append(replace(prompt, sampling=replace(prompt.sampling, **sampling)))
        return Completion(sample(prompt.schema, chance, 60).model_dump_json())

    real: Any = HfBackend.complete
    HfBackend.complete = answer
    try:
        with tempfile.TemporaryDirectory() as folder:
            sets = [f"turns.limit={turns}", "ends=[limit]"]
            asyncio.run(play(Path(folder) / "log.db", "dinner-secret", model="hf/./none", sets=sets))
    finally:
        HfBackend.complete = real
    return prompts


async def timed(
    backend: HfBackend, prompts: Sequence[Prompt], *, together: bool = True
) -> tuple[float, list[Completion]]:
    """Seconds, and the replies; raises what the first failure was."""
    begin = time.perf_counter()
    if together:
        replies = await asyncio.gather(*map(backend.complete, prompts))
    else:
        replies = [await backend.complete(prompt) for prompt in prompts]
    return time.perf_counter() - begin, list(replies)


async def outcomes(backend: HfBackend, prompts: Sequence[Prompt]) -> list[Completion | BackendFailure]:
    """What became of each request."""

    async def one(prompt: Prompt) -> Completion | BackendFailure:
        try:
            return await backend.complete(prompt)
        except BackendFailure as failure:
            return failure

    return list(await asyncio.gather(*map(one, prompts)))


@contextmanager
def host_times(*parts: tuple[Any, str]) -> Iterator[dict[str, float]]:
    """Seconds the worker spends in each function named by its owner and name, those within it included."""
    spent: dict[str, float] = defaultdict(float)
    originals = [(owner, name, getattr(owner, name)) for owner, name in parts if hasattr(owner, name)]

    def watch(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **named: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*args, **named)
            finally:
                spent[name] += time.perf_counter() - begin

        return watched

    for owner, name, function in originals:
        setattr(owner, name, watch(name, function))
    try:
        yield spent
    finally:
        for owner, name, function in originals:
            setattr(owner, name, function)


def empty() -> None:
    """Give back the memory of what is gone."""
    import torch

    gc.collect()
    torch.cuda.empty_cache()
