"""Embeddings as a mind asks for them: texts in, vectors out, through the same ledger as every other request."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterable, Mapping, Sequence
from sys import byteorder
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tertulia.mind.model import LanguageModel, Message, Request, Sampling
from tertulia.mind.nearness import Vector, unit
from tertulia.storage.seen import Seen

EMBED = "embed"
"""The purpose of all requests for embeddings."""
AT_ONCE = 128
"""How many texts a request holds at most."""
_SAMPLING = Sampling(temperature=0.0, max_tokens=1)


class Vectors(BaseModel):
    """One vector for each text, in order: 32-bit little-endian floats in base64."""

    model_config = ConfigDict(extra="forbid")

    vectors: Annotated[tuple[str, ...], Field(max_length=AT_ONCE)]


async def embed(model: LanguageModel, texts: Sequence[str], seen: Seen, ordinal: int) -> dict[str, Vector]:
    """The vectors of at most `AT_ONCE` texts, by text. Raises `ModelTrouble`."""

    def messages() -> list[Message]:
        return [Message("user", text) for text in texts]

    request = Request(
        purpose=EMBED, schema=Vectors, seen=seen, inputs={}, messages=messages, sampling=lambda: _SAMPLING,
        ordinal=ordinal,
    )  # fmt: skip
    reply = await model.ask(request)
    return {} if reply.value is None else dict(zip(texts, map(decode, reply.value.vectors), strict=True))


def recorded(asked: Iterable[tuple[Sequence[Mapping[str, str]], str]]) -> dict[str, Vector]:
    """The vectors that logged requests were answered with, from their messages and replies."""
    found: dict[str, Vector] = {}
    for messages, reply in asked:
        texts = [message["content"] for message in messages]
        found |= zip(texts, map(decode, Vectors.model_validate_json(reply).vectors), strict=True)
    return found


def encode(values: Sequence[float]) -> str:
    """A vector as text."""
    packed = array("f", values)
    if byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode("ascii")


def decode(text: str) -> Vector:
    """A vector of length one from its text. Raises `ValueError` for what is none."""
    packed = array("f")
    packed.frombytes(base64.b64decode(text, validate=True))
    if byteorder == "big":
        packed.byteswap()
    return unit(packed)
