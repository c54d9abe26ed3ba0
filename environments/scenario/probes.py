"""The key `probes` of a scenario: who is asked what, when, out of band."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tertulia.storage.nearest import nearest, quoted

BELIEFS = "beliefs"
OTHER = "{other}"
LONGEST_QUESTION = 400
RELATIONS = ("cooperative", "competitive", "independent")

NAMED: dict[str, tuple[str, tuple[str, ...]]] = {
    "next_step": ("What will {other} say or do next?", ()),
    "holding": ("What does {other} have or hold at this moment, as far as you can tell?", ()),
    "relation": ("How does {other} stand to you in this: with you, against you, or neither?", RELATIONS),
    "sees": ("What can {other} see or hear at this moment? Say so if you cannot know.", ()),
}  # fmt: skip
"""Questions by name, after the online probes of SoMi-ToM (its topics, our words), with the choices there are."""

_BRACED = re.compile(r"\{[^{}]*\}")


def read_question(given: str, choices: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...]]:
    """A question in words, or by name, with its choices. Raises `ValueError`: what is wrong; what would be right."""
    text = " ".join(given.split())
    if text in NAMED:
        words, own = NAMED[text]
        return words, choices or own
    if not text or len(text) > LONGEST_QUESTION:
        raise ValueError(f"a question of {len(text)} characters; give it 1 to {LONGEST_QUESTION}")
    if re.fullmatch(r"[\w-]+", text):
        raise ValueError(f"no question '{text}'; {nearest(text, [BELIEFS, *NAMED])}; or write the question out")
    strange = next((found for found in _BRACED.findall(text) if found != OTHER), None)
    if strange is not None:
        raise ValueError(f"{strange} stands in a question; only {OTHER}, for each other participant, is filled in")
    return text, choices


class ProbeSpec(BaseModel):
    """Questions put to copied minds while the episode plays, out of band: it goes on as if they had not been asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: Annotated[int, Field(strict=True, ge=1)] | None = None
    """At every so-manieth turn: 4 asks at turns 4, 8, 12, ... Give this or `at`."""
    at: Annotated[tuple[Annotated[int, Field(strict=True, ge=1)], ...], Field(min_length=1)] | None = None
    """At these turns, as far as the episode gets there."""
    of: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Who is asked, by name; without it, everybody."""
    ask: str | tuple[str, ...]
    """`beliefs`, a question by name, a question in words, or a list of these. `{other}` makes it one question about
    each other participant."""
    choices: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """The answers to choose from, so that they can be scored; without them, a sentence or two."""
    order: Annotated[int, Field(strict=True, ge=1, le=4)] | None = None
    """With `beliefs`: how deep chains go; without it, as deep as the mind asked."""

    @field_validator("ask")
    @classmethod
    def _known(cls, ask: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not ask:
            raise ValueError("nothing is asked; write `ask: beliefs`, or a question")
        for one in (ask,) if isinstance(ask, str) else ask:
            if one != BELIEFS:
                read_question(one)
        return ask

    @field_validator("choices")
    @classmethod
    def _distinct(cls, choices: tuple[str, ...] | None) -> tuple[str, ...] | None:
        twice = next((one for one in choices or () if (choices or ()).count(one) > 1 or not one.strip()), None)
        if twice is not None:
            raise ValueError(f"{quoted(twice)} is empty or stands twice among the choices; give different words")
        return choices

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.every is None) == (self.at is None):
            raise ValueError("one of `every` and `at` says when to ask; write `every: 4` or `at: [3, 9]`")
        asks_beliefs = BELIEFS in self.questions
        if self.choices and asks_beliefs:
            raise ValueError("beliefs have no choices; give the question with choices an item of its own")
        if self.order is not None and not asks_beliefs:
            raise ValueError("`order` is for beliefs; take `order` away, or write `ask: beliefs`")
        return self

    @property
    def questions(self) -> tuple[str, ...]:
        return (self.ask,) if isinstance(self.ask, str) else self.ask

    def is_due(self, turn: int) -> bool:
        """Whether it asks at this turn."""
        return turn > 0 and turn % self.every == 0 if self.every is not None else turn in (self.at or ())


class Planned(BaseModel):
    """One probe: one question to one copied mind."""

    model_config = ConfigDict(frozen=True)

    participant: str
    kind: Literal["ask", "beliefs"]
    question: str
    about: str | None = None
    choices: tuple[str, ...] = ()
    order: int | None = None


def beliefs_of(participant: str, order: int | None = None) -> Planned:
    """The probe that asks for everything believed."""
    return Planned(participant=participant, kind="beliefs", question="What do you believe?", order=order)


def questions_to(participant: str, cast: tuple[str, ...], asked: str, choices: tuple[str, ...] = ()) -> list[Planned]:
    """A question as it is put to one mind: once, or about each other participant. Raises `ValueError`."""
    text, offered = read_question(asked, choices)
    about: list[Any] = [name for name in cast if name != participant] if OTHER in text else [None]
    return [
        Planned(
            participant=participant, kind="ask", question=text.replace(OTHER, other or ""), about=other, choices=offered
        )
        for other in about
    ]  # fmt: skip


def planned_by(spec: ProbeSpec, cast: tuple[str, ...]) -> list[Planned]:
    """All probes of one item of the list, by seat order, then in the order in which the file asks."""
    found: list[Planned] = []
    for name in cast:
        if spec.of is None or name in spec.of:
            for asked in spec.questions:
                if asked == BELIEFS:
                    found.append(beliefs_of(name, spec.order))
                else:
                    found += questions_to(name, cast, asked, spec.choices or ())
    return found
