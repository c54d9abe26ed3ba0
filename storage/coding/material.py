"""What can be coded: the lines of episodes, without anything that tells a condition, cut into units."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tertulia.storage.coding.codebook import Codebook
from tertulia.storage.errors import LogError
from tertulia.storage.measures.compute import Condition, Played, played
from tertulia.storage.nearest import nearest
from tertulia.storage.seen import SILENCE, SPEECH
from tertulia.storage.traces import FORGOTTEN

if TYPE_CHECKING:
    from tertulia.storage.log import Log

_LINES = (
    "SELECT turn, ordinal, kind, actor, text, addressees, origin FROM v_transcript WHERE episode = ? "
    "ORDER BY turn, ordinal"
)


class NothingToCode(LogError):
    """There is nothing, or not what was asked for; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event as a coder reads it: who, how (`whispers to carol`), what. Nobody's for what simply happened."""

    turn: int
    ordinal: int
    who: str | None
    how: str
    text: str
    said: bool
    """By a participant, in words: an utterance."""
    done: bool
    """By a participant, in words or not."""
    silence: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """One unit before it has an id: of which episode and condition, what is coded, and what stands around it."""

    unit: str
    episode: str
    condition: str
    """By it pieces are spread evenly over coders; no sheet has it."""
    lines: tuple[Line, ...]
    before: tuple[Line, ...] = ()
    after: tuple[Line, ...] = ()
    other: str | None = None
    """For a pair: the other episode, and what happened in it."""
    other_lines: tuple[Line, ...] = ()
    conditions: tuple[str, str] | None = None
    """For a pair: that of each."""

    @property
    def turn(self) -> int | None:
        return self.lines[0].turn if self.unit in ("utterance", "turn") else None

    @property
    def event(self) -> int | None:
        return self.lines[0].ordinal if self.unit == "utterance" else None

    @property
    def speaker(self) -> str | None:
        return self.lines[0].who if self.unit == "utterance" else None


def pieces(log: Log, episodes: Sequence[str], codebook: Codebook) -> list[Piece]:
    """Everything in these episodes that the codebook has codes for."""
    found: list[Piece] = []
    for one in played(log, episodes):
        lines, condition = lines_of(log, one.id), _condition(one.condition)
        for unit in codebook.units:
            found += _cut(unit, one.id, condition, lines, codebook)
    return found


def _cut(unit: str, id: str, condition: str, lines: Sequence[Line], codebook: Codebook) -> Iterator[Piece]:
    if unit == "episode":
        if any(line.done for line in lines):
            yield Piece(unit, id, condition, tuple(lines))
        return
    spoken = [line for line in lines if not line.silence]
    for first, until in _places(unit, spoken):
        yield Piece(
            unit, id, condition, tuple(spoken[first:until]), tuple(spoken[max(0, first - codebook.before) : first]),
            tuple(spoken[until : until + codebook.after]),
        )  # fmt: skip


def _places(unit: str, lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """From where to before where: each utterance, or each turn in which a participant did something."""
    if unit == "utterance":
        yield from ((i, i + 1) for i, line in enumerate(lines) if line.said and line.text != FORGOTTEN)
        return
    for turn in sorted({line.turn for line in lines}):
        mine = [i for i, line in enumerate(lines) if line.turn == turn]
        if any(lines[i].done and lines[i].text != FORGOTTEN for i in mine):
            yield mine[0], mine[-1] + 1


def pairs(log: Log, episodes: Sequence[str], between: Sequence[str]) -> tuple[list[Piece], tuple[str, str]]:
    """Episodes of two conditions side by side, the same scenario, seed and replicate each; and the two conditions.

    `between` names them: two cells, or two batches (then the cells are the same too). Without, there must be two of
    either. Raises `NothingToCode`.
    """
    known = played(log, episodes)
    labels, of = _labels(known, between)
    first, second = ({_key(one, of): one for one in known if of(one) == label} for label in labels)
    found = []
    for key in sorted(first.keys() & second.keys()):
        left, right = first[key], second[key]
        a, b = lines_of(log, left.id), lines_of(log, right.id)
        if any(line.done for line in a) and any(line.done for line in b):
            found.append(Piece("pair", left.id, "", tuple(a), other=right.id, other_lines=tuple(b), conditions=labels))
    if not found:
        raise NothingToCode(
            f"no two episodes of {labels[0]} and {labels[1]} have the same scenario, seed and replicate; play both "
            "with the same seeds"
        )
    return found, labels


def _cell_of(one: Played) -> str:
    return one.condition.cell


def _batch_of(one: Played) -> str:
    return one.condition.batch


def _labels(known: Sequence[Played], between: Sequence[str]) -> tuple[tuple[str, str], Callable[[Played], str]]:
    for of in (_cell_of, _batch_of):
        there = sorted({of(one) for one in known if one.condition.batch})
        if len(between) == 2 and set(between) <= set(there) and between[0] != between[1]:
            return (between[0], between[1]), of
        if not between and len(there) == 2:
            return (there[0], there[1]), of
    cells = sorted({_cell_of(one) for one in known if one.condition.batch})
    if not cells:
        raise NothingToCode(
            "pairs are between the cells of a batch, or between two batches; these episodes are of none"
        )
    if between:
        unknown = next((one for one in between if one not in cells), between[0])
        raise NothingToCode(f"no cell and no batch '{unknown}' among these episodes; {nearest(unknown, cells)}")
    raise NothingToCode(f"there are {len(cells)} cells; name the two that are compared: {', '.join(cells[:6])}")


def _key(one: Played, of: Callable[[Played], str]) -> tuple[Any, ...]:
    """What two episodes of a pair have in common."""
    cell = one.condition.cell if of is _batch_of else ""
    return one.condition.scenario, cell, one.seed, one.replicate


def _condition(of: Condition) -> str:
    return "\x1f".join((of.scenario, of.batch, of.cell, of.models))


def lines_of(log: Log, episode: str) -> list[Line]:
    """Everything that happened in an episode, as coders read it."""
    return list(_read(log.query(_LINES, [episode]).rows))


def _read(rows: Iterable[tuple[Any, ...]]) -> Iterator[Line]:
    for turn, ordinal, kind, actor, text, addressees, origin in rows:
        done = actor is not None and origin == "participant"
        said = kind in SPEECH
        to = ", ".join(json.loads(addressees)) if addressees else ""
        how = f"whispers to {to}" if kind == "whisper" and to else f"to {to}" if said and to else ""
        yield Line(turn, ordinal, actor if said else None, how, text, done and said, done, kind == SILENCE)
