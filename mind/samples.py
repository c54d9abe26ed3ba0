"""Random instances of a schema: for conformance kits and property tests, with no model."""

from __future__ import annotations

from random import Random
from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)
_LETTERS = "abc xyz,.'\"\\{}<>é中"


def sample(schema: type[M], rng: Random) -> M:
    """A valid instance drawn from the bounds of its JSON schema. Raises pydantic's error where bounds are not all."""
    whole = schema.model_json_schema(by_alias=True)
    return schema.model_validate(sample_json(whole, whole.get("$defs", {}), rng))


def sample_json(node: dict[str, Any], defs: dict[str, Any], rng: Random) -> Any:
    """A JSON value that a node of a JSON schema allows."""
    if "$ref" in node:
        return sample_json(defs[node["$ref"].rsplit("/", 1)[-1]], defs, rng)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in node:
            return sample_json(rng.choice(node[union]), defs, rng)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return rng.choice(node["enum"])
    kind = node.get("type")
    if kind == "object":
        return {name: sample_json(child, defs, rng) for name, child in node.get("properties", {}).items()}
    if kind == "array":
        most = min(node.get("maxItems", 4), node.get("minItems", 0) + 4)
        return [
            sample_json(node.get("items", {}), defs, rng) for _ in range(rng.randint(node.get("minItems", 0), most))
        ]
    if kind == "string":
        shortest = max(node.get("minLength", 0), 1)
        longest = max(shortest, min(node.get("maxLength", 12), 12))
        size = rng.randint(shortest, longest)
        return "".join(rng.choice(_LETTERS) for _ in range(size))
    if kind == "integer":
        return rng.randint(int(node.get("minimum", -9)), int(node.get("maximum", 99)))
    if kind == "number":
        return rng.uniform(node.get("minimum", -9.0), node.get("maximum", 99.0))
    return rng.random() < 0.5 if kind == "boolean" else None
