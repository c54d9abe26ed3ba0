"""Hi-ToM (He et al. 2023): rooms that people come into and leave, things they move, claims they make, orders 0 to 4.

The file is JSON: `{"data": [item, ...]}`, each item a story, one question with options, and the set's label. What a
story's numbered sentences are taken to mean:

- `A, B and C entered the ROOM`: they come in together; whoever was somewhere else leaves there first. Coming in shows
  nothing: what is where, one sees when the story states it or somebody moves it.
- `A exited the ROOM`: witnessed by all who are in that room, A among them.
- `The THING is in the BOX`: seen by all who are in the room last entered.
- `A moved the THING to the BOX`, `A made no movements and stayed in the ROOM ...`: seen by all in A's room.
- `A publicly claimed that THING is in the BOX`: A's word to everybody in the story, wherever they are.
- `A privately told B that the THING is in the BOX`: A's word to B; nobody else notices.
- `A saw a cat`, `A lost his phone`, `A likes|dislikes the ...`: noise, no event.

Sentences before number 1 are the prompt. Items with the same numbered sentences are one `Story`; its questions have
the item's place in the file as their line. `hi_tom_rules` has the set's own conventions (`--rules hi-tom`) and says why
a label is not gold's answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tertulia.environments.stories.hi_tom_rules import CONVENTIONS, explain
from tertulia.environments.stories.story import WORLD, Question, Sentence, Story, StoryError
from tertulia.environments.world import Claim, Event
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.rows import Variable

__all__ = ["CONVENTIONS", "COUNTED_BY", "RULE", "explain", "read"]

RULE = "later-exit"
"""The trust rule that the set's authors state; who says nothing else is answered with it."""
COUNTED_BY = ("deception", "half")
"""Tags by which agreement is counted too. The conventions were fitted on the half `fit` (even sample ids)."""


_NUMBERED = re.compile(r"(\d+) (.+)")
_NAMES = r"([A-Z]\w*(?:, [A-Z]\w*)*(?: and [A-Z]\w*)?)"
_ENTERED = re.compile(_NAMES + r" entered the (\w+)\.")
_EXITED = re.compile(_NAMES + r" (?:exited|left) the (\w+)\.")
_PLACED = re.compile(r"The (\w+) is in the (\w+)\.")
_MOVED = re.compile(r"([A-Z]\w*) moved the (\w+) to the (\w+)\.")
_STAYED = re.compile(r"([A-Z]\w*) made no movements and stayed in the (\w+) for \d+ minutes?\.")
_CLAIMED = re.compile(r"([A-Z]\w*) publicly claimed that (?:the )?(\w+) is in the (\w+)(?: now)?\.")
_TOLD = re.compile(r"([A-Z]\w*) privately told ([A-Z]\w*) that (?:the )?(\w+) is in the (\w+)(?: now)?\.")
_NOISE = re.compile(r"[A-Z]\w* (?:saw an? \w+|lost (?:his|her|their) \w+|(?:dis)?likes the \w+)\.")
_FORMS = "a sentence is like 'Ella and Owen entered the den.', 'Ella moved the lime to the red_box.', 'Ella saw a cat.'"

_REALITY = re.compile(r"Where is the (?P<thing>\w+) really\?")
_BELIEF = re.compile(
    r"Where does (?P<chain>[A-Z]\w*(?: thinks? [A-Z]\w*)*) (?:really )?thinks? the (?P<thing>\w+) is\?"
)
_LIKE = "a question is like 'Where does Ella think Owen thinks the lime is?'"
_OPTION = re.compile(r"[A-Z]\. ([^,]+)")
_TEXTS = ("story", "question", "choices", "answer")
_TAGS = ("deception", "story_length", "prompting_type", "sample_id")


def read(text: str, where: str) -> Iterator[Story | StoryError]:
    """The stories of a file, in the order of their first items; a `StoryError` in place of each item that cannot be
    read."""
    try:
        items = json.loads(text)["data"]
        if not isinstance(items, list):
            raise TypeError
    except json.JSONDecodeError as error:
        yield StoryError(where, error.lineno, f"this is not JSON: {error.msg}", 'the file is like {"data": [...]}')
        return
    except (KeyError, TypeError):
        yield StoryError(where, None, "there is no list 'data' in it", 'the file is like {"data": [...]}')
        return
    told: dict[tuple[str, ...], list[tuple[int, Mapping[str, Any]]]] = {}
    for number, item in enumerate(items, 1):
        trouble = _trouble(item, f"{where} item {number}")
        if trouble is not None:
            yield trouble
        else:
            told.setdefault(_numbered(item["story"]), []).append((number, item))
    for lines, same in told.items():
        yield from _story(lines, same, where)


