"""ToMi (Le et al. 2019): numbered sentences of who enters and leaves rooms and who moves things, one question a story.

What is read, and what it is taken to mean:

- `NAME entered the ROOM`, `NAME is in the ROOM`, `NAME exited the ROOM`: witnessed by all who are in that room.
- `The THING is in the BOX`: all who are in the thing's room see it. The story does not name that room: it is the one in
  which somebody first moves the thing, else the room last entered.
- `NAME moved the THING to the BOX`: witnessed by all who are in the same room as the one who moves it.
- `NAME loves|likes|hates|dislikes the THING`: noise, no event.
- Entering a room shows where the things in it are, to all who are in it, together. The set does not say so, but its
  labels do: with it all first-order labels agree (3,996 in train and val), without it 306 of them do not. The set's
  published generator agrees ("assume all containers are not enclosed").
- Whoever comes back to find a thing elsewhere than where it was left has reason to think that those it was left with
  saw it moved (DESIGN 7: `a>b` follows from what `a` has reason to think `b` witnessed). An event of kind `infer` says
  so, to that one alone, where they have gone meanwhile; it moves 98 of val's second-order answers, all to their labels.
- `Where was the THING at the beginning`, `Where is the THING really`, `Where will NAME look for the THING`, `Where does
  NAME think that NAME searches for the THING`: memory, reality, first_order, second_order.

Sentences that name a person who neither enters nor moves anything leave that person out of the cast. The same story
printed again with another question is one `Story` with several questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tertulia.environments.stories.story import WORLD, Question, Sentence, Story, StoryError
from tertulia.environments.world import Claim, Event
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.rows import Variable

ELSEWHERE = "elsewhere"
"""A thing can always be where nobody in the story has put it, so that one who has seen nothing is not certain."""

_NUMBERED = re.compile(r"(\d{1,9}) (.*)")
_ENTERED = re.compile(r"([A-Z]\w*) (?:entered|is in) the (\w+)\.?")
_EXITED = re.compile(r"([A-Z]\w*) exited the (\w+)\.?")
_PLACED = re.compile(r"The (\w+) is in the (\w+)\.?")
_MOVED = re.compile(r"([A-Z]\w*) moved the (\w+) to the (\w+)\.?")
_NOISE = re.compile(r"[A-Z]\w* (?:loves|likes|hates|dislikes) the \w+\.?")
_QUESTIONS = (
    ("memory", re.compile(r"Where was the (?P<thing>\w+) at the beginning\?")),
    ("reality", re.compile(r"Where is the (?P<thing>\w+) really\?")),
    ("first_order", re.compile(r"Where will (?P<one>\w+) look for the (?P<thing>\w+)\?")),
    ("second_order", re.compile(r"Where does (?P<one>\w+) think that (?P<two>\w+) searches for the (?P<thing>\w+)\?")),
)
_FORMS = "a sentence is like 'Ella entered the garage.', 'The lime is in the red_box.' or 'Ella exited the garage.'"
_ASKED = "a question is like 'Where will Ella look for the lime?', then a tab and the answer"


@dataclass(slots=True)
class _Block:
    """The lines of one numbered story: sentences, questions with how many sentences stand before them, and trouble."""

    line: int
    sentences: list[tuple[int, str]] = field(default_factory=list)
    questions: list[tuple[int, str, int]] = field(default_factory=list)
    trouble: StoryError | None = None

    def texts(self) -> list[str]:
        return [text for _, text in self.sentences]


def read(text: str, where: str) -> Iterator[Story | StoryError]:
    """The stories of a file. A story with a sentence that cannot be read, and a question that cannot be asked, is a
    `StoryError` instead."""
    same: list[_Block] = []
    number = 0
    for block in _blocks(text, where):
        if same and (block.trouble is not None or block.texts() != same[0].texts()):
            number += 1
            yield from _told(same, where, number)
            same = []
        if block.trouble is not None:
            yield block.trouble
        else:
            same.append(block)
    if same:
        yield from _told(same, where, number + 1)


def _blocks(text: str, where: str) -> Iterator[_Block]:
    """Number 1 begins a story, and numbers go on by one. After a line that cannot be read the rest of its story is left
    out; what stands before it keeps its questions."""
    block: _Block | None = None
    before = 0
    for line, raw in enumerate(text.split("\n"), 1):
        if not raw.strip():
            continue
        found = _NUMBERED.fullmatch(raw.strip())
        number = int(found[1]) if found else None
        if number == 1 or block is None:
            if block is not None:
                yield block
            block, before = _Block(line), 0
        if block.trouble is None:
            trouble = _trouble(number, before, raw)
            if trouble and block.questions:
                yield block
                block = _Block(line)
            if trouble:
                block.trouble = StoryError(where, line, trouble, "a line is like '1 Ella entered the garage.'")
            elif found:
                _take(block, line, found[2], where)
        before = number or before
    if block is not None:
        yield block


def _trouble(number: int | None, before: int, raw: str) -> str:
    """What is wrong with a line's number; nothing where it goes on by one."""
    if number is None:
        return f"no number before {quoted(raw)}"
    return "" if number == before + 1 else f"number {number} after {before}"


