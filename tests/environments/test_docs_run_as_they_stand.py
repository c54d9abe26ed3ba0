"""The Python in docs/ is executed, page by page; scenario snippets load."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tertulia

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page.name for page in DOCS.glob("own-*.md"))


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def run(page: str, name: str) -> ModuleType:
    module = ModuleType(name)
    sys.modules[name] = module
    source = "\n".join(blocks(page, "python"))
    exec(compile(source, page, "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_every_python_block_of_a_page_runs(page: str) -> None:
    run(page, f"docs_{page[:-3].replace('-', '_')}")


def test_the_world_of_the_docs_can_be_played_from_its_scenario(tmp_path: Path) -> None:
    module = run("own-world.md", "docs_guessing")
    module.Rules = module.Level
    [yaml] = blocks("own-world.md", "yaml")
    path = tmp_path / "number-guessing.yaml"
    path.write_text(yaml.replace("my_package.guessing:", "docs_guessing:"))
    result = tertulia.run(path, db=tmp_path / "log.db")
    assert (result.status, result.reason, result.turns) == ("success", "played", 3)
    assert result.outcome["points"] == {"ann": 1.5, "ben": 1.5}
