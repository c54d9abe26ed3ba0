"""A coder's items as one HTML file to code in: it opens offline, keeps what was chosen, and gives back a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tertulia.cli.display.harmless import harmless
from tertulia.cli.one_page import one_page
from tertulia.storage.coding.drawing import CodingSet
from tertulia.storage.coding.sheets import cells

_HERE = Path(__file__).parent


def coding_page(made: CodingSet, coder: str) -> str:
    """The whole file, in ASCII."""
    return one_page(_text("page.html"), style=_text("page.css"), script=_text("page.js"), data=_data(made, coder))


def _data(made: CodingSet, coder: str) -> dict[str, Any]:
    """The set's name is not in it: an id tells nothing of others."""
    book = made.codebook
    items = [
        {
            "item": id,
            "unit": made.entries[id].unit,
            "practice": made.entries[id].practice,
            **{name: harmless(text) for name, text in cells(made, coder, id).items()},
        }
        for id in made.order[coder]
    ]
    codes = [
        {"name": code.name, "unit": code.unit, "scale": code.scale, "ask": code.ask, "levels": code.levels,
         "about": code.about, "low": code.low, "high": code.high}
        for code in book.codes
    ]  # fmt: skip
    return {"coder": coder, "title": book.name, "say": book.say, "codes": codes, "items": items}


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
