"""Constrained decoding: a pydantic type becomes a grammar that only its valid JSON can satisfy."""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from llguidance import LLExecutor, LLMatcher, LLTokenizer
from llguidance.numpy import fill_next_token_bitmask, fill_next_token_bitmask_par
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from tertulia.agents.backends.base import BackendFailure
from tertulia.mind.bounds import bound

_OPTIONS = {
    # At most one space, after a separator: what models write by habit, and nothing that a model could repeat for ever.
    "whitespace_flexible": False,
    "item_separator": ", ?",
    "key_separator": ": ?",
}
_ESCAPES = 'nrt"\\'
"""No control characters in speech; a schema that names one in a constant gets them all."""
_CONTROL = re.compile(r"\\(?:u00|b|f)")
_DECIMALS = 4
_LARGEST = 10**15
_KEPT = 256
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.0)
_ENOUGH = 512
"""With this many tokens left, a reply is begun even where its type has no bound (one that holds itself)."""
_WORTH_THREADS = 1 << 16
"""Words of a batch's mask; below, handing rows to threads takes longer than filling them."""


class Grammars:
    """Compiles each schema once and hands out matchers that stand at its beginning."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        self._closed: WeakKeyDictionary[type[BaseModel], dict[str, Any]] = WeakKeyDictionary()
        self._texts: WeakKeyDictionary[type[BaseModel], dict[float, str]] = WeakKeyDictionary()
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._executor = LLExecutor()

    def matcher(self, schema: type[BaseModel], room: int | None = None) -> LLMatcher:
        """A fresh matcher for `schema`. Raises `BackendFailure` (`invalid_request`) where it cannot be enforced.

        Where the context leaves less room (in tokens) than a reply may take, its texts and lists are bounded more
        tightly, so that it is brief rather than cut off: what fits the tighter schema fits `schema`.
        """
        share = 1.0 if room is None else next((s for s in _SHARES if self._bound(schema, s) <= room), _SHARES[-1])
        texts = self._texts.setdefault(schema, {})
        text = texts.get(share)
        if text is None:
            text = texts[share] = json.dumps(tightened(self._whole(schema), share), ensure_ascii=False)
        compiled = self._compiled.get(text)
        if compiled is None:
            compiled = self._compiled[text] = self._compile(schema, text)
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(text)
        return compiled.deep_copy()

    def least(self, schema: type[BaseModel]) -> int:
        """How many tokens must be left for the shortest reply that `schema` allows."""
        return min(_ENOUGH, self._bound(schema, _SHARES[-1]))

    def _bound(self, schema: type[BaseModel], share: float) -> int:
        tight = tightened(self._whole(schema), share)
        return bound(tight, tight.get("$defs", {}), 1)

    def _whole(self, schema: type[BaseModel]) -> dict[str, Any]:
        found = self._closed.get(schema)
        if found is None:
            found = self._closed[schema] = _closed(schema)
        return found

    def fill(self, matchers: list[LLMatcher], allowed: npt.NDArray[np.int32]) -> None:
        """Set, in row i of `allowed` [rows, words of 32 bits], the bit of every token that may follow in matcher i."""
        if allowed.size < _WORTH_THREADS:
            for row, matcher in enumerate(matchers):
                fill_next_token_bitmask(matcher, allowed, row)
        else:
            places = [(matcher, row) for row, matcher in enumerate(matchers)]
            fill_next_token_bitmask_par(self._executor, places, allowed)

    def _compile(self, schema: type[BaseModel], text: str) -> LLMatcher:
        options = _OPTIONS if _CONTROL.search(text) else _OPTIONS | {"json_allowed_escapes": _ESCAPES}
        grammar = LLMatcher.grammar_from_json_schema(text, overrides=options)  # type: ignore[arg-type]
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise _unenforceable(schema, matcher.get_error())
        return matcher


def _unenforceable(schema: type[BaseModel], why: str) -> BackendFailure:
    line = " ".join(why.split())
    return BackendFailure("invalid_request", f"schema {schema.__name__} cannot be enforced: {line[:300]}")


def _closed(schema: type[BaseModel]) -> dict[str, Any]:
    try:
        plain = schema.model_json_schema()
    except PydanticInvalidForJsonSchema as problem:
        raise _unenforceable(schema, str(problem)) from problem
    made: dict[str, Any] = closed(plain)
    return made


def tightened(schema: Any, share: float) -> Any:
    """The same schema with `share` (0-1) of the length of its texts and lists, never less than they must have; below 1,
    those without a bound get one."""
    if share == 1.0:
        return schema
    if isinstance(schema, list):
        return [tightened(part, share) for part in schema]
    if not isinstance(schema, dict):
        return schema
    node = {key: _tighter(key, value, share) for key, value in schema.items()}
    kind = node.get("type")
    if kind == "string" and not {"enum", "const", "pattern", "format"} & node.keys():
        node["maxLength"] = _share_of(node, "maxLength", "minLength", 256, share, floor=1)
    elif kind == "array" and "prefixItems" not in node:
        node["maxItems"] = _share_of(node, "maxItems", "minItems", 16, share, floor=0)
    return node


def _tighter(key: str, value: Any, share: float) -> Any:
    if key in ("properties", "$defs"):  # by name: a field may be called `enum`
        return {name: tightened(part, share) for name, part in value.items()}
    return value if key in ("enum", "const", "required") else tightened(value, share)


def _share_of(node: dict[str, Any], most: str, least: str, unbounded: int, share: float, *, floor: int) -> int:
    whole = int(node.get(most, unbounded))
    return max(int(whole * share), int(node.get(least, 0)), min(floor, whole))


def closed(schema: Any) -> Any:
    """A JSON schema made exact: what it accepts is finite where it can be, and pydantic accepts all of it.

    Objects must give every property and no other (a discriminator has a default, yet the union needs it), `oneOf` is
    `anyOf`, a mapping with listed keys is an object that may have them, numbers have few decimals and no exponent.
    """
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    node = {key: _part(key, value) for key, value in schema.items() if key not in ("default", "discriminator")}
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    if node.get("uniqueItems") and node.get("minItems", 0) <= 1:
        del node["uniqueItems"]  # a set drops what is said twice
    if node.get("type") == "object":
        _close_object(node)
    elif node.get("type") == "number":
        _limit_number(node)
    elif node.get("type") == "integer" and "enum" not in node and "const" not in node:
        _limit_integer(node)
    return node


def _part(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):
        return {name: closed(part) for name, part in value.items()}
    return value if key in ("enum", "const", "required", "examples") else closed(value)


def _close_object(node: dict[str, Any]) -> None:
    keys = node.get("propertyNames", {}).get("enum")
    if keys is not None and "properties" not in node:
        part = node.get("additionalProperties", True)
        node["properties"] = dict.fromkeys(keys, part)
        del node["propertyNames"]
        node["additionalProperties"] = False
    elif "properties" in node or "additionalProperties" not in node:
        node["required"] = list(node.get("properties", {}))
        node["additionalProperties"] = False


def _limit_number(node: dict[str, Any]) -> None:
    """Four decimals, or as many as give a narrow range a hundred values."""
    if "multipleOf" in node or "enum" in node or "const" in node:
        return
    low = node.get("minimum", node.get("exclusiveMinimum", -_LARGEST))
    high = node.get("maximum", node.get("exclusiveMaximum", _LARGEST))
    if high - low > 1e-7:  # llguidance counts no finer than nine decimals
        node["multipleOf"] = 10.0 ** -max(_DECIMALS, 2 - math.floor(math.log10(high - low)))
        _limit_integer(node)


def _limit_integer(node: dict[str, Any]) -> None:
    if "minimum" not in node and "exclusiveMinimum" not in node:
        node["minimum"] = min(-_LARGEST, node.get("maximum", 0))
    if "maximum" not in node and "exclusiveMaximum" not in node:
        node["maximum"] = max(_LARGEST, node.get("minimum", 0))
