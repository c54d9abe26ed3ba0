"""A group chat as a table (time, speaker, text, addressee) -> conversations, with pseudonyms in place of names."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any

from tertulia.storage.coding.reading import Sheet
from tertulia.storage.errors import LogError
from tertulia.storage.imports.conversation import Conversation, Happening, Seat, Turn, seat_names
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.types import dump_json

SOURCE = "chat"
HUMAN = "human"
KNOWN: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "datetime", "date", "sent", "sent_at", "created_at"),
    "speaker": ("speaker", "user", "author", "sender", "from", "name", "username", "participant"),
    "text": ("text", "message", "content", "body", "utterance"),
    "to": ("addressee", "addressees", "to", "recipient", "recipients"),
    "conversation": ("conversation", "conversation_id", "chat", "group", "channel", "thread", "room"),
}
"""What columns are called where nobody says which is which; the first that is there counts."""
_ALL = frozenset({"all", "everyone", "everybody", "@all", "@everyone", "@channel", "@here", "-", "*"})
_SEPARATOR = re.compile(r"\s*[;,|]\s*")
_EPOCH_S, _EPOCH_MS = 1e8, 1e11
"""Numbers above these are seconds, or milliseconds, since 1970; smaller ones are seconds of the conversation."""
_TOKEN, _WORD = re.compile(r"\w+|\s+|[^\w\s]"), re.compile(r"\w+")
_SHORTEST = 3
_MOST = 20


class ChatTrouble(LogError):
    """What is wrong with a chat, a line each: file, row, column, and what would be right."""


@dataclass(slots=True)
class Reading:
    """How a table is to be read."""

    columns: Mapping[str, str | None]
    """For each of `KNOWN` the column's name, lower case; None where there is none."""
    zone: tzinfo = UTC
    """Of times that do not say theirs."""
    time_format: str | None = None
    """As `datetime.strptime` has it; None for ISO 8601 and numbers."""
    system: frozenset[str] = frozenset()
    """Speakers that are nobody, lower case: what they say happened."""
    title: str = SOURCE
    keep_names: bool = False
    keep_times: bool = False
    people: dict[str, Any] = field(default_factory=dict)
    pseudonyms: Callable[[Iterable[str]], Mapping[str, str]] = lambda names: {name: name for name in names}


@dataclass(slots=True)
class Message:
    """One row."""

    number: int
    speaker: str | None
    """None for the system."""
    text: str
    to: tuple[str, ...]
    at: datetime | None
    clock_s: float | None


@dataclass(slots=True)
class Chats:
    """What came of the tables."""

    conversations: list[Conversation] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)
    """By the name in the table, the pseudonym."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows, by the reason."""
    replaced: int = 0
    """Names within texts that were replaced."""
    moved: int = 0
    """Messages that did not stand in the order of their times."""


def columns_of(sheet: Sheet, given: Mapping[str, str | None]) -> dict[str, str | None]:
    """Which column is which: as it is said, else by their usual names. Raises `ChatTrouble` where one that is needed,
    or said, is not there."""
    found: dict[str, str | None] = {}
    for what, usual in KNOWN.items():
        said = given.get(what)
        if said is not None and said.casefold() not in sheet.heads:
            raise ChatTrouble(f"{sheet.where}: row 1 has no column '{said}'; {nearest(said, sheet.heads)}")
        found[what] = said.casefold() if said is not None else next((n for n in usual if n in sheet.heads), None)
        if found[what] is None and what in ("speaker", "text"):
            heads = ", ".join(sheet.heads[:8])
            raise ChatTrouble(f"{sheet.where}: which column is the {what}? say --{what} COLUMN; there are: {heads}")
    return found


def chats(sheet: Sheet, how: Reading, into: Chats | None = None) -> Chats:
    """Every conversation of a table. Raises `ChatTrouble` with all that is wrong; then nothing is to be entered.

    Whose names stand in `into` already (of other tables) are known in this one too."""
    found = Chats() if into is None else into
    by_conversation = _by_conversation(sheet, how, found.left_out)
    found.mapping |= how.pseudonyms(_people_in(by_conversation))
    renamed = _Names({} if how.keep_names else found.mapping)
    for n, (called, messages) in enumerate(by_conversation.items(), start=1):
        found.conversations.append(_conversation(n, called, messages, how, found, renamed))
    found.replaced += renamed.count
    return found


