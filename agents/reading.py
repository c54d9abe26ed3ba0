"""From the text of a reply to a value of its schema: validate, repair once, or say in one line what is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import BaseModel, RootModel, ValidationError

from tertulia.agents.backends.base import Completion
from tertulia.mind.model import Message, T

REASK = "That reply was not valid"
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONGEST_ERROR = 300
_LONGEST_QUOTE = 2000


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """`value` is None where the reply is not valid; then `error` says why, in one line."""

    value: T | None
    repaired: bool = False
    error: str | None = None


def read(completion: Completion, schema: type[T]) -> Reading[T]:
    """Validate the text against `schema`; where it fails, repair it once (code fences, prose around it, broken JSON).

    A reply that was cut off is never repaired: closing its brackets would make up an end that nobody said.
    """
    try:
        return Reading(schema.model_validate_json(completion.text))
    except ValidationError as error:
        wrong = _in_one_line(error)
    if _LONE_SURROGATE.search(completion.text) and (value := _read_surrogates(completion.text, schema)) is not None:
        return Reading(value)
    if completion.finish == "refusal":
        refusal = " ".join(str(completion.extra.get("refusal", "")).split())
        return Reading(None, error=f"the model refused: {refusal}"[:_LONGEST_ERROR])
    if completion.finish == "length":
        return Reading(None, error="the reply was cut off at the token limit")
    repaired = _repair(completion.text)
    if repaired is not None and _speaks_of(repaired, schema):
        try:
            return Reading(schema.model_validate_json(json.dumps(repaired)), repaired=True)
        except ValidationError:
            pass
    return Reading(None, error=wrong)


def _read_surrogates(text: str, schema: type[T]) -> T | None:
    """JSON may write half a character (`\\ud83d` alone); pydantic's parser refuses it, Python's does not."""
    try:
        return schema.model_validate(json.loads(text))
    except ValueError:
        return None


def reask(messages: list[Message], reply: str, error: str) -> list[Message]:
    """The same question once more, with the bad reply and what was wrong with it."""
    shorter = " Be much briefer." if "cut off" in error else ""
    again = Message("user", f"{REASK}: {error}.{shorter} Reply again, with nothing but JSON that keeps to the schema.")
    quoted = [Message("assistant", reply[:_LONGEST_QUOTE])] if reply.strip() else []
    return [*messages, *quoted, again]


def _repair(text: str) -> dict[str, Any] | None:
    """The JSON object in `text`, mended; None where there is none."""
    if "{" not in text:
        return None
    from json_repair import repair_json

    fenced = _FENCE.search(text)
    inner = fenced[1] if fenced and "{" in fenced[1] else text[text.index("{") :]
    mended = repair_json(inner, return_objects=True)
    return mended if isinstance(mended, dict) else None


def _speaks_of(mended: dict[str, Any], schema: type[BaseModel]) -> bool:
    """Whether at least one field is there by name: prose in braces must not become a reply made of defaults."""
    if issubclass(schema, RootModel):
        return bool(mended)
    names = {name for key, info in schema.model_fields.items() for name in (key, info.alias)}
    return not names.isdisjoint(mended)


def _in_one_line(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{'.'.join(map(str, p['loc']))}: {p['msg']}" if p["loc"] else p["msg"] for p in problems[:3]]
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return (" ".join("; ".join(said).split()))[:_LONGEST_ERROR] + more
