"""docs/gold.md is executed: what its Python prints is what the page says it prints."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

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
