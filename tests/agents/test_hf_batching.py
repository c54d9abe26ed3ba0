"""Many requests in one batch: each row is as it would be alone."""

from __future__ import annotations

import asyncio
from itertools import takewhile
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.agents.backends.hf import HfBackend
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.sampling import choose
from tests.agents.hf_kit import ProvingEngine, answers, arriving, loaded, prompt, various
from tests.tiny_model import make_tiny_model

TOLERANCE = 1e-4
pytestmark = pytest.mark.usefixtures("tiny")  # which keeps torch to one thread


async def test_requests_that_wait_at_once_run_as_one_batch(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", max_batch=8)
    replies = await asyncio.gather(*(backend.complete(p) for p in various(8)))
    assert [reply.extra["batch"] for reply in replies] == [8] * 8
    assert {reply.extra["device"] for reply in replies} <= {"cpu", "cuda"}
    await backend.aclose()


async def test_a_reply_does_not_depend_on_who_else_is_in_the_batch(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", device="cpu", max_batch=8, prefix_mb=0)
    together = await asyncio.gather(*(backend.complete(p) for p in various(8)))
    alone = [await backend.complete(p) for p in various(8)]
    assert [reply.text for reply in together] == [reply.text for reply in alone]
    assert [reply.extra["batch"] for reply in alone] == [1] * 8
    assert len({reply.text for reply in alone}) > 4  # or the comparison would prove little
    await backend.aclose()


async def test_each_request_keeps_its_own_sampling_settings(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", device="cpu")
    cold = [prompt("Well?", temperature=0.0, seed=seed) for seed in range(4)]
    warm = [prompt("Well?", temperature=1.2, seed=seed) for seed in range(4)]
    again = [prompt("Well?", temperature=1.2, seed=seed) for seed in range(4)]
    short = [prompt("Well?", temperature=1.2, seed=9, max_tokens=limit) for limit in (1, 2, 7)]
    narrow = [prompt("Well?", temperature=1.2, seed=seed, top_p=1e-9) for seed in range(4)]
    prompts = [*cold, *warm, *again, *short, *narrow]
    replies = await asyncio.gather(*(backend.complete(p) for p in prompts))
    text = [reply.text for reply in replies]
    assert len(set(text[:4])) == 1
    assert len(set(text[4:8])) == 4
    assert text[8:12] == text[4:8]
    assert [(reply.output_tokens, reply.finish) for reply in replies[12:15]] == [(n, "length") for n in (1, 2, 7)]
    assert set(text[15:]) == {text[0]}  # the smallest nucleus holds only the likeliest token
    await backend.aclose()


async def test_a_request_without_a_seed_is_drawn_anew_each_time(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    free = prompt("Well?", temperature=1.5, seed=None)  # type: ignore[arg-type]
    replies = await asyncio.gather(*(backend.complete(free) for _ in range(4)))
    assert len({reply.text for reply in replies}) > 1
    await backend.aclose()


def test_logits_of_padded_rows_equal_those_of_the_row_alone(tiny: Path) -> None:
    engine = ProvingEngine(loaded(tiny), max_batch=6)
    jobs = [Job(p) for p in various(6)]
    engine.run(arriving(jobs))
    assert engine.widest == 6
    assert engine.worst < TOLERANCE
    assert all(reply.finish == "stop" for reply in answers(jobs))


def test_rows_join_and_leave_between_steps_unharmed(tiny: Path) -> None:
    """Eight requests through four places, one more every few tokens, the beginnings of prompts reused."""
    engine = ProvingEngine(loaded(tiny), max_batch=4, prefix_mb=4)
    jobs = [Job(p) for p in various(8)]
    engine.run(arriving(jobs, after=lambda i: 5 * i))
    replies = answers(jobs)
    assert engine.worst < TOLERANCE
    assert engine.widest == 4
    assert all(reply.extra["batch"] > 1 for reply in replies)  # nobody waited for a batch to end
    assert any(reply.cached_tokens for reply in replies)
    apart = [Job(p) for p in various(8)]
    for job in apart:
        ProvingEngine(engine.model).run(arriving([job]))
    assert [reply.text for reply in replies] == [reply.text for reply in answers(apart)]


def test_a_model_with_sliding_windows_batches_what_waits_and_joins_nothing(tmp_path: Path) -> None:
    """Its cache counts columns from the beginning of the batch, so newcomers wait for the next one."""
    folder = make_tiny_model(
        tmp_path,
        use_sliding_window=True,
        sliding_window=24,
        layer_types=["sliding_attention", "full_attention"],
    )
    engine = ProvingEngine(loaded(folder), max_batch=4, prefix_mb=4)
    jobs = [Job(p) for p in various(6)]
    engine.run(arriving(jobs, after=lambda i: 0 if i < 3 else 5))
    assert [reply.extra["batch"] for reply in answers(jobs)] == [3] * 6
    assert engine.worst < TOLERANCE


def test_a_growing_prompt_is_computed_only_where_it_is_new(tiny: Path) -> None:
    """What a seat asks turn after turn: a transcript that grows at its end, then a short tail."""
    model = loaded(tiny)
    engine, forgetful = ProvingEngine(model, prefix_mb=8), ProvingEngine(model, prefix_mb=0)
    transcript = "Alice: The house is sold. "
    before: list[int] = []
    for turn in range(3):
        transcript += f"Bob: I never knew that, and this is turn {turn}. "
        ask = prompt(transcript + "What do you think now?", seed=turn)
        kept, fresh = Job(ask), Job(ask)
        engine.run(arriving([kept]))
        forgetful.run(arriving([fresh]))
        (reply,), (other,) = answers([kept]), answers([fresh])
        assert reply.text == other.text
        tokens = model.prompting.tokens(ask.messages)
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(before, tokens, strict=False))
        assert reply.cached_tokens == len(list(shared))
        assert other.cached_tokens == 0
        before = tokens
    assert engine.worst < TOLERANCE


@settings(max_examples=25, deadline=None)
@given(
    scores=st.lists(st.floats(-4, 4), min_size=2, max_size=40),
    data=st.data(),
    temperature=st.sampled_from([0.3, 1.0, 2.5]),
    top_p=st.sampled_from([0.2, 0.55, 0.9, 1.0]),
)
def test_tokens_are_drawn_with_the_probabilities_of_the_nucleus(
    scores: list[float], data: st.DataObject, temperature: float, top_p: float
) -> None:
    """Against the definition in plain Python: frequencies over many keys, within five standard errors."""
    bits = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)).filter(any))
    draws = 10_000
    chance = Random(data.draw(st.integers(0, 5)))
    keys = [chance.getrandbits(32) for _ in range(draws)]
    logits = torch.tensor([scores] * draws)
    drawn = choose(logits, _packed(bits).repeat(draws, 1), [temperature] * draws, [top_p] * draws, keys)
    expected = _nucleus_by_definition(scores, bits, temperature, top_p)
    assert set(drawn) <= set(expected)
    for token, share in expected.items():
        error = (share * (1 - share) / draws) ** 0.5
        assert drawn.count(token) / draws == pytest.approx(share, abs=5 * error + 2 / draws)


