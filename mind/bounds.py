"""How long a reply can get: the largest number of tokens that a bounded schema lets a model write."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel

PER_CHARACTER = 6
"""A character in a JSON string may be written as `\\u0000`, one token a character in the worst tokenizer."""
CEILING = 16_384
"""What common servers allow at most."""
_NUMBER = 12
_UNBOUNDED = 256


@lru_cache(maxsize=512)
def bound_tokens(schema: type[BaseModel]) -> int:
    """The `max_tokens` that lets every valid reply finish, at most 16,384. Unbounded strings count 256 characters."""
    whole = schema.model_json_schema(by_alias=True)
    return min(CEILING, _bound(whole, whole.get("$defs", {})) + 16)


def _bound(node: dict[str, Any], defs: dict[str, Any]) -> int:
    if "$ref" in node:
        return _bound(defs[node["$ref"].rsplit("/", 1)[-1]], defs)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in node:
            return max(_bound(option, defs) for option in node[union])
    if "const" in node:
        return len(str(node["const"])) + 4
    if "enum" in node:
        return max(len(str(value)) for value in node["enum"]) + 4
    kind = node.get("type")
    if kind == "object":
        fields = node.get("properties", {})
        return 4 + sum(len(name) + 6 + _bound(child, defs) for name, child in fields.items())
    if kind == "array":
        items = node.get("prefixItems") or [node.get("items", {})] * node.get("maxItems", 16)
        return 4 + sum(_bound(item, defs) + 2 for item in items)
    if kind == "string":
        return 4 + PER_CHARACTER * int(node.get("maxLength", _UNBOUNDED))
    return _NUMBER
