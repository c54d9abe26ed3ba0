"""Pages that one follows step by step are executed: their files, commands and Python, and what these print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.command import Tertulia
from tests.cli.test_the_page_on_forks_is_true import compare

DOCS = Path(__file__).resolve().parents[2] / "docs"
_PARTS = re.compile(r"```(?P<kind>yaml|python)?\n(?P<text>.*?)```", re.DOTALL)
_COMMAND = re.compile(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)")


@pytest.mark.parametrize(
    ("page", "file", "commands"),
    [("own-scenario.md", "who-has-the-key.yaml", 5), ("study.md", "read.yaml", 3), ("notebooks.md", "", 0)],
)
def test_whoever_follows_the_page_sees_what_it_shows(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    page: str, file: str, commands: int,
) -> None:  # fmt: skip
    monkeypatch.delenv("TERTULIA_DB")
    text = (DOCS / page).read_text(encoding="utf-8")
    here: dict[str, object] = {}
    ids: dict[str, str] = {}
    for part in _PARTS.finditer(text):
        if part["kind"] == "yaml":
            Path(file).write_text(part["text"])
        elif part["kind"] == "python":
            capsys.readouterr()
            exec(compile(part["text"], page, "exec"), here)
            for line in capsys.readouterr().out.splitlines():
                assert line in text.splitlines() or f"`{line}`" in text, line
        else:
            for typed, shown in _COMMAND.findall(part["text"]):
                said = tertulia(*shlex.split(typed))
                failed = said.err if said.code else ""
                compare(f"{said.out}{failed}".splitlines(), shown.splitlines(), ids)
                commands -= 1
    assert commands == 0


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name == "README.md" or f"]({page.name})" in index, f"docs/README.md does not lead to {page.name}"
