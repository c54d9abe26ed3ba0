"""Random instances of a JSON Schema, equal for equal seeds: what a model that keeps to the schema might say."""

from __future__ import annotations

import math
from random import Random
from typing import Any

_WORDS = (
    "the house by the river was sold last week and nobody told Bob about it while Carol looked away from her plate "
    "what do you think we should wait for an answer perhaps tomorrow evening after dinner somebody knows more than this"
).split()
_FORMATS = {
    "date-time": "2026-03-14T09:26:53Z", "date": "2026-03-14", "time": "09:26:53Z", "duration": "PT3M",
    "email": "alice@example.org", "hostname": "example.org", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
    "uuid": "6f1c1d8e-8e54-4b6c-9c39-2b0a4a6d1c11",
}  # fmt: skip
_DEEP = 5


def instance(schema: dict[str, Any], rng: Random) -> Any:
    """A value that satisfies `schema` (local `$ref`, unions, const, enum, bounds; no patterns)."""
    return _value(schema, schema.get("$defs", {}), rng, 0)


def strict_violation(node: dict[str, Any], where: str = "()") -> str | None:
    """What a strict server refuses in `node`: open or partial objects, `oneOf`, companions of `$ref`."""
    if "oneOf" in node or "allOf" in node or ("$ref" in node and len(node) > 1):
        return f"In context={where}, oneOf, allOf and keywords beside $ref are not permitted."
    if node.get("type") == "object":
        whole = sorted(node.get("required", ())) == sorted(node.get("properties", {}))
        if not whole or node.get("additionalProperties") is not False:
            return f"In context={where}, an object needs all properties required and additionalProperties false."
    children = [*node.get("properties", {}).items(), *node.get("$defs", {}).items()]
    children += [("anyOf", choice) for choice in node.get("anyOf", ())]
    children += [("items", node["items"])] if "items" in node else []
    return next((said for key, child in children if (said := strict_violation(child, f"{where}/{key}"))), None)


def _value(node: dict[str, Any], defs: dict[str, Any], rng: Random, depth: int) -> Any:
    if "$ref" in node:
        return _value(defs[node["$ref"].removeprefix("#/$defs/")], defs, rng, depth + 1)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return rng.choice(node["enum"])
    choices = node.get("anyOf") or node.get("oneOf")
    if choices:
        flat = [choice for choice in choices if "$ref" not in choice and choice.get("type") != "array"]
        return _value(rng.choice(flat if depth > _DEEP and flat else choices), defs, rng, depth + 1)
    kind = node.get("type")
    if kind == "object":
        return {key: _value(value, defs, rng, depth + 1) for key, value in node.get("properties", {}).items()}
    if kind == "array":
        low = node.get("minItems", 0)
        high = min(node.get("maxItems", low + 3), low + 3) if depth <= _DEEP else low
        return [_value(node["items"], defs, rng, depth + 1) for _ in range(rng.randint(low, max(low, high)))]
    if kind == "string":
        return _text(node, rng)
    if kind in ("integer", "number"):
        return _number(node, rng, whole=kind == "integer")
    return rng.random() < 0.5 if kind == "boolean" else None


def _text(node: dict[str, Any], rng: Random) -> str:
    if node.get("format") in _FORMATS:
        return _FORMATS[node["format"]]
    low = node.get("minLength", 0)
    high = min(node.get("maxLength", low + 60), low + 60)
    goal, text = rng.randint(max(low, min(high, 3)), high), ""
    while len(text) < goal:
        text += rng.choice(_WORDS) + " "
    text = text[:high].strip()
    return text if len(text) >= low else text + "e" * (low - len(text))


def _number(node: dict[str, Any], rng: Random, *, whole: bool) -> int | float:
    step = node.get("multipleOf") or (1 if whole else None)
    low, high = node.get("minimum"), node.get("maximum")
    if "exclusiveMinimum" in node:
        low = node["exclusiveMinimum"] + (step or 1e-6)
    if "exclusiveMaximum" in node:
        high = node["exclusiveMaximum"] - (step or 1e-6)
    if low is None:
        low = (high - 100) if high is not None else 0
    if high is None:
        high = low + 100
    if step is None:
        return round(rng.uniform(low, high), 6) if high - low > 1e-3 else low
    value = rng.randint(math.ceil(low / step), math.floor(high / step)) * step
    return int(value) if whole else value
