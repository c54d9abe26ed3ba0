"""Prompts, each kept once: of one that begins as an earlier one does, only the rest is written down.

A participant's prompts share their persona, rules and instructions, and a transcript that grows at its end: in a long
episode nine tenths of what is sent was sent before. A call names at most one other call of its own episode and
participant, which is kept whole: so a prompt is put together in one step, in Python as in the view `v_prompts`.
Whoever changes or removes the messages of a call must first make whole those that name it as their `base`.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tertulia.storage.errors import LogError
from tertulia.storage.rows import CallRow
from tertulia.storage.types import write_json

_REMEMBERED = 16_000_000
"""Characters of prompts kept in memory to compare with; what was longest unused goes first, and is kept whole again."""
_LEAST = 200
"""Characters that must be shared to be worth a reference."""


@dataclass(slots=True)
class _Whole:
    """A prompt that is in the log as it is."""

    call: str
    text: str
    first: tuple[tuple[str, str], ...]
    """Its first message, which tells who one is: most often the next prompt begins with the same. A copy."""
    upto: int
    """Where in `text` the second message begins; 0 where there is none."""
    shared: int = 0
    """How much of it the last prompt shared: most often the next shares as much."""

    @classmethod
    def of(cls, call: CallRow) -> _Whole:
        first = _first(call.messages)
        upto = len(write_json(call.messages[:1])) if first else 0  # "]" is as long as ","
        return cls(call.call, write_json(call.messages), first, upto)

    def continued(self, messages: Any) -> str:
        """The JSON of the messages, of which only those are written that are not the first of this prompt."""
        if self.upto and _first(messages) == self.first:
            return self.text[: self.upto] + write_json(messages[1:])[1:]
        return write_json(messages)


class Prompts:
    """The prompts lately written whole, one for each participant of an episode. Safe from any thread."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most, self._size = most, 0
        self._whole: OrderedDict[tuple[str, str], _Whole] = OrderedDict()
        self._lock = threading.Lock()

    def shorten(self, call: CallRow) -> CallRow:
        """The call as it is to be kept: without what it shares, where that is half of it or more; else as it is."""
        if not call.messages:
            return call
        key = (call.episode, call.participant)
        with self._lock:
            whole = self._whole.get(key)
            if whole is None:
                return call
            self._whole.move_to_end(key)
        text = whole.continued(call.messages)
        shared = shared_prefix(whole.text, text, whole.shared)
        if shared < _LEAST or 2 * shared < len(text):
            return call
        whole.shared = shared
        kept = {"messages": None, "base": whole.call, "shared": shared, "rest": text[shared:]}
        return CallRow.made(**{**call.__dict__, **kept})

    def remember(self, kept: CallRow) -> None:
        """To be told of each call when it is durable: what was kept whole can be referred to from now on."""
        if not kept.messages:
            return
        key, whole = (kept.episode, kept.participant), _Whole.of(kept)
        with self._lock:
            self._forget(key)
            self._whole[key] = whole
            self._size += len(whole.text)
            while self._size > self._most:
                self._forget(next(iter(self._whole)))

    def _forget(self, key: tuple[str, str]) -> None:
        whole = self._whole.pop(key, None)
        self._size -= len(whole.text) if whole is not None else 0


def _first(messages: Any) -> tuple[tuple[str, str], ...]:
    """The first of several messages, if it is made of texts alone: then the same items are the same JSON."""
    if not isinstance(messages, list) or len(messages) < 2 or not isinstance(messages[0], dict):
        return ()
    items = tuple(messages[0].items())
    return items if all(type(name) is type(value) is str for name, value in items) else ()


def shared_prefix(one: str, other: str, guess: int = 0) -> int:
    """How many characters two texts have in common at their beginning; by halves, so that C compares them. A right
    guess is found out at once."""
    low, high = 0, min(len(one), len(other))
    if 0 < guess <= high and one[:guess] == other[:guess]:
        if guess == high or one[guess] != other[guess]:
            return guess
        low = guess
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def restored(call: CallRow, whole: Mapping[str, Any]) -> CallRow:
    """A call as it was handed to the log; `whole` has the messages of the calls that are referred to, by id.

    Raises `LogError` where one of them is missing.
    """
    if call.base is None:
        return call
    if call.base not in whole:
        raise LogError(f"the prompt of call {call.call} of episode {call.episode} begins in a call that is not there")
    text = write_json(whole[call.base])[: call.shared] + (call.rest or "")
    given = {**call.__dict__, "messages": json.loads(text), "base": None, "shared": None, "rest": None}
    return CallRow.model_construct(None, **given)