def _take(block: _Block, line: int, text: str, where: str) -> None:
    if "\t" in text or text.endswith("?"):
        block.questions.append((line, text, len(block.sentences)))
    elif any(form.fullmatch(text) for form in (_ENTERED, _EXITED, _PLACED, _MOVED, _NOISE)):
        block.sentences.append((line, text))
    else:
        block.trouble = StoryError(where, line, f"cannot read {quoted(text)}", _FORMS)


def _told(same: Sequence[_Block], where: str, number: int) -> Iterator[Story | StoryError]:
    """One story from blocks with the same sentences, after what is wrong with its questions."""
    first = same[0]
    telling = _Telling(first.texts())
    sentences = []
    try:
        for line, text in first.sentences:
            sentences.append(Sentence(text, telling.events(text), line))
    except ValueError as error:
        yield StoryError(where, line, str(error), "whoever acts must have entered before")
        return
    questions = []
    for block in same:
        for line, text, upto in block.questions:
            try:
                questions.append(_question(text, line, upto, telling))
            except StoryError as error:
                yield StoryError(where, line, error.wrong, error.right)
    variables = tuple(
        Variable(
            name=thing, values=(*telling.boxes, ELSEWHERE), truth=telling.box[thing],
            say=f"The {thing.replace('_', ' ')} is in the {{value}}.",
        )
        for thing in telling.box
    )  # fmt: skip
    yield Story(f"tomi-{number}", where, first.line, telling.cast, variables, tuple(sentences), tuple(questions))


def _question(text: str, line: int, upto: int, telling: _Telling) -> Question:
    asked, _, rest = text.partition("\t")
    answer = rest.split("\t")[0].strip()
    if not answer:
        raise StoryError("", line, f"no answer after {quoted(asked)}", _ASKED)
    for kind, form in _QUESTIONS:
        found = form.fullmatch(asked.strip())
        if found is None:
            continue
        named = found.groupdict()
        thing, names = named.pop("thing"), tuple(named.values())
        for name in names:
            if name not in telling.cast:
                wrong = f"{quoted(asked)} asks about {name}, who is not in this story"
                raise StoryError("", line, wrong, nearest(name, telling.cast))
        if thing not in telling.box:
            wrong = f"{quoted(asked)} asks about the {thing}, which is not in this story"
            raise StoryError("", line, wrong, nearest(thing, list(telling.box)))
        then = telling.placed[thing] + 1 if kind == "memory" else upto
        return Question(
            kind, asked, ">".join(names) or WORLD, thing, answer, then, line=line, tags={"order": len(names)}
        )
    raise StoryError("", line, f"cannot read the question {quoted(asked)}", _ASKED)


