"""docs/judging.md is executed, from a batch to agreement, a difference between conditions, and preference data."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Tertulia
from tests.cli.test_the_page_on_forks_is_true import compare

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "judging.md").read_text(encoding="utf-8")
_SET = re.compile(r"\b(doing|preferences)-[a-zX]{7}\b")


def test_every_step_of_the_page_does_and_says_what_the_page_shows(tertulia: Tertulia, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    commands = 0
    for kind, block in re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL):
        if kind == "yaml":
            name = {"batch": "two-lengths", "codebook": "doing"}[block.partition(":")[0]]
            (tmp_path / f"{name}.yaml").write_text(block)
        elif kind == "python":
            exec(block, names)  # the page's own code
        for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
            said = tertulia(*shlex.split(typed))
            assert said.code == 0, said.err
            lines = _SET.sub(r"\1-XXXXXXX", f"{said.err}{said.out}").splitlines()
            compare(lines, shown.splitlines(), {})
            commands += 1
    assert commands == 9


@pytest.mark.parametrize("command", ["import chat", "import codes", "agreement", "export"])
def test_every_option_that_the_page_names_is_one(tertulia: Tertulia, command: str) -> None:
    known = tertulia(*command.split(), "--help").out
    for line in re.findall(rf"tertulia {command} (.*)", PAGE):
        for option in re.findall(r"--[a-z-]+", line):
            assert option in known
