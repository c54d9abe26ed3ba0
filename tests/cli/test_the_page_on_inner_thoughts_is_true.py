"""docs/inner-thoughts.md is executed: what its commands say is what the page says they say."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path

from tests.cli.command import Tertulia

PAGE = Path(__file__).resolve().parents[2] / "docs" / "inner-thoughts.md"


def test_every_command_of_the_page_says_what_the_page_shows(tertulia: Tertulia) -> None:
    commands = 0
    for block in re.findall(r"```\n(\$ .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
            said = tertulia(*shlex.split(typed))
            assert said.code == 0, said.err
            compare([line.rstrip() for line in said.out.splitlines()], [line.rstrip() for line in shown.splitlines()])
            commands += 1
    assert commands == 5


def compare(said: list[str], shown: list[str]) -> None:
    """The lines between two `...` stand together in what was said, in this order."""
    place, rest = 0, list(shown)
    while rest:
        if rest[0] == "...":
            rest = rest[1:]
            continue
        together = list(takewhile(lambda line: line != "...", rest))
        place = next(at for at in range(place, len(said)) if said[at : at + len(together)] == together)
        place, rest = place + len(together), rest[len(together) :]