class _Telling:
    """Who and what is where while the sentences of one story go by."""

    def __init__(self, texts: Sequence[str]) -> None:
        actors = [found[1] for text in texts if (found := _ENTERED.fullmatch(text) or _MOVED.fullmatch(text))]
        self.cast = tuple(dict.fromkeys(actors))
        boxes = [found.groups()[-1] for text in texts if (found := _PLACED.fullmatch(text) or _MOVED.fullmatch(text))]
        self.boxes = tuple(dict.fromkeys(boxes))
        self.box: dict[str, str] = {}
        """Where each thing is."""
        self.placed: dict[str, int] = {}
        """The number of the sentence that first says where a thing is."""
        self._room: dict[str, str] = {}
        self._room_of: dict[str, str] = {}
        self._left: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
        """By person and thing in the room last left: where the thing was then, and who stayed with it."""
        self._moved_in = _rooms_of_first_moves(texts)
        self._last_entered: str | None = None
        self._number = -1

    def events(self, text: str) -> tuple[Event, ...]:
        """What a sentence tells of. Raises `ValueError` for an act that cannot be."""
        self._number += 1
        if found := _ENTERED.fullmatch(text):
            return self._entered(found[1], found[2], text)
        if found := _EXITED.fullmatch(text):
            return self._exited(found[1], found[2], text)
        if found := _PLACED.fullmatch(text):
            return self._put(found[1], found[2], None, text)
        if found := _MOVED.fullmatch(text):
            return self._put(found[2], found[3], found[1], text)
        return ()

    def _entered(self, name: str, room: str, text: str) -> tuple[Event, ...]:
        before = self._leave(name, f"{name} leaves.") if self._room.get(name, room) != room else ()
        self._room[name] = self._last_entered = room
        things = [thing for thing, place in self._room_of.items() if place == room]
        shown = tuple(Claim(variable=thing, value=self.box[thing]) for thing in things)
        here = self._here(room)
        entered = Event(kind="enter", actor=name, place=room, text=text, content=here, claims=shown)
        return (*before, entered, *self._inferred(name, room, here, things))

    def _inferred(self, name: str, room: str, here: tuple[str, ...], things: Sequence[str]) -> Iterator[Event]:
        """What one who comes back has reason to think of those who were left with a thing and have gone."""
        for thing in things:
            box, others = self._left.pop((name, thing), (self.box[thing], ()))
            gone = [one for one in others if one not in here]
            if box == self.box[thing] or not gone:
                continue
            text = f"{name} has reason to think that {' and '.join(gone)} saw the {thing} moved."
            claims = tuple(Claim(variable=thing, value=self.box[thing], believer=one) for one in gone)
            yield Event(kind="infer", place=room, text=text, content=(name,), claims=claims)

    def _exited(self, name: str, room: str, text: str) -> tuple[Event, ...]:
        if self._room.get(name) != room:
            raise ValueError(f"{name} exits the {room} without being in it")
        return self._leave(name, text)

    def _leave(self, name: str, text: str) -> tuple[Event, ...]:
        room = self._room[name]
        here = self._here(room)
        del self._room[name]
        others = self._here(room)
        self._left.update({(name, it): (self.box[it], others) for it, place in self._room_of.items() if place == room})
        return (Event(kind="leave", actor=name, place=room, text=text, content=here),)

    def _put(self, thing: str, box: str, name: str | None, text: str) -> tuple[Event, ...]:
        if name is not None and name not in self._room:
            raise ValueError(f"{name} moves the {thing} without being in a room")
        room = self._room[name] if name else self._moved_in.get(thing, self._last_entered)
        self.box[thing] = box
        self.placed.setdefault(thing, self._number)
        if room is not None:
            self._room_of[thing] = room
        shown = (Claim(variable=thing, value=box),)
        kind = "move" if name else "place"
        return (Event(kind=kind, actor=name, place=room, text=text, content=self._here(room), claims=shown),)

    def _here(self, room: str | None) -> tuple[str, ...]:
        return tuple(name for name in self.cast if room is not None and self._room.get(name) == room)


def _rooms_of_first_moves(texts: Sequence[str]) -> dict[str, str]:
    """By thing, the room of the one who first moves it, at that moment."""
    room: dict[str, str] = {}
    found: dict[str, str] = {}
    for text in texts:
        if entered := _ENTERED.fullmatch(text):
            room[entered[1]] = entered[2]
        elif exited := _EXITED.fullmatch(text):
            room.pop(exited[1], None)
        elif (moved := _MOVED.fullmatch(text)) and moved[1] in room:
            found.setdefault(moved[2], room[moved[1]])
    return found
