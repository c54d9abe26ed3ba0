"""An episode read back from the log, turn by turn, as it was shown when it was played."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tertulia.cli.display.turns import TurnView
    from tertulia.storage.log import Log


def turns_of(log: Log, episode: str, *, minds: bool = True) -> Iterator[TurnView]:
    """All its turns, in order; without `minds`, only what happened in them."""
    from tertulia.cli.display.turns import Gathering
    from tertulia.storage.rows import AppraisalRow, BeliefRow, BidRow, EventRow, ThoughtRow, TurnRow, WitnessRow

    gathering = Gathering(row.name for row in log.participants(episode))
    by_turn: dict[int, list[Any]] = {}
    for kind in (TurnRow, EventRow, WitnessRow, *((ThoughtRow, AppraisalRow, BeliefRow, BidRow) if minds else ())):
        for row in log.rows(kind, episode):
            by_turn.setdefault(row.turn, []).append(row)
    for turn in sorted(by_turn):
        yield gathering.turn(turn, by_turn[turn])


def result_of(log: Log, episode: str) -> dict[str, Any]:
    """One row of `v_outcomes`."""
    found = log.query("SELECT * FROM v_outcomes WHERE episode = ?", [episode])
    return found.dicts()[0]
