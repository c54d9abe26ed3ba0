"""What a report of an episode shows: a handful of queries, each one file in `report/`, and their answers.

A report holds nothing else, so that whatever stands in it can be asked again, by the query that it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tertulia.storage.measures.catalogue import among, expanded
from tertulia.storage.query import Result

EPISODE = (
    "outcome",
    "seats",
    "turns",
    "transcript",
    "thoughts",
    "claims",
    "beliefs",
    "gold",
    "accuracy",
    "floor",
    "influence",
    "costs",
)
"""What an episode is asked for."""
BLIND = ("seats_blind", "turns_blind", "transcript_blind")
"""The same for eyes that should not see the condition, the models, who is a person, or what went on in minds: each of
these would tell the others (a person has no thoughts in the log, rules cost nothing)."""

_FILES = Path(__file__).parent / "report"
_BLIND = "_blind"


class Asks(Protocol):
    """A log, as far as it is read here."""

    def query(self, sql: str, params: Sequence[Any] = (), limit: int | None = None) -> Result: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """One query of a report: what it is about, its SQL as `tertulia sql` takes it, and what the log answered."""

    name: str
    about: str
    sql: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def episode_report(log: Asks, episode: str, *, blind: bool = False) -> list[Answered]:
    """Everything a report of one episode shows; `blind` leaves out all but who spoke and what was said."""
    return [answered(log, name, "episode", episode) for name in (BLIND if blind else EPISODE)]


def answered(log: Asks, name: str, about: str, id: str) -> Answered:
    """Asks the query of this name about one `episode` or `batch`."""
    said, _, sql = (_FILES / f"{name}.sql").read_text(encoding="utf-8").partition("\n")
    sql = expanded(sql.strip(), among([id])).replace(f":{about}", _quoted(id))
    found = log.query(sql)
    short = name.rpartition("/")[2].removesuffix(_BLIND)
    return Answered(short, said.removeprefix("-- "), sql, found.columns, found.rows)


def _quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
