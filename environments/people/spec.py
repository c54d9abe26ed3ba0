"""What a scenario says of the people who play in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tertulia.environments.people.consent import ConsentText
from tertulia.environments.people.forms import FormItem, unique

HUMAN = "human"
"""The model of a seat that a person takes."""
SELF = "self"
"""In a question, whoever is asked."""

Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]
Turn = Annotated[int, Field(strict=True, ge=1)]
Blind = Literal["minds", "ai", "condition"]


class LocalOnly(BaseModel):
    """Words of people stay here, but for servers of one's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: tuple[str, ...] = ()
    """Addresses of servers that may get people's words, as in `http://127.0.0.1:8000`; a path holds for all below."""

    @field_validator("allow")
    @classmethod
    def _addresses(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        for one in allow:
            parts = urlsplit(one)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"'{one}' is no address; write one like http://127.0.0.1:8000")
        return allow


class PersonQuestion(BaseModel):
    """A question to a person while they play: what do they believe, or take somebody to believe, and how surely?"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    """The variable, by name."""
    of: str = SELF
    """Whose belief: `self`, a name (what the person thinks she believes), or names from outside to inside as in
    `alice>self` (what the person thinks Alice believes that the person believes)."""
    to: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Which seats are asked; without it, every person."""
    window: Annotated[tuple[Turn, ...], Field(min_length=2, max_length=2)] | None = None
    """Once, before a turn drawn from these two and all between. Give this or `chance`."""
    chance: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Before each turn with this probability."""
    most: Annotated[int, Field(strict=True, ge=1)] | None = None
    """With `chance`: at most so often; without it, as often as it comes."""
    answer: Literal["sure", "percent"] = "sure"
    """`sure`: one value, and how sure from 0 (a guess) to 100; `percent`: a number for each value, 100 in all."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.window is None) == (self.chance is None):
            raise ValueError("one of `window` and `chance` says when to ask; write `window: [4, 8]` or `chance: 0.2`")
        if self.window is not None and self.window[0] > self.window[1]:
            raise ValueError("a window ends before it begins; write the earlier turn first")
        if self.most is not None and self.chance is None:
            raise ValueError("`most` goes with `chance`; a window asks once")
        return self


class PeopleSpec(BaseModel):
    """How a conversation goes on around people, what they are asked, and what becomes of what they say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gap_s: Seconds = 1.0
    """How long agents leave a person to answer before one of them speaks, beside the time it takes to read."""
    pause_s: Seconds = 10.0
    """After how long a silence becomes a turn; each further one in a row takes half as long again, at most a minute.
    The pause of Inner Thoughts is ten seconds."""
    patience_s: Seconds = 30.0
    """How long somebody who was addressed is waited for. Whose turn it is when turns go round is always waited for."""
    hold_s: Seconds = 45.0
    """How long the others wait for somebody who is typing, from the last key on; only an interruption does not wait."""
    words_per_second: Annotated[float, Field(ge=0.0, le=1000.0)] = 6.0
    """How fast agents' words appear. A person who speaks meanwhile cuts them off. 0: all at once."""
    consent: ConsentText | None = None
    """The path of a text that everybody agrees to before the first turn; who does not agree does not play."""
    times: Literal["offer", "never"] = "never"
    """`offer` asks each person whether the times of what they do may be kept; without a yes, none are."""
    local_only: bool | LocalOnly = False
    """Whether what people say is kept from models behind an API: `true`, or `{allow: [http://127.0.0.1:8000]}` for
    servers of one's own."""
    blind: tuple[Blind, ...] = ()
    """What people are not shown: `minds` (what agents think), `ai` (who is an agent), `condition` (the scenario's name,
    its cell and seed, and models)."""
    questions: tuple[PersonQuestion, ...] = ()
    """Questions to people while they play."""
    apart: Turn = 3
    """At least so many turns lie between two questions to the same person."""
    answer_s: Seconds = 60.0
    """How long the table waits for the answer to a question; then it lapses."""
    before: tuple[FormItem, ...] = ()
    """A questionnaire before the first turn."""
    after: tuple[FormItem, ...] = ()
    """A questionnaire once it has ended."""

    @field_validator("before", "after")
    @classmethod
    def _unique(cls, items: tuple[FormItem, ...]) -> tuple[FormItem, ...]:
        unique(items)
        return items

    @field_validator("local_only", mode="before")
    @classmethod
    def _yes_or_whom(cls, given: Any) -> Any:
        if isinstance(given, bool | LocalOnly):
            return given
        if isinstance(given, dict):
            return LocalOnly.model_validate(given)
        raise ValueError("local_only is neither true nor false; write `true`, or `{allow: [http://127.0.0.1:8000]}`")

    @property
    def keeps_local(self) -> bool:
        """Whether people's words stay here."""
        return self.local_only is not False

    @property
    def allowed_servers(self) -> tuple[str, ...]:
        """The servers that may get people's words all the same."""
        return self.local_only.allow if isinstance(self.local_only, LocalOnly) else ()
