"""The strict schema: accepted by strict servers, and no wider or narrower than the type allows."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from tertulia.agents.backends.schema import BOUNDS, SchemaError, strict_schema
from tertulia.agents.testing import SCHEMAS
from tertulia.environments.world import Pass, Say, one_of
from tests.json_instances import instance

_ALLOWED = {"type", "properties", "required", "additionalProperties", "items", "anyOf", "$ref", "$defs", "enum"}
_ALLOWED |= {"const", "format", *BOUNDS}


class Root(BaseModel):
    """A reference in company."""

    kind: Literal["root"] = "root"


class Tree(BaseModel):
    """Refers to itself."""

    root: Annotated[Root, Field(description="What it stands on.")]

    label: Annotated[str, Field(max_length=5)] = "root"
    default: Literal[1, 2] = 1
    children: Annotated[tuple[Tree, ...], Field(max_length=2)] = ()
    parent: Tree | None = None


TYPES: tuple[type[BaseModel], ...] = (*SCHEMAS, Tree, one_of(Say), one_of(Say, Pass))


def _nodes(schema: Any) -> Any:
    """All schema nodes; names of properties are not keywords."""
    yield schema
    for key in ("properties", "$defs"):
        for child in schema.get(key, {}).values():
            yield from _nodes(child)
    for child in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())]:
        yield from _nodes(child)


@pytest.mark.parametrize("model", TYPES)
def test_every_object_is_closed_and_whole_and_only_strict_keywords_are_used(model: type[BaseModel]) -> None:
    strict = strict_schema(model)
    jsonschema.Draft202012Validator.check_schema(strict.schema)
    assert strict.schema["type"] == "object"
    for node in _nodes(strict.schema):
        assert set(node) <= _ALLOWED, node
        assert "$ref" not in node or set(node) == {"$ref"}
        if node.get("type") == "object":
            assert node["required"] == list(node["properties"])
            assert node["additionalProperties"] is False


@pytest.mark.parametrize("model", TYPES)
def test_what_fits_the_strict_schema_fits_the_type_and_the_plain_schema(model: type[BaseModel]) -> None:
    strict = strict_schema(model)
    for seed in range(60):
        value = instance(strict.schema, Random(seed))
        jsonschema.validate(value, strict.schema)
        inner = value["value"] if strict.wrapped else value
        model.model_validate(inner)
        jsonschema.validate(inner, model.model_json_schema())


def test_bounds_are_kept_unless_a_server_refuses_them() -> None:
    text = strict_schema(Say).schema["properties"]["text"]
    assert (text["minLength"], text["maxLength"]) == (1, 600)
    without = strict_schema(Say, frozenset({"maxLength"})).schema
    assert "maxLength" not in str(without)
    assert without["properties"]["text"]["minLength"] == 1
    assert strict_schema(Say, frozenset({"type", "enum"})).schema == strict_schema(Say).schema


class Mapping_(BaseModel):  # noqa: N801
    weights: dict[str, float]


class Untyped(BaseModel):
    inner: list[Any]


class Pair(BaseModel):
    pair: tuple[int, str]


class Anything(BaseModel):
    value: Any


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (Mapping_, "Mapping_: weights is a mapping with free keys; use a list"),
        (Untyped, "Untyped: inner is a list whose items have no single type"),
        (Pair, "Pair: pair is a list whose items have no single type"),
        (Anything, "Anything: value has no type"),
    ],
)
def test_what_strict_schemas_cannot_say_is_named_with_its_field(model: type[BaseModel], line: str) -> None:
    with pytest.raises(SchemaError, match=line):
        strict_schema(model)
