"""What goes wrong with a local model is said in one line, hits only whom it concerns, and leaves nobody waiting."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
import transformers

from tertulia.agents.backends.base import BackendFailure, Prompt
from tertulia.agents.backends.hf import HfBackend
from tertulia.agents.backends.hf.engine import Engine
from tertulia.agents.backends.hf.job import Job
from tertulia.mind.model import Message, Sampling
from tests.agents.hf_kit import Thoughts, answers, arriving, loaded, prompt, various
from tests.tiny_model import make_tiny_model


async def refusal(name: str, **options: Any) -> BackendFailure:
    backend = HfBackend(name, uri=f"hf/{name}", **options)
    with pytest.raises(BackendFailure) as caught:
        await backend.complete(prompt("Well?"))
    await backend.aclose()
    assert "\n" not in caught.value.message
    return caught.value


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    failure = await refusal(f"{tmp_path}/none")
    assert (failure.kind, failure.message) == ("refused", f"hf/{tmp_path}/none: no such folder")


async def test_a_hub_model_that_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    failure = await refusal("nobody/has-this-model")
    assert failure.kind == "refused"
    assert "not in the local cache" in failure.message


async def test_a_name_that_is_no_name_is_refused() -> None:
    failure = await refusal("what is this")
    assert failure.kind == "refused"
    assert "neither a hub name (OWNER/NAME) nor a folder (./PATH)" in failure.message


def without(pattern: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for path in folder.glob(pattern):
            path.unlink()

    return remove


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def spoil_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not safetensors at all")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("config.json"), "no config.json: not the folder of a transformers model"),
        (without("*.safetensors"), "no weights; hf models need safetensors"),
        (pickle_weights, "only pickled weights (pytorch_model.bin), which can run code; hf models need safetensors"),
        (without("tokenizer.json"), "no tokenizer (tokenizer.json)"),
        (without("chat_template.jinja"), "no chat template"),
        (spoil_weights, "header"),
    ],
)
async def test_an_unusable_folder_is_refused_with_the_reason(
    tiny: Path, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "spoilt"))
    spoil(folder)
    failure = await refusal(str(folder))
    assert failure.kind == "refused"
    assert failure.message.startswith(f"hf/{folder}: ")
    assert message in failure.message


async def test_a_precision_that_does_not_exist_is_refused(tiny: Path) -> None:
    failure = await refusal(str(tiny), dtype="float17")
    assert (failure.kind, failure.message.split(";")[0]) == ("refused", "dtype: torch has no 'float17'")


async def test_the_missing_extra_is_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    failure = await refusal(str(tiny))
    assert (failure.kind, failure.message) == (
        "refused",
        "hf models need the extra: pip install 'tertulia[local]'",
    )


def test_importing_the_backend_loads_no_heavy_package() -> None:
    code = (
        "import sys, tertulia.agents.backends.hf\n"
        "print(sorted({'torch', 'transformers', 'llguidance', 'tokenizers', 'numpy', 'jinja2'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


async def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", max_context=300)
    replies = await asyncio.gather(
        backend.complete(prompt("Well?")), backend.complete(prompt("Well? " * 300)), return_exceptions=True
    )
    assert not isinstance(replies[0], BaseException)
    failure = replies[1]
    assert isinstance(failure, BackendFailure)
    assert failure.kind == "too_long"
    assert "tokens, the context 300;" in failure.message
    await backend.aclose()


async def test_a_request_whose_asker_has_gone_leaves_the_batch(tiny: Path) -> None:
    engine = Engine(loaded(tiny), max_batch=4, prefix_mb=0)
    jobs = [Job(p) for p in various(3)]

    def leave_at_the_fifth(asked: Callable[[int], list[Job]]) -> Callable[[int], list[Job]]:
        count = 0

        def take(room: int) -> list[Job]:
            nonlocal count
            count += 1
            if count == 5:
                jobs[0].future.cancel()
                jobs[1].future.cancel()
            if count == 8:
                assert [row.job for row in engine._batch.rows] == [jobs[2]]
            return asked(room)

        return take

    engine.run(leave_at_the_fifth(arriving(jobs)))
    assert jobs[2].future.result(timeout=0).finish == "stop"


async def test_a_cancelled_asker_does_not_disturb_the_others(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    tasks = [asyncio.create_task(backend.complete(p)) for p in various(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(replies[1], asyncio.CancelledError)
    assert [getattr(reply, "finish", None) for i, reply in enumerate(replies) if i != 1] == ["stop"] * 3
    await backend.aclose()


class Failing:
    """The real network, whose pass fails where `fails` says so: no test machine can be relied on to run out of the
    memory of a GPU, or to break."""

    def __init__(self, network: Any, fails: Callable[[int], BaseException | None]) -> None:
        self._network = network
        self._fails = fails
        self.rows: list[int] = []
        self.begun = False  # an engine tries its network out before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def __call__(self, **inputs: Any) -> Any:
        if not self.begun:
            return self._network(**inputs)
        self.rows.append(inputs["input_ids"].shape[0])
        output = self._network(**inputs)  # the cache has grown by then, as when a late layer fails
        problem = self._fails(self.rows[-1])
        if problem is not None:
            raise problem
        return output


def engine_that(folder: Path, fails: Callable[[int], BaseException | None]) -> tuple[Engine, Failing]:
    model = loaded(folder)
    network = Failing(model.network, fails)
    engine = Engine(replace(model, network=network), max_batch=8, prefix_mb=4)
    network.begun = True
    return engine, network


def test_without_memory_for_all_half_go_on_and_nobody_notices(tiny: Path) -> None:
    def fails(rows: int) -> BaseException | None:
        return torch.OutOfMemoryError("CUDA out of memory") if rows > 2 else None

    engine, network = engine_that(tiny, fails)
    jobs, undisturbed = [Job(p) for p in various(8)], [Job(p) for p in various(8)]
    engine.run(arriving(jobs))
    Engine(loaded(tiny), max_batch=8, prefix_mb=0).run(arriving(undisturbed))
    assert [reply.text for reply in answers(jobs)] == [reply.text for reply in answers(undisturbed)]
    assert network.rows[:3] == [8, 4, 2]
    assert max(reply.extra["halvings"] for reply in answers(jobs)) == 2


def test_memory_that_runs_out_midway_loses_no_token(tiny: Path) -> None:
    passes = 0

    def fails(rows: int) -> BaseException | None:
        nonlocal passes
        passes += 1
        return torch.OutOfMemoryError("CUDA out of memory") if passes in (9, 23) else None

    engine, _ = engine_that(tiny, fails)
    jobs, undisturbed = [Job(p) for p in various(8)], [Job(p) for p in various(8)]
    engine.run(arriving(jobs))
    Engine(loaded(tiny), max_batch=8, prefix_mb=0).run(arriving(undisturbed))
    assert [reply.text for reply in answers(jobs)] == [reply.text for reply in answers(undisturbed)]


def test_a_request_too_large_for_the_memory_fails_by_itself(tiny: Path) -> None:
    engine, _ = engine_that(tiny, lambda rows: torch.OutOfMemoryError("CUDA out of memory"))
    jobs = [Job(p) for p in various(3)]
    engine.run(arriving(jobs))
    for job in jobs:
        failure = job.future.exception(timeout=0)
        assert isinstance(failure, BackendFailure)
        assert failure.kind == "server"
        assert "out of memory on cpu with one request alone" in failure.message


def test_an_error_of_the_device_fails_the_batch_and_the_engine_goes_on(tiny: Path) -> None:
    passes = 0

    def fails(rows: int) -> BaseException | None:
        nonlocal passes
        passes += 1
        return RuntimeError("device trouble\nwith details") if passes == 3 else None

    engine, _ = engine_that(tiny, fails)
    jobs, later = [Job(p) for p in various(3)], [Job(p) for p in various(3)]
    engine.run(arriving(jobs))
    engine.run(arriving(later))
    failures = [job.future.exception(timeout=0) for job in jobs]
    assert all(isinstance(f, BackendFailure) and f.passing and f.message.endswith("device trouble") for f in failures)
    assert all(reply.finish == "stop" for reply in answers(later))


async def test_a_crash_of_the_worker_reaches_everyone_and_the_next_request_starts_afresh(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", max_batch=2)

    def crash(self: Engine) -> None:
        raise LookupError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_advance", crash)
        replies = await asyncio.gather(*(backend.complete(p) for p in various(5)), return_exceptions=True)
    for reply in replies:
        assert isinstance(reply, BackendFailure)
        assert (reply.kind, reply.message) == ("server", "hf/tiny: the engine failed: LookupError: a defect")
    assert (await backend.complete(prompt("Well?"))).finish == "stop"
    await backend.aclose()


async def test_closing_fails_what_is_unanswered_and_may_happen_twice(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    await backend.start()
    tasks = [asyncio.create_task(backend.complete(p)) for p in various(4)]
    await asyncio.sleep(0)
    await backend.aclose()
    await backend.aclose()
    for reply in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(reply, BackendFailure)
        assert "closed" in reply.message
    with pytest.raises(BackendFailure, match="closed"):
        await backend.complete(prompt("Well?"))


async def test_closing_lets_go_of_the_model(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    await backend.complete(prompt("Well?"))
    assert backend._engine is not None
    weights = weakref.ref(next(backend._engine.model.network.parameters()))
    await backend.aclose()
    await asyncio.sleep(0)
    assert weights() is None


async def test_a_backend_never_used_closes_without_loading(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    await backend.aclose()
    assert backend._engine is None


def test_one_backend_serves_one_event_loop_after_another(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", device="cpu")
    first, second = (asyncio.run(backend.complete(prompt("Well?", seed=3))) for _ in range(2))
    assert first.text == second.text
    assert first.fingerprint == second.fingerprint
    asyncio.run(backend.aclose())


def test_a_program_that_forgets_to_close_still_ends() -> None:
    code = (
        "import asyncio, sys\n"
        "from tertulia.agents.backends.base import BackendFailure, Prompt\n"
        "from tertulia.agents.backends.hf import HfBackend\n"
        "from tertulia.mind.model import Sampling\n"
        "sys.modules['llguidance'] = None\n"  # the worker starts, and need not load anything heavy to fail
        "backend = HfBackend('./none', uri='hf/./none')\n"
        "try:\n"
        "    asyncio.run(backend.complete(Prompt([], object, Sampling())))\n"
        "except BackendFailure as failure:\n"
        "    print(failure.kind, len(backend._worker._threads))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (run.stdout.strip(), run.stderr) == ("refused 1", "")


async def test_loading_writes_nothing_to_the_terminal(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    transformers.utils.logging.enable_progress_bar()
    backend = HfBackend(str(tiny), uri="hf/tiny")
    await backend.start()
    await backend.aclose()
    assert transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    assert capfd.readouterr() == ("", "")


async def test_a_small_model_keeps_to_one_thread(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    torch.set_num_threads(2)
    backend = HfBackend(str(tiny), uri="hf/tiny", device="cpu")
    await backend.start()
    assert await asyncio.wrap_future(backend._worker.submit(torch.get_num_threads)) == 1
    await backend.aclose()
    torch.set_num_threads(1)


def test_the_fingerprint_tells_models_apart(tiny: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny, tmp_path / "copy")
    wider = make_tiny_model(tmp_path / "wider", hidden=48)
    assert loaded(tiny).fingerprint == loaded(Path(copy)).fingerprint
    assert loaded(tiny).fingerprint != loaded(wider).fingerprint


async def test_no_token_to_say_is_an_invalid_request(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    with pytest.raises(BackendFailure, match="max_tokens must be at least 1") as caught:
        await backend.complete(Prompt([Message("user", "Well?")], Thoughts, Sampling(max_tokens=0)))
    assert caught.value.kind == "invalid_request"
    await backend.aclose()


def test_kept_beginnings_of_prompts_make_room_before_a_batch_is_halved(tiny: Path) -> None:
    passes = 0

    def fails(rows: int) -> BaseException | None:
        nonlocal passes
        passes += 1
        return torch.OutOfMemoryError("CUDA out of memory") if passes == 60 else None

    engine, network = engine_that(tiny, fails)
    long = [prompt(f"Who knows {n}? " * 300, seed=n) for n in range(8)]
    jobs, undisturbed = [Job(p) for p in long], [Job(p) for p in long]
    engine.run(arriving(jobs))
    Engine(loaded(tiny), max_batch=8, prefix_mb=0).run(arriving(undisturbed))
    assert passes > 60
    assert [reply.text for reply in answers(jobs)] == [reply.text for reply in answers(undisturbed)]
    assert not any("halvings" in reply.extra for reply in answers(jobs))
    assert sum(network.rows) > 0
