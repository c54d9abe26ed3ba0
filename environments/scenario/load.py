"""Scenarios by name or path, with what the command line changes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tertulia.environments.scenario.build import build
from tertulia.environments.scenario.errors import Problem, ScenarioError
from tertulia.environments.scenario.model import Scenario
from tertulia.environments.scenario.overrides import override
from tertulia.environments.scenario.source import read_yaml
from tertulia.storage.nearest import nearest

SHIPPED = Path(__file__).resolve().parent.parent / "scenarios"
"""The folder of the scenarios that come with tertulia."""


def list_scenarios() -> list[str]:
    """The names of the shipped scenarios, in order."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def scenario_path(name_or_path: str | Path) -> Path:
    """The file of a shipped scenario, or the path itself. Raises `ScenarioError` for a name there is not."""
    text = str(name_or_path)
    looks_like_path = isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith((".yaml", ".yml"))
    if looks_like_path:
        return Path(name_or_path)
    if text in list_scenarios():
        return SHIPPED / f"{text}.yaml"
    right = nearest(text, list_scenarios()) + "; or give the path of a YAML file"
    raise ScenarioError([Problem(text or "scenario", None, "", f"no scenario '{text}'", right)])


def load_scenario(
    name_or_path: str | Path, sets: Sequence[str] = (), model: str | None = None, roles: Mapping[str, str] | None = None
) -> Scenario:
    """Read, change and check a scenario.

    `sets` are `key=value` with dotted keys and YAML values (`participants.alice.mind.preset=reactive`); `model` is
    the model of all seats, in place of what the file says; `roles` sets the models of single seats after that.
    Raises `ScenarioError` with every problem that was found.
    """
    path = scenario_path(name_or_path)
    shipped = path.parent == SHIPPED
    source = read_yaml(path, where=path.name if shipped else str(name_or_path))
    return build(source, override(source, sets, model, roles or {}))
