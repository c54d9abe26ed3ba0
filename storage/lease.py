"""Lease tokens: who leads an episode, told without naming anybody, and whether that process still lives."""

from __future__ import annotations

import os
import platform
import secrets
import sys
import uuid
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path


def new_token() -> str:
    """A token for one leader: `machine.process.start.nonce`.

    `machine` is a hash (no host name is stored) that changes with every boot and every container, so that a process
    number is only ever compared where it means something.
    """
    return f"{_machine()}.{_this_process(os.getpid())}.{secrets.token_hex(8)}"


@lru_cache(maxsize=1)
def _this_process(pid: int) -> str:
    """Its number and when it started; looked up once, and anew in a process that was forked off."""
    return f"{pid}.{_started(pid) or 0}"


def is_dead(token: str) -> bool:
    """Whether the process that made this token ran on this machine and has ended. False where that cannot be known."""
    parts = token.split(".")
    if len(parts) != 4 or parts[0] != _machine() or not parts[1].isdigit():
        return False
    pid = int(parts[1])
    if not _alive(pid):
        return True
    started = _started(pid)
    return started is not None and parts[2] not in ("0", started)


def _alive(pid: int) -> bool:
    if sys.platform == "win32":  # signal 0 is not a question there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the process's name comes in brackets and may hold anything


def _started(pid: int) -> str | None:
    """When the process started, in ticks since boot: a number taken again by another process does not fool us."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else None


def _state(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[0] if fields else None


@cache
def _machine() -> str:
    try:
        where = [Path("/proc/sys/kernel/random/boot_id").read_text(), str(Path("/proc/self/ns/pid").readlink())]
    except OSError:
        where = [str(uuid.getnode())]
    parts = [platform.node(), *where]
    return sha256("\n".join(parts).encode()).hexdigest()[:16]
