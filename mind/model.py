"""What a mind needs of a model: one typed request in, one instance of its schema out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from tertulia.storage.rows import Estimator
from tertulia.storage.seen import Seen
from tertulia.storage.types import dump_json

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str
    _json: str = field(default="", init=False, repr=False, compare=False)

    @property
    def json(self) -> str:
        """The content as JSON, in ASCII: hashed, and sent. Made once, since a mind's first message stays as it is."""
        if not self._json:
            object.__setattr__(self, "_json", dump_json(self.content))
        return self._json


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn. `seed` is derived from the episode's; `max_tokens` from the bounds of the schema."""

    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """What a mind asks at one point of one turn.

    Language models read `messages()` and `sampling()`, made only when needed, and while
    the question is open: they tell of the moment; `rules` reads `seen` and `inputs`.
    `inputs` maps the name of each faculty that asks to its typed input; a fused request holds several.
    """

    purpose: str
    schema: type[T]
    seen: Seen
    inputs: Mapping[str, BaseModel]
    messages: Callable[[], list[Message]]
    sampling: Callable[[], Sampling] = Sampling
    ordinal: int = 0
    """The how-manieth request of this purpose in this turn."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """`value` is None when every attempt failed: the declared fallback, with `reason`."""

    value: T | None
    call: str | None
    estimator: Estimator
    reason: str = ""


class LanguageModel(Protocol):
    """Whatever answers requests for one seat in one turn. Safe to ask several times at once.

    One that answers without ever waiting may say so by an attribute `waits = False`.
    """

    async def ask(self, request: Request[T]) -> Reply[T]:
        """Raises `ModelTrouble` when no answer can be had for now; a bad answer is a `Reply` without a value."""
        ...


class ModelTrouble(Exception):
    """No answer can be had.

    `kind` says what follows: `transport` (outlasted the retries), `cap` (a budget is used up) pause the episode;
    `refused` (a wrong key, an unknown model, a model that cannot be loaded) stops the whole run at once; `too_long`
    (the prompt does not fit into the model's context) lets a mind ask again with less of the past.
    """

    def __init__(self, kind: Literal["transport", "cap", "refused", "too_long"], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def plain(value: Any) -> Any:
    """JSON-ready data of a pydantic model (or of plain data as it is)."""
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value
