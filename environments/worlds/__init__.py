"""The worlds there are, by name; each is imported only when a scenario asks for it, with its rules policy beside it."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from tertulia.environments.world import RulesPolicy, World

WORLDS: dict[str, str] = {
    "mutual_friends": "tertulia.environments.worlds.mutual_friends:MutualFriends",
    "table_talk": "tertulia.environments.worlds.table_talk:TableTalk",
}
"""Ours, as `module:Class`."""

ENTRY_POINTS = "tertulia.worlds"
"""The entry-point group under which other packages offer worlds."""


def world_names() -> list[str]:
    """Every name that `load_world` knows, installed packages' included."""
    return sorted({*WORLDS, *(entry.name for entry in entry_points(group=ENTRY_POINTS))})


def load_world(name: str) -> tuple[type[World[Any]], type[RulesPolicy]]:
    """The world of this name, or at this `module.path:Class`, and the rules policy that plays in it.

    The policy is the one `RulesPolicy` in the world's module (for a package, what its `__init__` names).
    Raises `LookupError` for an unknown name, `ImportError` or `TypeError` for one that is no world.
    """
    place = WORLDS.get(name) or next((e.value for e in entry_points(group=ENTRY_POINTS) if e.name == name), name)
    module_name, _, class_name = place.partition(":")
    if not class_name:
        raise LookupError(f"no world '{name}'")
    module = import_module(module_name)
    world = getattr(module, class_name, None)
    if not (isinstance(world, type) and issubclass(world, World)):
        raise TypeError(f"{place} is not a World")
    return world, _policy_of(module, place)


def _policy_of(module: ModuleType, place: str) -> type[RulesPolicy]:
    policies = {
        found for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, RulesPolicy) and not inspect.isabstract(found)
    }  # fmt: skip
    if len(policies) != 1:
        raise TypeError(f"beside {place} there must be exactly one RulesPolicy, not {len(policies)}")
    return policies.pop()
