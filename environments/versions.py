"""What an episode was made with: package versions, the git revision, a hash of every faculty's instruction."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tertulia.environments.stage import Stage

_PACKAGES = (
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


def versions(stage: Stage) -> dict[str, Any]:
    """All that may make a later run of the same scenario and seed come out differently."""
    faculties = {faculty.name: faculty for seat in stage.seats.values() for faculty in seat.faculties}
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "packages": _packages(),
        "revision": _revision(),
        "instructions": {
            name: sha256(faculty.instruction.encode()).hexdigest()[:12] for name, faculty in sorted(faculties.items())
        },
    }


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _revision() -> str | None:
    """The git revision of a source checkout; None for an installed package."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
