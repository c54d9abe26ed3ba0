"""Claims in English and back: `parse(render(claims)) == claims`, for any values whatsoever.

Our own sentences are read by a strict grammar; anything else is left to `hearsay`, which reads what it safely can.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from zlib import crc32

from tertulia.environments.worlds.mutual_friends.claims import (
    CLAIM_LENGTH,
    VALUE_LENGTH,
    CountOf,
    Pairs,
    RowOf,
    count_claim,
    read_variable,
    row_claim,
)
from tertulia.environments.worlds.mutual_friends.hearsay import Hearsay
from tertulia.environments.worlds.mutual_friends.phrases import (
    ITEM,
    QUOTED,
    is_plain,
    number,
    quote,
    read_number,
    unquote,
    ways_of,
)
from tertulia.environments.worlds.mutual_friends.schema import Schema
from tertulia.storage.seen import Claim

PRONOUNS = frozenset("i you we they he she it who this that".split())
_NUMBER = r"(?:[A-Za-z]+|\d+)"
_NAME = rf"(?:{QUOTED}|[A-Za-z0-9_'-]+)"


class Language:
    """Speaks for `speaker` in the first person and for anybody else by name; pure, built once per speaker."""

    def __init__(self, schema: Schema, speaker: str | None = None) -> None:
        self.speaker = speaker
        self.attributes = schema.attributes
        self._known = {a: frozenset(listed) for a, listed in zip(schema.attributes, schema.values, strict=True)}
        self.ways = {way.attribute: way for way in ways_of(schema.attributes)}
        self._by_words = {words: w.attribute for w in self.ways.values() for words in (w.one, w.several)}
        self._hearsay = Hearsay(schema, tuple(self.ways.values()))
        words = "|".join(re.escape(words) for words in sorted(self._by_words, key=len, reverse=True))
        told = rf"(?:{words}) {ITEM}"
        self._told = re.compile(rf"({words}) ({ITEM})")
        who = rf"(?:my friends|(?P<who>{_NAME})'s friends)"
        self._counts = re.compile(rf"Of {who}, (?P<list>{_NUMBER} {told}(?:, (?:and )?{_NUMBER} {told})*)\.")
        self._count = re.compile(
            rf"(?P<not>It is not so that )?(?:I|(?P<who>{_NAME})) (?:have|has) "
            rf"(?P<least>at least )?(?P<k>{_NUMBER}) friends? who (?P<told>{told})\."
        )
        self._row = re.compile(rf"(?P<how>One|None) of {who} (?P<told>{told}(?:, (?:and )?{told})+)\.")
        self._of = re.compile(rf"(?P<k>{_NUMBER}) of {who} (?P<told>{told})\.")
        self._picks = re.compile(
            rf"(?:I take|(?P<who>{_NAME}) takes) it that the friend we share (?P<told>{told}(?:, (?:and )?{told})+)\."
        )
        self._plain = re.compile(rf"(?P<variable>{QUOTED}) is (?P<not>not )?(?P<value>{QUOTED})\.")

    # -- out -----------------------------------------------------------------------------------------------------

    def render(self, claims: Sequence[Claim]) -> str:
        """The claims in words, one after the other; counts in a row share a sentence."""
        sentences = []
        for key, run in groupby(claims, key=self._listable):
            together = list(run)
            if key is not None and len(together) > 1:
                sentences.append(self._say_list(key, together))
            else:
                sentences += [self._say(claim) for claim in together]
        return " ".join(sentences)

    def _listable(self, claim: Claim) -> str | None:
        """The subject whose list this is a plain count of, or None."""
        read = read_variable(claim.variable, self.attributes)
        if isinstance(read, CountOf) and claim == count_claim(read.subject, read.attribute, read.value, _k(claim)):
            return read.subject
        return None

    def _say_list(self, subject: str, claims: list[Claim]) -> str:
        parts = []
        for claim in claims:
            read = read_variable(claim.variable, self.attributes)
            assert isinstance(read, CountOf)
            amount = "none" if claim.value == "0" else number(_k(claim))
            parts.append(f"{amount} {self._tell(read.attribute, read.value, claim.value in ('0', '1'))}")
        return f"Of {self._whose(subject)} friends, {_enumerated(parts)}."

    def _say(self, claim: Claim) -> str:
        """One sentence; in plain form where the claim is none of ours or not in its usual shape."""
        read = read_variable(claim.variable, self.attributes)
        sentence = None
        if isinstance(read, CountOf):
            sentence = self._say_count(claim, read)
        elif isinstance(read, RowOf):
            sentence = self._say_row(claim, read)
        if sentence is not None:
            return sentence
        return f"{quote(claim.variable)} is {'' if claim.holds else 'not '}{quote(claim.value)}."

    def _say_count(self, claim: Claim, read: CountOf) -> str | None:
        least = claim.value.startswith(">=")
        k = _k(claim)
        again = count_claim(read.subject, read.attribute, read.value, k, least)
        if again != claim.model_copy(update={"holds": True}) or (least and k == 0):
            return None
        have = "I have" if read.subject == self.speaker else f"{_named(read.subject)} has"
        amount = number(k) if not least else "a" if k == 1 else f"at least {number(k)}"
        friends = "friend" if k < 2 else "friends"
        if claim.holds and not least and k != 1 and crc32(claim.variable.encode("utf-8", "surrogatepass")) % 2:
            several = f"of {self._whose(read.subject)} friends {self._tell(read.attribute, read.value, False)}."
            return f"{number(k).capitalize() if k else 'None'} {several}"
        start = "" if claim.holds else "It is not so that "
        return f"{start}{have} {amount} {friends} who {self._tell(read.attribute, read.value, k < 2)}."

    def _say_row(self, claim: Claim, read: RowOf) -> str | None:
        if not claim.holds or len(read.pairs) < 2 or claim.value not in ("yes", "no"):
            return None
        yes = claim.value == "yes"
        if row_claim(read.subject, read.verb, read.pairs, yes) != claim:
            return None
        parts = [self._tell(attribute, value, True) for attribute, value in read.pairs]
        if read.verb == "has":
            return f"{'One' if yes else 'None'} of {self._whose(read.subject)} friends {_enumerated(parts)}."
        if not yes:
            return None
        take = "I take" if read.subject == self.speaker else f"{_named(read.subject)} takes"
        return f"{take} it that the friend we share {_enumerated(parts)}."

    def _tell(self, attribute: str, value: str, one: bool) -> str:
        way = self.ways[attribute]
        item = value if self._bare(attribute, value) else quote(value)
        return f"{way.one if one else way.several} {item}"

    def _bare(self, attribute: str, value: str) -> bool:
        return value in self._known[attribute] and is_plain(value)

    def _whose(self, subject: str) -> str:
        return "my" if subject == self.speaker else f"{_named(subject)}'s"

    # -- in ------------------------------------------------------------------------------------------------------

    def parse(self, text: str) -> tuple[Claim, ...]:
        """The claims a text makes; those of our own sentences exactly, of others' as far as they can be understood.

        Without a speaker, first-person sentences make no claim: nobody knows whose list they speak of.
        """
        claims: list[Claim] = []
        at = 0
        while at < len(text):
            found = self._own_sentence(text, at)
            if found is None:
                end = self._hearsay.sentence_end(text, at)
                if self.speaker is not None:
                    claims += self._hearsay.read(text[at:end], self.speaker)
            else:
                read, end = found
                claims += read
            at = end
            while at < len(text) and text[at].isspace():
                at += 1
        return tuple(claims)

    def _own_sentence(self, text: str, at: int) -> tuple[list[Claim], int] | None:
        readers = (
            (self._counts, self._read_list), (self._count, self._read_count), (self._of, self._read_of),
            (self._row, self._read_row), (self._picks, self._read_picks), (self._plain, self._read_plain),
        )  # fmt: skip
        for pattern, read in readers:
            match = pattern.match(text, at)
            if match is not None:
                claims = read(match)
                if claims is not None and None not in claims:
                    return [claim for claim in claims if claim is not None], match.end()
        return None

    def _read_list(self, match: re.Match[str]) -> list[Claim | None] | None:
        subject, pairs = self._subject(match), self._pairs(match["list"])
        rest, at, numbers = match["list"], 0, []
        for told in self._told.finditer(rest):
            numbers.append(read_number(rest[at : told.start()].strip(", ").removeprefix("and ")))
            at = told.end()
        if subject is None or not pairs or None in numbers:
            return None
        return [count_claim(subject, *pair, k or 0) for pair, k in zip(pairs, numbers, strict=True)]

    def _read_count(self, match: re.Match[str]) -> list[Claim | None] | None:
        subject, pairs = self._subject(match), self._pairs(match["told"])
        some = match["k"] == "a"
        k = 1 if some else read_number(match["k"])
        if subject is None or k is None or len(pairs) != 1:
            return None
        claim = count_claim(subject, *pairs[0], k, at_least=some or match["least"] is not None)
        return [claim.model_copy(update={"holds": match["not"] is None}) if claim else None]

    def _read_of(self, match: re.Match[str]) -> list[Claim | None] | None:
        subject, k, pairs = self._subject(match), read_number(match["k"]), self._pairs(match["told"])
        if (
            subject is None or not pairs or k is None or k == 1
        ):  # "one of my friends" is said of any, not of exactly one
            return None
        return [count_claim(subject, *pairs[0], k)]

    def _read_row(self, match: re.Match[str]) -> list[Claim | None] | None:
        subject, pairs = self._subject(match), self._pairs(match["told"])
        return [row_claim(subject, "has", pairs, match["how"] == "One")] if subject is not None and pairs else None

    def _read_picks(self, match: re.Match[str]) -> list[Claim | None] | None:
        subject, pairs = self._subject(match), self._pairs(match["told"])
        return [row_claim(subject, "picks", pairs)] if subject is not None and pairs else None

    def _read_plain(self, match: re.Match[str]) -> list[Claim | None] | None:
        variable, value = unquote(match["variable"]), unquote(match["value"])
        return [_bounded(variable, value, match["not"] is None)]

    def _pairs(self, told: str) -> Pairs:
        """Attributes and values; empty where a bare value is not one we would have left bare."""
        found = [(self._by_words[m[1]], m[2]) for m in self._told.finditer(told)]
        ours = all(item.startswith("“") or self._bare(attribute, item) for attribute, item in found)
        return tuple((attribute, unquote(item)) for attribute, item in found) if ours else ()

    def _subject(self, match: re.Match[str]) -> str | None:
        who = match["who"]
        if who is None:
            return self.speaker
        return None if who.lower() in PRONOUNS else unquote(who)


def _k(claim: Claim) -> int:
    digits = claim.value.removeprefix(">=")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else -1


def _bounded(variable: str, value: str, holds: bool) -> Claim | None:
    fits = len(variable) <= CLAIM_LENGTH and len(value) <= VALUE_LENGTH
    return Claim(variable=variable, value=value, holds=holds) if fits else None


def _named(subject: str) -> str:
    bare = re.fullmatch(r"[A-Za-z0-9_-]+", subject) and subject.lower() not in PRONOUNS
    return subject if bare else quote(subject)


def _enumerated(parts: Sequence[str]) -> str:
    """`a, and b`; always with a comma, so that "and" inside a value is no separator."""
    return ", ".join((*parts[:-1], f"and {parts[-1]}"))
