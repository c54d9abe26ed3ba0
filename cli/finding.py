"""Which episode is meant: an id, the beginning of one, or `last`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tertulia.cli.errors import BadInput
from tertulia.cli.hints import program

if TYPE_CHECKING:
    from tertulia.storage.log import Log

LAST = "last"


def find(log: Log, wanted: str, *, status: Sequence[str] | None = None) -> str:
    """The full id. `last` is the newest episode, among those with these statuses where they are given.

    Raises `NotFound` or `BadInput`.
    """
    if wanted != LAST:
        return log.episode(wanted).id
    newest = log.episodes(1, status=status)
    if not newest and status is not None and log.episodes(1):
        raise BadInput(f"every episode has ended; to see them: {program()} episodes")
    if not newest:
        raise BadInput(f"there is no episode in {log.target} yet; to begin with: {program()} run mutual-friends")
    return newest[0].id


def find_many(log: Log, words: Sequence[str], batch: str | None = None) -> list[str] | None:
    """The ids of all episodes that are named, each an episode or a batch (or beginnings of their ids), and of those of
    `batch`; None where nothing is named, which is all. Raises `NotFound` or `BadInput`."""
    if not words and batch is None:
        return None
    found: dict[str, None] = {}
    for word in words:
        found |= dict.fromkeys(_episode_or_batch(log, word))
    if batch is not None:
        found |= dict.fromkeys(_of_batch(log, log.batch(batch).id))
    return list(found)


def _episode_or_batch(log: Log, word: str) -> list[str]:
    from tertulia.storage.errors import NotFound

    try:
        return [find(log, word)]
    except NotFound as missing:
        for start in dict.fromkeys((word, word.upper())):
            try:
                return _of_batch(log, log.batch(start).id)
            except NotFound:
                continue
        raise BadInput(
            f"no episode and no batch '{word}' in {log.target}; to see them: {program()} episodes, and "
            f"{program()} episodes --batches"
        ) from missing


def _of_batch(log: Log, batch: str) -> list[str]:
    return [row[0] for row in log.query("SELECT id FROM episode WHERE batch = ? ORDER BY id", [batch]).rows]
