"""Which episode or batch is meant: an id, the beginning of one, or `last`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tertulia.cli.errors import BadInput
from tertulia.cli.hints import of_log, program
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.measures.compute import Played
    from tertulia.storage.rows import BatchRow, EpisodeRow

LAST = "last"


def find(log: Log, wanted: str, *, status: Sequence[str] | None = None) -> str:
    """The full id. `last` is the newest episode, among those with these statuses where they are given.

    Raises `NotFound` or `BadInput`.
    """
    if wanted != LAST:
        return _named(log, wanted)
    newest = log.episodes(1, status=status)
    if not newest and status is not None and log.episodes(1):
        raise BadInput(f"every episode has ended; to see them: {program()} episodes{of_log(log)}")
    if not newest:
        raise BadInput(f"there is no episode in {log.target} yet; to begin with: {program()} run mutual-friends")
    return newest[0].id


def _named(log: Log, wanted: str) -> str:
    from tertulia.storage.errors import NotFound, Several

    try:
        return log.episode(wanted).id
    except Several:
        raise
    except NotFound as missing:
        batch = batch_named(log, wanted)
        if batch is None:
            raise
        raise BadInput(
            f"no episode '{wanted}', but batch {batch.id}; for its episodes: "
            f"{program()} episodes --batch {batch.id}{of_log(log)}"
        ) from missing


def batch_named(log: Log, wanted: str) -> BatchRow | None:
    """The batch of this name, or the only one whose id begins so; None where there is none. Raises `Several`."""
    from tertulia.storage.errors import NotFound, Several

    for start in dict.fromkeys((wanted, wanted.upper())):
        try:
            return log.batch(start)
        except Several:
            raise
        except NotFound:
            continue
    return None


def find_many(log: Log, words: Sequence[str], batch: str | None = None) -> list[str] | None:
    """The ids of all episodes that are named, each an episode or a batch (or beginnings of their ids), and of those of
    `batch`; None where nothing is named, which is all. Raises `NotFound` or `BadInput`."""
    if not words and batch is None:
        return None
    found: dict[str, None] = {}
    for word in words:
        one, many = episode_or_batch(log, word)
        found |= dict.fromkeys([one.id] if one is not None else _of_batch(log, many.id) if many is not None else [])
    if batch is not None:
        found |= dict.fromkeys(_of_batch(log, log.batch(batch).id))
    return list(found)


def _of_batch(log: Log, batch: str) -> list[str]:
    return [row[0] for row in log.query("SELECT id FROM episode WHERE batch = ? ORDER BY id", [batch]).rows]


def episode_or_batch(log: Log, word: str) -> tuple[EpisodeRow | None, BatchRow | None]:
    """The episode of this name, or the batch where there is none: one of the two. Raises `BadInput`."""
    from tertulia.storage.errors import NotFound, Several

    if word == LAST:
        return log.episode(find(log, word)), None
    try:
        return log.episode(word), None
    except Several:
        raise
    except NotFound as missing:
        batch = batch_named(log, word)
        if batch is not None:
            return None, batch
        raise BadInput(
            f"no episode and no batch '{word}' in {log.target}; to see them: {program()} episodes{of_log(log)}, and "
            f"{program()} episodes --batches{of_log(log)}"
        ) from missing


def ended_of_batch(log: Log, batch: str) -> tuple[list[str], int]:
    """The episodes of a batch that were played to their end, and how many there are in all. Raises `BadInput` where
    none was."""
    rows = log.episodes(batch=batch)
    ended = [row.id for row in rows if row.status in PLAYED_OUT]
    if not ended:
        raise BadInput(
            f"no episode of batch {batch} was played to its end; to see it: "
            f"{program()} episodes --batch {batch}{of_log(log)}"
        )
    return ended, len(rows)


def check_baseline(episodes: Sequence[Played], baseline: str | None) -> None:
    """Raises `BadInput` where no episode of a batch is of this cell."""
    from tertulia.storage.nearest import nearest

    cells = sorted({one.condition.cell for one in episodes if one.condition.batch})
    if baseline is not None and baseline not in cells:
        right = nearest(baseline, cells) if cells else "these episodes are of no batch"
        raise BadInput(f"--baseline {baseline}: no such cell; {right}")
