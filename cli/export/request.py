"""What was asked of `tertulia export`, as its formats are handed it, and how each says what it wrote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tertulia.cli.errors import BadInput, note

if TYPE_CHECKING:
    from tertulia.storage.exports.chosen import Chosen, People
    from tertulia.storage.log import Log

STDOUT = "-"
SHOWN_FROM = 50
"""With more episodes than that, how far it has come is told."""


@dataclass(slots=True)
class Request:
    """One call of the verb. `options` are those that only some formats know, as they were given; None for those that
    were not."""

    log: Log
    format: str
    out: str
    wanted: list[str] | None
    """Ids of episodes; None for all."""
    people: People
    force: bool
    as_json: bool
    options: Mapping[str, Any] = field(default_factory=dict)

    def choose(self, status: Sequence[str] = ()) -> Chosen:
        """The episodes that go out. Raises `BadInput` where none does."""
        from tertulia.storage.exports.chosen import choose

        chosen = choose(self.log, self.wanted, self.people, status)
        if not chosen.episodes:
            raise BadInput(f"nothing to export from {self.log.target}: {left_out(chosen.left_out) or 'no episode'}")
        return chosen


def tell(request: Request, chosen: Chosen, said: str, data: Mapping[str, Any]) -> None:
    """What was written, in words on stderr or as JSON on stdout; people's words never leave without one."""
    if request.as_json and request.out != STDOUT:
        print(json.dumps({"file": request.out, "format": request.format, **data}))
    else:
        note(f"{request.out}: {said}")
    if chosen.left_out:
        note(f"left out: {left_out(chosen.left_out)}")
    if chosen.people:
        kept = f", {chosen.local_only} of them `local_only`" if chosen.local_only else ""
        note(
            f"{plural(chosen.people, 'episode')} with words of people{kept}: what they agreed to holds for this copy "
            "too, and `forget` does not reach it"
        )


def left_out(counts: Counter[str]) -> str:
    """As `2 episodes: a person took part; ...`."""
    return "; ".join(f"{count}: {why}" for why, count in sorted(counts.items()))


def plural(count: int, what: str) -> str:
    """`1 episode`, `2 episodes`."""
    return f"{count} {what}{'' if count == 1 else 's'}"