def _trouble(item: Any, where: str) -> StoryError | None:
    """What is wrong with an item's keys, if anything."""
    right = f"an item has the texts {', '.join(_TEXTS)} and the number question_order"
    if not isinstance(item, dict):
        return StoryError(where, None, f"{quoted(item)} is no item", right)
    for key in _TEXTS:
        if not isinstance(item.get(key), str):
            return StoryError(where, None, f"'{key}' is {quoted(item.get(key))}", right)
    if not _numbered(item["story"]):
        return StoryError(where, None, "the story has no sentence 1", "a line is like '1 Ella entered the den.'")
    return None


def _numbered(story: str) -> tuple[str, ...]:
    """The lines of a story from number 1 on."""
    lines = [line.strip() for line in story.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if line.startswith("1 ")), len(lines))
    return tuple(lines[first:])


def _story(
    lines: tuple[str, ...], same: Sequence[tuple[int, Mapping[str, Any]]], where: str
) -> Iterator[Story | StoryError]:
    """One story with the questions of all items that tell it."""
    telling = _Telling(lines)
    sentences: list[Sentence] = []
    for line in lines:
        try:
            sentences.append(telling.sentence(line))
        except _WrongError as error:
            for number, _ in same:
                yield StoryError(f"{where} item {number}", len(sentences) + 1, error.wrong, error.right)
            return
    questions = []
    for number, item in same:
        try:
            questions.append(_question(item, number, telling))
        except _WrongError as error:
            yield StoryError(f"{where} item {number}", None, error.wrong, error.right)
    if questions:
        options = [option for question in questions for option in question.choices]
        first = same[0][1].get("sample_id", same[0][0])
        yield Story(
            f"hi-tom-{first}", where, same[0][0], telling.cast, telling.variables(options), tuple(sentences),
            tuple(questions),
        )  # fmt: skip


def _question(item: Mapping[str, Any], number: int, telling: _Telling) -> Question:
    text = item["question"].strip()
    found = _REALITY.fullmatch(text) or _BELIEF.fullmatch(text)
    if found is None:
        raise _WrongError(f"cannot read the question {quoted(text)}", _LIKE)
    names = re.split(r" thinks? ", found["chain"]) if found.re is _BELIEF else []
    for name in names:
        if name not in telling.cast:
            raise _WrongError(f"{quoted(text)} asks about {name}, who is not in the story", nearest(name, telling.cast))
    thing = found["thing"]
    if thing not in telling.box:
        wrong = f"{quoted(text)} asks about the {thing}, which is not in the story"
        raise _WrongError(wrong, nearest(thing, list(telling.box)))
    if item.get("question_order", len(names)) != len(names):
        wrong = f"question_order is {quoted(item['question_order'])}, but {quoted(text)} is of order {len(names)}"
        raise _WrongError(wrong, "the order is the number of people whose belief is asked for")
    tags = {"order": len(names), **{key: item[key] for key in _TAGS if key in item}}
    if isinstance(sample := item.get("sample_id"), int):
        tags["half"] = "held out" if sample % 2 else "fit"
    choices = tuple(option.strip() for option in _OPTION.findall(item["choices"]))
    chain = ">".join(names) or WORLD
    return Question(
        f"order-{len(names)}", text, chain, thing, item["answer"].strip(), choices=choices, line=number, tags=tags
    )


class _WrongError(ValueError):
    """What cannot be, and what would be right."""

    def __init__(self, wrong: str, right: str) -> None:
        super().__init__(wrong)
        self.wrong, self.right = wrong, right


