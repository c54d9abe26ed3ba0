"""Which episodes leave the log: those that were asked for, without those that people have taken their part back in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from tertulia.storage.query import Result


class Asks(Protocol):
    """A log, as far as it is read here."""

    def query(self, sql: str, params: Sequence[Any] = (), limit: int | None = None) -> Result: ...


class People(StrEnum):
    """Whose words may go out with an export."""

    none = "none"
    """Nobody's: no episode in which a person took part."""
    agreed = "agreed"
    """No episode in which a person took their part back. Where records are made to train with, only words of people who
    agreed to a consent that the log has, in episodes that are not `local_only`."""
    all = "all"
    """Everybody's: whoever exports answers for it."""


@dataclass(slots=True)
class Chosen:
    """Episodes, the oldest first, and how many of those that were asked for are not among them, by the reason."""

    episodes: list[str]
    left_out: Counter[str] = field(default_factory=Counter)
    people: int = 0
    """Episodes among them with words of people."""
    local_only: int = 0
    """Episodes among them whose people were promised that their words stay on the machine."""


_WITH_PEOPLE = "SELECT DISTINCT p.episode FROM participant AS p WHERE p.kind = 'person' OR p.pseudonym IS NOT NULL"
_WITHDREW = "SELECT DISTINCT c.episode FROM consent AS c WHERE c.withdrawn_at IS NOT NULL"
_FORKS = "SELECT id, parent_episode FROM episode WHERE parent_episode IS NOT NULL ORDER BY created_at, id"
_LOCAL = "SELECT id, config FROM episode WHERE id IN (SELECT episode FROM participant WHERE kind = 'person')"


def choose(
    log: Asks, wanted: Sequence[str] | None, people: People = People.agreed, status: Sequence[str] = ()
) -> Chosen:  # fmt: skip
    """Those of `wanted` (None: all) that may go out; with `status`, only such as ended so."""
    rows = log.query("SELECT id, status FROM episode ORDER BY created_at, id").rows
    asked = None if wanted is None else set(wanted)
    found = [(str(id), str(how)) for id, how in rows if asked is None or id in asked]
    forks = [(str(child), str(parent)) for child, parent in log.query(_FORKS).rows]
    with_people = _and_forks(log, _WITH_PEOPLE, forks)
    withdrew = _and_forks(log, _WITHDREW, forks)
    chosen = Chosen([])
    for id, how in found:
        if status and how not in status:
            chosen.left_out[f"status {how}"] += 1
        elif people is People.none and id in with_people:
            chosen.left_out["a person took part"] += 1
        elif people is People.agreed and id in withdrew:
            chosen.left_out["a person took their part back"] += 1
        else:
            chosen.episodes.append(id)
    going = set(chosen.episodes)
    chosen.people = len(going & with_people)
    chosen.local_only = len(going & local_only(log)) if chosen.people else 0
    return chosen


def local_only(log: Asks) -> set[str]:
    """Episodes whose people were promised that their words stay here, and the forks that share turns with them."""
    import json

    found = {str(id) for id, config in log.query(_LOCAL).rows if _keeps(json.loads(config))}
    return _spread(found, [(str(child), str(parent)) for child, parent in log.query(_FORKS).rows])


def _keeps(config: Any) -> bool:
    people = config.get("people") if isinstance(config, dict) else None
    return bool(people.get("local_only", False)) if isinstance(people, dict) else False


def _and_forks(log: Asks, query: str, forks: Sequence[tuple[str, str]]) -> set[str]:
    return _spread({str(row[0]) for row in log.query(query).rows}, forks)


def _spread(found: set[str], forks: Sequence[tuple[str, str]]) -> set[str]:
    """With all that was forked from these: a fork begins with its parent's words, and is younger."""
    for child, parent in forks:
        if parent in found:
            found.add(child)
    return found
