"""What `--blind` and `--pairs` write: a folder with the key, and in it the folder that coders are given."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from pathlib import Path

from tertulia.cli.coding.page import coding_page
from tertulia.cli.display.answers import inert
from tertulia.cli.display.harmless import harmless
from tertulia.cli.errors import BadInput
from tertulia.storage.coding.codebook import Code
from tertulia.storage.coding.drawing import CodingSet
from tertulia.storage.coding.sheets import heads, rows

KEY = "key.json"
GIVEN = "for-coders"
_HINT = {
    "utterance": "what one person said (column `text`, by `who`)",
    "turn": "what happened in one turn (column `text`)",
    "episode": "one whole conversation (column `text`)",
    "pair": "two conversations side by side (columns `a` and `b`)",
}


def write_set(made: CodingSet, out: Path, *, delimiter: str = ",") -> list[Path]:
    """Write everything beside `out` first, then give it its name: there is a whole folder or none.

    Raises `BadInput` where there is something already, or nothing can be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"-o {out}: there is something already; give a folder that is not there yet")
    files = dict(_files(made, delimiter))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise BadInput(f"-o {out}: {error.strerror}; another place: -o FOLDER") from error
    try:
        for name, raw in files.items():
            path = beside / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(raw)
        beside.chmod(0o755)
        (beside / KEY).chmod(0o600)
        os.replace(beside, out)  # noqa: PTH105  over an empty folder as well
    except OSError as error:
        raise BadInput(f"-o {out}: {error.strerror}; another place: -o FOLDER") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return [out / name for name in files]


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
