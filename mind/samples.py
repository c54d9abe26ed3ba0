"""Random instances of a schema: for conformance kits and property tests, with no model."""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)
ALPHABET = "abcdefgh XYZ.,;:!?'\"\\/{}[]<>%&\u00e9\u4e2d\u202e\U0001f642"
LONGEST = 24
"""Of an unbounded or long text, unless told otherwise."""


def sample(schema: type[M], rng: Random, longest: int = LONGEST) -> M:
    """A valid instance drawn from the bounds of its JSON schema. Raises pydantic's error where bounds are not all."""
    whole = schema.model_json_schema(by_alias=True)
    return schema.model_validate(sample_json(whole, whole.get("$defs", {}), rng, longest=longest))


def sample_json(
    schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int = 0, longest: int = LONGEST
) -> Any:
    """A random value of a JSON schema as pydantic writes them. Raises `NotImplementedError` for a `pattern`."""
    if "$ref" in schema:
        return sample_json(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, rng, depth, longest)
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return sample_json(rng.choice(schema[choices]), definitions, rng, depth, longest)
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return sample_json(schema["allOf"][0], definitions, rng, depth, longest)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    return _of_type(schema, definitions, rng, depth, longest)


def _of_type(schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int, longest: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, definitions, rng, depth, longest)
    if kind == "array":
        if "prefixItems" in schema:
            return [sample_json(item, definitions, rng, depth + 1, longest) for item in schema["prefixItems"]]
        fewest = schema.get("minItems", 0)
        many = rng.randint(fewest, max(fewest, min(schema.get("maxItems", 3), 3 if depth < 4 else 0)))
        return [sample_json(schema["items"], definitions, rng, depth + 1, longest) for _ in range(many)]
    if kind == "string":
        return _string(schema, rng, longest)
    if kind == "integer":
        low, high = _bounds(schema, 1)
        return rng.randint(int(low), int(high))
    if kind == "number":
        low, high = _bounds(schema, 0.001)
        return rng.uniform(low, high)
    if kind == "boolean":
        return rng.random() < 0.5
    return None if kind == "null" else rng.choice([None, True, 0, "x"])


def _object(
    schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int, longest: int
) -> dict[str, Any]:
    required = schema.get("required", [])
    chosen = {
        name: sample_json(part, definitions, rng, depth + 1, longest)
        for name, part in schema.get("properties", {}).items()
        if name in required or "const" in part or rng.random() < 0.6
    }
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict) and not schema.get("properties"):
        for _ in range(rng.randint(0, 2)):
            chosen[_string({"minLength": 1}, rng, longest)] = sample_json(extra, definitions, rng, depth + 1, longest)
    return chosen


def _string(schema: dict[str, Any], rng: Random, longest: int) -> str:
    if "pattern" in schema:
        raise NotImplementedError(f"a random text that matches {schema['pattern']!r}")
    low = schema.get("minLength", 0)
    high = max(low, min(schema.get("maxLength", LONGEST), rng.choice((3, LONGEST, longest))))
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(low, high)))


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    low = low if low is not None else (high - 100 if high is not None else -100)
    return low, high if high is not None else low + 100