def people_in(sheet: Sheet, how: Reading) -> set[str]:
    """The names of who speaks in a table, or is spoken to. Raises `ChatTrouble` as `chats` does."""
    return _people_in(_by_conversation(sheet, how, Counter()))


def _people_in(by_conversation: Mapping[str, list[Message]]) -> set[str]:
    return {name for some in by_conversation.values() for one in some for name in (one.speaker, *one.to) if name}


def _by_conversation(sheet: Sheet, how: Reading, left_out: Counter[str]) -> dict[str, list[Message]]:
    by_conversation: dict[str, list[Message]] = {}
    problems: list[str] = []
    for number, row in sheet.rows:
        try:
            message = _message(number, row, how, left_out)
        except ValueError as error:
            problems.append(f"{sheet.where}: row {number}, {error}")
            continue
        if message is not None:
            which = how.columns["conversation"]
            by_conversation.setdefault(row[which].strip() if which else "", []).append(message)
    if problems:
        more = len(problems) - _MOST
        raise ChatTrouble("\n".join([*problems[:_MOST], *([f"and {more} problems more"] if more > 0 else [])]))
    if not by_conversation:
        raise ChatTrouble(f"{sheet.where}: nobody says anything in it; give a table with a row for each message")
    return _one_spelling(by_conversation)


def _message(number: int, row: Mapping[str, str], how: Reading, left_out: Counter[str]) -> Message | None:
    def cell(what: str) -> str:
        name = how.columns[what]
        return row[name] if name else ""

    text, speaker = cell("text"), _tidy(cell("speaker"))
    if not text.strip():
        left_out["nothing is said in them"] += 1
        return None
    at, clock = _time(cell("time").strip(), how)
    nobody = not speaker or speaker.casefold() in how.system
    to = [name for name in map(_tidy, _SEPARATOR.split(cell("to"))) if name and name.casefold() not in _ALL]
    return Message(number, None if nobody else speaker, text, tuple(dict.fromkeys(to)), at, clock)


def _tidy(name: str) -> str:
    """The same for every way to write the same letters and gaps."""
    return _composed(" ".join(name.split()))


def _one_spelling(by_conversation: Mapping[str, list[Message]]) -> dict[str, list[Message]]:
    """`ben` is `Ben`, by whichever a message was first sent: names that differ in case alone are of one person."""
    everything = [one for some in by_conversation.values() for one in some]
    spelled: dict[str, str] = {}
    for name in [*(m.speaker for m in everything), *(name for m in everything for name in m.to)]:
        if name is not None:
            spelled.setdefault(name.casefold(), name)

    def spelt(m: Message) -> Message:
        speaker = None if m.speaker is None else spelled[m.speaker.casefold()]
        return replace(m, speaker=speaker, to=tuple(spelled[name.casefold()] for name in m.to))

    return {called: [spelt(m) for m in some] for called, some in by_conversation.items()}


