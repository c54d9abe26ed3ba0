"""The measures that ship: each a small SQL file in `sql/` that says what it is, and the numbers behind it.

A file begins with what the measure is, then `-- key: value` lines (unit, range, n, source, statistic, ...), then one
SELECT. It gives a row for each episode and group: `episode`, the columns that tell groups apart, and the sums that the
statistic needs. Sums of episodes add up, so one query serves one episode, a batch and the whole log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tertulia.storage.errors import LogError
from tertulia.storage.nearest import nearest
from tertulia.storage.views import View

HERE = Path(__file__).parent / "sql"
_KEY = re.compile(r"-- ([a-z]+): (.+)")
_THESE = re.compile(r"\{these\}\(([\w.]+)\)")
_PART = re.compile(r"\{part (\w+)\}\n?")
_ROOMY = frozenset({"about", "source"})
"""Keys whose value may go on in the lines below."""
_KEYS = frozenset({"family", "unit", "range", "n", "statistic", "reads", "always", "by", "source"})


class UnknownMeasure(LogError):
    """No measure has this name; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: what it is, in which unit and range, where it comes from, and the query that gives it."""

    name: str
    family: str
    """`task`, `participation`, `thoughts`, `beliefs`, `language`, `honesty`, `influence`, `cost` or `judgements`."""
    about: str
    unit: str
    range: str
    n: str
    """What n counts: `utterances`, `episodes`, ..."""
    statistic: str
    """How sums become the number: a name in `statistics.STATISTICS`."""
    reads: str | None
    """What reads the texts the query gives, where SQL ends: a name in `words.READERS`."""
    always: tuple[str, ...]
    """Groups that are never pooled."""
    by: tuple[str, ...]
    """Groups that are pooled unless one asks for them."""
    source: str
    """A paper and its equation, or `ours`."""
    sql: str

    def query(self, dialect: str, these: str) -> str:
        """The SELECT for `sqlite` or `postgresql`, over the episodes of which the SQL condition `these` is true; in it,
        `{id}` stands for the column with the episode's id."""
        return View(self.name, self.about, {}, expanded(self.sql, these)).select(dialect).strip()


def expanded(sql: str, these: str) -> str:
    """A query that begins with parts of measures, with them, over the episodes of which the condition is true."""
    sql = _PART.sub(lambda found: _part(found[1]), sql)
    return _THESE.sub(lambda found: these.replace("{id}", found[1]), sql)


def among(episodes: Sequence[str]) -> str:
    """The condition for these episodes by their ids."""
    return "{id} IN (" + ", ".join(f"'{_quoted(id)}'" for id in episodes) + ")"


def of_batch(batch: str, statuses: Sequence[str]) -> str:
    """The condition for all episodes of a batch that stand so."""
    stand = ", ".join(f"'{status}'" for status in statuses)
    return f"{{id}} IN (SELECT id FROM episode WHERE batch = '{_quoted(batch)}' AND status IN ({stand}))"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


@cache
def measures() -> tuple[Measure, ...]:
    """All that ship, family by family."""
    families = (
        "task", "participation", "thoughts", "beliefs", "language", "honesty", "influence", "cost", "judgements",
    )  # fmt: skip
    found = [_read(path) for path in sorted(HERE.glob("*.sql"))]
    return tuple(sorted(found, key=lambda one: (families.index(one.family), one.name)))


def measure(name: str) -> Measure:
    """The measure of this name. Raises `UnknownMeasure`."""
    by_name = {one.name: one for one in measures()}
    if name not in by_name:
        raise UnknownMeasure(f"no measure '{name}'; {nearest(name, sorted(by_name))}")
    return by_name[name]


@cache
def curve(name: str) -> Measure:
    """The sums behind the curve of this name, a row for each episode, group and turn."""
    return _read(HERE / "curves" / f"{name}.sql")


def measures_of(names: Sequence[str]) -> list[Measure]:
    """Those of these names or families, each once; all where none is named. Raises `UnknownMeasure`."""
    families = {one.family for one in measures()}
    found: dict[str, Measure] = {}
    for name in names:
        some = [one for one in measures() if one.family == name] if name in families else [measure(name)]
        found |= {one.name: one for one in some}
    return list(found.values()) if names else list(measures())


def _read(path: Path) -> Measure:
    lines = path.read_text(encoding="utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("-- "))
    said = _said(lines[:end])
    sql = _PART.sub(lambda found: _part(found[1]), "\n".join(lines[end:]))
    return Measure(
        path.stem, said["family"], said["about"], said["unit"], said["range"], said["n"],
        said.get("statistic", "ratio"), said.get("reads"), _names(said.get("always")), _names(said.get("by")),
        said.get("source", "ours"), sql,
    )  # fmt: skip


def _part(name: str) -> str:
    """What several measures begin with."""
    return (HERE / "parts" / f"{name}.sql").read_text(encoding="utf-8")


def _said(lines: Sequence[str]) -> dict[str, str]:
    """What the comment at the head of a file says, by key; what stands before the first key is `about`."""
    said: dict[str, str] = {}
    key = "about"
    for line in lines:
        found = _KEY.fullmatch(line)
        if found is not None and found[1] in _KEYS:
            key = found[1]
            said[key] = found[2].strip()
        else:
            assert key in _ROOMY, line
            said[key] = f"{said.get(key, '')} {line.removeprefix('-- ').strip()}".strip()
    return said


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()
