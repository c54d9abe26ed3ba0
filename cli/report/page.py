"""A report as one HTML file: a frame, its style, its script, and the answers of the log as data.

What agents said reaches the page as JSON in an element that no browser runs, and the screen as text nodes alone. The
file's own content policy allows one style and one script, by their hashes, and nothing to be loaded or sent.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from tertulia.storage.reporting import Answered

_HERE = Path(__file__).parent
_EPISODE = ("data.js", "turns.js", "beliefs.js", "matrix.js", "accuracy.js", "floor.js", "influence.js", "page.js")
_BATCH = ("data.js", "sorted.js", "intervals.js", "spread.js", "curves.js", "batch.js")
"""In the order in which they need each other."""


def page(episode: str, answers: Sequence[Answered], *, blind: bool = False) -> str:
    """The whole file of an episode, in ASCII."""
    whole = {"episode": episode, "blind": blind, "queries": queries_of(answers)}
    return _file(f"Episode {episode}", ("page.css",), _EPISODE, whole)


def batch_page(title: str, whole: Mapping[str, Any]) -> str:
    """The whole file of a batch, in ASCII; `batch_data.py` says what there is to show."""
    return _file(title, ("page.css", "batch.css"), _BATCH, whole)


def queries_of(answers: Sequence[Answered]) -> dict[str, Any]:
    """What the log was asked, and what it answered, by name."""
    return {
        answer.name: {"about": answer.about, "sql": answer.sql, "columns": answer.columns, "rows": answer.rows}
        for answer in answers
    }


def _file(title: str, styles: Sequence[str], scripts: Sequence[str], whole: Mapping[str, Any]) -> str:
    style = "".join(map(_text, styles))
    script = '"use strict";\n(() => {\n' + "\n".join(map(_text, scripts)) + "})();\n"
    parts = {
        "policy": escape(_policy(style, script)),
        "title": escape(title).encode("ascii", "xmlcharrefreplace").decode(),
        "style": style,
        "script": script,
        "data": _data(whole),
    }
    html = _text("page.html")
    for name, part in parts.items():  # the data last: nothing is looked for in it
        before, _, after = html.rpartition("{{" + name + "}}")
        html = before + part + after
    return html


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _data(whole: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="ascii")
