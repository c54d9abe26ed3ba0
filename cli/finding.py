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
