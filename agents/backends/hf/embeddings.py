"""`hf/NAME` as an embedding model: a transformers encoder in this process, pooled as its folder says."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.vectors import Encoded, Encoder
from tertulia.mind.embedding import encode

MISSING_EXTRA = "hf embeddings need the extra: pip install 'tertulia[embeddings]'"
_BATCH = 32
_LONGEST = 512
"""Tokens of a text; what is longer is cut."""
_POOLING = ("mean", "cls", "max", "lasttoken")


class HfEmbeddings:
    """Answers a prompt whose messages are texts with their vectors. Loaded by the first request, in its own thread.

    Pooling is that of `1_Pooling/config.json`, as sentence-transformers write it, else the mean over tokens; a model
    with further layers after that is refused. Nothing is put before the texts.
    """

    def __init__(self, name_or_path: str, *, uri: str) -> None:
        self.uri = uri
        self.name_or_path = name_or_path
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"embed {uri}")
        nothing = Completion("", served_model=name_or_path, input_tokens=0, output_tokens=0, cost_usd=0.0)
        self._encoder = Encoder(self._encode, nothing)

    async def complete(self, prompt: Prompt) -> Completion:
        """The vectors of all messages. Raises `BackendFailure`: `refused` where the model cannot be loaded."""
        return await self._encoder.complete([message.content for message in prompt.messages])

    def made_of(self) -> dict[str, str]:
        """Which files these are, or which commit of the hub."""
        from tertulia.agents.backends.hf.origin import made_of

        return made_of(self.name_or_path)

    async def aclose(self) -> None:
        """End the thread, free the memory. May be called twice."""
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        self.__dict__.pop("_loaded", None)

    async def _encode(self, texts: list[str]) -> Encoded:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._run, texts)
        except RuntimeError as problem:  # out of memory, most often
            line = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]
            raise BackendFailure("server", f"{self.uri}: {line}") from problem

    @cached_property
    def _loaded(self) -> tuple[Any, Any, str]:
        """Tokenizer, network, pooling; in the worker thread."""
        try:
            import torch
            import transformers

            from tertulia.agents.backends.hf import loading
        except ImportError as missing:
            raise BackendFailure("refused", MISSING_EXTRA) from missing
        folder = loading._folder(self.name_or_path)
        loading._check(folder, self.name_or_path)
        pooling = _pooling(folder, self.name_or_path)
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            with loading._quietly():
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
                network = transformers.AutoModel.from_pretrained(
                    folder, dtype=torch.float32, use_safetensors=True, **options
                )
        except (OSError, ValueError, KeyError) as problem:
            raise loading._refusal(self.name_or_path, loading._line(problem)) from problem
        device = loading._device(None)
        loading._spare_threads(network, device)
        return tokenizer, network.to(device).eval(), pooling

    def _run(self, texts: list[str]) -> Encoded:
        """In the worker thread: batches of texts of like length."""
        tokenizer, network, pooling = self._loaded
        import torch

        limit = min(_LONGEST, tokenizer.model_max_length, getattr(network.config, "max_position_embeddings", _LONGEST))
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), place))
        vectors, read = [""] * len(texts), 0
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            batch = tokenizer(
                [texts[place] for place in places], padding=True, truncation=True, max_length=limit, return_tensors="pt"
            ).to(network.device)
            with torch.inference_mode():
                states = network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
            pooled = _pool(states, batch["attention_mask"], pooling).float().cpu()
            read += int(batch["attention_mask"].sum())
            for place, vector in zip(places, pooled.tolist(), strict=True):
                vectors[place] = encode(vector)
        took = Completion("", served_model=self.name_or_path, input_tokens=read, output_tokens=0, cost_usd=0.0)
        return Encoded(vectors, took)


def _pool(states: Any, mask: Any, pooling: str) -> Any:
    """One vector a text from those of its tokens; padding stands on either side and counts for nothing."""
    import torch

    rows = torch.arange(len(states), device=states.device)
    if pooling == "cls":
        return states[rows, mask.argmax(dim=1)]
    if pooling == "lasttoken":
        return states[rows, mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)]
    wide = mask.unsqueeze(-1).to(states.dtype)
    if pooling == "max":
        return states.masked_fill(wide == 0, float("-inf")).max(dim=1).values
    return (states * wide).sum(dim=1) / wide.sum(dim=1).clamp(min=1.0)


def _pooling(folder: Path, name: str) -> str:
    """How the model's folder says that tokens are pooled. Raises `BackendFailure` for what is not done here."""
    from tertulia.agents.backends.hf.loading import _refusal

    listed = folder / "modules.json"
    kinds = [str(one.get("type", "")) for one in json.loads(listed.read_text("utf-8"))] if listed.is_file() else []
    further = [kind for kind in kinds if not kind.endswith(("Transformer", "Pooling", "Normalize"))]
    if further:
        raise _refusal(name, f"it has a layer that is not applied here ({further[0].rpartition('.')[2]})")
    config = folder / "1_Pooling" / "config.json"
    said = json.loads(config.read_text("utf-8")) if config.is_file() else {}
    wanted = {"pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max", "pooling_mode_lasttoken": "lasttoken"}
    asked = [mode for key, mode in wanted.items() if said.get(key)]
    asked += ["mean"] if said.get("pooling_mode_mean_tokens") else []
    found = said.get("pooling_mode") or (asked[0] if len(asked) == 1 else "mean" if not said else "several at once")
    if found not in _POOLING:
        raise _refusal(name, f"its pooling ({found}) is not done here; there are {', '.join(_POOLING)}")
    return str(found)
