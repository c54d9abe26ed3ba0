"""Stories of one's own, as YAML: who comes and goes, what is done before whose eyes, what is said, what is asked.

A file holds one story, or several as a list. Whoever is in the place of a sentence witnesses it, unless `seen_by` names
others; entering shows nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tertulia.environments.stories.story import WORLD, Question, Sentence, Story, StoryError
from tertulia.environments.world import Claim, Event
from tertulia.storage.nearest import nearest
from tertulia.storage.rows import Variable

Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
"""One name, or a list of names."""
Facts = dict[str, str]
_FORM = "write {story: NAME, cast: [...], things: {...}, sentences: [...], questions: [...]}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Thing(_Part):
    """What can be believed: its values, and how one is put into words."""

    values: Annotated[tuple[str, ...], Field(min_length=2)]
    say: str | None = None


class _Line(_Part):
    """A sentence. `enter` and `leave` move people, `shows` is what is to be seen, `says` what `by` claims."""

    text: str
    enter: Names = ()
    leave: Names = ()
    by: str | None = None
    place: str | None = None
    shows: Facts = {}
    says: Facts = {}
    seen_by: Names | None = None
    unnoticed: Names = ()


class _Asked(_Part):
    """A question: the value of `about` along the chain `of`, after the first `upto` sentences, by default all."""

    kind: str
    ask: str
    about: str
    answer: str
    of: str = WORLD
    upto: Annotated[int, Field(ge=0)] | None = None
    choices: tuple[str, ...] = ()


class _Written(_Part):
    story: str
    cast: Annotated[tuple[str, ...], Field(min_length=1)]
    things: Annotated[dict[str, _Thing], Field(min_length=1)]
    sentences: Annotated[tuple[_Line, ...], Field(min_length=1)]
    questions: Annotated[tuple[_Asked, ...], Field(min_length=1)]


def read(text: str, where: str) -> Iterator[Story | StoryError]:
    """The stories of a file; a `StoryError` in place of each that cannot be read."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read"
        yield StoryError(where, mark.line + 1 if mark else None, f"not YAML: {problem}", _FORM)
        return
    for number, one in enumerate(data if isinstance(data, list) else [data]):
        try:
            yield _story(_Written.model_validate(one), where)
        except ValidationError as error:
            first = error.errors()[0]
            path = ".".join(str(step) for step in first["loc"]) or "the story"
            yield StoryError(where, None, f"story {number}: {path}: {first['msg'].lower()}", _FORM)
        except _Wrong as error:
            yield StoryError(where, None, f"{one['story']}: {error.wrong}", error.right)


class _Wrong(ValueError):
    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(wrong)
        self.wrong, self.right = wrong, right


def _story(written: _Written, where: str) -> Story:
    told = _Telling(written)
    sentences = tuple(Sentence(line.text, told.events(line)) for line in written.sentences)
    variables = tuple(
        Variable(name=name, values=thing.values, truth=told.truth.get(name), say=thing.say)
        for name, thing in written.things.items()
    )
    questions = tuple(_question(written, asked) for asked in written.questions)
    return Story(written.story, where, None, written.cast, variables, sentences, questions)


def _question(written: _Written, asked: _Asked) -> Question:
    if asked.about not in written.things:
        raise _Wrong(f"'{asked.ask}' is about '{asked.about}'", nearest(asked.about, list(written.things)))
    if asked.answer not in written.things[asked.about].values:
        right = nearest(asked.answer, list(written.things[asked.about].values))
        raise _Wrong(f"'{asked.ask}' is answered by '{asked.answer}'", right)
    for name in asked.of.split(">"):
        if name not in (*written.cast, WORLD):
            raise _Wrong(f"'{asked.ask}' is about '{name}', who is not in the cast", nearest(name, list(written.cast)))
    if asked.upto is not None and asked.upto > len(written.sentences):
        raise _Wrong(f"'{asked.ask}' is about sentence {asked.upto}", f"there are {len(written.sentences)}")
    return Question(asked.kind, asked.ask, asked.of, asked.about, asked.answer, asked.upto, asked.choices)


class _Telling:
    """Who is where, and what is so, as the sentences go on."""

    def __init__(self, written: _Written) -> None:
        self.written = written
        self.place: dict[str, str] = {}
        self.truth: dict[str, str] = {}

    def events(self, line: _Line) -> tuple[Event, ...]:
        for name in (
            *line.enter,
            *line.leave,
            *(line.seen_by or ()),
            *line.unnoticed,
            *((line.by,) if line.by else ()),
        ):
            if name not in self.written.cast:
                raise _Wrong(f"'{line.text}': nobody is called '{name}'", nearest(name, list(self.written.cast)))
        place = line.place or next((self.place[n] for n in (line.by, *line.leave) if n in self.place), None)
        found = [self._entered(name, place, line) for name in line.enter]
        if line.shows or not (line.enter or line.leave or line.says):
            found.append(self._event("act", line, place, self._claims(line.shows, line)))
            self.truth |= line.shows
        if line.says:
            found.append(self._event("say", line, place, self._claims(line.says, line)))
        return (*found, *(self._left(name, place, line) for name in line.leave))

    def _entered(self, name: str, place: str | None, line: _Line) -> Event:
        if place is None:
            raise _Wrong(f"'{line.text}': nobody can tell where", "add `place: ...`")
        self.place[name] = place
        return self._event("enter", line.model_copy(update={"by": name}), place)

    def _left(self, name: str, place: str | None, line: _Line) -> Event:
        event = self._event("leave", line.model_copy(update={"by": name}), place)
        self.place.pop(name, None)
        return event

    def _event(self, kind: str, line: _Line, place: str | None, claims: tuple[Claim, ...] = ()) -> Event:
        here = [n for n in self.written.cast if place is not None and self.place.get(n) == place]
        names = list(line.seen_by if line.seen_by is not None else here)
        content = tuple(name for name in self.written.cast if name in (*names, *line.unnoticed))
        return Event(
            kind=kind, text=line.text, actor=line.by, place=place, content=content, unnoticed=line.unnoticed,
            claims=claims, origin="scripted",
        )  # fmt: skip

    def _claims(self, facts: Facts, line: _Line) -> tuple[Claim, ...]:
        for name, value in facts.items():
            values: Any = self.written.things[name].values if name in self.written.things else None
            if values is None:
                raise _Wrong(f"'{line.text}': nothing is called '{name}'", nearest(name, list(self.written.things)))
            if value not in values:
                raise _Wrong(f"'{line.text}': {name} is never '{value}'", nearest(value, list(values)))
        return tuple(Claim(variable=name, value=value) for name, value in facts.items())
