"""Nearness: how alike two texts are, by their words or by embeddings, and whether one says what the other says."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import ClassVar, Protocol, TypeAlias

from tertulia.mind.lexical import similarity, words

LEXICAL = "lexical"
_NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|nothing|none|neither|nor|without|cannot|\w+n['\u2019]t)\b", re.IGNORECASE
)

Vector: TypeAlias = "array[float]"
"""An embedding of length one, as 32-bit floats."""


class Nearness(Protocol):
    """How alike texts are, 0-1. Pure: what it needs to know of the texts was found out before."""

    @property
    def method(self) -> str:
        """`lexical`, or the URI of the embedding model; logged beside every similarity."""
        ...

    @property
    def same(self) -> float:
        """From how alike on two texts say the same."""
        ...

    def similarity(self, query: str, texts: Sequence[str]) -> list[float]:
        """How much each text bears on the query."""
        ...

    def overlap(self, one: str, other: str) -> float:
        """How much of what `one` says `other` says too."""
        ...


@dataclass(frozen=True, slots=True)
class Lexical:
    """By words: BM25 for what bears on what; for what says the same, the share of content words found again."""

    method: ClassVar[str] = LEXICAL
    same: ClassVar[float] = 0.75
    """Three of four content words. Ours."""

    def similarity(self, query: str, texts: Sequence[str]) -> list[float]:
        return similarity(query, texts)

    def overlap(self, one: str, other: str) -> float:
        wanted = set(map(_stem, words(one)))
        return len(wanted & set(map(_stem, words(other)))) / len(wanted) if wanted else 0.0


@dataclass(slots=True)
class Embedded:
    """By embeddings: the cosine of two vectors, at least 0. Raises `KeyError` for a text without a vector."""

    method: str
    vectors: dict[str, Vector] = field(default_factory=dict)
    same: ClassVar[float] = 0.85
    """Ours; what a cosine means differs from model to model."""

    def similarity(self, query: str, texts: Sequence[str]) -> list[float]:
        return [self.overlap(query, text) for text in texts]

    def overlap(self, one: str, other: str) -> float:
        # Rounded, so that the last bits of a batch of another size decide nothing.
        if not (one.strip() and other.strip()):
            return 0.0
        return round(min(1.0, max(0.0, math.fsum(map(mul, self.vectors[one], self.vectors[other])))), 6)


def unit(values: Iterable[float]) -> Vector:
    """A vector brought to length one; all zeros stay so."""
    listed = list(values)
    length = math.sqrt(math.fsum(value * value for value in listed)) or 1.0
    return array("f", [value / length for value in listed])


def says_the_same(nearness: Nearness, one: str, other: str) -> float | None:
    """How alike they are where `other` says what `one` says; None where it does not.

    Words and embeddings alike are nearly blind to what turns a sentence round. So a text that denies is never the same
    as one that does not, and a question says nothing that a statement says.
    """
    if denies(one) != denies(other) or ("?" in other and "?" not in one):
        return None
    alike = nearness.overlap(one, other)
    return alike if alike >= nearness.same else None


def alike(nearness: Nearness, thought: str, others: Mapping[str, str]) -> str | None:
    """The key of the first of `others` that says the same as a thought, both ways round; None where none does."""
    for key, other in others.items():
        if thought == other or (says_the_same(nearness, thought, other) and says_the_same(nearness, other, thought)):
            return key
    return None


def denies(text: str) -> bool:
    """Whether there is a negation in it. English only: elsewhere, none is found."""
    return _NEGATION.search(text) is not None


def _stem(word: str) -> str:
    """Without the commonest endings, so that `walks` and `walk` are one word."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
