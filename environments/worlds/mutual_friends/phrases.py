"""How an attribute is put into words: `likes {value}`, `works at {value}`, or plainly `has employer: {value}`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WAYS: tuple[tuple[str, str, str], ...] = (
    # words in the attribute's name, said of one friend, said of several; the first that fits and is free is taken
    ("name|person", "is called", "are called"),
    ("employer|company|work|job", "works at", "work at"),
    ("school|university|college", "went to", "went to"),
    ("study|major|field|subject", "studied", "studied"),
    ("place", "likes to meet at the", "like to meet at the"),
    ("location", "prefers to be", "prefer to be"),
    ("time|day", "prefers the", "prefer the"),
    ("hobby|interest|pastime", "likes", "like"),
    ("town|city|country|home", "is from", "are from"),
)
_BARE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9'&/+-]| (?! ))*(?<! )")
_NOT_FIRST = re.compile(r"(?:to|the|at|in|a|an|be|of|from|called)\b", re.IGNORECASE)
QUOTED = r"“(?:[^”\\]|\\.)*”"
ITEM = rf"(?:{QUOTED}|[A-Za-z0-9](?:[A-Za-z0-9'&/+-]| (?! ))*)"
"""A value in a sentence of ours: bare where it is known and plain, else in “quotes”."""


_JOINS = re.compile(r"\b(?:and|or|nor|but|not|who|that|which)\b", re.IGNORECASE)


def is_plain(value: str) -> bool:
    """Whether nothing in the value could be taken for a part of the sentence around it."""
    return bool(_BARE.fullmatch(value)) and not _NOT_FIRST.match(value) and not _JOINS.search(value)


def quote(value: str) -> str:
    """The value in quotes; `unquote` is the inverse."""
    return "“" + value.replace("\\", "\\\\").replace("”", "\\”") + "”"


def unquote(text: str) -> str:
    """The value inside quotes; a text without quotes as it is."""
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith("“") else text


def number(k: int) -> str:
    """`two`; digits beyond twelve."""
    return NUMBERS[k] if k < len(NUMBERS) else str(k)


def read_number(word: str) -> int | None:
    """The inverse of `number`, with a few more ways to say it."""
    word = word.lower()
    if word in NUMBERS:
        return NUMBERS.index(word)
    more = {"none": 0, "zero": 0, "both": 2, "a couple": 2}
    return int(word) if word.isascii() and word.isdigit() and len(word) < 7 else more.get(word)


@dataclass(frozen=True)
class Way:
    """The words that lead up to a value: of one friend, of several. `cue` finds the attribute in others' words."""

    attribute: str
    one: str
    several: str
    cue: re.Pattern[str]


def ways_of(attributes: Sequence[str]) -> tuple[Way, ...]:
    """A way for each attribute, no two alike."""
    free = list(_WAYS)
    ways = []
    for attribute in attributes:
        way = next((w for w in free if re.search(rf"\b(?:{w[0]})", attribute.lower())), None)
        plain = re.escape(attribute.lower())
        if way is None:
            name = attribute if is_plain(attribute) else quote(attribute)
            ways.append(Way(attribute, f"has {name}:", f"have {name}:", re.compile(plain)))
            continue
        free.remove(way)
        stems = "|".join((plain, re.escape(way[1]), re.escape(way[2])))
        ways.append(Way(attribute, way[1], way[2], re.compile(stems)))
    return tuple(ways)
