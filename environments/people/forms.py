"""Questionnaires: what people are asked before and after, and how what they answer is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tertulia.environments.people.errors import Unreadable
from tertulia.storage.nearest import nearest

FORMS = ("before", "after")
LONGEST_ANSWER = 4000
_TITLES = {"before": "Before you begin", "after": "Now that it is over"}


class FormItem(BaseModel):
    """One item of a questionnaire: a statement to rate, a question with choices, or one to answer in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
    """By which its answers are found in the log; once a form."""
    kind: Literal["likert", "choice", "text"]
    """A number of a scale, one of some choices, or a person's own words."""
    ask: Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
    """The statement or question, as it is shown."""
    scale: Annotated[int, Field(strict=True, ge=2, le=11)] = 7
    """With `likert`: from 1 to this number."""
    labels: tuple[str, ...] = ()
    """With `likert`: what the ends of the scale mean (two labels), or each of its numbers."""
    choices: tuple[str, ...] = ()
    """With `choice`: what can be chosen, in this order."""
    check: str | int | None = None
    """An attention check: what is right. Whether it was answered so is kept; the person is not told."""
    required: bool = False
    """Whether it must be answered. Without it, an item may be skipped."""

    @field_validator("check", mode="before")
    @classmethod
    def _word(cls, check: Any) -> Any:
        return str(check).lower() if isinstance(check, bool) else check

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind == "choice" and (len(self.choices) < 2 or len(set(self.choices)) < len(self.choices)):
            raise ValueError("a choice needs at least two different choices; write `choices: [yes, no]`")
        if self.kind != "choice" and self.choices:
            raise ValueError(f"`choices` is for `kind: choice`; this is `{self.kind}`")
        if self.kind != "likert" and self.labels:
            raise ValueError(f"`labels` is for `kind: likert`; this is `{self.kind}`")
        if self.labels and len(self.labels) not in (2, self.scale):
            raise ValueError(f"{len(self.labels)} labels for a scale of {self.scale}; give 2 or {self.scale}")
        if self.check is not None:
            try:
                self.read(self.check)
            except Unreadable as problem:
                raise ValueError(f"`check` is no possible answer: {problem}; give one that is") from None
        return self

    def message(self) -> dict[str, Any]:
        """The item as its person is shown it: never what is right."""
        return {
            "name": self.name, "kind": self.kind, "ask": self.ask, "required": self.required,
            "scale": self.scale if self.kind == "likert" else None, "labels": list(self.labels),
            "choices": list(self.choices),
        }  # fmt: skip

    def read(self, given: Any) -> Any:
        """An answer as it is kept; None where it is skipped. Raises `Unreadable`."""
        if given is None or (isinstance(given, str) and not given.strip()):
            if self.required:
                raise Unreadable("this one needs an answer")
            return None
        if self.kind == "likert":
            text = str(given).strip()
            if isinstance(given, bool) or not text.isascii() or not text.isdigit() or not 1 <= int(text) <= self.scale:
                raise Unreadable(f"give a number from 1 to {self.scale}")
            return int(text)
        text = str(given).strip()
        if self.kind == "choice":
            if text not in self.choices:
                raise Unreadable(f"'{text}' is not one of the choices; {nearest(text, self.choices)}")
        elif len(text) > LONGEST_ANSWER:
            raise Unreadable(f"{len(text)} characters; give at most {LONGEST_ANSWER}")
        return text

    def correct(self, answer: Any) -> bool | None:
        """Whether an attention check was answered as asked; None for an item that is none."""
        if self.check is None:
            return None
        right = self.read(self.check)
        if isinstance(answer, str) and isinstance(right, str):
            return answer.casefold() == right.casefold()
        return bool(answer == right)


def unique(items: Sequence[FormItem]) -> None:
    """Raises `ValueError` where two items of a form have one name."""
    twice = [name for name, count in Counter(item.name for item in items).items() if count > 1]
    if twice:
        raise ValueError(f"two items are called '{twice[0]}'; give each a name of its own")


def form_message(form: str, items: Sequence[FormItem]) -> dict[str, Any]:
    """A whole form as its person is shown it."""
    return {"kind": "form", "id": form, "title": _TITLES[form], "items": [item.message() for item in items]}


def read_answers(items: Sequence[FormItem], given: Mapping[str, Any]) -> dict[str, Any]:
    """All answers of a form, by item, None for those skipped. Raises `Unreadable` for the first that cannot be."""
    names = [item.name for item in items]
    strange = next((name for name in given if name not in names), None)
    if strange is not None:
        raise Unreadable(f"no item '{strange}'; {nearest(strange, names)}")
    found = {}
    for item in items:
        try:
            found[item.name] = item.read(given.get(item.name))
        except Unreadable as problem:
            raise Unreadable(f"{item.name}: {problem}") from None
    return found
