"""What docs/people.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import tertulia

PAGE = Path(__file__).resolve().parents[3] / "docs/people.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_its_scenario_loads(tmp_path: Path) -> None:
    (tmp_path / "consent.md").write_text("Hello.\n")
    shipped = Path(tertulia.__file__).parent / "environments/scenarios/dinner-secret.yaml"
    mine = tmp_path / "study.yaml"
    mine.write_text(shipped.read_text() + "\n" + block("yaml"))
    people = tertulia.load_scenario(str(mine), ["participants.dan.model=human"]).people
    assert set(yaml.safe_load(block("yaml"))["people"]) <= people.model_fields_set
    assert people.keeps_local


async def test_its_python_gives_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(block("python"), str(PAGE), "exec"), names)
    status, answers, beliefs, forgotten, left = await names["study"]("study.db")
    assert status == "success"
    assert [tuple(row) for row in answers] == [
        ("after", "why", "a strange cake"), ("moment", "cake", '{"choice":"cellar","sure":60}'),
    ]  # fmt: skip
    assert [(chain, value, round(p, 9)) for chain, value, p in beliefs] == [
        ("dan>alice", "kitchen", 0.2), ("dan>alice", "cellar", 0.8),
    ]  # fmt: skip
    assert forgotten == 1
    assert [tuple(row) for row in left] == [(None,)]
