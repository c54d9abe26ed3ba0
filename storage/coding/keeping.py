"""Codes in the log: each a row of `score`, in versions of which the last counts; nothing is overwritten.

A run (`SET/CODER/UNIT/0001`) has a head row (measure `codes`, no episode) with the codebook and what the answers hash
to, and a row for each code: measure `code_nominal`, `code_ordinal`, `code_interval`, `code_preference` (`practice_...`
for what was coded to practise), `variable` the code, `estimator` the coder, `target` the level, `value` its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tertulia.storage.coding.checking import Coded
from tertulia.storage.coding.codebook import Codebook
from tertulia.storage.coding.drawing import CodingSet, Entry
from tertulia.storage.errors import LogError
from tertulia.storage.rows import ScoreRow
from tertulia.storage.types import now

if TYPE_CHECKING:
    from tertulia.storage.log import Log

HEAD = "codes"
NOTE = "code_note"
CODER = "coder:"
"""How the estimator of a code begins; the coder follows."""
TIE = "tie"
_HEADS = (
    "SELECT run, variable, estimator, target, detail, created_at FROM score "
    "WHERE episode IS NULL AND measure = 'codes' ORDER BY run"
)


class CodesDiffer(LogError):
    """A coder's sheet is in the log with other answers; the message says how many, and how a new version is kept."""


@dataclass(frozen=True, slots=True)
class Head:
    """One version of what one coder gave to the items of one unit."""

    run: str
    set: str
    coder: str
    unit: str
    version: int
    digest: str
    codebook: Codebook
    created_at: str


@dataclass(slots=True)
class Kept:
    """What became of one coder's sheet."""

    coder: str
    unit: str
    codes: int
    empty: int
    """Cells of items they were given in which nothing stood."""
    version: int
    new: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One code as it was given."""

    item: str
    episode: str
    coder: str
    code: str
    level: str
    value: float
    practice: bool
    detail: dict[str, Any] = field(default_factory=dict)


async def keep(log: Log, made: CodingSet, coded: Sequence[Coded], *, revise: bool = False) -> list[Kept]:
    """Write what is new, all of it or nothing. The same answers again are written once; others are refused with
    `CodesDiffer`, or, with `revise`, kept as a new version that counts from then on."""
    last = {(head.coder, head.unit): head for head in heads(log) if head.set == made.id}
    rows: list[ScoreRow] = []
    found: list[Kept] = []
    for one in coded:
        before = last.get((one.coder, one.unit))
        same = before is not None and before.digest == one.digest
        if before is not None and not same and not revise:
            raise CodesDiffer(_differing(log, before, one))
        version = 1 if before is None else before.version + (not same)
        asked = sum(made.entries[item].unit == one.unit for item in made.order[one.coder])
        empty = asked * len(made.codebook.of(one.unit)) - one.given
        found.append(Kept(one.coder, one.unit, one.given, empty, version, new=not same))
        if not same:
            rows += _rows(made, one, version, now())
    if rows:
        await log.record(rows)
    return found


def heads(log: Log) -> list[Head]:
    """The versions that count: the last of every coder, set and unit, by set and coder."""
    found: dict[tuple[str, str, str], Head] = {}
    for run, set_id, estimator, unit, detail, created_at in log.query(_HEADS).rows:
        data, coder = json.loads(detail), estimator.removeprefix(CODER)
        head = Head(
            run, set_id, coder, unit, data["version"], data["digest"], Codebook.from_data(data["codebook"]), created_at
        )
        found[set_id, coder, unit] = head
    return list(found.values())


def judged(log: Log, some: Sequence[Head]) -> list[Judged]:
    """Every code of these versions."""
    found = []
    for head in some:
        sql = "SELECT episode, measure, variable, target, value, detail FROM score WHERE run = ? AND value IS NOT NULL"
        for episode, measure, code, level, value, detail in log.query(sql, [head.run]).rows:
            if measure != HEAD:
                data = json.loads(detail)
                practice = measure.startswith("practice_")
                found.append(Judged(data["item"], episode, head.coder, code, level, value, practice, data))
    return sorted(found, key=lambda one: (one.item, one.coder, one.code))


def _differing(log: Log, before: Head, one: Coded) -> str:
    there = {(code.item, code.code): code.level for code in judged(log, [before])}
    here = {(item, name): level for item, given in one.codes.items() for name, (level, _) in given.items()}
    if before.unit == "pair":
        there = {(code.item, code.code): code.detail["given"] for code in judged(log, [before])}
    other = [key for key in sorted({*there, *here}) if there.get(key) != here.get(key)]
    first = (
        f"differing cells: {len(other)}, the first: {other[0][1]} of {other[0][0]} is {there.get(other[0], 'empty')} "
        f"there and {here.get(other[0], 'empty')} here" if other else "in their notes"
    )  # fmt: skip
    return (
        f"{', '.join(one.sheets)}: {one.coder} is in the log for set {before.set} with other answers ({first}); to "
        "keep these as a new version that counts from now on: --revise"
    )


def _rows(made: CodingSet, coded: Coded, version: int, at: datetime) -> Iterator[ScoreRow]:
    run = f"{made.id}/{coded.coder}/{coded.unit}/{version:04d}"
    estimator = f"{CODER}{coded.coder}"
    head = {
        "version": version, "digest": coded.digest, "codebook": made.codebook.data(), "sheets": coded.sheets,
        "seed": made.seed,
    }  # fmt: skip
    yield ScoreRow(
        id=run, run=run, measure=HEAD, variable=made.id, estimator=estimator, target=coded.unit,
        value=float(coded.given), n=len(coded.codes), detail=head, created_at=at,
    )  # fmt: skip
    scales = {code.name: code.scale for code in made.codebook.codes}
    for item in sorted(coded.codes):
        entry = made.entries[item]
        of = {"item": item, "set": made.id, "unit": entry.unit}
        if entry.event is not None:
            of["event"] = f"{entry.turn}.{entry.event}"
        where: dict[str, Any] = {"run": run, "episode": entry.episode, "turn": entry.turn, "holder": entry.speaker,
                 "estimator": estimator, "created_at": at}  # fmt: skip
        for name, (level, value) in coded.codes[item].items():
            target, number, more = level, value, dict[str, Any]()
            if entry.unit == "pair":
                target, number, more = _preference(entry, level, item in made.swapped[coded.coder])
            kind = "practice" if entry.practice else "code"
            yield ScoreRow(
                id=f"{run}/{item}/{name}", measure=f"{kind}_{scales[name]}", variable=name, target=target,
                value=number, n=1, detail={**of, **more}, **where,
            )  # fmt: skip
        if item in coded.notes:
            yield ScoreRow(
                id=f"{run}/{item}/note",
                measure=NOTE,
                variable="note",
                detail={**of, "note": coded.notes[item]},
                **where,
            )


def _preference(entry: Entry, level: str, swapped: bool) -> tuple[str, float, dict[str, Any]]:
    """Which condition was preferred; 1.0 for the first, 0.0 for the second, 0.5 for neither."""
    assert entry.conditions is not None
    more = {"other": entry.other, "conditions": list(entry.conditions), "given": level}
    if level == TIE:
        return TIE, 0.5, more
    first = (level == "A") != swapped
    return entry.conditions[0 if first else 1], float(first), more
