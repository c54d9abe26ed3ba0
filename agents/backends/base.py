"""The contract of a backend: one prompt in, one raw completion out. Retries, repair and logging happen above it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from tertulia.mind.model import Message, Sampling

FailureKind = Literal["rate_limit", "server", "connection", "timeout", "refused", "invalid_request", "too_long"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a language model is given: messages, and the schema its reply must satisfy."""

    messages: list[Message]
    schema: type[BaseModel]
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back, as it came: `text` is not yet validated. Token counts are None where unknown."""

    text: str
    finish: str = "stop"
    served_model: str | None = None
    fingerprint: str | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class BackendFailure(Exception):
    """One attempt failed.

    `rate_limit`, `server`, `connection` and `timeout` may be tried again, after `retry_after_s` where the server said
    so; `refused` and `invalid_request` may not, and `too_long` only with a shorter prompt.
    """

    def __init__(
        self, kind: FailureKind, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def passing(self) -> bool:
        """Whether another attempt may succeed."""
        return self.kind in ("rate_limit", "server", "connection", "timeout")


class Backend(Protocol):
    """A language model somewhere. One instance per URI serves all agents and episodes of a process, concurrently.

    It may also have `made_of() -> dict[str, str]`: short facts that tell whether a later model of the same URI is the
    same one (an address, a commit, a hash), without secrets and without asking anybody. They are kept with every
    episode, and `tertulia resume` refuses to go on quietly where one of them has changed.
    """

    uri: str

    async def complete(self, prompt: Prompt) -> Completion:
        """One attempt. Raises `BackendFailure`; never retries, repairs or falls back by itself."""
        ...

    async def aclose(self) -> None:
        """Let go of connections, threads and memory. May be called twice."""
        ...