@dataclass(slots=True)
class _Telling:
    """Who and what is where while the sentences of one story go by."""

    lines: tuple[str, ...]
    cast: tuple[str, ...] = ()
    box: dict[str, str] = field(default_factory=dict)
    """Where each thing is."""
    _boxes: list[str] = field(default_factory=list)
    _room: dict[str, str] = field(default_factory=dict)
    _last_entered: str | None = None
    _number: int = 0

    def __post_init__(self) -> None:
        self.cast = tuple(dict.fromkeys(name for line in self.lines for name in _acting(line.partition(" ")[2])))

    def variables(self, options: Sequence[str]) -> tuple[Variable, ...]:
        """Where each thing is: one of the options, or another place that the story names."""
        values = tuple(dict.fromkeys([*options, *self._boxes]))
        return tuple(
            Variable(name=thing, values=values, truth=box, say=f"The {thing.replace('_', ' ')} is in the {{value}}.")
            for thing, box in self.box.items()
        )

    def sentence(self, line: str) -> Sentence:
        """Raises `_WrongError` for a line that cannot be read, and for what cannot be."""
        self._number += 1
        numbered = _NUMBERED.fullmatch(line)
        if numbered is None or int(numbered[1]) != self._number:
            raise _WrongError(
                f"line {self._number} is {quoted(line)}", f"a line is like '{self._number} Ella entered the den.'"
            )
        return Sentence(numbered[2], tuple(self._events(numbered[2])), self._number)

    def _events(self, text: str) -> Iterator[Event]:
        if found := _ENTERED.fullmatch(text):
            yield from self._enter(_split(found[1]), found[2])
        elif found := _EXITED.fullmatch(text):
            for name in _split(found[1]):
                yield self._leave(name, self._in(name, found[2]))
        elif found := _PLACED.fullmatch(text):
            if self._last_entered is None:
                raise _WrongError(f"{quoted(text)}, and nobody has come into a room yet", "first, somebody enters")
            yield self._show("place", None, self._last_entered, found[1], found[2], text)
        elif found := _MOVED.fullmatch(text):
            yield self._show("move", found[1], self._in(found[1]), found[2], found[3], text)
        elif found := _STAYED.fullmatch(text):
            place = self._in(found[1], found[2])
            yield Event(kind="stay", actor=found[1], place=place, text=text, content=self._here(place))
        elif found := _CLAIMED.fullmatch(text):
            yield self._say("say", found[1], (), self.cast, found[2], found[3], text)
        elif found := _TOLD.fullmatch(text):
            yield self._say("whisper", found[1], (found[2],), (found[1], found[2]), found[3], found[4], text)
        elif not _NOISE.fullmatch(text):
            raise _WrongError(f"cannot read {quoted(text)}", _FORMS)

    def _enter(self, names: Sequence[str], room: str) -> Iterator[Event]:
        for name in names:
            if self._room.get(name, room) != room:
                yield self._leave(name, self._room[name])
        self._room.update(dict.fromkeys(names, room))
        self._last_entered = room
        for name in names:
            yield Event(
                kind="enter", actor=name, place=room, text=f"{name} entered the {room}.", content=self._here(room)
            )

    def _leave(self, name: str, room: str) -> Event:
        here = self._here(room)
        del self._room[name]
        return Event(kind="leave", actor=name, place=room, text=f"{name} exited the {room}.", content=here)

    def _show(self, kind: str, name: str | None, place: str, thing: str, box: str, text: str) -> Event:
        self.box[thing] = box
        self._boxes.append(box)
        shown = (Claim(variable=thing, value=box),)
        return Event(kind=kind, actor=name, place=place, text=text, content=self._here(place), claims=shown)

    def _say(
        self, kind: str, name: str, to: tuple[str, ...], heard: tuple[str, ...], thing: str, box: str, text: str
    ) -> Event:
        if thing not in self.box:
            wrong = f"{name} speaks of the {thing}, which is not in the story yet"
            raise _WrongError(wrong, nearest(thing, list(self.box)))
        self._boxes.append(box)
        said = (Claim(variable=thing, value=box),)
        place = self._room.get(name)
        return Event(kind=kind, actor=name, place=place, addressees=to, text=text, content=heard, claims=said)

    def _in(self, name: str, room: str | None = None) -> str:
        """The room somebody is in, which has to be `room` where one is named."""
        now = self._room.get(name)
        if now is None or room not in (None, now):
            wanted = f"is not in the {room}" if room else "is in no room"
            raise _WrongError(f"{name} {wanted} at this moment", "whoever exits, stays or moves things has entered")
        return now

    def _here(self, room: str) -> tuple[str, ...]:
        return tuple(name for name in self.cast if self._room.get(name) == room)


def _split(names: str) -> list[str]:
    return re.split(r", | and ", names)


def _acting(text: str) -> list[str]:
    """Those who do something in a sentence, or are spoken to; one whom only noise names is not in the story."""
    if found := _ENTERED.fullmatch(text) or _EXITED.fullmatch(text):
        return _split(found[1])
    if found := _TOLD.fullmatch(text):
        return [found[1], found[2]]
    found = _MOVED.fullmatch(text) or _STAYED.fullmatch(text) or _CLAIMED.fullmatch(text)
    return [found[1]] if found else []
