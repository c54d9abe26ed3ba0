"""Embedding models: the same vectors however they are sent, each text encoded once, and one line for what cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from operator import mul
from pathlib import Path

import pytest

from tertulia.agents import registry
from tertulia.agents.backends.base import Backend, BackendFailure, Prompt
from tertulia.agents.registry import Backends, ModelURIError
from tertulia.mind.embedding import Vectors, decode, encode
from tertulia.mind.model import Message, Sampling
from tests.loopback import Faults, Loopback


def prompt(*texts: str) -> Prompt:
    return Prompt([Message("user", text) for text in texts], Vectors, Sampling())


async def vectors(backend: Backend, *texts: str) -> list[Sequence[float]]:
    reply = Vectors.model_validate_json((await backend.complete(prompt(*texts))).text)
    return [decode(vector) for vector in reply.vectors]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(map(mul, one, other))


def test_a_vector_survives_its_text() -> None:
    assert list(decode(encode([3.0, 0.0, -4.0]))) == pytest.approx([0.6, 0.0, -0.8])
    assert list(decode(encode([0.0, 0.0]))) == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"base64|multiple|padding"):
        decode("no vector!")


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return monkeypatch


async def test_base64_and_numbers_come_to_the_same_vectors_in_the_order_of_the_texts(
    openai: pytest.MonkeyPatch,
) -> None:
    found = []
    for plain in (False, True):
        with Loopback(plain_vectors=plain) as server:
            openai.setenv("OPENAI_BASE_URL", server.url)
            backends = Backends()
            found.append(await vectors(backends.embedder("openai/e"), "a boat", "the old harbour", "a boat"))
            await backends.aclose()
    for one, other in zip(*found, strict=True):
        assert list(one) == pytest.approx(list(other))
    assert list(found[0][0]) == list(found[0][2])
    assert cosine(found[0][0], found[0][1]) < 0.9


async def test_a_text_is_sent_once_however_many_ask_for_it_and_whenever(openai: pytest.MonkeyPatch) -> None:
    with Loopback(latency_ms=20) as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        backends = Backends()
        backend = backends.embedder("openai/e")
        three = await asyncio.gather(
            *(vectors(backend, "heard by all", f"{name}'s own") for name in ("ana", "ben", "cem"))
        )
        again = await backend.complete(prompt("heard by all"))
        await backends.aclose()
    sent = [text for request in server.requests for text in request.body["input"]]
    assert sorted(sent) == ["ana's own", "ben's own", "cem's own", "heard by all"]
    assert len({tuple(one[0]) for one in three}) == 1
    assert (again.input_tokens, again.cost_usd) == (0, 0.0)


async def test_one_who_waits_for_anothers_request_that_fails_asks_for_itself(openai: pytest.MonkeyPatch) -> None:
    with Loopback(Faults(server=1.0, transport_cap=1)) as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        backends = Backends()
        backend = backends.embedder("openai/e")
        results = await asyncio.gather(
            backend.complete(prompt("the same")), backend.complete(prompt("the same")), return_exceptions=True
        )
        await backends.aclose()
    assert [type(result) for result in results].count(BackendFailure) == 1
    assert len(server.requests) == 2


def encoder(tmp_path: Path, **options: object) -> str:
    pytest.importorskip("torch")
    from tests.tiny_encoder import make_tiny_encoder

    return f"hf/{make_tiny_encoder(tmp_path / 'encoder', **options)}"  # type: ignore[arg-type]


async def test_a_local_encoder_finds_texts_near_that_share_no_word(tmp_path: Path) -> None:
    backends = Backends()
    boat, ship, coats = await vectors(
        backends.embedder(encoder(tmp_path)), "A boat leaves the harbour.", "Ship at the docks", "warm coats"
    )
    await backends.aclose()
    assert cosine(boat, ship) > 0.8
    assert cosine(boat, coats) < 0.3


async def test_a_text_has_the_same_vector_in_any_company(tmp_path: Path) -> None:
    uri = encoder(tmp_path)
    alone, backends = Backends(), Backends()
    [one] = await vectors(alone.embedder(uri), "boat")
    texts = ["boat", "The ship sails in the evening with salad and warm coats", *(f"rain {n}" for n in range(70))]
    company = await vectors(backends.embedder(uri), *texts)
    await asyncio.gather(alone.aclose(), backends.aclose())
    assert list(company[0]) == pytest.approx(list(one), abs=1e-6)
    assert len(company) == len(texts)


async def test_pooling_is_that_of_the_models_folder(tmp_path: Path) -> None:
    backends = Backends()
    uri = encoder(tmp_path, pooling="cls_token")
    first, both = await vectors(backends.embedder(uri), "boat", "boat coats coats coats")
    await backends.aclose()
    assert list(both) == pytest.approx(list(first), abs=1e-6)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"dense": True}, "a layer that is not applied here (Dense)"),
        ({"pooling": "weightedmean_tokens"}, "its pooling"),
    ],
)
async def test_what_a_model_needs_and_is_not_done_here_is_refused(
    tmp_path: Path, options: dict[str, object], line: str
) -> None:
    backends = Backends()
    with pytest.raises(BackendFailure) as failure:
        await vectors(backends.embedder(encoder(tmp_path, **options)), "boat")
    await backends.aclose()
    assert failure.value.kind == "refused"
    assert line in failure.value.message


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(BackendFailure, match=r"hf embeddings need the extra: pip install 'tertulia\[embeddings\]'"):
        Backends().embedder("hf/any/encoder")


@pytest.mark.parametrize("uri", ["rules", "human", "nonsense/x"])
def test_what_makes_no_embeddings_is_told_with_what_does(uri: str) -> None:
    with pytest.raises(ModelURIError, match=r"there are no embeddings by .*; write hf/ORG/NAME, hf/\./PATH or openai"):
        Backends().embedder(uri)
