"""What other people's sentences claim of their own friends, read with caution: rather nothing than too much.

Understood: "I have two friends who like chess", "none of mine work at Acme", "my friend Ana works at Acme and likes
chess", "at least three ...". Questions, guesses, and sentences about the hearer make no claim.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tertulia.environments.worlds.mutual_friends.claims import count_claim, row_claim
from tertulia.environments.worlds.mutual_friends.phrases import NUMBERS, Way, read_number
from tertulia.environments.worlds.mutual_friends.schema import Schema
from tertulia.storage.seen import Claim

_NUMBER = rf"(?:{'|'.join(NUMBERS[1:])}|\d+)"
_FRIEND = r"(?:single )?(?:friends?|people|person|one|guy|woman|man)"
_QUANTIFIERS: tuple[tuple[str, str], ...] = (
    ("unclear", r"(?:at most|up to|fewer than|less than|about|around|almost|nearly|all but|except)\b"
                rf"(?: {_NUMBER}\b)?"),
    ("zero", r"(?:none|no one|no-one|nobody|no|zero|neither)\b"),
    ("zero", rf"(?:do not|don['’]?t|did not|didn['’]t|have not|haven['’]t) (?:have|know|got|see)\b(?: any(?:one|body)?"
             rf"| (?:a|one|any)?\s?{_FRIEND})?"),
    ("more", rf"more than {_NUMBER}\b"),
    ("least", rf"at least {_NUMBER}\b"),
    ("some", r"(?:one|some|any) of\b"),
    ("two", r"(?:several|a few|many|most|lots|a couple)\b"),
    ("exact", rf"{_NUMBER}\b"),
    ("some", r"(?:my|a|an|another|all|every|everyone|each|some|someone|somebody|this|the)\b"),
)  # fmt: skip
_QUANTIFIER = re.compile("|".join(rf"(?P<q{i}>\b{words})" for i, (_, words) in enumerate(_QUANTIFIERS)), re.IGNORECASE)
_NO_CLAIM = re.compile(
    r"\?|\b(?:you|your|yours|maybe|perhaps|might|may|could|if|guess|think|suppose|probably|possibly|likely|either|"
    r"whether|wonder|unsure|would|should|used to)\b",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:i|i['’]ve|my|mine|me)\b", re.IGNORECASE)
_OF_FRIENDS = re.compile(
    r"\b(?:friends?|mine|know|have|had|got|one|ones|someone|somebody|people|none|nobody|no one)\b", re.IGNORECASE
)
_DENIAL = re.compile(r"\b(?:not|never|without|nor|but|except|than|isn['’]t)\b|n['’]t\b", re.IGNORECASE)
_REST = re.compile(r"\b(?:others?|rest|another|more|these|those|them)\b", re.IGNORECASE)
_END = re.compile(r"[!?;\n]+|\.+(?=\s|$)")
_COMMON = frozenset(
    "will mark may art rose grace faith hope joy gap target visa on it be so no one two all time sprint best frank "
    "grant jack bill dean dawn amber ford apple oracle general drew chase pat rich rob sue ray gene".split()
)
"""Words that are values only where they are written exactly so."""
LONGEST_READ = 2_000
"""Characters of one text that are looked at; who says more at once is not understood beyond that."""


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    attribute: str
    value: str


class Hearsay:
    """Reads sentences of others; `schema` holds the values it knows, `ways` how attributes are put into words."""

    def __init__(self, schema: Schema, ways: Sequence[Way]) -> None:
        self._schema = schema
        self._ways = {way.attribute: way for way in ways}

    @cached_property
    def _index(self) -> dict[str, list[tuple[str, str, str]]]:
        """By the first two letters: (value in lower case, attribute, value), longest first."""
        index: dict[str, list[tuple[str, str, str]]] = {}
        for attribute, values in zip(self._schema.attributes, self._schema.values, strict=True):
            for value in values:
                index.setdefault(value[:2].lower(), []).append((value.lower(), attribute, value))
        return {key: sorted(found, key=lambda f: -len(f[0])) for key, found in index.items()}

    def sentence_end(self, text: str, at: int) -> int:
        """Where the sentence that begins at `at` ends; full stops inside known values do not end it."""
        part = text[at : at + LONGEST_READ]
        stop = next(_END.finditer(part), None)
        if stop is None or stop.end() == len(part):
            return len(text)
        spans = [(start, end) for start, end, _ in self._spans(part)]
        inside = (m for m in _END.finditer(part) if not any(s <= m.start() < e for s, e in spans))
        found = next(inside, None)
        return len(text) if found is None else at + found.end()

    def read(self, sentence: str, speaker: str) -> list[Claim]:
        """The claims of one sentence about `speaker`'s friends."""
        sentence = re.sub(r"^\s*(?:no|nope|yes|yeah|ok|okay|well|hm+|sorry)\s*[,.!:-]\s*", "", sentence[:LONGEST_READ],
                          flags=re.IGNORECASE)  # fmt: skip
        mentions = self._mentions(sentence)
        if not mentions:
            return []
        outside = _without(sentence, mentions)
        starts = _QUANTIFIER.match(outside) is not None
        if _NO_CLAIM.search(outside) or not (_OWN.search(outside) or starts) or not _OF_FRIENDS.search(outside):
            return []
        claims: list[Claim | None] = []
        for kind, k, words, group in _segments(outside, mentions):
            claims += _claims(speaker, kind, k, words, group)
        return [claim for claim in claims if claim is not None]

    def _mentions(self, text: str) -> list[_Mention]:
        mentions = []
        last = 0
        for start, end, found in self._spans(text):
            if len(found) > 1:  # the same words are values of several attributes: let the words before decide
                before = text[last:start].lower()
                cued = [f for f in found if self._ways[f[0]].cue.search(before)]
                found = cued if len(cued) == 1 else []
            mentions += [_Mention(start, end, attribute, value) for attribute, value in found]
            last = end
        return mentions

    def _spans(self, text: str) -> list[tuple[int, int, list[tuple[str, str]]]]:
        """Known values in the text, the longest at each place: start, end, (attribute, value) pairs."""
        lowered = text.lower()
        if len(lowered) != len(text):  # a letter whose lower case is longer would shift all places
            lowered = text
        spans = []
        at = 0
        while at < len(text):
            found = self._at(text, lowered, at) if at == 0 or not text[at - 1].isalnum() else []
            if found:
                end = at + len(found[0][1])
                spans.append((at, end, found))
                at = end
            else:
                at += 1
        return spans

    def _at(self, text: str, lowered: str, at: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for small, attribute, value in self._index.get(lowered[at : at + 2], ()):
            if found and len(value) < len(found[0][1]):
                break
            end = at + len(value)
            whole = end >= len(text) or not (text[end].isalnum() and value[-1:].isalnum())
            if whole and (text[at:end] == value or (lowered[at:end] == small and small not in _COMMON)):
                found.append((attribute, value))
        return found


def _without(sentence: str, mentions: Sequence[_Mention]) -> str:
    """The sentence with every mention blanked, so that words inside values mean nothing."""
    for mention in mentions:
        sentence = f"{sentence[: mention.start]}{'_' * (mention.end - mention.start)}{sentence[mention.end :]}"
    return sentence


def _segments(outside: str, mentions: Sequence[_Mention]) -> list[tuple[str, int, str, list[_Mention]]]:
    """(kind, number, the words, mentions) for each run of mentions that the same quantifier governs."""
    quantifiers = list(_QUANTIFIER.finditer(outside))
    segments: list[tuple[str, int, str, list[_Mention]]] = []
    starts = [(m.start(), *_kind(m)) for m in quantifiers]
    merged: list[tuple[int, str, int]] = []
    for start, kind, k in starts:
        weak = kind == "some"
        if merged and weak and not any(merged[-1][0] <= m.start < start for m in mentions):
            continue  # "two of my friends": the first word counts
        merged.append((start, kind, k))
    for place, (start, kind, k) in enumerate(merged):
        end = merged[place + 1][0] if place + 1 < len(merged) else len(outside)
        group = [m for m in mentions if start <= m.start < end]
        if group:
            before = outside[max((m.end for m in mentions if m.end <= start), default=0) : group[0].start]
            if kind == "exact" and _REST.search(before):  # "the other three": there may be more
                kind = "least"
            segments.append((kind, k, outside[start : group[-1].end], group))
    early = [m for m in mentions if not merged or m.start < merged[0][0]]
    if early and not quantifiers:
        segments.append(("some", 1, outside[: early[-1].end], early))
    return segments


def _kind(match: re.Match[str]) -> tuple[str, int]:
    kind = next(_QUANTIFIERS[int(name[1:])][0] for name, found in match.groupdict().items() if found is not None)
    digits = re.search(rf"\b{_NUMBER}\b", match[0], re.IGNORECASE)
    k = (read_number(digits[0]) or 0) if digits else 1
    return {"more": ("least", k + 1), "two": ("least", 2)}.get(kind, (kind, k))


def _claims(speaker: str, kind: str, k: int, words: str, group: list[_Mention]) -> list[Claim | None]:
    """What "k friends who are a, b" allows to conclude about each of a and b."""
    pairs = tuple((m.attribute, m.value) for m in group)
    same = len({attribute for attribute, _ in pairs}) < len(pairs)
    joined = re.search(r"\bn?or\b", words, re.IGNORECASE) is not None
    denied = _DENIAL.search(re.sub(r"\bnor\b", "", words[4:] if kind == "zero" else words, flags=re.IGNORECASE))
    if kind == "unclear" or denied:
        return []
    if kind == "zero":
        if len(pairs) == 1 or joined or (same and len({a for a, _ in pairs}) == 1):
            return [count_claim(speaker, attribute, value, 0) for attribute, value in pairs]
        return [] if same else [row_claim(speaker, "has", pairs, yes=False)]
    if joined or same:
        return []
    if len(pairs) > 1 and k == 1:
        return [row_claim(speaker, "has", pairs)]
    exact = kind == "exact" and len(pairs) == 1
    return [count_claim(speaker, attribute, value, k, at_least=not exact) for attribute, value in pairs]
