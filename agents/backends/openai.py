"""`openai/NAME`: any server that speaks chat completions."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.http import Answer, Poster, is_loopback
from tertulia.agents.backends.openai_errors import (
    Scrubber,
    connection_failure,
    context_left,
    refused_name,
    smaller_limit,
    status_failure,
)
from tertulia.agents.backends.schema import BOUNDS, SchemaError, strict_schema
from tertulia.agents.prices import Prices
from tertulia.agents.settings import setting
from tertulia.mind.model import Message
from tertulia.storage.once import once_a_type

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_LEAST_ROOM = 256
"""Tokens; in less, no reply of ours is worth beginning."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def missing_key(base_url: str | None = None) -> str | None:
    """What to do about a missing key, in one line; None where there is one, or where the server needs none."""
    where = base_url or setting("OPENAI_BASE_URL") or DEFAULT_BASE_URL
    if is_loopback(where) or setting("OPENAI_API_KEY"):
        return None
    return "set OPENAI_API_KEY in the environment or in a .env file"


class OpenAIBackend:
    """One model of one server. Raises `BackendFailure` (`refused`) at once where no key can be found.

    `base_url` and `api_key` default to `OPENAI_BASE_URL` and `OPENAI_API_KEY` from the environment or `.env`; a server
    on this machine needs no key. `timeout_s` bounds a whole call. The connection is made by the first call and belongs
    to its event loop until `aclose`.

    What a server refuses by name (temperature with reasoning models, a keyword of the schema, more tokens than the
    model can write) is left out or lowered from the next attempt on, for as long as this object lives; the refused
    attempt is a `server` failure to be tried again at once.
    """

    def __init__(
        self,
        model_name: str,
        *,
        uri: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 300.0,
    ) -> None:
        self.uri = uri or f"openai/{model_name}"
        self.model_name = model_name
        self.base_url = (base_url or setting("OPENAI_BASE_URL") or DEFAULT_BASE_URL).rstrip("/")
        lacking = None if api_key else missing_key(self.base_url)
        if lacking is not None:
            raise BackendFailure("refused", f"{self.uri} needs a key: {lacking}")
        key = api_key or setting("OPENAI_API_KEY")
        self._poster = Poster(self.base_url, _headers(key), timeout_s=timeout_s)
        self._scrub = Scrubber(key)
        self._timeout_s = timeout_s
        self._prices = Prices(self.base_url)
        self._limit_key = "max_completion_tokens"
        self._left_out: frozenset[str] = frozenset()
        self._most_tokens = sys.maxsize
        self._room: dict[tuple[Message, ...], int] = {}
        """What the context leaves for the reply to prompts that are about to be sent again."""

    async def complete(self, prompt: Prompt) -> Completion:
        """One request, one answer or one `BackendFailure`."""
        import aiohttp

        try:
            form = _response_format(prompt.schema, self._left_out & BOUNDS)
        except SchemaError as error:
            raise BackendFailure("invalid_request", str(error)) from error
        body = self._settings(prompt)
        failure: BackendFailure
        try:
            answer = await self._poster.post("/chat/completions", form.request(prompt.messages, body))
        except TimeoutError:
            failure = BackendFailure("timeout", f"no answer within {self._timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            failure = connection_failure(error, urlsplit(self.base_url).hostname or "")
        else:
            if answer.status < 300:
                return self._completion(answer, form.wrapped)
            failure = (
                self._fitted(prompt, answer)
                if context_left(answer) is not None
                else self._refused_by_name(body, form.text, answer)
            ) or status_failure(answer, self._scrub)
        raise failure  # outside of `except`: an error in the chain could show what the server echoed

    def made_of(self) -> dict[str, str]:
        """The server's address, without what a URL may keep secret."""
        return {"base_url": _address(self.base_url)}

    async def aclose(self) -> None:
        """Closes the connections. A later call opens new ones."""
        await self._poster.aclose()

    def _settings(self, prompt: Prompt) -> dict[str, Any]:
        """All of a request but its messages and the form of the reply."""
        sampling = prompt.sampling
        room = self._room.pop(tuple(prompt.messages), sys.maxsize) if self._room else sys.maxsize
        body: dict[str, Any] = {
            "model": self.model_name,
            self._limit_key: min(sampling.max_tokens, self._most_tokens, room),
        }
        optional = {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed}
        body |= {key: value for key, value in optional.items() if value is not None and key not in self._left_out}
        return body

    def _completion(self, answer: Answer, wrapped: bool) -> Completion:
        try:
            data = json.loads(self._scrub.bytes(answer.content))
            choice = data["choices"][0]
            text, refusal = choice["message"].get("content"), choice["message"].get("refusal")
            usage = data.get("usage") or {}
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
            reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise BackendFailure("server", "the answer was not a chat completion", status=answer.status) from None
        tokens_in, tokens_out, served = usage.get("prompt_tokens"), usage.get("completion_tokens"), data.get("model")
        said = text if isinstance(text, str) and not refusal else ""
        return Completion(
            text=_unwrap(said) if wrapped else said,
            finish="refusal" if refusal else str(choice.get("finish_reason") or "stop"),
            served_model=served,
            fingerprint=data.get("system_fingerprint"),
            input_tokens=tokens_in,
            cached_tokens=cached,
            output_tokens=tokens_out,
            cost_usd=self._prices.cost_usd(served or self.model_name, tokens_in, tokens_out, cached),
            extra={k: v for k, v in (("refusal", refusal), ("reasoning_tokens", reasoning)) if v},
        )

    def _fitted(self, prompt: Prompt, answer: Answer) -> BackendFailure | None:
        """Prompt and reply together were too much for the context: the next attempt asks for what it leaves."""
        room = context_left(answer)
        if room is None or not _LEAST_ROOM <= room < prompt.sampling.max_tokens:
            return None
        self._room[tuple(prompt.messages)] = room
        line = f"the context leaves {room} tokens for the reply; the next attempt allows so many"
        return BackendFailure("server", line, status=answer.status, retry_after_s=0.0)

    def _refused_by_name(self, body: dict[str, Any], form: str, answer: Answer) -> BackendFailure | None:
        """What this answer says the server does not take, remembered; None where it is about something else."""
        bounds = sorted(n for n in BOUNDS if f'"{n}"' in form)
        limits: list[str] = [key for key in ("max_completion_tokens", "max_tokens") if key in body]
        optional: list[str] = [key for key in ("temperature", "top_p", "seed") if key in body]
        name = refused_name(answer, optional + limits, bounds)
        fewer = smaller_limit(answer, body[limits[0]])
        if fewer is not None:
            self._most_tokens = min(self._most_tokens, fewer)
            line = f"the model cannot write {body[limits[0]]} tokens; the next attempt allows {fewer}"
        elif name in limits:
            self._limit_key = "max_tokens" if name == "max_completion_tokens" else "max_completion_tokens"
            line = f"the server does not take {name}; the next attempt says {self._limit_key}"
        elif name is not None:
            self._left_out |= {name}
            line = f"the server does not take {name}; the next attempt goes without it"
        else:
            return None
        return BackendFailure("server", line, status=answer.status, retry_after_s=0.0)


@dataclass(frozen=True, slots=True)
class _Form:
    """The schema that a reply must have, as the text that is sent: made once for a type."""

    text: str
    wrapped: bool

    def request(self, messages: Sequence[Message], settings: dict[str, Any]) -> bytes:
        """The whole request as JSON."""
        said = ",".join([f'{{"role":"{m.role}","content":{_content(m)}}}' for m in messages])
        return _shown(f'{_encode(settings)[:-1]},"messages":[{said}],"response_format":{self.text}}}').encode()


def _content(message: Message) -> str:
    return message.json if "\\ud" not in message.json else _encode(_shown(message.content))


def _shown(text: str) -> str:
    """Lone surrogates go as U+FFFD, the sign for what cannot be shown."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


@once_a_type
def _response_format(schema: type[BaseModel], without: frozenset[str]) -> _Form:
    """Raises `SchemaError` for a type that structured output cannot express."""
    strict = strict_schema(schema, without)
    named = {"name": strict.name, "strict": True, "schema": strict.schema}
    return _Form(_encode({"type": "json_schema", "json_schema": named}), strict.wrapped)


def _headers(key: str | None) -> dict[str, str]:
    """Who asks, and for whose account: what the openai SDK reads from the environment counts here as well."""
    named = {"OpenAI-Organization": setting("OPENAI_ORG_ID"), "OpenAI-Project": setting("OPENAI_PROJECT_ID")}
    given = {name: value for name, value in named.items() if value is not None}
    return {"Authorization": f"Bearer {key or 'none'}", "User-Agent": "tertulia", **given}


def _address(url: str) -> str:
    """Scheme, host, port and path; no user, password, query or fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _unwrap(text: str) -> str:
    """The value of a wrapped reply; a reply that is not one stays as it is, for validation to judge."""
    try:
        data = json.loads(text)
    except ValueError:
        return text
    return json.dumps(data["value"]) if isinstance(data, dict) and set(data) == {"value"} else text
