"""The local backend on a real GPU; skipped where there is none."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import torch

from tertulia.agents.backends.base import BackendFailure
from tertulia.agents.backends.hf.engine import Engine
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.loading import load
from tertulia.agents.backends.hf.slots import Slots
from tests.agents.hf_kit import answers, arriving, prompt, various
from tests.tiny_model import make_tiny_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def on_cuda(folder: Path, dtype: str = "float32", **options: Any) -> Engine:
    model = load(str(folder), device="cuda", dtype=dtype, max_context=None)
    return Engine(model, **({"max_batch": 8, "prefix_mb": 0} | options))


def said(engine: Engine, count: int = 8, delay: int = 0) -> list[str]:
    jobs = [Job(p) for p in various(count)]
    engine.run(arriving(jobs, after=lambda i: delay * i))
    return [reply.text for reply in answers(jobs)]


def test_recorded_steps_say_what_direct_ones_say(tiny: Path) -> None:
    recorded, direct = on_cuda(tiny), on_cuda(tiny)
    for engine in (recorded, direct):
        assert isinstance(engine._batch, Slots)
        assert engine._batch._graphs is not None
    direct._batch._graphs.possible = False  # type: ignore[union-attr]
    expected = said(direct)
    assert [said(recorded) for _ in range(2)] == [expected] * 2
    assert recorded._batch._graphs._recorded  # type: ignore[union-attr]
    assert not direct._batch._graphs._recorded  # type: ignore[union-attr]


def test_rows_that_join_and_leave_say_what_they_say_alone(tiny: Path) -> None:
    engine = on_cuda(tiny, max_batch=4, prefix_mb=8)
    assert said(engine, delay=5) == said(on_cuda(tiny, max_batch=1))


def test_without_memory_it_refuses_in_one_line_and_then_goes_on(tmp_path: Path) -> None:
    """The memory is really gone: somebody else's tensor holds it."""
    engine = on_cuda(make_tiny_model(tmp_path, hidden=1024, layers=4, context=16384), "bfloat16")
    large, small = prompt("Who knows? " * 1200), prompt("Who knows?")
    failed, after = Job(large), Job(small)
    gc.collect()
    torch.cuda.empty_cache()
    hog = torch.empty(max(0, torch.cuda.mem_get_info()[0] - (20 << 20)), dtype=torch.uint8, device="cuda")
    engine.run(arriving([failed]))
    del hog
    torch.cuda.empty_cache()
    failure = failed.future.exception(timeout=0)
    assert isinstance(failure, BackendFailure)
    assert failure.kind == "server"
    assert "out of memory on cuda" in failure.message
    assert "\n" not in failure.message
    engine.run(arriving([after]))
    assert answers([after])[0].finish == "stop"
