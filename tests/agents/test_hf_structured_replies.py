"""Whatever a model is inclined to say, its replies are valid: asked of a model with random weights."""

from __future__ import annotations

import asyncio
import datetime
import enum
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLMatcher
from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, create_model

from tertulia.agents.backends.base import BackendFailure, Prompt
from tertulia.agents.backends.hf import HfBackend
from tertulia.agents.backends.hf.grammar import Grammars
from tertulia.mind.model import Message, Sampling
from tests.agents.hf_kit import loaded, prompt

Short = Annotated[str, Field(max_length=12)]


class Say(BaseModel):
    kind: Literal["say"] = "say"
    text: Annotated[str, Field(min_length=1, max_length=30)]
    to: Annotated[tuple[Short, ...], Field(max_length=3)] = ()


class Select(BaseModel):
    kind: Literal["select"] = "select"
    friend: Annotated[int, Field(ge=0, lt=12)]


class Pass(BaseModel):
    kind: Literal["pass"] = "pass"


class Mood(enum.Enum):
    CALM = "calm"
    QUOTED = 'a"b\\c\n'
    FOREIGN = "東京 é 🙂"
    CONTROL = "\x01\x7f"


class Belief(BaseModel):
    model_config = ConfigDict(extra="forbid")
    chain: Annotated[str, Field(pattern=r"^[a-z]{1,8}(>[a-z]{1,8})?$", max_length=17)]
    probability: Annotated[float, Field(ge=0, le=1)]
    narrow: Annotated[float, Field(gt=0.5, lt=0.501)]


class Everything(BaseModel):
    """Most of what a reply type can hold."""

    mood: Mood
    constant: Literal["é", 3, True, None]
    beliefs: Annotated[list[Belief], Field(max_length=3)]
    scores: dict[Literal["relevance", "urgency"], Annotated[float, Field(ge=1, le=5)]]
    pair: tuple[int, Short, bool]
    members: Annotated[set[Annotated[int, Field(ge=0, le=9)]], Field(max_length=3)]
    act: Annotated[Say | Select | Pass, Field(discriminator="kind")]
    maybe: Annotated[str, Field(min_length=2, max_length=6)] | None = None
    when: datetime.date = datetime.date(2026, 1, 1)
    free: float = 0.0


Act = RootModel[Annotated[Say | Select | Pass, Field(discriminator="kind")]]
Words = RootModel[Annotated[list[Short], Field(min_length=2, max_length=4)]]
SCHEMAS: list[type[BaseModel]] = [Everything, Act, Words, Belief, RootModel[Mood], RootModel[Short]]


def _random_type(draw: random.Random, depth: int = 0) -> Any:
    """A bounded type somebody might put into a reply."""
    size = draw.randint(1, 4)
    simple: list[Callable[[], Any]] = [
        lambda: Annotated[str, Field(max_length=4 * size)],
        lambda: Annotated[int, Field(ge=-size, le=10**size)],
        lambda: Annotated[float, Field(ge=-1 / size, le=float(size))],
        lambda: bool,
        lambda: Literal[tuple(draw.sample(["alice", "bob", 'c"', "d\\", "\t", 7, None], size))],
    ]
    nested: list[Callable[[], Any]] = [
        lambda: Annotated[list[_random_type(draw, depth + 1)], Field(max_length=size)],
        lambda: _random_type(draw, depth + 1) | None,
        lambda: _random_model(draw, depth + 1),
    ]
    return draw.choice(simple + (nested if depth < 3 else []))()


def _random_model(draw: random.Random, depth: int = 0) -> type[BaseModel]:
    fields: dict[str, Any] = {f"field_{i}": (_random_type(draw, depth), ...) for i in range(draw.randint(1, 4))}
    return create_model(f"Random{depth}", **fields)


async def _replies(folder: Path, schemas: list[type[BaseModel]], each: int) -> None:
    """Ask for `each` replies of every type at once; all must be valid."""
    backend = HfBackend(str(folder), uri="hf/tiny", max_batch=32)
    heat, share = (0.0, 0.7, 1.5, 20.0), (1.0, 0.9)
    asked = [
        (s, prompt(f"{s.__name__} {i}", schema=s, temperature=heat[i % 4], top_p=share[i % 2], seed=i, max_tokens=3000))
        for s in schemas
        for i in range(each)
    ]
    replies = await asyncio.gather(*(backend.complete(p) for _, p in asked))
    for (schema, _), reply in zip(asked, replies, strict=True):
        assert reply.finish == "stop"
        schema.model_validate_json(reply.text)
    await backend.aclose()


async def test_every_reply_of_a_random_model_satisfies_its_schema(tiny: Path) -> None:
    await _replies(tiny, SCHEMAS, each=12)


async def test_every_reply_satisfies_a_random_schema(tiny: Path) -> None:
    draw = random.Random(0)
    await _replies(tiny, [_random_model(draw) for _ in range(40)], each=2)