def test_the_same_key_draws_the_same_token_in_any_company() -> None:
    logits = torch.randn(6, 2000, generator=torch.Generator().manual_seed(0))
    everything = torch.full((6, 63), -1, dtype=torch.int32)
    keys = [7, 2**32 - 1, 7, 0, 2**31, 12345]
    heat, whole = [0.5, 1.0, 2.0, 1.0, 1.0, 0.0], [1.0, 0.5, 1.0, 0.9, 1.0, 1.0]
    together = choose(logits, everything, heat, whole, keys)
    alone = [
        choose(logits[i : i + 1], everything[:1], heat[i : i + 1], whole[i : i + 1], keys[i : i + 1])[0]
        for i in range(6)
    ]
    assert together == alone
    assert together[5] == int(logits[5].argmax())


def _packed(bits: list[bool]) -> torch.Tensor:
    octets = np.packbits(np.array(bits + [False] * (-len(bits) % 32)), bitorder="little")
    return torch.from_numpy(octets.view(np.int32)).unsqueeze(0)


def _nucleus_by_definition(scores: list[float], bits: list[bool], temperature: float, top_p: float) -> dict[int, float]:
    # In the precision of the engine, so that equal logits are equal here too.
    single = torch.tensor(scores).tolist()
    legal = {token: single[token] / temperature for token, bit in enumerate(bits) if bit}
    weights = torch.softmax(torch.tensor(list(legal.values())), 0).tolist()
    ranked = sorted(zip(weights, legal, strict=True), key=lambda pair: (-pair[0], pair[1]))
    kept: dict[int, float] = {}
    for weight, token in ranked:
        if kept and sum(kept.values()) >= top_p:
            break
        kept[token] = weight
    total = sum(kept.values())
    return {token: weight / total for token, weight in kept.items()}
