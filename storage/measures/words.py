"""What words give that SQL does not: how easily they read, and if speakers fall in with each other. English only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tertulia.storage.measures.statistics import MARKERS

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
_SENTENCE = re.compile(r"[^.!?…]*[A-Za-z0-9][^.!?…]*")
"""A stretch without an end mark that holds a letter or a figure."""
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:[^laeiouy]|[aeiouy]l)e$|[^aeiouydt]ed$")

_CLASSES: Mapping[str, frozenset[str]] = {
    "articles": frozenset("a an the".split()),
    "auxiliary verbs": frozenset(
        "am is are was were be been being have has had do does did will would shall should can could may "
        "might must isn't aren't wasn't weren't haven't hasn't hadn't don't doesn't didn't won't wouldn't "
        "can't couldn't shouldn't i'm i'll i've i'd you're you'll you've we're we'll we've they're they'll "
        "they've he'll she'll it'll it's that's"
        .split()
    ),
    "conjunctions": frozenset("and but or nor so because although though while if unless whereas since until".split()),
    "adverbs": frozenset(
        "very really just also too still again already always never often only quite rather maybe perhaps "
        "almost even soon there here now then"
        .split()
    ),
    "impersonal pronouns": frozenset(
        "it its it's itself this that that's these those who what which something anything nothing everything "
        "someone anyone everyone somebody anybody nobody everybody"
        .split()
    ),
    "personal pronouns": frozenset(
        "i me my mine myself i'm i'll i've i'd you your yours yourself you're you'll you've he him his "
        "himself he'll she her hers herself she'll we us our ours ourselves we're we'll we've they them their "
        "theirs themselves they're they'll they've"
        .split()
    ),
    "prepositions": frozenset(
        "about above across after against along among around at before behind below beneath beside between "
        "beyond by down during for from in inside into near of off on onto out over through to toward towards "
        "under up upon with within without"
        .split()
    ),
    "quantifiers": frozenset(
        "all another any both each either enough every few less lots many more most much neither none other "
        "some several"
        .split()
    ),
}  # fmt: skip
assert tuple(_CLASSES) == MARKERS


def words(text: str) -> list[str]:
    """The words in it, in small letters, with straight apostrophes."""
    return [found.lower().replace("’", "'") for found in _WORD.findall(text)]


def syllables(word: str) -> int:
    """How many a word in small letters has, at least 1: groups of vowels, without a silent `e` or `ed` at its end."""
    found = len(_VOWELS.findall(word))
    return max(1, found - (1 if found > 1 and _SILENT.search(word) else 0))


def sentences(text: str) -> int:
    """How many stretches between end marks hold a letter or a figure."""
    return sum(1 for _ in _SENTENCE.finditer(text))


def classes(text: str) -> frozenset[str]:
    """The classes of function words of which it has one."""
    said = set(words(text))
    return frozenset(name for name, listed in _CLASSES.items() if not said.isdisjoint(listed))


def reading_ease(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """`words`, `sentences` and `syllables` of each utterance (`text`)."""
    for row in rows:
        said = words(row["text"])
        counted = {"sentences": sentences(row["text"]) if said else 0, "syllables": sum(map(syllables, said))}
        yield {**row, "words": len(said), **counted}


def accommodation(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """For each class of words how many of an episode's exchanges (`first`, `reply`) by one replier have it, where:
    in `first`, in the `reply`, in `both`."""
    counts: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        first, reply = classes(row["first"]), classes(row["reply"])
        for marker in MARKERS:
            of = counts.setdefault((row["episode"], row["participant"], marker), [0, 0, 0, 0])
            in_first, in_reply = marker in first, marker in reply
            of[0] += 1
            of[1] += in_first
            of[2] += in_reply
            of[3] += in_first and in_reply
    for (episode, participant, marker), (exchanges, first_has, reply_has, both) in counts.items():
        yield {
            "episode": episode, "participant": participant, "marker": marker, "exchanges": exchanges,
            "first": first_has, "reply": reply_has, "both": both,
        }  # fmt: skip


READERS: Mapping[str, Callable[[Iterable[Mapping[str, Any]]], Iterator[dict[str, Any]]]] = {
    "reading ease": reading_ease,
    "accommodation": accommodation,
}
"""By name: from the rows of a query to rows of sums."""
