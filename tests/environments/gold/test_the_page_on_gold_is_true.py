"""docs/gold.md is executed: what its Python prints is what the page says it prints."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tertulia
from tertulia.environments.gold import RULES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "gold.md"


def test_the_worked_examples_print_what_the_page_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    module = ModuleType("docs_gold")
    monkeypatch.setitem(sys.modules, "docs_gold", module)
    for source in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(source, "gold.md", "exec"), module.__dict__)
    assert capsys.readouterr().out == "".join(re.findall(r"```text\n(.*?)```", page, re.DOTALL))


def test_the_page_has_every_trust_rule() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(RULES)


def test_a_rule_of_ones_own_can_be_named_by_a_scenario(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [source] = [
        s for s in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL) if "class " in s
    ]
    module = ModuleType("docs_gold_rule")
    exec(compile(source.partition("\n\n\n")[0], "gold.md", "exec"), module.__dict__)
    monkeypatch.setitem(RULES, "eye-witnesses", module.EyeWitnesses())
    db = tmp_path / "log.db"
    result = tertulia.run("sally-anne", sets=["gold.rule=eye-witnesses"], db=db)
    assert result.status == "success"
    with tertulia.open_log(db) as log:
        rules = log.query("SELECT DISTINCT rule FROM gold WHERE chain <> 'world'").rows
    assert rules == [("eye-witnesses",)]
