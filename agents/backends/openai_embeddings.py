"""`openai/NAME` as an embedding model: any server that speaks the embeddings API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.http import Answer
from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.backends.openai_errors import connection_failure, status_failure
from tertulia.agents.backends.vectors import Encoded, Encoder
from tertulia.mind.embedding import decode, encode


class OpenAIEmbeddings(OpenAIBackend):
    """Answers a prompt whose messages are texts with their vectors; key and address are those of `OpenAIBackend`.

    A text that has been encoded, or is about to be, is not sent again: a call that needs nothing new reads 0 tokens.
    """

    def __init__(self, model_name: str, **options: Any) -> None:
        super().__init__(model_name, **options)
        nothing = Completion("", served_model=model_name, input_tokens=0, output_tokens=0, cost_usd=0.0)
        self._encoder = Encoder(self._encode, nothing)

    async def complete(self, prompt: Prompt) -> Completion:
        """The vectors of all messages, one attempt. Raises `BackendFailure`."""
        return await self._encoder.complete([message.content for message in prompt.messages])

    async def _encode(self, texts: list[str]) -> Encoded:
        import aiohttp

        body = {"model": self.model_name, "input": texts, "encoding_format": "base64"}
        failure: BackendFailure
        try:
            sent = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
            answer = await self._poster.post("/embeddings", sent)
        except TimeoutError:
            failure = BackendFailure("timeout", f"no answer within {self._timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            failure = connection_failure(error, urlsplit(self.base_url).hostname or "")
        else:
            if answer.status < 300:
                return self._encoded(answer, len(texts))
            failure = status_failure(answer, self._scrub)
        raise failure  # outside of `except`, as in `OpenAIBackend.complete`

    def _encoded(self, answer: Answer, wanted: int) -> Encoded:
        try:
            data = json.loads(answer.content)
            by_place = sorted(data["data"], key=lambda one: one["index"])
            vectors = [_as_text(one["embedding"]) for one in by_place]
            usage = data.get("usage") or {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BackendFailure("server", "the answer was not one of embeddings", status=answer.status) from None
        if len(vectors) != wanted:
            raise BackendFailure("server", f"{len(vectors)} embeddings for {wanted} texts", status=answer.status)
        read, served = usage.get("prompt_tokens"), data.get("model")
        cost = self._prices.cost_usd(served or self.model_name, read, 0, 0)
        completion = Completion("", served_model=served, input_tokens=read, output_tokens=0, cost_usd=cost)
        return Encoded(vectors, completion)


def _as_text(embedding: Any) -> str:
    """Servers that do not know base64 send numbers. Raises `ValueError` for what is no vector."""
    if isinstance(embedding, str):
        decode(embedding)
        return embedding
    return encode([float(number) for number in embedding])
