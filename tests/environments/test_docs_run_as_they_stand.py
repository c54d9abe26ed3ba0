"""The Python in docs/ is executed, page by page; scenario snippets load."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`my_package` with all the pages' modules, installed with the entry points that their TOML offers."""
    site, package, info = tmp_path / "site", tmp_path / "site/my_package", tmp_path / "site/my_package-1.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1\n")
    offers: dict[str, dict[str, str]] = {}
    for page in PAGES:
        for group, named in tomllib.loads("\n".join(blocks(page, "toml")))["project"]["entry-points"].items():
            [place] = named.values()
            offers[group] = named
            module = place.partition(":")[0].removeprefix("my_package.")
            source = blocks(page, "python")[0]
            (package / f"{module}.py").write_text(source)
    lines = [f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in named.items()) for group, named in offers.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(site)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] in ("my_package", "guessing")]:
        del sys.modules[name]


def test_the_world_of_the_docs_can_be_played_by_its_module_and_by_its_name(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(installed)  # as PYTHONPATH does, where guessing.py lies
    [yaml] = blocks("own-world.md", "yaml")
    assert yaml.count("world: guessing:NumberGuessing\n") == 1
    path = tmp_path / "number-guessing.yaml"
    for number, world in enumerate(("guessing:NumberGuessing", "number_guessing")):
        path.write_text(yaml.replace("guessing:NumberGuessing", world))
        result = tertulia.run(path, db=tmp_path / f"{number}.db")
        assert (result.status, result.reason, result.turns) == ("success", "played", 3)
        assert result.outcome["points"] == {"ann": 1.5, "ben": 1.5}


def test_the_faculty_of_the_docs_works_where_its_scenario_puts_it_with_the_backend_of_the_docs(
    installed: Path, tmp_path: Path
) -> None:
    [yaml] = blocks("own-faculty.md", "yaml")
    path, db = tmp_path / "feeling.yaml", tmp_path / "log.db"
    path.write_text(f"scenario: feeling\nworld: table_talk\nparticipants: [{{name: ann}}, {{name: ben}}]\n{yaml}")
    result = tertulia.run(path, sets=["turns.limit=6"], model="sampler/any", db=db)
    assert result.status == "success"
    with tertulia.open_log(db) as log:
        moods = log.query("SELECT DISTINCT faculty, key FROM mind_delta WHERE faculty = 'feel'").rows
    assert moods == [("feel", "mood")]
