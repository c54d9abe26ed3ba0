"""The command line in this process: arguments in, exit code and both outputs out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tertulia.cli.main import run
from tests.cli.command import Said, Tertulia


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests, no `.env`, and a log of its own for every test."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TERTULIA_MODEL", "TERTULIA_DISPLAY", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERTULIA_DB", str(tmp_path / "log.db"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tertulia(capsys: pytest.CaptureFixture[str]) -> Tertulia:
    """`tertulia("run", "mutual-friends")` runs a command in this process."""

    def call(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call
