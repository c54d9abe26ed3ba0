"""A coding set: pieces with ids that tell nothing, dealt to coders in an order that tells nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any

from tertulia.storage.coding.codebook import Codebook
from tertulia.storage.coding.material import NothingToCode, Piece
from tertulia.storage.errors import LogError

KIND = "the key of a coding set: whoever codes must not see it"
_LETTERS = "bcdfghjkmnpqrstvwxz"
"""No digit and no vowel: no spreadsheet takes an id for a number or a date, and it is no word."""
_LENGTH = 7


class KeyTrouble(LogError):
    """A file that is no key of ours; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item in the key: what its id stands for."""

    unit: str
    episode: str
    turn: int | None = None
    event: int | None = None
    speaker: str | None = None
    practice: bool = False
    other: str | None = None
    conditions: tuple[str, str] | None = None


@dataclass(slots=True)
class CodingSet:
    """Everything that is given to coders, and what their answers are read back by."""

    id: str
    seed: int
    codebook: Codebook
    entries: dict[str, Entry]
    order: dict[str, list[str]]
    """By coder: the ids of their items in their order, practice first."""
    swapped: dict[str, set[str]] = field(default_factory=dict)
    """By coder: the pairs of which they see the second condition as A."""
    pieces: dict[str, Piece] = field(default_factory=dict)
    """By id; not in a key."""

    def key(self) -> str:
        """As the file that coders must not see: no word of any episode is in it."""
        data = {
            "tertulia": KIND,
            "set": self.id,
            "seed": self.seed,
            "codebook": self.codebook.data(),
            "coders": self.order,
            "swapped": {coder: sorted(ids) for coder, ids in self.swapped.items()},
            "items": {id: _said(entry) for id, entry in sorted(self.entries.items())},
        }
        return json.dumps(data, indent=1) + "\n"

    @classmethod
    def read(cls, text: str, where: str) -> CodingSet:
        """The set of a key. Raises `KeyTrouble`."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data["tertulia"] != KIND:
                raise KeyError
            entries = {id: _entry(given) for id, given in data["items"].items()}
            order = {coder: list(ids) for coder, ids in data["coders"].items()}
            swapped = {coder: set(ids) for coder, ids in data["swapped"].items()}
            return cls(data["set"], data["seed"], Codebook.from_data(data["codebook"]), entries, order, swapped)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise KeyTrouble(f"{where}: this is no key of a coding set; give the key.json that came with it") from None


def draw(
    pieces: Sequence[Piece], codebook: Codebook, coders: Sequence[str], *, overlap: float = 1.0, practice: int = 0,
    sample: int | None = None, seed: int = 0,
) -> CodingSet:  # fmt: skip
    """Deal pieces to coders: `practice` of them to all first, then the share `overlap` to all, and each of the rest to
    one. Of every unit, and of every condition as evenly as can be. `sample` takes so many pieces of each unit.

    The same pieces, coders and seed give the same set. Raises `NothingToCode` where there are too few.
    """
    # No sheet has it, nor what it is made of: whoever sees ids cannot draw them again.
    secret = _fingerprint(pieces, codebook, coders, overlap, practice, sample, seed)
    made = CodingSet(f"{codebook.name}-{_word(Random(secret))}", seed, codebook, {}, {coder: [] for coder in coders})
    ids = _ids(Random(f"{secret}/items"), len(pieces))
    trained: list[str] = []
    dealt: dict[str, list[str]] = {coder: [] for coder in coders}
    for unit in codebook.units:
        mine = _spread([piece for piece in pieces if piece.unit == unit], Random(f"{secret}/{unit}"))
        wanted = mine[: None if sample is None else sample + practice]
        if len(wanted) <= practice:
            raise NothingToCode(f"there are {len(mine)} {unit}s, too few to code beside {practice} to practise on")
        shared = round(overlap * (len(wanted) - practice))
        for n, piece in enumerate(wanted):
            name = next(ids)
            made.pieces[name] = piece
            made.entries[name] = _entry_of(piece, practice=n < practice)
            if n < practice:
                trained.append(name)
            elif n < practice + shared:
                for coder in coders:
                    dealt[coder].append(name)
            else:
                dealt[coders[(n - practice - shared) % len(coders)]].append(name)
    for coder in coders:
        rng = Random(f"{secret}/coder/{coder}")
        rng.shuffle(dealt[coder])
        made.order[coder] = [*trained, *dealt[coder]]
        made.swapped[coder] = _half(rng, [name for name in made.order[coder] if made.entries[name].unit == "pair"])
    return made


def _half(rng: Random, ids: list[str]) -> set[str]:
    """Half of them, so that neither condition stands more often on the left."""
    return set(rng.sample(ids, len(ids) // 2 + (rng.randrange(2) if len(ids) % 2 else 0)))


def _spread(pieces: Sequence[Piece], rng: Random) -> list[Piece]:
    """In an order of chance in which the conditions come in turn: so any beginning of it has as much of each."""
    by_condition: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_condition.setdefault(piece.condition, []).append(piece)
    placed = []
    for condition in sorted(by_condition):
        mine = by_condition[condition]
        rng.shuffle(mine)
        placed += [((n + rng.random()) / len(mine), piece) for n, piece in enumerate(mine)]
    return [piece for _, piece in sorted(placed, key=lambda one: one[0])]


def _fingerprint(pieces: Sequence[Piece], codebook: Codebook, *how: Any) -> str:
    of = [(piece.unit, piece.episode, piece.other, piece.turn, piece.event) for piece in pieces]
    return sha256(json.dumps([of, codebook.data(), list(map(str, how))]).encode()).hexdigest()


def _word(rng: Random) -> str:
    return "".join(rng.choice(_LETTERS) for _ in range(_LENGTH))


def _ids(rng: Random, size: int) -> Iterator[str]:
    """So many different ids, in the order in which they are drawn."""
    found: dict[str, None] = {}
    while len(found) < size:
        found[_word(rng)] = None
    return iter(found)


def _entry_of(piece: Piece, *, practice: bool) -> Entry:
    return Entry(
        piece.unit, piece.episode, piece.turn, piece.event, piece.speaker, practice, piece.other, piece.conditions
    )


def _said(entry: Entry) -> dict[str, Any]:
    """What there is to say of an item."""
    of = {name: getattr(entry, name) for name in Entry.__slots__}
    return {name: value for name, value in of.items() if value is not None and value is not False}


def _entry(given: Mapping[str, Any]) -> Entry:
    conditions = given.get("conditions")
    return Entry(**{**given, "conditions": tuple(conditions) if conditions else None})
