"""New skins for old stories: other names, other things, other words, and the same answers.

The published sets are in the training data of the models that are tested on them. A skin is drawn from a seed and is
one to one: story, question, choices and labels change alike, so that gold of the new story is the new word for gold of
the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from random import Random
from typing import Literal

from tertulia.environments.stories.story import Question, Sentence, Story
from tertulia.environments.stories.wording import reworded
from tertulia.environments.world import Claim, Event
from tertulia.storage.rows import WORLD, Variable

SkinName = Literal["names", "objects", "wording"]

_NAMES = (
    "Ulla Bram Ines Otto Zofia Milo Tove Ravi Petra Lars Yuki Nadia Hugo Freya Amir Greta Selma Karl Odile Tariq Maeve "
    "Sven Dunja Ivo"
).split()
_ROOMS = (
    "foundry atrium orangery boathouse granary vestry parlour scullery observatory chapel mezzanine stables bakery "
    "gallery smithy armoury"
).split()
_THINGS = (
    "kazoo thimble compass locket abacus whistle marble ladle bobbin sextant trowel candle domino flute spindle anvil "
    "lantern medal"
).split()
_BOXES = tuple(
    f"{stuff}_{box}"
    for box in "hamper urn satchel trunk cask pouch locker tub".split()
    for stuff in "oak tin wicker slate amber felt copper ivory".split()
)
_WORD = re.compile(r"\w+")
_LIKED = re.compile(r"\b([A-Z]\w*) (?:loves|likes|hates|dislikes) the (\w+)")


@dataclass(frozen=True)
class Skin:
    """One to one between old words and new. `forms` is the seed of the wording; None leaves sentences as they are."""

    words: dict[str, str] = field(default_factory=dict)
    forms: str | None = None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _any_of(self.words)

    @cached_property
    def _old(self) -> dict[str, str]:
        return {new: old for old, new in self.words.items()}

    def word(self, text: str) -> str:
        """A name, a value, a chain or a text with every old word replaced, all at once."""
        return self._pattern.sub(lambda found: self.words[found[0]], text)

    def back(self, text: str) -> str:
        """The old name, value or chain for a new one."""
        return _any_of(self._old).sub(lambda found: self._old[found[0]], text)

    def over(self, story: Story) -> Story:
        """The story in this skin."""
        return replace(
            story,
            cast=tuple(map(self.word, story.cast)),
            variables=tuple(map(self._variable, story.variables)),
            sentences=tuple(map(self._sentence, story.sentences)),
            questions=tuple(map(self._question, story.questions)),
        )

    def _text(self, text: str) -> str:
        """Words for people to read: new words first, then another way to say it."""
        new = self.word(text)
        return new if self.forms is None else reworded(new, self.forms)

    def _all(self, words: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(self.word, words))

    def _variable(self, variable: Variable) -> Variable:
        changes = {
            "name": self.word(variable.name),
            "values": self._all(variable.values),
            "truth": variable.truth and self.word(variable.truth),
            "holder": variable.holder and self.word(variable.holder),
            "say": variable.say and self.word(variable.say),
            "known_to": self._all(variable.known_to),
        }
        return variable.model_copy(update=changes)

    def _sentence(self, sentence: Sentence) -> Sentence:
        return replace(sentence, text=self._text(sentence.text), events=tuple(map(self._event, sentence.events)))

    def _event(self, event: Event) -> Event:
        changes = {
            "text": self._text(event.text),
            "actor": event.actor and self.word(event.actor),
            "occurrence": event.occurrence and self._text(event.occurrence),
            "place": event.place and self.word(event.place),
            "addressees": self._all(event.addressees),
            "content": self._all(event.content),
            "glimpsed": self._all(event.glimpsed),
            "unnoticed": self._all(event.unnoticed),
            "claims": tuple(map(self._claim, event.claims)),
        }
        return event.model_copy(update=changes)

    def _claim(self, claim: Claim) -> Claim:
        believer = claim.believer and self.word(claim.believer)
        changes = {"variable": self.word(claim.variable), "value": self.word(claim.value), "believer": believer}
        return claim.model_copy(update=changes)

    def _question(self, question: Question) -> Question:
        return replace(
            question,
            text=self._text(question.text),
            chain=question.chain if question.chain == WORLD else self.word(question.chain),
            variable=self.word(question.variable),
            answer=self.word(question.answer),
            choices=self._all(question.choices),
        )


def make_skin(story: Story, kinds: Sequence[SkinName], seed: int) -> Skin:
    """A skin for this story, drawn from the seed. `kinds` says what is new; words that a story has only as whole
    sentences (BigToM's values) stay, apart from the names in them."""
    rng = Random(f"skin/{seed}/{story.id}")
    taken = set(_WORD.findall(" ".join(_texts(story))))
    words: dict[str, str] = {}
    said = [name for sentence in story.sentences for name in _WORD.findall(sentence.text)]
    liked = [found for sentence in story.sentences for found in _LIKED.findall(sentence.text)]
    if "names" in kinds:
        people = _unique([*(name for name in story.cast if name in said), *(who for who, _ in liked)])
        words |= _drawn(people, _NAMES, taken, rng)
    if "objects" in kinds:
        things, boxes = _things(story), _boxes(story)
        rooms = _unique(event.place for one in story.sentences for event in one.events if event.place)
        for old, pool in (
            (things, _THINGS),
            (boxes, _BOXES),
            (rooms, _ROOMS),
            (_unique(what for _, what in liked), _THINGS),
        ):
            new = [word for word in old if word in taken and word not in words and _WORD.fullmatch(word)]
            words |= _drawn(new, pool, taken | set(words.values()), rng)
    return Skin(words, f"wording/{seed}" if "wording" in kinds else None)


def _drawn(old: Sequence[str], pool: Sequence[str], taken: set[str], rng: Random) -> dict[str, str]:
    """For each old word a new one that stands nowhere in the story."""
    free = [word for word in pool if word not in taken]
    rng.shuffle(free)
    spare = (word for number in count(2) for plain in pool if (word := f"{plain}_{number}") not in taken)
    return {word: free.pop() if free else next(spare) for word in old}


def _things(story: Story) -> list[str]:
    """What is somewhere: variables whose values are all single words. Those of others are no words of the story."""
    return [variable.name for variable in story.variables if _simple(variable)]


def _boxes(story: Story) -> list[str]:
    """Where things are or might be, the choices of questions included, so that a new name tells nothing."""
    simple = {variable.name for variable in story.variables if _simple(variable)}
    values = [value for variable in story.variables if variable.name in simple for value in variable.values]
    offered = [choice for question in story.questions if question.variable in simple for choice in question.choices]
    return _unique([*values, *offered])


def _simple(variable: Variable) -> bool:
    return all(_WORD.fullmatch(word) for word in (variable.name, *variable.values))


def _texts(story: Story) -> Iterator[str]:
    """Every word there is in a story."""
    yield from story.cast
    for variable in story.variables:
        yield from (variable.name, *variable.values, variable.say or "")
    for sentence in story.sentences:
        yield sentence.text
        for event in sentence.events:
            yield from (event.text, event.occurrence or "", event.place or "")
    for question in story.questions:
        yield from (question.text, *question.choices)


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    listed = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)" if listed else r"(?!)")
