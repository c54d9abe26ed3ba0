"""JSON schemas of reply types: the plain one for hashing, the strict one that structured outputs ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tertulia.mind.bounds import schema_of
from tertulia.storage.once import once_a_type
from tertulia.storage.types import dump_json

_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_KEPT = (
    "type", "enum", "const", "description", "pattern", "minLength", "maxLength", "minItems", "maxItems",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
)  # fmt: skip
BOUNDS = frozenset({*_KEPT} - {"type", "enum", "const"})
"""Keywords that may be left out where a server refuses them: validation still holds replies to them."""


class SchemaError(TypeError):
    """A reply type that structured output cannot express; the message names the field and what would be right."""


@dataclass(frozen=True, slots=True)
class StrictSchema:
    """What is sent as `response_format.json_schema`.

    The root must be an object there, so any other root stands in a property `value`; `wrapped` says so.
    """

    name: str
    schema: dict[str, Any]
    wrapped: bool


@once_a_type
def canonical_schema(model: type[BaseModel]) -> str:
    """The JSON schema of `model` as canonical JSON, the same in every process; built once per type."""
    return dump_json(schema_of(model))


def strict_schema(model: type[BaseModel], without: frozenset[str] = frozenset()) -> StrictSchema:
    """The strict form of the JSON schema of `model`, less the keywords in `without`.

    All properties are required, no others allowed; unions are `anyOf`; a reference stands alone. Raises `SchemaError`
    for what strict schemas cannot say: mappings, fixed-length tuples, untyped values.
    """
    plain = dict(schema_of(model))
    builder = _Builder(model.__name__, frozenset(_KEPT) - (without & BOUNDS))
    definitions = {name: builder.strict(node, name) for name, node in plain.pop("$defs", {}).items()}
    root = builder.strict(plain, "")
    seen: set[str] = set()
    while "$ref" in root and root["$ref"] not in seen:
        seen.add(root["$ref"])
        root = definitions[root["$ref"].removeprefix("#/$defs/")]
    wrapped = root.get("type") != "object"
    schema = _object({"value": root}) if wrapped else dict(root)
    used = _reachable(schema, definitions)
    if used:
        schema["$defs"] = {name: definitions[name] for name in definitions if name in used}
    name = re.sub(r"[^a-zA-Z0-9_-]+", "_", model.__name__).strip("_")[:64] or "reply"
    return StrictSchema(name=name, schema=schema, wrapped=wrapped)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _reachable(schema: Any, definitions: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                name = reference.removeprefix("#/$defs/")
                if name not in found:
                    found.add(name)
                    waiting.append(definitions[name])
            waiting.extend(node.values())
    return found


@dataclass(frozen=True, slots=True)
class _Builder:
    """Rewrites one type's schema; `kept` are the keywords that go over as they are."""

    model: str
    kept: frozenset[str]

    def strict(self, node: Mapping[str, Any], where: str) -> dict[str, Any]:
        if "$ref" in node:
            return {"$ref": node["$ref"]}
        if len(node.get("allOf", ())) == 1:
            return self.strict(node["allOf"][0], where)
        out = {key: node[key] for key in _KEPT if key in node and key in self.kept}
        if node.get("format") in _FORMATS:
            out["format"] = node["format"]
        choices = node.get("anyOf") or node.get("oneOf")
        if choices:
            out["anyOf"] = [self.strict(choice, where) for choice in choices]
        elif node.get("type") == "object":
            out |= self._object(node, where)
        elif node.get("type") == "array":
            out["items"] = self._items(node, where)
        elif not {"type", "enum", "const"} & node.keys():
            raise self._error(where, "has no type; give it one")
        return out

    def _object(self, node: Mapping[str, Any], where: str) -> dict[str, Any]:
        if isinstance(node.get("additionalProperties"), dict) or node.get("additionalProperties") is True:
            raise self._error(where, "is a mapping with free keys; use a list of small models with a key and a value")
        return _object({key: self.strict(value, f"{where}.{key}") for key, value in node.get("properties", {}).items()})

    def _items(self, node: Mapping[str, Any], where: str) -> dict[str, Any]:
        if "prefixItems" in node or not node.get("items"):
            raise self._error(where, "is a list whose items have no single type; use list[X], tuple[X, ...] or a model")
        return self.strict(node["items"], f"{where}[]")

    def _error(self, where: str, message: str) -> SchemaError:
        return SchemaError(f"{self.model}: {where.lstrip('.') or 'the reply'} {message}")
