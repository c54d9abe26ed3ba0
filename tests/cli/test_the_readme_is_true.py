"""What README.md shows of commands that end by themselves is what they print, and its Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.command import Tertulia
from tests.cli.test_the_page_on_forks_is_true import compare

PAGE = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
_COMMAND = re.compile(r"\$ tertulia (.*(?:\n {8,}.*)*)\n((?:(?!\$ ).*\n)*)")
_ELSEWHERE = ("play ", "batch ", "run mutual-friends --seeds")
"""For a person, long, or with times in what they print; other tests have them."""


def test_the_commands_of_the_readme_follow_one_another(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERTULIA_DB")
    commands = 0
    for block in re.findall(r"```\n(\$ .*?)```", PAGE, re.DOTALL):
        for typed, shown in _COMMAND.findall(block):
            if not typed.startswith(_ELSEWHERE):
                said = tertulia(*shlex.split(typed))
                lines = f"{said.out}{said.err if said.code else ''}".splitlines()
                if not shown.startswith("..."):
                    start = next((n for n, line in enumerate(lines) if line == shown.splitlines()[0]), 0)
                    lines = lines[start:]
                compare(lines, shown.splitlines(), {})
                commands += 1
    assert commands == 4


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TERTULIA_DB")
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert f"# {said[0]}\n" in code
    assert "Both have selected the same friend." in said[-1]
