"""docs/exports.md is executed: its commands as they stand, and its Python."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Tertulia
from tests.storage.test_imports_from_sotopia import an_episode_log, published

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The page's blocks in one language, none for `""`."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [text for its_language, text in found if its_language == language]


def test_every_command_of_the_page_does_what_it_says(tertulia: Tertulia) -> None:
    pytest.importorskip("pyarrow")
    Path("sotopia_episodes_v1.jsonl").write_text(json.dumps(published(an_episode_log())))
    commands = [line for block in blocks("") for line in block.splitlines() if line.startswith("tertulia ")]
    assert len(commands) > 8
    for command in commands:
        [_, *arguments] = shlex.split(command, comments=True)
        said = tertulia(*arguments, *(["--display", "none"] if arguments[0] == "run" else []))
        assert said.code == 0, f"{command}: {said.err}"
    assert {"log", "beliefs.csv", "train.jsonl", "log.eval"} <= {path.name for path in Path().iterdir()}
    means = {row["measure"]: row["mean"] for row in tertulia(*arguments, "--json").lines()}
    assert means["sotopia:goal"] == 6.0


def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block, space)
    assert space["two_lines"](str(tmp_path / "own.db")) == [
        True, False, [(1, "ann", "Is anybody there?"), (2, "bot", "Yes.")],
    ]  # fmt: skip


def test_the_record_on_the_page_is_one(tertulia: Tertulia) -> None:
    assert tertulia("run", "dinner-secret", "--seed", "3", "--display", "none").code == 0
    found = tertulia("export", "--to", "sft", "--seat", "bob", "-o", "-").lines()
    [shown] = [block for block in blocks("") if block.startswith("{")]
    assert found[0]["messages"][1:3] == [json.loads(line) for line in shown.splitlines()]
