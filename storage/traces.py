"""What tells that a text goes back to a person: a word, or three words in a row, that nobody had used before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FORGOTTEN = "[forgotten]"
"""What stands where something was forgotten."""

_WORD = re.compile(r"\w+")
_RUN = 3
_SHORTEST = 3
_EVERYDAY = frozenset(
    """
    about above after again all also always and any anyone are aren away back because been before being below both but
    came can cannot come could couldn did didn does doesn doing don done down each else ever every everybody everyone
    few for from get gets give given gives goes going gone good got had has hasn have haven having hello her here hers
    him his how into isn its just keep know known let like little long look made make many may maybe mean might mine
    more most much must never new nice nobody not nothing now off okay old once one only other others our out over own
    perhaps please put quite rather really right said same say says see seen shall she should since some somebody
    someone something soon sorry still such sure take tell than thank thanks that the their them then there these they
    thing things think this those though thought through time told too two under until upon very want wants was wasn
    way well were what when where whether which while who whole whom whose why will with without won would wouldn yes
    yet you your yours
    """.split()
)
"""English words that tell nothing of anybody. Words of other languages count as somebody's own until others use them:
then too much is forgotten, never too little."""


@dataclass(frozen=True, slots=True)
class Traces:
    """The words and runs of words by which a person's texts are known again."""

    words: frozenset[str]
    runs: frozenset[tuple[str, ...]]
    names: tuple[str, ...]

    @classmethod
    def of(cls, theirs: Iterable[str], known: Iterable[str], names: Iterable[str] = ()) -> Traces:
        """`theirs` is all they wrote, `known` what was there before; `names` must not be found either, as they are."""
        words: set[str] = set()
        runs: set[tuple[str, ...]] = set()
        before: set[str] = set()
        runs_before: set[tuple[str, ...]] = set()
        for text in theirs:
            words.update(word for word in _words(text) if len(word) >= _SHORTEST)
            runs.update(_runs(text))
        for text in known:
            before.update(_words(text))
            runs_before.update(_runs(text))
        return cls(frozenset(words - before - _EVERYDAY), frozenset(runs - runs_before), tuple(names))

    def in_(self, text: str) -> bool:
        """Whether a text has one of them."""
        found = _words(text)
        return (
            not self.words.isdisjoint(found)
            or not self.runs.isdisjoint(_runs(text))
            or any(name in text for name in self.names)
        )


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = _words(text)
    return (tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1))


def cleaned(value: Any, traces: Traces) -> Any:
    """A text, or JSON, with every text in it that has a trace replaced as a whole."""
    if isinstance(value, str):
        return FORGOTTEN if traces.in_(value) else value
    if isinstance(value, Mapping):
        return {cleaned(str(key), traces): cleaned(inner, traces) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(inner, traces) for inner in value]
    return value


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
