"""Scenario files: one YAML file read, checked, and turned into a `Scenario` that can be played."""

from tertulia.environments.scenario.errors import Problem, ScenarioError
from tertulia.environments.scenario.load import list_scenarios, load_scenario, scenario_path
from tertulia.environments.scenario.model import AllSilent, Condition, Participant, Scenario, TurnsSpec

__all__ = [
    "AllSilent", "Condition", "Participant", "Problem", "Scenario", "ScenarioError", "TurnsSpec", "list_scenarios",
    "load_scenario", "scenario_path",
]  # fmt: skip
