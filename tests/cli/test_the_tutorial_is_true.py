"""docs/tutorial.md is executed as it stands: its commands say what the page says they say, ids and times apart."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.command import Tertulia
from tests.cli.test_the_page_on_forks_is_true import compare

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_whoever_follows_the_tutorial_comes_to_its_finding(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TERTULIA_DB")
    [study] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    Path("lie.yaml").write_text(study)
    ids: dict[str, str] = {}
    commands = 0
    for block in re.findall(r"```\n(\$ .*?)```", PAGE, re.DOTALL):
        for typed, shown in re.findall(r"\$ tertulia (.*)\n((?:(?!\$ ).*\n)*)", block):
            said = tertulia(*shlex.split(typed))
            assert said.code == 0, said.err
            progress = said.err if typed.startswith("report") else ""
            compare(f"{said.out}{progress}".splitlines(), shown.splitlines(), ids)
            commands += 1
    assert commands == 11
    assert "<!doctype html>" in Path("game.html").read_text(encoding="ascii")[:100].lower()

    [script] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    capsys.readouterr()
    exec(compile(script, "tutorial.md", "exec"), {})
    printed = capsys.readouterr().out.strip()
    assert f"```\n{printed}\n```" in PAGE
    found = re.fullmatch(r"\+(\S+) points, 95 % \[(\S+), (\S+)\], n = (\d+) pairs", printed)
    assert found is not None
    flat = " ".join(PAGE.replace("\n> ", " ").split())
    assert f"{found[1]} points more" in flat
    assert f"(95 % {found[2]} to {found[3]}, n = {found[4]} pairs" in flat

    values = {}
    for line in tertulia("measures", "run", "what-does-a-lie-buy", "-m", "truth_accuracy", "--json").lines():
        if line["kind"] == "figure":
            values[line["cell"].rpartition("=")[2]] = line["value"]
    assert values["liar"] > values["conceder"]  # the trap that the page warns of
