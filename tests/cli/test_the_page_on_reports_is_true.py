"""Every command on docs/reports.md does what the page says."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest

from tertulia.cli.plot.verb import add_to as add_plot
from tests.cli.command import Tertulia
from tests.cli.study import BATCH, played_study
from tests.playing import play

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if re.match(r"tertulia (plot|report) ", line) and "|" not in line
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = played_study(tmp_path_factory.mktemp("study"))
    asyncio.run(play(db, "dinner-secret", seed=3))
    return db


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_of_the_page_writes_its_file(
    command: list[str], study: Path, tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERTULIA_DB", str(study))
    stand_in = {"BATCH": BATCH, "EPISODE": "last", "01K8XQ": "last", "elicit=none": "turns.limit=20"}
    said = tertulia(*[stand_in.get(word, word) for word in command])
    assert said.code == 0, said.err
    named = [command[command.index(option) + 1] for option in ("-o", "--data") if option in command]
    for name in named or ["report.html"]:
        assert Path(name).stat().st_size > 500


def test_the_page_has_every_kind_of_figure() -> None:
    import typer

    app = typer.Typer()
    add_plot(app)
    [group] = [found.typer_instance for found in app.registered_groups]
    assert group is not None
    kinds = {command.name for command in group.registered_commands}
    assert kinds == {command[1] for command in COMMANDS if command[0] == "plot"}
