"""`tertulia export --blind` and `--pairs`: a folder of sheets for coders, in which nothing tells of a condition."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.hints import program

if TYPE_CHECKING:
    from tertulia.storage.coding.codebook import Codebook
    from tertulia.storage.coding.drawing import CodingSet
    from tertulia.storage.coding.material import Piece
    from tertulia.storage.exports.chosen import People
    from tertulia.storage.log import Log

_CODER = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

Blind = Annotated[
    bool,
    typer.Option(
        "--blind", show_envvar=False,
        help="Sheets for coders: what was said and done alone. No condition, models or minds, nor who is a person.",
    ),
]  # fmt: skip
Pairs = Annotated[
    bool,
    typer.Option(
        "--pairs",
        show_envvar=False,
        help="The same for pairs of episodes of two conditions, side by side: which is better?",
    ),
]
OfCodebook = Annotated[
    Path | None,
    typer.Option(
        "--codebook", metavar="FILE", show_default=False, show_envvar=False, help="blind: what is coded, as YAML.",
    ),
]  # fmt: skip
Between = Annotated[
    list[str] | None,
    typer.Option(
        "--between", metavar="CELL|BATCH", show_envvar=False,
        help="pairs: the two conditions, given twice.  [default: the two there are]",
    ),
]  # fmt: skip
Coders = Annotated[
    str | None,
    typer.Option(
        "--coders", metavar="N|NAMES", show_default=False, show_envvar=False,
        help="blind, pairs: how many coders, or their pseudonyms, as in anna,ben.  [default: 2]",
    ),
]  # fmt: skip
Overlap = Annotated[
    float | None,
    typer.Option(
        "--overlap", min=0.0, max=1.0, metavar="SHARE", show_default=False, show_envvar=False,
        help="blind, pairs: the share of items that every coder gets; each of the others goes to one of them.  "
        "[default: 1]",
    ),
]  # fmt: skip
Practice = Annotated[
    int | None,
    typer.Option(
        "--practice", min=0, metavar="N", show_default=False, show_envvar=False,
        help="blind, pairs: items to practise on, first in every sheet, not counted.  [default: 0]",
    ),
]  # fmt: skip
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample", min=1, metavar="N", show_default=False, show_envvar=False,
        help="blind, pairs: so many items of each kind, drawn evenly over conditions.  [default: all]",
    ),
]  # fmt: skip
DrawnBy = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, metavar="N", show_default=False, show_envvar=False,
        help="blind, pairs: of the order and of who gets what.  [default: 0]",
    ),
]  # fmt: skip
Semicolons = Annotated[
    bool,
    typer.Option(
        "--semicolons", show_envvar=False, help="blind, pairs: for spreadsheets that use decimal commas."
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What a coding set is made of, as it was typed."""

    episodes: Sequence[str] | None
    """Ids; None for all."""
    out: Path
    people: People
    force: bool
    as_json: bool
    pairs: bool = False
    codebook: Path | None = None
    between: Sequence[str] = ()
    coders: str = "2"
    overlap: float = 1.0
    practice: int = 0
    sample: int | None = None
    seed: int = 0
    semicolons: bool = False


def write_sheets(log: Log, asked: Asked) -> None:
    """Draw a set, write its folder, and say what is in it. Raises `BadInput`, `NothingToCode` or `ScenarioError`."""
    from tertulia.cli.coding.folder import GIVEN, KEY, write_set
    from tertulia.storage.coding.drawing import draw

    coders = _coders(asked.coders)
    book = _codebook(asked)
    made = draw(
        _pieces(log, asked, book), book, coders, overlap=asked.overlap, practice=asked.practice, sample=asked.sample,
        seed=asked.seed,
    )  # fmt: skip
    write_set(made, asked.out, delimiter=";" if asked.semicolons else ",", replace=asked.force)
    if asked.as_json:
        print(json.dumps({"set": made.id, "folder": str(asked.out.resolve()), **_counts(made)}))
    else:
        note(_sentence(made))
        note(f"give coders {asked.out / GIVEN}, and keep {asked.out / KEY} from them: it says what is what")


def _coders(given: str) -> list[str]:
    """`2`, or names: `anna,ben`. Raises `BadInput`."""
    if given.strip().isdecimal() and 1 <= int(given) <= 50:
        return [f"coder-{n}" for n in range(1, int(given) + 1)]
    names = [name.strip().casefold() for name in given.split(",")]
    if len(set(names)) < len(names) or not all(_CODER.fullmatch(name) for name in names) or given.strip().isdecimal():
        right = "a number from 1 to 50, or pseudonyms of letters, digits, - and _, as in --coders anna,ben"
        raise BadInput(f"--coders {given}: these are no coders; {right}")
    return names


def _codebook(asked: Asked) -> Codebook:
    from tertulia.cli.coding.codebook import read_codebook
    from tertulia.storage.coding.codebook import preferences

    if asked.codebook is not None:
        return read_codebook(asked.codebook, pairs=asked.pairs)
    if asked.pairs:
        return preferences()
    raise BadInput("--blind: what is coded? give a codebook: --codebook FILE.yaml (docs/judging.md shows one)")


def _pieces(log: Log, asked: Asked, book: Codebook) -> list[Piece]:
    from tertulia.storage.coding.material import pairs, pieces
    from tertulia.storage.exports.chosen import choose
    from tertulia.storage.statuses import PLAYED_OUT

    if asked.between and not asked.pairs:
        raise BadInput("--between: this is for --pairs")
    if len(asked.between) not in (0, 2):
        raise BadInput(f"--between {asked.between[0]}: give it twice, once for each of the two conditions")
    if len(set(asked.between)) == 1:
        raise BadInput(f"--between {asked.between[0]}: this is given twice; once for each of the two conditions")
    found = choose(log, asked.episodes, asked.people, PLAYED_OUT)
    for why, count in found.left_out.items():
        note(f"{count} {'episode is' if count == 1 else 'episodes are'} left out: {why}")
    if found.local_only:
        note(f"in {found.local_only} episodes people were told that their words stay on this machine; the sheets too")
    if not found.episodes:
        raise BadInput(f"no episode is left to code; to see what there is: {program()} episodes")
    episodes = found.episodes
    return pairs(log, episodes, asked.between)[0] if asked.pairs else pieces(log, episodes, book)


def _counts(made: CodingSet) -> dict[str, object]:
    coded = [id for id, entry in made.entries.items() if not entry.practice]
    by_all = sum(all(id in ids for ids in made.order.values()) for id in coded)
    return {
        "items": len(coded), "coded_by_all": by_all, "practice": len(made.entries) - len(coded),
        "coders": {coder: len(ids) for coder, ids in made.order.items()},
    }  # fmt: skip


def _sentence(made: CodingSet) -> str:
    of = _counts(made)
    return (
        f"set {made.id}: {of['items']} items, {of['coded_by_all']} of them for every coder, {of['practice']} more to "
        f"practise on; {', '.join(made.order)}"
    )
