"""A story as data: who is in it, what happens before whose eyes, and what is asked at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tertulia.environments.world import Event
from tertulia.storage.rows import WORLD, Variable

__all__ = ["WORLD", "Question", "Sentence", "Story", "StoryError"]


class StoryError(ValueError):
    """A line of a story file that cannot be read: one line that says where, what, and what would be right."""

    def __init__(self, where: str, line: int | None, wrong: str, right: str) -> None:
        place = where if line is None else f"{where}:{line}"
        super().__init__(f"{place}: {wrong}; {right}")
        self.where, self.line, self.wrong, self.right = where, line, wrong, right


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a story with the events it tells of; none where it is only noise.

    Events are those of the world contract: `content`, `glimpsed` and `unnoticed` name the witnesses, `claims` what was
    to be seen (any kind of event) or what was said to be so (`say`, `whisper`); `leave` and `enter` have `actor` and
    `place`. An event of kind `infer` is nothing that happens: its only witness has reason to think what it claims about
    another's belief. It is there for gold, and is not shown to who lives through the story.
    """

    text: str
    events: tuple[Event, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the value of `variable` along `chain`, after the first `upto` sentences (None: after all).

    The chain `world` asks what is so. `kind` is what agreement is counted by (`memory`, `reality`, `first_order`, ...).
    `answer` is the set's own label, `choices` its options where it offers some.
    """

    kind: str
    text: str
    chain: str
    variable: str
    answer: str
    upto: int | None = None
    choices: tuple[str, ...] = ()
    line: int | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    """What else agreement may be counted by: `deception`, `order`, `length`, `condition`, ..."""


@dataclass(frozen=True, slots=True)
class Story:
    """One story of a set. `variables` have their final truth as `truth`."""

    id: str
    where: str
    """The file it stands in."""
    line: int | None
    cast: tuple[str, ...]
    variables: tuple[Variable, ...]
    sentences: tuple[Sentence, ...]
    questions: tuple[Question, ...]
