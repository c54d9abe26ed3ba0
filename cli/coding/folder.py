"""What `--blind` and `--pairs` write: a folder with the key, and in it the folder that coders are given."""

from __future__ import annotations

import csv
import io
import json
from hashlib import sha256
from pathlib import Path

from tertulia.cli.coding.page import coding_page
from tertulia.cli.display.harmless import harmless
from tertulia.storage.coding.codebook import Code
from tertulia.storage.coding.drawing import CodingSet
from tertulia.storage.coding.sheets import heads, rows
from tertulia.storage.spreadsheets import inert

KEY = "key.json"
GIVEN = "for-coders"
_HINT = {
    "utterance": "what one person said (column `text`, by `who`)",
    "turn": "what happened in one turn (column `text`)",
    "episode": "one whole conversation (column `text`)",
    "pair": "two conversations side by side (columns `a` and `b`)",
}


def write_set(made: CodingSet, out: Path, *, delimiter: str = ",", replace: bool = False) -> None:
    """Write the whole folder or none. Raises `CannotWrite` where it cannot be, or is there already.

    With `replace`, a set that was written there before gives way.
    """
    from tertulia.storage.exports.files import MANIFEST, whole_folder

    files = dict(_files(made, delimiter))
    about = {
        "tertulia": "a coding set", "give_to_coders": GIVEN, "keep_from_coders": KEY,
        "sha256": {name: sha256(raw).hexdigest() for name, raw in files.items()},
    }  # fmt: skip
    with whole_folder(out, replace=replace) as beside:
        (beside / MANIFEST).write_text(json.dumps(about, indent=1) + "\n", encoding="ascii")
        (beside / GIVEN).mkdir()
        for name, raw in files.items():
            (beside / name).write_bytes(raw)
        (beside / KEY).chmod(0o600)


def _files(made: CodingSet, delimiter: str) -> dict[str, bytes]:
    found = {KEY: made.key().encode("ascii"), f"{GIVEN}/codebook.md": _told(made).encode("utf-8")}
    for coder in made.order:
        for unit in made.codebook.units:
            name = coder if len(made.codebook.units) == 1 else f"{coder}.{unit}"
            found[f"{GIVEN}/{name}.csv"] = _sheet(made, coder, unit, delimiter)
        found[f"{GIVEN}/{coder}.html"] = coding_page(made, coder).encode("ascii")
    return found


def _sheet(made: CodingSet, coder: str, unit: str, delimiter: str) -> bytes:
    """CSV with the mark by which Excel knows UTF-8; no cell is a formula to a spreadsheet, or obeyed by a terminal."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    for row in (heads(made, unit), *rows(made, coder, unit)):
        writer.writerow([inert(harmless(cell)) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _told(made: CodingSet) -> str:
    """The codebook for coders to read; no word of it comes from an episode."""
    book = made.codebook
    parts = [f"# {book.name}", *([book.say.strip()] if book.say else [])]
    parts.append(
        "Fill in the columns below, in the sheet or in the page; leave a cell empty where you cannot tell. "
        "Rows marked `practice` come first and are not counted. Change no `item` and no `coder`."
    )
    for unit in book.units:
        parts.append(f"## For each {unit}: {_HINT[unit]}")
        parts += [_explained(code) for code in book.of(unit)]
    return harmless("\n\n".join(parts)) + "\n"


def _explained(code: Code) -> str:
    lines = [f"### {code.name}", *([code.ask] if code.ask else [])]
    if code.scale == "interval":
        limits = "" if code.low is None else f" from {code.low:g} to {code.high:g}"
        return "\n\n".join([*lines, f"A number{limits}."])
    what = "One of these, in order:" if code.scale == "ordinal" else "One of these:"
    levels = [
        f"- `{level}`" + (f": {about}" if about else "") for level, about in zip(code.levels, code.about, strict=True)
    ]
    return "\n\n".join([*lines, what, "\n".join(levels)])
