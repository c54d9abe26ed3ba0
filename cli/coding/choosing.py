"""Which episodes are meant by ids of episodes and batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tertulia.cli.errors import BadInput, note
from tertulia.cli.finding import find
from tertulia.cli.hints import program
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from tertulia.storage.log import Log


def chosen(log: Log, wanted: Sequence[str]) -> list[str]:
    """The episodes of these ids, each once; of a batch those that were played to their end. Raises `BadInput`."""
    from tertulia.storage.log import NotFound

    found: dict[str, None] = {}
    for word in wanted:
        try:
            found[find(log, word)] = None
            continue
        except NotFound:
            pass
        try:
            batch = log.batch(word).id
        except NotFound:
            raise BadInput(
                f"no episode and no batch '{word}' in {log.target}; to see them: {program()} episodes, and "
                f"{program()} episodes --batches"
            ) from None
        rows = log.episodes(batch=batch)
        ended = [row.id for row in rows if row.status in PLAYED_OUT]
        if len(ended) < len(rows):
            note(f"{len(rows) - len(ended)} of the {len(rows)} episodes of batch {batch} were not played to their end "
                 "and are left out")  # fmt: skip
        found |= dict.fromkeys(ended)
    if not found:
        raise BadInput(f"none of these episodes was played to its end; to see them: {program()} episodes")
    return list(found)
