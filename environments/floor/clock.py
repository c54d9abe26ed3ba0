"""The simulated clock: how long a turn takes in the conversation, so that a pause means something outside live play."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tertulia.storage.rows import EventRow
from tertulia.storage.seen import SPEECH

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{1,2}|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
"""What stands between spaces; of scripts that are written without any, two characters."""


@dataclass(frozen=True, slots=True)
class Time:
    """How long a turn took, where that is not to be simulated: in live play, and of a turn in the log."""

    lasted_s: float | None
    """None: simulated, as a log that knows nothing of clocks leaves it."""
    pause_s: float | None = None
    """How long a silence in it was told to be; 0 where none was heard. None: heard as the scenario has it, and told in
    whole seconds of `lasted_s`."""


class Pace(Protocol):
    """How fast people talk here: part of a scenario's `turns`."""

    @property
    def words_per_second(self) -> float: ...
    @property
    def gap_s(self) -> float: ...
    @property
    def pause_s(self) -> float: ...


def lasts_s(events: Sequence[EventRow], acts: int, pace: Pace) -> float:
    """Simulated seconds that a turn takes, in thousandths.

    Those who speak in a turn speak at the same time, so the longest utterance counts, and a gap. Words that the script
    puts into somebody's mouth come after, one by one, each with a gap. Acts without words take the gap alone. A turn in
    which no participant acts is a pause.
    """
    own = [_words(event) for event in events if event.origin == "participant"]
    put = [_words(event) for event in events if event.origin == "scripted" and event.kind in SPEECH]
    seconds = pace.gap_s + max(own, default=0) / pace.words_per_second if acts else pace.pause_s
    return round(seconds + sum(pace.gap_s + words / pace.words_per_second for words in put), 3)


def _words(event: EventRow) -> int:
    if event.kind not in SPEECH:
        return 0
    return len(event.text.split() if event.text.isascii() else _WORD.findall(event.text))