def _time(text: str, how: Reading) -> tuple[datetime | None, float | None]:
    """A moment, or seconds of the conversation, or neither for an empty cell. Raises `ValueError`."""
    if not text:
        return None, None
    column = how.columns["time"]
    try:
        if how.time_format is not None:
            found = datetime.strptime(text, how.time_format)
        else:
            number = _number(text)
            if number is not None and number < _EPOCH_S:
                return None, number
            if number is not None:
                return datetime.fromtimestamp(number / (1000 if number >= _EPOCH_MS else 1), UTC), None
            found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=how.zone)).astimezone(UTC), None
    except (ValueError, OverflowError, OSError):
        right = f"give times as --time-format {how.time_format} says" if how.time_format else (
            "give it as 2026-03-01 18:30:00, or say how: --time-format '%d.%m.%Y %H:%M'"
        )  # fmt: skip
        raise ValueError(f"column {column}: {quoted(text)} is no time; {right}") from None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _conversation(
    n: int, called: str, messages: list[Message], how: Reading, found: Chats, renamed: _Names
) -> Conversation:  # fmt: skip
    key = sha256(
        dump_json([[m.speaker, m.text, m.to, m.at and m.at.isoformat(), m.clock_s] for m in messages]).encode()
    )
    messages, moved = _in_order(messages)
    found.moved += moved
    seats = seat_names(found.mapping[name] for m in messages for name in (m.speaker, *m.to) if name)
    first, last = _moment(messages), _moment(messages[::-1])
    began = first if how.keep_times or first is None else first.replace(minute=0, second=0, microsecond=0)
    start = next((m.clock_s for m in messages if m.clock_s is not None), 0.0)
    turns = []
    for m in messages:
        seat = None if m.speaker is None else seats[found.mapping[m.speaker]]
        to = tuple(seats[found.mapping[name]] for name in m.to if name != m.speaker)
        clock = (m.at - first).total_seconds() if m.at and first else None if m.clock_s is None else m.clock_s - start
        turns.append(
            Turn(
                [Happening("say" if seat else "notice", renamed(m.text), seat, to)],
                m.at if how.keep_times else began,
                clock,
            )
        )
    persons = [Seat(seat, HUMAN, kind="person", pseudonym=seat) for seat in dict.fromkeys(seats.values())]
    ended = last if how.keep_times or began is None or first is None or last is None else began + timedelta(
        hours=int((last - first).total_seconds() // 3600)
    )  # fmt: skip
    premise = f"A chat of {_listed(list(seats.values()))}."
    about: dict[str, Any] = {"conversation": called if how.keep_names and called else n, "names": how.keep_names}
    return Conversation(
        SOURCE, how.title, key.hexdigest(), persons, turns, premise=premise, began=began, ended=ended, about=about,
        people=how.people,
    )  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nobody"


def _in_order(messages: list[Message]) -> tuple[list[Message], int]:
    """By time, those of one moment as they stand; one without a time stays behind the one before it."""
    placed, last = [], float("-inf")
    for m in messages:
        last = m.at.timestamp() if m.at else m.clock_s if m.clock_s is not None else last
        placed.append((last, m))
    ordered = sorted(placed, key=lambda one: one[0])
    moved = sum(a is not b for (_, a), (_, b) in zip(placed, ordered, strict=True))
    return [m for _, m in ordered], moved


def _moment(messages: Sequence[Message]) -> datetime | None:
    return next((m.at for m in messages if m.at is not None), None)


class _Names:
    """Replaces names of speakers within texts: whole names in any case, their parts where written with a capital.

    A name is looked up by its first word, so that it does not matter how many there are."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.count = 0
        self.whole: dict[str, list[tuple[list[str], str]]] = {}
        self.parts: dict[str, str] = {}
        for name, pseudonym in mapping.items():
            tokens = [_folded(one) for one in _TOKEN.findall(name)]
            self.whole.setdefault(tokens[0], []).append((tokens, pseudonym))
            words = _WORD.findall(name)
            for part in words if len(words) > 1 else ():
                if len(part) >= _SHORTEST and part[0].isupper():
                    self.parts[part] = pseudonym if self.parts.get(part, pseudonym) == pseudonym else "[name]"
        for some in self.whole.values():
            some.sort(key=lambda one: len(one[0]), reverse=True)

    def __call__(self, text: str) -> str:
        """The text as it is where no name is in it, in whichever way its letters are written."""
        tokens = _TOKEN.findall(_composed(text))
        folded = [_folded(one) for one in tokens]
        found: list[str] = []
        at, before = 0, self.count
        while at < len(tokens):
            size, becomes = self._whole_at(folded, at)
            if not size and tokens[at] in self.parts:
                size, becomes = 1, self.parts[tokens[at]]
            found.append(becomes if size else tokens[at])
            self.count += bool(size)
            at += size or 1
        return "".join(found) if self.count > before else text

    def _whole_at(self, folded: Sequence[str], at: int) -> tuple[int, str]:
        """How many tokens a name has that stands here, and what it becomes; 0 where there is none."""
        for tokens, pseudonym in self.whole.get(folded[at], ()):
            end = at + len(tokens)
            if folded[at:end] == tokens:
                glued = (_is_word(folded[max(0, at - 1)]) and at > 0 and not _is_word(tokens[0])) or (
                    end < len(folded) and _is_word(folded[end]) and not _is_word(tokens[-1])
                )
                if not glued:
                    return len(tokens), pseudonym
        return 0, ""


def _is_word(token: str) -> bool:
    return _WORD.match(token) is not None


def _folded(token: str) -> str:
    """The same for every way to write a word, also with the Turkish letters i; any white space is a space."""
    return " " if token.isspace() else token.casefold().replace("i\u0307", "i").replace("\u0131", "i")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
