"""docs/asking-the-log.md is executed: what its commands say is what the page says they say, ids apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tertulia.cli.asking.commands import COMMANDS
from tertulia.storage.named import SHIPPED
from tests.cli.command import Tertulia
from tests.cli.test_the_page_on_forks_is_true import compare

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "asking-the-log.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_says_what_the_page_shows(tertulia: Tertulia) -> None:
    ids: dict[str, str] = {}
    commands = 0
    for block in re.findall(r"```\n(\$ .*?)```", PAGE, re.DOTALL):
        for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
            said = tertulia(*shlex.split(typed))
            compare(f"{said.out}{said.err}".splitlines(), shown.splitlines(), ids)
            commands += 1
    assert commands == 5


def test_the_query_of_the_page_is_one(tertulia: Tertulia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tertulia("run", "dinner-secret", "--display", "none", "--seed", "3")
    [text] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "said.sql").write_text(text)
    rows = tertulia("sql", "--named", "said", "-p", "episode=last", "--json").lines()
    assert rows[0] == {"turn": 1, "characters": 24, "text": "The house is to be sold."}


def test_every_query_and_command_stands_in_a_table() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == {path.stem for path in SHIPPED.glob("*.sql")}
    for command in COMMANDS:
        assert f"`{command}" in PAGE
