"""`tertulia doctor`: what is installed, what can be reached, and what is missing."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

import typer

from tertulia.cli.errors import FAILED, FINE, message_of
from tertulia.cli.options import AsJson, Db, Debug

_CORE = ("langgraph", "aiohttp", "pydantic", "sqlmodel", "sqlalchemy", "alembic", "rich", "typer", "PyYAML")
_EXTRAS = {
    "local": ("torch", "transformers", "llguidance", "tokenizers"),
    "postgres": ("psycopg",),
    "plots": ("altair", "vl_convert"),
    "distributed": ("distributed",),
}
_OLDEST_PYTHON = (3, 11)

Verdict = Literal["ok", "absent", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `absent` is no trouble until it is needed; `broken` is."""

    what: str
    verdict: Verdict
    told: str


def doctor(db: Db = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Check what is installed, and what is missing.

    Looks at Python, packages, extras, the device of torch, the API key, the log and the terminal. No key is shown
    and nothing is sent anywhere. The exit code is 1 when something essential is broken.
    """
    findings = []
    for finding in _look(db):
        findings.append(finding)
        if as_json:
            print(json.dumps(asdict(finding)))
        else:
            from tertulia.cli.display.harmless import one_line

            print(f"{finding.verdict:<7} {finding.what:<18} {one_line(finding.told)}", flush=True)
    raise typer.Exit(FAILED if any(finding.verdict == "broken" for finding in findings) else FINE)


def _look(db: str | None) -> Iterator[Finding]:
    from tertulia import __version__

    python = platform.python_version()
    right = sys.version_info[:2] >= _OLDEST_PYTHON
    told = f"{python} on {platform.system()} {platform.machine()}"
    yield Finding("tertulia", "ok", __version__)
    yield Finding("python", "ok" if right else "broken", told if right else f"{told}; 3.11 or newer is needed")
    yield from map(_package, _CORE)
    for extra, packages in _EXTRAS.items():
        missing = [name for name in packages if find_spec(name) is None]
        found = ", ".join(f"{name} {_version(name) or '?'}" for name in packages if name not in missing)
        told = f"pip install 'tertulia[{extra}]' (lacks {', '.join(missing)})" if missing else found
        yield Finding(f"extra {extra}", "absent" if missing else "ok", told)
    yield _torch()
    yield from _api()
    yield _log(db)
    yield _terminal()


def _package(name: str) -> Finding:
    found = _version(name)
    return Finding(name, "ok" if found else "broken", found or f"not installed; pip install {name}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _torch() -> Finding:
    if find_spec("torch") is None:
        return Finding("torch device", "absent", "no torch; needed for hf models alone")
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("torch device", "broken", f"torch is installed but cannot be loaded: {error}")
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        return Finding("torch device", "ok", f"cuda: {names}")
    return Finding("torch device", "ok", f"cpu, {torch.get_num_threads()} threads")


def _api() -> Iterator[Finding]:
    from urllib.parse import urlsplit

    from tertulia.agents.backends.openai import DEFAULT_BASE_URL, missing_key
    from tertulia.agents.settings import setting

    base = setting("OPENAI_BASE_URL")
    try:
        host = urlsplit(base or DEFAULT_BASE_URL).hostname  # a URL may hold a password
    except ValueError:
        host = None
    where = f"{host or 'cannot be read'}{'' if base else ' (the default)'}"
    yield Finding("openai base URL", "ok" if host else "broken", where)
    lacks = missing_key() if host else None
    has = "set" if setting("OPENAI_API_KEY") else "not set, and this server needs none"
    yield Finding("openai key", "absent" if lacks else "ok", lacks or has)


def _log(db: str | None) -> Finding:
    from tertulia.storage.errors import LogError
    from tertulia.storage.schema import HEAD, schema_version
    from tertulia.storage.target import Target

    try:
        where = Target.of(db)
        found = schema_version(db)
    except LogError as error:
        return Finding("log", "broken", message_of(error) or "")
    if found is None:
        return Finding("log", "ok", f"{where} is not there yet; the first run makes it")
    if found != HEAD:
        return Finding("log", "broken", f"{where} has schema {found}, not {HEAD}; tertulia db migrate")
    return Finding("log", "ok", f"{where}, schema {found}")


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", "ok", f"stdout is no terminal; {sys.stdout.encoding}")
    size = os.get_terminal_size(sys.stdout.fileno())
    colour = "no colour (NO_COLOR)" if os.environ.get("NO_COLOR") else os.environ.get("TERM", "TERM is not set")
    return Finding("terminal", "ok", f"{size.columns} x {size.lines}, {colour}, {sys.stdout.encoding}")


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)
