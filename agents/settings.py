"""Settings from the environment, or from the nearest `.env` file above the working directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def setting(name: str, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> str | None:
    """The value of `name` in the environment, else in the nearest `.env`; None where neither has one.

    An empty value counts as none. The environment of the process is read, never changed.
    """
    value = (os.environ if environ is None else environ).get(name)
    if value and value.strip():
        return value.strip()
    folder = Path.cwd() if folder is None else folder.resolve()
    found = next((path / ".env" for path in (folder, *folder.parents) if (path / ".env").is_file()), None)
    if found is None:
        return None
    value = _read(found, found.stat().st_mtime_ns).get(name)
    return value.strip() if value and value.strip() else None


@cache
def _read(path: Path, modified_ns: int) -> dict[str, str | None]:
    from dotenv import dotenv_values

    return dotenv_values(path, interpolate=False)
