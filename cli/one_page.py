"""One HTML file that opens offline: a frame, its style, its script, and what it shows as data.

What agents said reaches the page as JSON in an element that no browser runs, and the screen as text nodes alone. The
file's own content policy allows one style and one script, by their hashes, and nothing to be loaded or sent.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any


def one_page(frame: str, *, style: str, script: str, data: Mapping[str, Any], title: str = "") -> str:
    """The whole file, in ASCII. `frame` has a place for each part, `{{policy}}`, `{{style}}`, `{{script}}`, `{{data}}`
    and perhaps `{{title}}`."""
    parts = {
        "policy": escape(_policy(style, script)),
        "title": escape(title).encode("ascii", "xmlcharrefreplace").decode(),
        "style": style,
        "script": script,
        "data": _json(data),
    }
    html = frame
    for name, part in parts.items():  # the data last: nothing is looked for in it
        before, found, after = html.rpartition("{{" + name + "}}")
        html = before + part + after if found else html
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


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
