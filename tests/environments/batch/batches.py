"""Batches in tests: made from a few words, worked on here or in a process of their own that can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from sqlalchemy import Engine, event

from tertulia.agents.backends.base import Prompt
from tertulia.agents.registry import Backends
from tertulia.environments.batch.plan import Plan
from tertulia.environments.batch.reading import read_grid
from tertulia.environments.batch.settings import Settings, work
from tertulia.environments.batch.worker import Played, Worker
from tertulia.mind.model import Message, Sampling
from tertulia.storage.log import Log
from tertulia.storage.rows import (
    AppraisalRow,
    BeliefRow,
    BidRow,
    ClaimRow,
    EventRow,
    GoldRow,
    MemoryRow,
    Row,
    ThoughtRow,
    TurnRow,
    WitnessRow,
)
from tests.loopback import Loopback
from tests.playing import FAST

ASKED = Prompt([Message("user", "Who has been where? " * 20)], BaseModel, Sampling(max_tokens=300))
"""A request of 400 characters."""
IN_A_TURN: tuple[type[Row], ...] = (
    EventRow, WitnessRow, ClaimRow, ThoughtRow, AppraisalRow, BidRow, BeliefRow, GoldRow, MemoryRow, TurnRow,
)  # fmt: skip


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, *args: Any, **options: Any) -> Iterator[Loopback]:
    """A server on this machine that every backend asks meanwhile."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-yours")
    with Loopback(*args, **options) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server


def a_grid(folder: Path, **keys: Any) -> Path:
    """A grid file: two cells of `sally-anne`, two seeds, unless told otherwise."""
    data = {"batch": "b", "scenario": "sally-anne", "grid": {"mind.order": [1, 2]}, "seeds": "0:2"} | keys
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not None}))
    return path


def entered(db: Path | str, grid: Path) -> Plan:
    """Enter a grid into a log."""
    plan = Plan.of(read_grid(grid))
    with Log.open(db) as log:
        asyncio.run(plan.enter(log))
    return plan


def worker(plan: Plan, log: Log, backends: Backends, **options: Any) -> Worker:
    """A worker whose retries do not wait long."""
    return Worker(plan, log, backends, **({"retry": FAST, "at_once": 4} | options))


async def worked(db: Path | str, batch: str = "b", **options: Any) -> list[Played]:
    """Work on a batch until nothing is left."""
    settings = Settings(batch, str(db), **({"retry": FAST, "at_once": 4} | options))
    return [played async for played in work(settings)]


def work_in_child(environment: dict[str, str], db: str, commit: int | None, options: dict[str, Any]) -> None:
    """What a child process runs until it is done or killed; it kills itself inside its `commit`-th commit."""
    os.environ.update(environment)
    if commit is not None:
        _die_in_commit(commit)
    asyncio.run(worked(db, **options))


def _die_in_commit(number: int) -> None:
    left = number

    def dying(connection: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", dying)


def transcripts(db: Path | str, batch: str = "b") -> dict[Any, list[Any]]:
    """All rows of all turns of each episode by its place, without times and without call ids, which count attempts."""
    found: dict[Any, list[Any]] = {}
    with Log.open(db) as log:
        for one in log.standing(batch):
            assert one.key not in found, "an episode was begun twice"
            rows = [row for kind in IN_A_TURN for row in log.rows(kind, one.episode)]
            found[one.key] = [row.model_dump(exclude={"episode", "call", "started_at", "wall_ms"}) for row in rows]
    return found


def statuses(db: Path | str, batch: str = "b") -> Sequence[str]:
    """How the episodes of a batch stand."""
    with Log.open(db) as log:
        return [one.status for one in log.standing(batch)]
