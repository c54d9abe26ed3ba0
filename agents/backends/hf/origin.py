"""What a local model is, told from its files without loading it and without asking the hub."""

from __future__ import annotations

import hashlib
from pathlib import Path

_READ = ("config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "vocab*", "merges.txt",
         "chat_template*")  # fmt: skip
_WEIGHED = ("*.safetensors", "*.safetensors.index.json")
_DIGITS = 16


def made_of(name_or_path: str) -> dict[str, str]:
    """`files` for a folder: a hash of what is in its configuration and tokenizer, and of the names and sizes of its
    weights. `commit` for a name on the hub, where its cache has one. Empty where there is nothing yet.

    Weights of the same size with other numbers in them are not told apart: reading gigabytes would take too long.
    """
    if not name_or_path.startswith((".", "/", "~")):
        commit = _cached_commit(name_or_path)
        return {} if commit is None else {"commit": commit}
    folder = Path(name_or_path).expanduser()
    digest = hashlib.sha256()
    read = _files(folder, _READ)
    for path in read:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    for path in _files(folder, _WEIGHED):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
    return {"files": digest.hexdigest()[:_DIGITS]} if read else {}


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return sorted(found, key=lambda path: path.name)


def _cached_commit(name: str) -> str | None:
    """The commit that the hub's cache would load: the name of the snapshot that holds the configuration."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent.name if isinstance(found, str) else None
