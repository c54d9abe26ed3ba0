"""A coder's items as one HTML file to code in: it opens offline, keeps what was chosen, and gives back a sheet.

What agents said is data in an element that no browser runs, and reaches the screen as text alone; the file's content
policy allows its one style and its one script, and nothing to be loaded or sent.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from tertulia.cli.display.harmless import harmless
from tertulia.storage.coding.drawing import CodingSet
from tertulia.storage.coding.sheets import cells

_HERE = Path(__file__).parent


def coding_page(made: CodingSet, coder: str) -> str:
    """The whole file, in ASCII."""
    style, script = _text("page.css"), _text("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'"
    )
    html = _text("page.html")
    parts = {"policy": escape(policy), "style": style, "script": script, "data": _data(made, coder)}
    for name, part in parts.items():  # the data last: nothing is looked for in it
        before, _, after = html.rpartition("{{" + name + "}}")
        html = before + part + after
    return html


def _data(made: CodingSet, coder: str) -> str:
    """JSON that cannot end the element it stands in. The set's name is not in it: an id tells nothing of others."""
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
    data: dict[str, Any] = {"coder": coder, "title": book.name, "say": book.say, "codes": codes, "items": items}
    return json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
