"""A report as one HTML file: which scripts and styles it is made of, and the answers of the log as its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tertulia.cli.one_page import one_page
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
    script = '"use strict";\n(() => {\n' + "\n".join(map(_text, scripts)) + "})();\n"
    return one_page(_text("page.html"), style="".join(map(_text, styles)), script=script, data=whole, title=title)


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="ascii")
