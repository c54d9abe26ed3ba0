"""docs/forks.md is executed: what its commands say is what the page says they say, ids apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.cli.command import Tertulia

PAGE = Path(__file__).resolve().parents[2] / "docs" / "forks.md"
_ID = re.compile(r"\b01[0-9A-Z]{24}\b")


def test_every_command_of_the_page_says_what_the_page_shows(tertulia: Tertulia) -> None:
    ids: dict[str, str] = {}
    commands = 0
    for block in re.findall(r"```\n(\$ .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
            said = tertulia(*shlex.split(_ID.sub(lambda found: ids[found[0]], typed)))
            compare(f"{said.out}{said.err}".splitlines(), shown.splitlines(), ids)
            commands += 1
    assert commands == 6


def compare(said: list[str], shown: list[str], ids: dict[str, str]) -> None:
    """Line by line: `...` alone stands for any number of lines, at the end of a line for its rest."""
    place = 0
    for position, line in enumerate(shown):
        if line == "...":
            following = shown[position + 1 : position + 2]
            if not following:
                return
            place = next(i for i, one in enumerate(said) if i >= place and one.startswith(following[0]))
            continue
        mine, place = said[place], place + 1
        for theirs, actual in zip(_ID.findall(line), _ID.findall(mine), strict=False):
            assert ids.setdefault(theirs, actual) == actual
        wanted = _ID.sub(lambda found: ids[found[0]], line)
        assert mine == wanted if not wanted.endswith("...") else mine.startswith(wanted[:-3]), (mine, wanted)
    assert place == len(said), said[place:]
