"""How long a reply can get: the largest number of tokens that a bounded schema lets a model write."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from tertulia.storage.once import once_a_type

PER_CHARACTER = 6
"""A character in a JSON string may be written as `\\u0000`, one token a character in the worst tokenizer."""
CEILING = 16_384
"""What common servers allow at most."""
_NUMBER = 12
_UNBOUNDED = 256
_DEEPEST = 40


@lru_cache(maxsize=64)
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a type; not to be changed. It is wanted several times in a row where a type is new: to bound
    a reply, to hash a request, to send it. What is made of it is kept, so this need not be for long."""
    return model.model_json_schema()


@once_a_type
def bound_tokens(schema: type[BaseModel]) -> int:
    """The `max_tokens` that lets every valid reply finish, at most 16,384. Unbounded strings count 256 characters."""
    whole = schema_of(schema)
    return min(CEILING, bound(whole, whole.get("$defs", {}), PER_CHARACTER) + 16)


def bound(node: dict[str, Any], defs: dict[str, Any], per_character: int, depth: int = 0) -> int:
    """The most tokens that JSON of this schema takes, at `per_character` tokens for a character of free text and one
    for any other. A schema that refers to itself has no bound: then it is `CEILING` or more."""
    if depth > _DEEPEST:
        return CEILING
    if "$ref" in node:
        return bound(defs[node["$ref"].rsplit("/", 1)[-1]], defs, per_character, depth + 1)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in node:
            return max(bound(option, defs, per_character, depth + 1) for option in node[union])
    if "const" in node:
        return len(str(node["const"])) + 4
    if "enum" in node:
        return max(len(str(value)) for value in node["enum"]) + 4
    kind = node.get("type")
    if kind == "object":
        fields = node.get("properties", {})
        return 4 + sum(len(name) + 6 + bound(child, defs, per_character, depth + 1) for name, child in fields.items())
    if kind == "array":
        if "prefixItems" in node:
            return 4 + sum(bound(item, defs, per_character, depth + 1) + 2 for item in node["prefixItems"])
        most = node.get("maxItems", 16)
        return 4 + (most * (bound(node.get("items", {}), defs, per_character, depth + 1) + 2) if most else 0)
    if kind == "string":
        return 4 + per_character * int(node.get("maxLength", _UNBOUNDED))
    return _NUMBER
