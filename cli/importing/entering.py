"""What all imports do once they have read their source: enter it, and say what came in and what did not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tertulia.cli.errors import note

if TYPE_CHECKING:
    from tertulia.storage.imports.conversation import Conversation
    from tertulia.storage.log import Log


@dataclass(slots=True)
class Came:
    """What became of the conversations of a source."""

    entered: list[str] = field(default_factory=list)
    """Episodes that are new."""
    there: list[str] = field(default_factory=list)
    """Episodes that were in the log before."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What did not come in, by the reason."""


async def enter_all(log: Log, conversations: Iterable[Conversation], *, batch: str | None = None) -> Came:
    """Enter one after the other, each whole or not at all; what was there stays as it was."""
    from tertulia.storage.imports.entering import enter

    came = Came()
    for conversation in conversations:
        entered = await enter(log, conversation, batch=batch)
        (came.entered if entered.new else came.there).append(entered.episode)
    return came


def tell(came: Came, *, as_json: bool, log: object) -> None:
    """As one JSON object, or in words."""
    if as_json:
        print(json.dumps(asdict(came)))
        return
    for episode in came.entered:
        print(episode)
    note(_sentence(came, log))
    if came.entered:
        note(f"to look at it: tertulia show {came.entered[0]}")


def _sentence(came: Came, log: object) -> str:
    new, there = len(came.entered), len(came.there)
    parts = [f"{new} {'episode' if new == 1 else 'episodes'} entered into {log}"]
    if there:
        parts.append(f"{there} {'was' if there == 1 else 'were'} there already")
    parts += [f"{count} left out: {why}" for why, count in came.left_out.items()]
    return "; ".join(parts)
