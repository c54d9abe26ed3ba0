"""Random instances of a pydantic schema, and near misses, for whoever tests a world."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from pydantic import RootModel

from tertulia.environments.world import Action

ALPHABET = "abcdefgh XYZ.,;:!?'\"\\/{}[]<>%&\u00e9\u4e2d\u202e\U0001f642"
NONSENSE = "nothing of the kind"


def random_action(legal: type[RootModel[Any]], rng: Random) -> Any:
    """A random value that the JSON schema of `legal` allows, as plain data."""
    schema = legal.model_json_schema()
    return random_value(schema, schema.get("$defs", {}), rng)


def random_value(schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int = 0) -> Any:
    """A random value of a JSON schema as pydantic writes them. Raises `NotImplementedError` for a `pattern`."""
    if "$ref" in schema:
        return random_value(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, rng, depth)
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return random_value(rng.choice(schema[choices]), definitions, rng, depth)
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return random_value(schema["allOf"][0], definitions, rng, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    return _of_type(schema, definitions, rng, depth)


def _of_type(schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, definitions, rng, depth)
    if kind == "array":
        if "prefixItems" in schema:
            return [random_value(item, definitions, rng, depth + 1) for item in schema["prefixItems"]]
        fewest = schema.get("minItems", 0)
        many = rng.randint(fewest, max(fewest, min(schema.get("maxItems", 3), 3 if depth < 4 else 0)))
        return [random_value(schema["items"], definitions, rng, depth + 1) for _ in range(many)]
    if kind == "string":
        return _string(schema, rng)
    if kind == "integer":
        low, high = _bounds(schema, 1)
        return rng.randint(int(low), int(high))
    if kind == "number":
        low, high = _bounds(schema, 0.001)
        return rng.uniform(low, high)
    if kind == "boolean":
        return rng.random() < 0.5
    return None if kind == "null" else rng.choice([None, True, 0, "x"])


def _object(schema: dict[str, Any], definitions: dict[str, Any], rng: Random, depth: int) -> dict[str, Any]:
    required = schema.get("required", [])
    chosen = {
        name: random_value(part, definitions, rng, depth + 1)
        for name, part in schema.get("properties", {}).items()
        if name in required or "const" in part or rng.random() < 0.6
    }
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict) and not schema.get("properties"):
        for _ in range(rng.randint(0, 2)):
            chosen[_string({"minLength": 1}, rng)] = random_value(extra, definitions, rng, depth + 1)
    return chosen


def _string(schema: dict[str, Any], rng: Random) -> str:
    if "pattern" in schema:
        raise NotImplementedError(f"a random text that matches {schema['pattern']!r}")
    low = schema.get("minLength", 0)
    high = max(low, min(schema.get("maxLength", 24), rng.choice((3, 24, 2_000))))
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(low, high)))


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    low = low if low is not None else (high - 100 if high is not None else -100)
    return low, high if high is not None else low + 100


def spoiled(act: Action) -> Iterator[Action]:
    """The action with each limited choice of its schema replaced by nonsense, unchecked."""
    schema = type(act).model_json_schema()
    for name, part in schema.get("properties", {}).items():
        if name == "kind":
            continue
        if "enum" in part or "const" in part:
            yield act.model_copy(update={name: NONSENSE})
        items = part.get("items", {})
        if "enum" in items or "const" in items:
            yield act.model_copy(update={name: (NONSENSE,)})
