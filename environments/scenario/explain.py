"""pydantic's errors in a scenario author's words: where, what is wrong, what would be right."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tertulia.environments.scenario.source import KeyPath, kind_of
from tertulia.storage.nearest import nearest, quoted

Finding = tuple[KeyPath, str, str]
"""Path within the validated data, what is wrong, what would be right."""

_WANTED = {
    "string": "text",
    "int": "a whole number, like 3",
    "float": "a number, like 0.5",
    "bool": "true or false",
    "tuple": "a list, like [a, b]",
    "list": "a list, like [a, b]",
    "set": "a list, like [a, b]",
    "dict": "keys and values, like {key: value}",
    "mapping": "keys and values, like {key: value}",
    "model": "keys and values, like {key: value}",
    "none": "nothing",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "give a number of {} or more"),
    "greater_than": ("gt", "give a number above {}"),
    "less_than_equal": ("le", "give a number of {} or less"),
    "less_than": ("lt", "give a number below {}"),
    "too_short": ("min_length", "give at least {}"),
    "too_long": ("max_length", "give at most {}"),
    "string_too_short": ("min_length", "give at least {} characters"),
    "string_too_long": ("max_length", "give at most {} characters"),
}


def explain(error: ValidationError, model: type[BaseModel], data: Any) -> Iterator[Finding]:
    """One finding for each place that is wrong; several failed forms of one union count once."""
    told: set[KeyPath] = set()
    for detail in error.errors(include_url=False):
        path = _path_in(data, detail)
        if path not in told and not _only_follows(detail):
            told.add(path)
            yield (path, *_words(detail, path, model))


def _only_follows(detail: ErrorDetails) -> bool:
    """A list counts as too short once its items are wrong; those are told already."""
    given = detail["input"]
    least = detail.get("ctx", {}).get("min_length", 0)
    return detail["type"] == "too_short" and isinstance(given, (list, tuple, dict)) and len(given) >= least


def _path_in(data: Any, detail: ErrorDetails) -> KeyPath:
    """The location as far as it exists in the data: pydantic's own steps (union tags, `[key]`) are left out."""
    path: list[str | int] = []
    node = data
    steps = detail["loc"]
    for number, step in enumerate(steps, 1):
        if isinstance(node, Mapping) and step in node:
            node = node[str(step)]
        elif isinstance(node, (list, tuple)) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif not (number == len(steps) and detail["type"] == "missing"):
            continue
        path.append(step)
    return tuple(path)


def _words(detail: ErrorDetails, path: KeyPath, model: type[BaseModel]) -> tuple[str, str]:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    last = str(path[-1]) if path else ""
    if kind == "missing":
        return "is missing", f"add `{last}: ...`"
    if kind == "extra_forbidden":
        return f"unknown key '{last}'", nearest(last, _keys_at(model, path[:-1]))
    if kind in ("value_error", "assertion_error"):
        wrong, _, right = str(context.get("error", detail["msg"])).partition("; ")
        return wrong, right or "correct it"
    if kind in ("literal_error", "enum"):
        options = [str(option) for option in _literals(_type_at(model, path))]
        return f"{quoted(given)} is not one of the choices", nearest(str(given), options)
    if kind == "string_pattern_mismatch":
        return f"{quoted(given)} does not fit", _pattern_words(str(context.get("pattern", "")))
    if kind in _BOUNDS:
        key, right = _BOUNDS[kind]
        return f"{_size(given, kind)} is {_too(kind)}", right.format(context.get(key, ""))
    stem = kind.split("_")[0]
    wanted = _WANTED.get(stem)
    if wanted is not None:
        return f"{kind_of(given)} stands here, not {wanted.split(',')[0]}", f"write {wanted}"
    return detail["msg"][:1].lower() + detail["msg"][1:], "correct the value"


def _pattern_words(pattern: str) -> str:
    if pattern == r"^[a-z][a-z0-9_-]*$":
        return "use lower-case letters, digits, `_` and `-`, beginning with a letter, like `alice`"
    return f"it must match {pattern}"


def _too(kind: str) -> str:
    if kind.endswith("_short"):
        return "too short"
    if kind.endswith("_long"):
        return "too long"
    return "too small" if kind.startswith("greater") else "too large"


def _size(given: Any, kind: str) -> str:
    if kind in ("too_short", "too_long"):
        count = len(given) if isinstance(given, (list, tuple, dict)) else 0
        return f"a list of {count}" if count else "an empty list"
    return quoted(given)


# What the model expects at a path, read off its annotations.


def field_names(model: type[BaseModel]) -> list[str]:
    """The keys of a model as they are written in a file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def path_fields(model: type[BaseModel]) -> list[str]:
    """The keys of a model that hold paths of files."""
    fields = model.model_fields.items()
    return [field.alias or name for name, field in fields if Path in list(_options(field.annotation))]


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    found = [part for part in _options(_type_at(model, path)) if _is_model(part)]
    return [name for part in found for name in field_names(part)]


def _type_at(model: type[BaseModel], path: Iterable[str | int]) -> Any:
    here: Any = model
    for step in path:
        here = next((inner for part in _options(here) if (inner := _inside(part, step)) is not None), None)
    return here


def _inside(part: Any, step: str | int) -> Any:
    if _is_model(part):
        for name, field in part.model_fields.items():
            if step in (field.alias, name):
                return field.annotation
        return None
    origin, arguments = get_origin(part), get_args(part)
    if isinstance(step, int) and origin in (list, tuple) and arguments:
        return arguments[0]
    if isinstance(step, str) and origin in (dict, Mapping) and len(arguments) == 2:
        return arguments[1]
    return None


def _options(annotation: Any) -> Iterator[Any]:
    """The members of a union, without `Annotated` around them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _options(part)
    elif annotation is not None:
        yield annotation


def _literals(annotation: Any) -> list[Any]:
    return [value for part in _options(annotation) if get_origin(part) is Literal for value in get_args(part)]


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
