"""`-S key=value`, `--model` and `--model-role`: changes to a scenario's data before it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tertulia.environments.scenario.errors import Problem, ScenarioError
from tertulia.environments.scenario.source import KeyPath, Source, kind_of, parse_value
from tertulia.storage.nearest import nearest

AS_TEXT = "in brackets it is read as YAML; put double quotes round all of it where it is meant as text"
"""What helps where a typed value cannot be read."""


def override(source: Source, sets: Sequence[str], model: str | None, roles: Mapping[str, str]) -> list[Problem]:
    """Change `source.data` in place, noting which option set what; returns what could not be done.

    `model` is for all seats, those that name their own included; `roles` come after it.
    """
    problems: list[Problem] = []
    for text in sets:
        if (problem := _set(source, text)) is not None:
            problems.append(problem)
    if model is not None:
        set_model(source, model, ("--model", model))
    for name, uri in roles.items():
        found = _participant(source.data.get("participants"), name)
        if found is None:
            right = nearest(name, participant_names(source.data))
            problems.append(Problem("--model-role", None, name, f"no participant '{name}'", right))
            continue
        source.data["participants"][found]["model"] = uri
        source.options[("participants", found, "model")] = ("--model-role", f"{name}={uri}")
    return problems


def set_model(source: Source, model: Any, option: tuple[str, str]) -> None:
    """One model for all seats, in place of any of their own."""
    source.data["model"] = model
    source.options[("model",)] = option
    for seat in source.data.get("participants") or ():
        if isinstance(seat, dict):
            seat.pop("model", None)


def put(source: Source, key: str, value: Any, option: tuple[str, str]) -> Problem | None:
    """Change the value of a dotted key in place, on behalf of an option and the key as it was typed there; what is
    wrong with the key, where something is."""
    if not key or not all(key.split(".")):
        return Problem(option[0], None, option[1], "is not a dotted key", "write for example `turns.limit`")
    path, problem = _resolve(source.data, key, option)
    if problem is not None:
        return problem
    node = source.data
    for depth, step in enumerate(path[:-1], 1):
        if isinstance(node, dict) and step not in node:
            node[step] = {}
            source.options[path[:depth]] = (option[0], _upto(option[1], key, depth))
        node = node[step]
    node[path[-1]] = value
    source.options[path] = option
    return None


def _upto(typed: str, key: str, depth: int) -> str:
    """The key as it was typed, without the steps beyond the first `depth` of it. What was typed ends as the key does,
    but may begin otherwise (`alice.model` for `participants.alice.model`)."""
    return typed.rsplit(".", len(key.split(".")) - depth)[0]


def participant_names(data: Any) -> list[str]:
    """The names a file gives, as far as they can be read."""
    seats = data.get("participants") if isinstance(data, dict) else None
    named = [seat.get("name") for seat in seats if isinstance(seat, dict)] if isinstance(seats, list) else []
    return [name for name in named if isinstance(name, str)]


def _set(source: Source, text: str) -> Problem | None:
    key, equals, raw = text.partition("=")
    key = key.strip()
    if not equals or not key or not all(key.split(".")):
        return Problem("-S", None, text, "is not of the form key=value", "write for example `-S turns.limit=8`")
    try:
        value = parse_value(raw)
    except ScenarioError as error:
        return Problem("-S", None, key, error.problems[0].wrong, AS_TEXT)
    return put(source, key, value, ("-S", key))


def _resolve(data: Any, key: str, option: tuple[str, str]) -> tuple[KeyPath, Problem | None]:
    """The path a dotted key means. New keys may be added to mappings; list items must be there already."""
    path: list[str | int] = []
    node = data
    steps = key.split(".")
    for number, step in enumerate(steps):
        here = ".".join(steps[:number])
        if isinstance(node, list):
            index = _participant(node, step) if path == ["participants"] else _index(node, step)
            if index is None:
                return (), _no_item(data, option, here, step, node)
            path.append(index)
            node = node[index]
        elif isinstance(node, dict):
            path.append(step)
            node = node.get(step, {} if number + 1 < len(steps) else None)
        else:
            wrong = f"{here} is {kind_of(node)}, it has no keys"
            return (), Problem(option[0], None, option[1], wrong, f"set `{here}` itself")
    return tuple(path), None


def _no_item(data: Any, option: tuple[str, str], here: str, step: str, node: list[Any]) -> Problem:
    where, typed = option
    if here == "participants":
        return Problem(where, None, typed, f"no participant '{step}'", nearest(step, participant_names(data)))
    right = f"a number from 0 to {len(node) - 1}" if node else f"set `{here}` itself"
    return Problem(where, None, typed, f"{here} is a list with {len(node)} items, and '{step}' is none of them", right)


def _participant(seats: Any, name: str) -> int | None:
    if not isinstance(seats, list):
        return None
    for index, seat in enumerate(seats):
        if isinstance(seat, dict) and seat.get("name") == name:
            return index
    return _index(seats, name)


def _index(items: list[Any], step: str) -> int | None:
    return int(step) if step.isascii() and step.isdigit() and int(step) < len(items) else None
