"""What an episode was made with: packages, our own code, the instructions of its minds, and what its models are."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.registry import Backends
from tertulia.environments.stage import Stage

PACKAGES = (
    "tertulia",
    "langgraph",
    "aiohttp",
    "pydantic",
    "sqlmodel",
    "sqlalchemy",
    "torch",
    "transformers",
    "llguidance",
)
_ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("storage", "mind", "agents", "environments")
_SOURCES = (".py", ".md", ".json")
_DIGITS = 12


def versions(stage: Stage, backends: Backends | None = None) -> dict[str, Any]:
    """All that may make a later run of the same scenario and seed come out differently.

    `models` has what each model behind a backend is, by its URI; `embeddings` the same of embedding models; rules are
    our own code. Without `backends`, nothing
    is said of models.
    """
    faculties = {faculty.name: faculty for seat in stage.seats.values() for faculty in seat.faculties}
    uris = sorted(stage.scenario.models - {RULES})
    models = {} if backends is None else {"models": {uri: backends.made_of(uri) for uri in uris}}
    by = sorted(stage.scenario.embedders)
    if backends is not None and by:
        models["embeddings"] = {uri: backends.made_of(uri, embeddings=True) for uri in by}
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": _packages(),
        "revision": _revision(),
        "sources": _sources(),
        "instructions": {
            name: sha256(faculty.instruction.encode()).hexdigest()[:_DIGITS]
            for name, faculty in sorted(faculties.items())
        },
        **models,
    }


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _revision() -> str | None:
    """The git revision of a source checkout; None for an installed package."""
    if not (_ROOT / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            ["git", "-C", str(_ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None


@cache
def _sources() -> str:
    """A hash of our own code and texts below the command line: a revision says nothing of what is not committed, and
    is another one after a commit that changes no code."""
    digest = sha256()
    for room in _ROOMS:
        folder = _ROOT / room
        for path in sorted(path for path in folder.rglob("*") if path.suffix in _SOURCES):
            digest.update(f"{path.relative_to(_ROOT).as_posix()}\0".encode())
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:_DIGITS]
