"""What friends can be like: attributes and their values, in the form the MutualFriends data set publishes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from tertulia.environments.world import WorldError

SHIPPED = "schema.json"
Word = Annotated[str, Field(min_length=1, max_length=80)]
_FORM = (
    "give the path of a JSON file in the published form, "
    '{"attributes": [{"name": "hobby", "value_type": "hobby"}, ...], "values": {"hobby": ["chess", ...], ...}}'
)


class _AttributeForm(BaseModel):
    name: Word
    value_type: str
    unique: bool = False


class _SchemaForm(BaseModel):
    attributes: Annotated[list[_AttributeForm], Field(min_length=3, max_length=64)]
    values: dict[str, list[Word]]


@dataclass(frozen=True)
class Schema:
    """`attributes` in order, and for each the values it may take, each once (the published lists repeat some)."""

    attributes: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


def load_schema(path: str | None) -> Schema:
    """The schema at `path`, or the shipped one. Raises `WorldError("schema", ...)` with one line for a bad file."""
    name = SHIPPED if path is None else path
    try:
        text = _shipped_text() if path is None else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise WorldError("schema", f"cannot read {name}: {reason}; {_FORM}") from None
    return _read(name, text)


@lru_cache(maxsize=8)
def _read(name: str, text: str) -> Schema:
    """One schema for the same text: every episode has it."""
    try:
        form = _SchemaForm.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise WorldError("schema", f"{name}:{error.lineno}: not JSON: {error.msg}; {_FORM}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WorldError("schema", f"{name}: {where}: {first['msg']}; {_FORM}") from None
    return _checked(name, form)


@cache
def _shipped_text() -> str:
    return resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")


def _checked(name: str, form: _SchemaForm) -> Schema:
    names = [attribute.name for attribute in form.attributes]
    values = []
    for attribute in form.attributes:
        if names.count(attribute.name) > 1:
            raise WorldError("schema", f"{name}: attribute {attribute.name!r} is declared twice")
        if "=" in attribute.name:
            raise WorldError("schema", f"{name}: attribute {attribute.name!r} must not contain '='")
        if attribute.unique:
            raise WorldError("schema", f"{name}: attribute {attribute.name!r}: only unique: false is supported")
        if attribute.value_type not in form.values:
            known = ", ".join(form.values)
            raise WorldError("schema", f"{name}: no values for type {attribute.value_type!r}; there are: {known}")
        listed = tuple(dict.fromkeys(form.values[attribute.value_type]))
        if len(listed) < 2:
            raise WorldError("schema", f"{name}: type {attribute.value_type!r} needs at least 2 different values")
        values.append(listed)
    for mark in (f", {attribute}=" for attribute in names):
        # A full row is named as "a=x, b=y"; a value that holds such a mark could not be told from the next one.
        bad = next((value for listed in values for value in listed if mark in value), None)
        if bad is not None:
            raise WorldError("schema", f"{name}: value {bad!r} must not contain {mark!r}")
    return Schema(attributes=tuple(names), values=tuple(values))
