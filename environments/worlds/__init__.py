"""The worlds there are, by name; each is imported only when a scenario asks for it, with its rules policy beside it."""

from __future__ import annotations

import inspect
import traceback
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from sysconfig import get_path
from types import ModuleType
from typing import Any

from tertulia.environments.world import RulesPolicy, World
from tertulia.storage.nearest import nearest

WORLDS: dict[str, str] = {
    "mutual_friends": "tertulia.environments.worlds.mutual_friends:MutualFriends",
    "negotiation": "tertulia.environments.worlds.negotiation:Negotiation",
    "number_guessing": "tertulia.environments.worlds.number_guessing:NumberGuessing",
    "story": "tertulia.environments.worlds.story:StoryWorld",
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
    Raises `LookupError` for what is neither, `ImportError` or `TypeError` for what cannot be imported or is no world;
    these say what is wrong and, after a semicolon, what would be right.
    """
    place = WORLDS.get(name) or next((e.value for e in entry_points(group=ENTRY_POINTS) if e.name == name), name)
    module_name, _, class_name = place.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), class_name)):
        raise LookupError(f"no world '{name}'; {nearest(name, world_names())}, or `module.path:Class` for your own")
    module = _imported(module_name)
    world = getattr(module, class_name, None)
    if not (isinstance(world, type) and issubclass(world, World)):
        offered = [n for n, found in inspect.getmembers(module, inspect.isclass) if issubclass(found, World)]
        right = nearest(class_name, [n for n in offered if n != World.__name__])
        raise TypeError(f"{module_name} has no World called '{class_name}'; {right}")
    return world, _policy_of(module, place)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            right = (
                f"run with `PYTHONPATH=FOLDER`, the folder that holds {missing.split('.')[0]}, or install its package"
            )
            raise ImportError(f"Python finds no module '{missing}'; {right}") from error
        said = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
        wrong = f"importing {name} failed{_place_of(error)}: {' '.join(said.split()).replace(';', ',')}"
        raise ImportError(f"{wrong}; correct the module until `python -c 'import {name}'` is silent") from error


def _place_of(error: BaseException) -> str:
    """Where in the module it went wrong: the deepest line that belongs to neither Python nor an installed package."""
    if isinstance(error, SyntaxError):
        return f" at {Path(error.filename).name}:{error.lineno}" if error.filename else ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)[1:] if Path(frame.filename).is_file()]
    foreign = (get_path("stdlib"), get_path("platlib"), get_path("purelib"))
    own = [frame for frame in frames if not frame.filename.startswith(foreign)] or frames
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


@lru_cache(maxsize=256)
def _policy_of(module: ModuleType, place: str) -> type[RulesPolicy]:
    policies = {
        found for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, RulesPolicy) and not inspect.isabstract(found)
    }  # fmt: skip
    if len(policies) != 1:
        raise TypeError(
            f"{len(policies)} rules policies stand beside {place}; write exactly one RulesPolicy in that module"
        )
    return policies.pop()
