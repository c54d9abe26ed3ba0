"""What `import tertulia` offers, and how it says no."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tertulia


async def test_in_a_notebook_it_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"await tertulia\.arun"):
        tertulia.run("sally-anne", db=tmp_path / "log.db")
    assert (await tertulia.arun("sally-anne", db=tmp_path / "log.db")).status == "success"


def test_one_override_may_be_given_as_it_is(tmp_path: Path) -> None:
    assert tertulia.run("sally-anne", sets="turns.limit=2", db=tmp_path / "log.db").turns == 2


@pytest.mark.parametrize("seed", [-1, "x", 1.5, True])
def test_a_seed_is_a_whole_number(tmp_path: Path, seed: object) -> None:
    with pytest.raises(ValueError, match="seed"):
        tertulia.run("sally-anne", seed=seed, db=tmp_path / "log.db")  # type: ignore[arg-type]


def test_the_errors_it_raises_have_names_here() -> None:
    with pytest.raises(tertulia.ScenarioError, match="nearest"):
        tertulia.load_scenario("sally-ann")
    assert issubclass(tertulia.LogError, Exception)
    assert issubclass(tertulia.ModelTrouble, Exception)
    with pytest.raises(AttributeError, match="no attribute 'Nobody'"):
        tertulia.Nobody  # noqa: B018


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = ("pydantic", "sqlalchemy", "langgraph", "openai", "torch", "alembic", "rich")
    code = f"import sys, tertulia; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
