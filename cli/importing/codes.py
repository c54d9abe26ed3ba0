"""`tertulia import codes`: filled sheets as scores in the log, every cell checked before any is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.coding.drawing import CodingSet
    from tertulia.storage.coding.keeping import Kept
    from tertulia.storage.coding.reading import Sheet


def codes(
    sheets: Annotated[
        list[Path], typer.Argument(metavar="SHEET...", show_default=False, help="Filled sheets (CSV), of one set.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", show_default=False, show_envvar=False,
            help="The key of the set.  [default: key.json beside the sheets' folder, or in it]",
        ),
    ] = None,
    coder: Annotated[
        str | None,
        typer.Option(
            "--coder", metavar="NAME", show_default=False, show_envvar=False,
            help="Whose rows they are that do not say it themselves.",
        ),
    ] = None,
    revise: Annotated[
        bool,
        typer.Option(
            "--revise", show_envvar=False,
            help="Keep changed answers as a new version, which counts from then on; the old stay in the log.",
        ),
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Read filled coding sheets back as scores, and say how far the coders agree.

    Every cell is checked against the codebook first; nothing is written if anything is wrong. A spreadsheet's liberties
    are taken back (semicolons, 1.0 for 1, other encodings, rows and columns in another order, empty columns dropped).
    The same answers again change nothing; other answers of the same coder are refused without --revise.

    \b
    tertulia import codes study/for-coders/coder-1.csv study/for-coders/coder-2.csv
    tertulia import codes study/for-coders/*.csv --json
    tertulia measures run BATCH --measure judgements    what they gave, by condition
    """
    from tertulia.cli.coding.tables import agreement_lines, data
    from tertulia.storage.coding.checking import check
    from tertulia.storage.coding.keeping import heads, judged, keep
    from tertulia.storage.coding.results import agreements, wins
    from tertulia.storage.log import Log

    made = _key(sheets, key)
    coded = check(made, _read(sheets), coder)
    with Log.open(db, create=False, writing=True) as log:
        _known(log, made)
        kept = asyncio.run(keep(log, made, coded, revise=revise))
        mine = [head for head in heads(log) if head.set == made.id]
        given = judged(log, mine)
    found, preferred = agreements(mine, given), wins(given)
    if as_json:
        print(json.dumps({"set": made.id, "coded": [asdict(one) for one in kept], **data(found, preferred)}))
        return
    for one in kept:
        note(_sentence(one, made.id))
    for line in agreement_lines(found, preferred):
        print(line)


def _key(sheets: Sequence[Path], given: Path | None) -> CodingSet:
    from tertulia.cli.coding.folder import KEY
    from tertulia.storage.coding.drawing import CodingSet

    path = given
    if path is None:
        folder = sheets[0].resolve().parent
        path = next((one / KEY for one in (folder.parent, folder) if (one / KEY).is_file()), None)
    if path is None:
        raise BadInput(f"{sheets[0]}: there is no {KEY} beside its folder, nor in it; give the set's key: --key FILE")
    try:
        return CodingSet.read(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"--key {path}: {getattr(error, 'strerror', None) or 'this is no text'}; give key.json"
        ) from error


def _read(sheets: Sequence[Path]) -> list[Sheet]:
    from tertulia.storage.coding.reading import read_sheet

    found = []
    for path in dict.fromkeys(sheets):
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}; give a filled sheet (CSV)") from error
        found.append(read_sheet(raw, str(path)))
    return found


def _known(log: Any, made: CodingSet) -> None:
    """The episodes of the key must be in this log."""
    wanted = sorted({entry.episode for entry in made.entries.values()})
    there = {row[0] for row in log.query("SELECT id FROM episode").rows}
    missing = [id for id in wanted if id not in there]
    if missing:
        raise BadInput(
            f"{len(missing)} of the {len(wanted)} episodes of set {made.id} are not in {log.target} (the first: "
            f"{missing[0]}); give the log they were exported from: --db"
        )


def _sentence(one: Kept, set_id: str) -> str:
    empty = f", {one.empty} cells empty" if one.empty else ""
    if not one.new:
        return f"{one.coder}: these answers are in the log already (set {set_id}, {one.unit}); nothing was written"
    version = f", version {one.version}" if one.version > 1 else ""
    return f"{one.coder}: {one.codes} codes of set {set_id} ({one.unit}){version}{empty}"


def add_to(group: typer.Typer) -> None:
    group.command("codes", short_help="Read filled coding sheets back, and tell the agreement.")(codes)
