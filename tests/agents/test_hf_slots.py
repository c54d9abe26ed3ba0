"""Rows in slots: which networks take them, and that padding, moves and leftovers of other rows leave no trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tertulia.agents.backends.hf.cohort import Cohort
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.slots import Slots
from tertulia.agents.backends.hf.trial import takes_slots
from tests.agents.hf_kit import ProvingEngine, answers, arriving, loaded, prompt, various
from tests.tiny_model import make_tiny_model

pytestmark = pytest.mark.usefixtures("tiny")  # which keeps torch to one thread
SMALL = {
    "vocab_size": 300,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
CPU = torch.device("cpu")


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["Llama", "OPT", "Qwen3"])
def test_networks_that_attend_to_everything_take_slots(kind: str, attention: str) -> None:
    assert takes_slots(network(kind, attn_implementation=attention), CPU)


def test_a_network_with_sliding_windows_takes_none() -> None:
    shape = {"use_sliding_window": True, "sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
    assert not takes_slots(network("Qwen3", **shape), CPU)


def test_a_network_that_reads_more_from_the_mask_takes_none() -> None:
    """BLOOM makes its positions from a mask [rows, tokens], and knows no other."""
    assert not takes_slots(network("Bloom"), CPU)


def test_a_network_that_goes_by_the_cache_alone_takes_none() -> None:
    """The trial finds out what nothing else tells: here, one that ignores the positions it is given."""
    deaf = network("Llama")
    real = deaf.forward

    def forward(*, position_ids: Any = None, **inputs: Any) -> Any:
        return real(**inputs)

    deaf.forward = forward
    assert not takes_slots(deaf, CPU)


def network(kind: str, attn_implementation: str | None = None, **shape: Any) -> Any:
    config = getattr(transformers, f"{kind}Config")(**(SMALL | shape))
    model = getattr(transformers, f"{kind}ForCausalLM")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return model._from_config(config, attn_implementation=attn_implementation).eval()


class Direct:
    """In the place of CUDA's recordings: rows are padded to the same sizes, and steps worked off directly."""

    def __init__(self) -> None:
        self.sizes: set[tuple[int, int]] = set()

    def clear(self) -> None:
        pass

    def run(self, step: Callable[[torch.Tensor, int], torch.Tensor], inputs: torch.Tensor, width: int) -> torch.Tensor:
        self.sizes.add((inputs.shape[1], width))
        return step(inputs, width)


def test_steps_of_few_sizes_change_no_reply(tiny: Path) -> None:
    engine, other = ProvingEngine(loaded(tiny), max_batch=5, prefix_mb=4), ProvingEngine(loaded(tiny), max_batch=5)
    assert isinstance(engine._batch, Slots)
    direct: Any = Direct()
    engine._batch._graphs = direct
    jobs, apart = [Job(p) for p in various(9)], [Job(p) for p in various(9)]
    engine.run(arriving(jobs, after=lambda i: 4 * i))
    other.run(arriving(apart))
    assert [reply.text for reply in answers(jobs)] == [reply.text for reply in answers(apart)]
    assert engine.worst < 1e-4
    assert {rows for rows, _ in direct.sizes} <= {1, 2, 3, 4, 6}
    assert len(direct.sizes) < engine.steps / 4


def test_a_row_that_was_not_finite_does_not_spoil_the_shorter_one_that_takes_its_slot(tiny: Path) -> None:
    """The one that moves brings its own columns along; what stood beyond them must not be met later."""
    engine = ProvingEngine(loaded(tiny), max_batch=2)
    slots = engine._batch
    assert isinstance(slots, Slots)
    bad, good = Job(prompt("Who knows? " * 12, seed=1)), Job(prompt("Hm.", seed=2))
    take, asked = arriving([bad, good]), 0

    def spoiling(room: int) -> list[Job]:
        nonlocal asked
        asked += 1
        if asked == 4:
            assert [row.job for row in slots.rows] == [bad, good]
            assert len(slots.rows[0].tokens) > len(slots.rows[1].tokens)
            for layer in slots._cache.layers:
                layer.keys[0] = layer.values[0] = float("nan")
        return take(room)

    engine.run(spoiling)
    assert "the logits are not finite" in str(bad.future.exception(timeout=0))
    assert answers([good])[0].finish == "stop"


def test_a_row_that_was_not_finite_does_not_spoil_the_next_in_its_slot(tiny: Path) -> None:
    """What is masked weighs nothing, but nothing times not-a-number is not a number."""
    engine = ProvingEngine(loaded(tiny), max_batch=2)
    slots = engine._batch
    assert isinstance(slots, Slots)
    bad, good = Job(various(2)[1]), Job(various(2)[0])
    asked = 0

    def spoil(take: Callable[[int], list[Job]]) -> Callable[[int], list[Job]]:
        def spoiling(room: int) -> list[Job]:
            nonlocal asked
            asked += 1
            if asked == 4:
                for layer in slots._cache.layers:
                    layer.keys[0] = float("nan")
                    layer.values[0] = float("nan")
            return take(room)

        return spoiling

    engine.run(spoil(arriving([bad])))
    assert "the logits are not finite" in str(bad.future.exception(timeout=0))
    engine.worst = 0.0
    engine.run(arriving([good]))
    assert engine.worst < 1e-4
    assert answers([good])[0].finish == "stop"


def test_a_model_with_sliding_windows_is_served_in_cohorts(tmp_path: Path) -> None:
    folder = make_tiny_model(
        tmp_path, use_sliding_window=True, sliding_window=24, layer_types=["sliding_attention", "full_attention"]
    )
    assert isinstance(ProvingEngine(loaded(folder))._batch, Cohort)
