"""The Python in docs/ is executed, page by page; scenario snippets load."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import tertulia
from tertulia.environments.scenario import ScenarioError, load_scenario

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page.name for page in DOCS.glob("own-*.md") if page.name != "own-scenario.md")
"""Those with code; the other is played in tests/cli."""


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


def test_the_scenario_of_the_docs_plays_as_its_page_says(tmp_path: Path) -> None:
    [yaml] = blocks("scenarios.md", "yaml")
    path, db = tmp_path / "surprise-party.yaml", tmp_path / "log.db"
    path.write_text(yaml)
    result = tertulia.run(path, db=db)
    assert result.status == "success"
    with tertulia.open_log(db) as log:
        seen = log.query(
            "SELECT e.turn, e.kind, w.level FROM event e JOIN witness w ON w.turn = e.turn AND w.event = e.ordinal"
            " WHERE w.participant = 'ines' AND e.turn BETWEEN 1 AND 6 AND e.origin = 'scripted' ORDER BY e.turn"
        ).rows
    assert seen == [
        (1, "whisper", "occurrence"),
        (3, "leave", "content"),
        (6, "enter", "content"),
        (6, "say", "content"),
    ]


def test_the_options_and_the_mistakes_of_the_docs_are_as_its_page_says(tmp_path: Path) -> None:
    page = (DOCS / "scenarios.md").read_text(encoding="utf-8")
    [yaml] = blocks("scenarios.md", "yaml")
    path = tmp_path / "surprise-party.yaml"
    path.write_text(yaml)
    for line in re.findall(r"^\$ tertulia run surprise-party.yaml (-S .*)$", page, re.MULTILINE):
        load_scenario(path, [option for option in shlex.split(line) if option != "-S"])
    mistakes = {
        "limit: 16": "limt: 16", "turn: 6, say: \"Did": "turn: 5, say: \"Did",
    }  # fmt: skip
    told = []
    for old, new in mistakes.items():
        assert yaml.count(old) == 1
        path.write_text(yaml.replace(old, new))
        told.append(error_of(path).replace(str(path), path.name))
    path.write_text(yaml)
    told.append(error_of(path, "turns.policy=adressed"))
    assert "```\n" + "\n".join(told) + "\n```" in page


def error_of(path: Path, *sets: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, sets)
    return str(caught.value)
