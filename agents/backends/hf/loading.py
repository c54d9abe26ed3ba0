"""Finds and loads a model: safetensors only, no code from the model's folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
import transformers
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from llguidance import LLTokenizer
from llguidance.hf import from_tokenizer
from safetensors import SafetensorError

from tertulia.agents.backends.base import BackendFailure
from tertulia.agents.backends.hf.prompting import Prompting

_PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_SMALL = 50_000_000
"""Parameters; below, an operation on the CPU is over before a second thread has begun."""
_WANTED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Everything the engine needs of a model. `context` is the most tokens of prompt and reply together."""

    name: str
    fingerprint: str
    network: Any
    prompting: Prompting
    tokenizer: LLTokenizer
    ends: frozenset[int]
    context: int
    device: torch.device


def load(name_or_path: str, *, device: str | None, dtype: str | None, max_context: int | None) -> LoadedModel:
    """Load from a folder or the hub's cache. Raises `BackendFailure` (`refused`), one line, when it cannot be."""
    folder = _folder(name_or_path)
    _check(folder, name_or_path)
    where = _device(device)
    precision = _dtype(dtype, where)
    try:
        with _quietly():
            tokenizer, network = _read(folder, precision)
        if not tokenizer.chat_template:
            raise _refusal(name_or_path, "no chat template: hf models need one that is trained for conversation")
        network = network.to(where).eval()
        _spare_threads(network, where)
        ends = _ends(network, tokenizer)
        size = int(network.get_output_embeddings().weight.shape[0])
        constraining = from_tokenizer(tokenizer, n_vocab=size, eos_token=sorted(ends))
    except (OSError, ValueError, ImportError, KeyError, AttributeError, RuntimeError, SafetensorError) as problem:
        raise _refusal(name_or_path, _line(problem)) from problem
    limit = int(getattr(network.config.get_text_config(), "max_position_embeddings", 0) or 1 << 30)
    return LoadedModel(
        name=name_or_path,
        fingerprint=_fingerprint(folder, network.config, precision),
        network=network,
        prompting=Prompting(tokenizer),
        tokenizer=constraining,
        ends=frozenset(ends),
        context=min(limit, max_context or limit),
        device=where,
    )


def _read(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The tokenizer and the network, from local files, with no code and no pickles among them."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    network = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, local_files_only=True, trust_remote_code=False
    )
    return tokenizer, network


def _spare_threads(network: Any, device: torch.device) -> None:
    """One thread for a small model, unless the user has set a number.

    Threads that share tiny operations wait for each other, actively: on cores that others use too this took ten
    times as long. Holds for the worker's thread and those begun later.
    """
    if device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ and network.num_parameters() < _SMALL:
        torch.set_num_threads(1)


def _refusal(name: str, why: str) -> BackendFailure:
    return BackendFailure("refused", f"hf/{name}: {why}")


def _line(problem: BaseException) -> str:
    text = str(problem).strip()
    return text.splitlines()[0][:300] if text else type(problem).__name__


def _folder(name: str) -> Path:
    """Where the files lie: the folder named, or the hub's cache, filled first where the hub can be reached."""
    if name.startswith((".", "/", "~")):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise _refusal(name, "no such folder")
        return folder
    try:
        cached = Path(huggingface_hub.snapshot_download(name, local_files_only=True))
        if _complete(cached):
            return cached
    except HFValidationError as problem:
        raise _refusal(name, "neither a hub name (OWNER/NAME) nor a folder (./PATH)") from problem
    except LocalEntryNotFoundError:
        pass  # not in the cache: ask the hub
    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=_WANTED))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as problem:
        hint = f"; for the folder here write hf/./{name}" if Path(name).is_dir() else ""
        raise _refusal(
            name, f"not in the local cache, and the hub cannot give it ({_line(problem)}){hint}"
        ) from problem


def _complete(folder: Path) -> bool:
    """Whether a cached snapshot has its configuration and all its weights."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        return all((folder / name).is_file() for name in names)
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _check(folder: Path, name: str) -> None:
    if not (folder / "config.json").is_file():
        raise _refusal(name, "no config.json: not the folder of a transformers model")
    if not any(folder.glob("*.safetensors")):
        pickled = next((path.name for pattern in _PICKLED for path in folder.glob(pattern)), None)
        found = f"only pickled weights ({pickled}), which can run code" if pickled else "no weights"
        raise _refusal(name, f"{found}; hf models need safetensors")
    if not any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise _refusal(name, "no tokenizer (tokenizer.json)")


def _device(device: str | None) -> torch.device:
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _dtype(dtype: str | None, device: torch.device) -> torch.dtype:
    if dtype is None:
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        raise BackendFailure("refused", f"dtype: torch has no '{dtype}'; for example float32, bfloat16, float16")
    return found


def _ends(network: Any, tokenizer: Any) -> set[int]:
    """All tokens that end a reply: models often name more than one."""
    named = network.generation_config.eos_token_id if network.generation_config is not None else None
    ends = set(named) if isinstance(named, list) else {named}
    return {int(token) for token in ends | {tokenizer.eos_token_id} if token is not None}


def _fingerprint(folder: Path, config: Any, dtype: torch.dtype) -> str:
    """The same for the same files under the same software: a hash of configuration, precision, versions, file sizes."""
    sizes = sorted((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
    shape = config.to_dict()
    shape.pop("_name_or_path", None)
    parts = [shape, str(dtype), torch.__version__, transformers.__version__, sizes]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


@contextmanager
def _quietly() -> Iterator[None]:
    """No progress bars: the terminal belongs to the conversation."""
    log: Any = transformers.utils.logging
    bars = log.is_progress_bar_enabled()
    log.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            log.enable_progress_bar()
