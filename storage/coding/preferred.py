"""Judged pairs as preference data: which of two conversations the coders would rather have, one record a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.storage.coding.keeping import Judged
from tertulia.storage.coding.material import Line, lines_of
from tertulia.storage.coding.sheets import told
from tertulia.storage.exports.chosen import People, local_only
from tertulia.storage.exports.whose_words import EVER, barred_from, people_of
from tertulia.storage.rows import EventRow
from tertulia.storage.traces import FORGOTTEN

if TYPE_CHECKING:
    from tertulia.storage.log import Log

_TIED = "pairs: the coders were for both alike"


@dataclass(slots=True)
class Preferences:
    """The records, and of which pairs there is none, by the reason."""

    records: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def preferences(log: Log, codes: Sequence[Judged], episodes: Sequence[str], people: People) -> Preferences:
    """A record for each pair of these episodes, set and code that more coders judged for one side than for the other:
    `prompt` (what both conversations begin with), `chosen` and `rejected` (what was said in each), and how many judged
    how. Words of people are only in it as they are in records to train with."""
    found, there = Preferences(), set(episodes)
    stays = local_only(log)
    pairs: dict[tuple[str, str, str], list[Judged]] = {}
    for one in codes:
        if not one.practice and "conditions" in one.detail and {one.episode, one.detail["other"]} <= there:
            pairs.setdefault((one.detail["set"], one.code, one.item), []).append(one)
    for key, mine in sorted(pairs.items()):
        first = sum(one.value == 1.0 for one in mine)
        second = sum(one.value == 0.0 for one in mine)
        both = [mine[0].episode, mine[0].detail["other"]]
        why = _barred(log, both, people, stays)
        if why or first == second:
            found.left_out[why or _TIED] += 1
            continue
        found.records.append(_record(log, key, mine, (first, second), both))
    return found


def _record(
    log: Log, key: tuple[str, str, str], mine: Sequence[Judged], votes: tuple[int, int], both: Sequence[str]
) -> dict[str, Any]:
    order = (0, 1) if votes[0] > votes[1] else (1, 0)
    lines = [[line for line in lines_of(log, both[i]) if not line.silence] for i in order]
    shared = _shared(*lines)
    conditions = mine[0].detail["conditions"]
    return {
        "prompt": told(lines[0][:shared]), "chosen": told(lines[0][shared:]), "rejected": told(lines[1][shared:]),
        "set": key[0], "code": key[1], "item": key[2],
        "chosen_episode": both[order[0]], "rejected_episode": both[order[1]],
        "chosen_condition": conditions[order[0]], "rejected_condition": conditions[order[1]],
        "judgements": {"chosen": max(votes), "rejected": min(votes), "tie": len(mine) - sum(votes)},
    }  # fmt: skip


def _shared(first: Sequence[Line], second: Sequence[Line]) -> int:
    """With how many lines, before anybody did anything, both begin."""
    n = 0
    for a, b in zip(first, second, strict=False):
        if a.done or b.done or told([a]) != told([b]):
            break
        n += 1
    return n


def _barred(log: Log, episodes: Sequence[str], people: People, stays: set[str]) -> str:
    for id in episodes:
        events = log.rows(EventRow, id)
        barred, why = barred_from(events, people_of(log, log.episode(id)), people, local_only=id in stays)
        if barred < EVER:
            return f"pairs: {why}"
        if any(event.text == FORGOTTEN for event in events):
            return "pairs: a person was forgotten"
    return ""