def test_the_grammar_takes_the_json_that_pydantic_and_people_write(tiny: Path) -> None:
    """Constraining must not forbid good replies: dense or with spaces after separators, letters of all scripts."""
    model = loaded(tiny)
    grammars = Grammars(model.tokenizer)
    value = Everything(
        mood=Mood.QUOTED,
        constant="é",
        beliefs=[Belief(chain="a>bob", probability=0.25, narrow=0.5004)],
        scores={"urgency": 4.5},
        pair=(-3, 'say "hi"\n', True),
        members={1, 2},
        act=Say(text="Schön, 東京 🙂", to=("bob", "carol")),
        maybe=None,
    )
    dense = value.model_dump_json()
    for text in (dense, json.dumps(json.loads(dense), ensure_ascii=False)):
        matcher = grammars.matcher(Everything)
        tokens = model.tokenizer.tokenize_str(text)
        assert matcher.try_consume_tokens(tokens) == len(tokens), text
        assert matcher.is_accepting()


@pytest.mark.parametrize(
    "text",
    [
        '{"chain": "a", "probability": 0.5}',
        '{"chain": "a", "probability": 1.5, "narrow": 0.5005}',
        '{"chain": "A", "probability": 0.5, "narrow": 0.5005}',
        '{"chain": "a", "probability": 0.5, "narrow": 0.5005, "more": 1}',
        '{"chain": "a", "probability": 0.333333333333, "narrow": 0.5005}',
        '{ "chain": "a", "probability": 0.5, "narrow": 0.5005}',
        '{"chain":  "a", "probability": 0.5, "narrow": 0.5005}',
    ],
)
def test_the_grammar_takes_nothing_else(tiny: Path, text: str) -> None:
    model = loaded(tiny)
    matcher: LLMatcher = Grammars(model.tokenizer).matcher(Belief)
    tokens = model.tokenizer.tokenize_str(text)
    assert matcher.try_consume_tokens(tokens) < len(tokens)


async def test_a_reply_that_is_cut_off_says_so(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny")
    reply = await backend.complete(prompt("Well?", schema=Everything, max_tokens=9))
    assert (reply.finish, reply.output_tokens) == ("length", 9)
    with pytest.raises(ValidationError):
        Everything.model_validate_json(reply.text)
    await backend.aclose()


async def test_a_reply_without_a_bound_is_given_one_where_the_context_would_cut_it_off(tiny: Path) -> None:
    class Endless(BaseModel):
        texts: list[str]

    backend = HfBackend(str(tiny), uri="hf/tiny", max_context=1000)
    asked = [prompt("Well?", schema=Endless, max_tokens=5000, seed=seed, temperature=2.0) for seed in range(6)]
    for reply in await asyncio.gather(*(backend.complete(one) for one in asked)):
        assert reply.finish == "stop"
        assert (reply.input_tokens or 0) + (reply.output_tokens or 0) <= 1000
        Endless.model_validate_json(reply.text)
    await backend.aclose()


async def test_a_schema_that_cannot_be_enforced_fails_alone(tiny: Path) -> None:
    class Strange(BaseModel):
        several: Annotated[set[int], Field(min_length=2)]  # a grammar cannot tell that two numbers differ

    class Odd(BaseModel):
        call: Callable[[], int]

    backend = HfBackend(str(tiny), uri="hf/tiny")
    good = [prompt("Well?", seed=seed) for seed in range(3)]
    bad = [Prompt([Message("user", "Well?")], schema, Sampling()) for schema in (Strange, Odd)]
    replies = await asyncio.gather(*map(backend.complete, [*good, *bad]), return_exceptions=True)
    assert [getattr(reply, "finish", None) for reply in replies] == ["stop"] * 3 + [None] * 2
    for reply, name in zip(replies[3:], ("Strange", "Odd"), strict=True):
        assert isinstance(reply, BackendFailure)
        assert reply.kind == "invalid_request"
        assert f"schema {name} cannot be enforced" in reply.message
        assert "\n" not in reply.message
    await backend.aclose()


class Told(BaseModel):
    text: Annotated[str, Field(min_length=2, max_length=200)]
    notes: Annotated[tuple[Annotated[str, Field(max_length=80)], ...], Field(min_length=1, max_length=12)]
    mood: Literal["calm", "glad"]


@given(share=st.sampled_from([1.0, 0.5, 0.25, 0.1, 0.0]), seed=st.integers(0, 999))
def test_what_fits_a_tightened_schema_fits_the_schema(share: float, seed: int) -> None:
    from random import Random

    from tertulia.agents.backends.hf.grammar import closed, tightened
    from tertulia.mind.bounds import bound
    from tertulia.mind.samples import sample_json

    whole = closed(Told.model_json_schema())
    tight = tightened(whole, share)
    value = sample_json(tight, {}, Random(seed), longest=300)
    Told.model_validate(value)
    assert bound(tight, {}, 1) <= bound(whole, {}, 1)
    assert len(json.dumps(value, ensure_ascii=False)) <= bound(tight, {}, 2) + 16


async def test_a_reply_is_brief_rather_than_cut_off_where_the_context_is_nearly_full(tiny: Path) -> None:
    backend = HfBackend(str(tiny), uri="hf/tiny", max_context=420)
    try:
        for words in (10, 60, 90):
            asked = Prompt([Message("user", "well " * words)], Told, Sampling(max_tokens=4000, seed=words))
            completion = await backend.complete(asked)
            assert completion.finish == "stop", completion
            Told.model_validate_json(completion.text)
        with pytest.raises(BackendFailure, match="shortest reply") as failed:
            await backend.complete(Prompt([Message("user", "well " * 400)], Told, Sampling(max_tokens=4000, seed=1)))
        assert failed.value.kind == "too_long"
    finally:
        await backend.aclose()
