"""From what a person typed to an act of its seat, or one line that says why it cannot be."""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import BaseModel, RootModel, ValidationError

from tertulia.environments.people.errors import Unreadable
from tertulia.environments.stage import Stage
from tertulia.environments.world import Action
from tertulia.storage.nearest import nearest
from tertulia.storage.rows_of_people import InboxRow

__all__ = ["SPEECH", "Unreadable", "act_types", "fields_of", "read_act"]

_QUOTED = re.compile("'((?:[^'\\\\]|\\\\.)*)'")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_AT = re.compile(r"(?<!\S)@([\w-]+)")
SPEECH = ("say", "whisper", "act", "pass")
"""The kinds of input that a turn can take up as an act."""


def read_act(stage: Stage, seat: str, row: InboxRow) -> Action:
    """The act that an input asks for, legal for its seat as things stand. Raises `Unreadable`.

    The claims of what a person says are those that the world's rules find in the words: as with agents, hearers who
    trust the speaker should believe them.
    """
    legal = stage.legal(seat)
    if legal is None:
        raise Unreadable(f"{seat} cannot do anything now")
    types = act_types(legal)
    data = dict(row.data or {})
    kind = str(data.pop("kind", "")) if row.kind == "act" else row.kind
    if kind not in types:
        raise Unreadable(f"you cannot {kind or 'do that'} now; you can: {', '.join(types)}")
    given: dict[str, Any] = {"kind": kind, **data}
    if "text" in types[kind].model_fields:
        given["text"] = row.text
        _hear(stage, seat, given)
    return _validated(legal, given, stage, seat, types[kind])


def act_types(legal: type[RootModel[Any]]) -> dict[str, type[BaseModel]]:
    """The types of what may be done, by kind, in their order."""
    root = legal.model_fields["root"].annotation
    return {str(kind.model_fields["kind"].default): kind for kind in (get_args(root) or (root,))}


def fields_of(kind: type[BaseModel]) -> dict[str, bool]:
    """What belongs to an act beside its kind: the names, and whether each is needed."""
    return {name: info.is_required() for name, info in kind.model_fields.items() if name not in ("kind", "asserts")}


def _hear(stage: Stage, seat: str, given: dict[str, Any]) -> None:
    """Names before a colon or after an @ are whom the words are for, where nobody was named."""
    text = given["text"].strip()
    if not text:
        raise Unreadable("there are no words in it")
    if (found := _CONTROL.search(text)) is not None:
        raise Unreadable(f"the character U+{ord(found[0]):04X} in it is no word")
    called = {name.casefold(): name for name in stage.seats if name != seat}
    head, colon, rest = text.partition(":")
    named = [name.strip().lstrip("@").casefold() for name in head.split(",")] if colon and rest.strip() else []
    if given.get("to"):
        given["to"] = _names(given["to"], called)
    elif named and all(name in called for name in named):
        given["to"], text = [called[name] for name in named], rest.strip()
    else:
        at = {name.casefold() for name in _AT.findall(text)}
        given["to"] = [name for folded, name in called.items() if folded in at]
    given["text"] = text
    given["asserts"] = [claim.model_dump(exclude_none=True) for claim in stage.policy.parse(text)]


def _names(to: Any, called: dict[str, str]) -> list[str]:
    """The names of those whom words are for, however they were written."""
    if isinstance(to, str):
        to = to.split(",")
    if not isinstance(to, list | tuple) or not all(isinstance(name, str) for name in to):
        raise Unreadable(f"say it to whom? {to!r} is no name")
    names = [name.strip().lstrip("@") for name in to]
    return [called.get(name.casefold(), name) for name in names]


def _validated(
    legal: type[RootModel[Any]], given: dict[str, Any], stage: Stage, seat: str, kind: type[BaseModel]
) -> Action:
    try:
        return _act(legal, given)
    except ValidationError as error:
        if given.pop("asserts", None):  # words that mean more than may be asserted here are still words
            return _validated(legal, given, stage, seat, kind)
        raise Unreadable(_why(error, given, stage, seat, kind)) from error


def _act(legal: type[RootModel[Any]], given: dict[str, Any]) -> Action:
    act = legal.model_validate(given).root
    assert isinstance(act, Action)
    return act


def _why(error: ValidationError, given: dict[str, Any], stage: Stage, seat: str, kind: type[BaseModel]) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part != given["kind"]]
    key = place[0] if place else ""
    if key == "to":
        here = [name for name in stage.world.present(stage.state, seat) if name != seat]
        wrong = next((name for name in given.get("to", ()) if name not in here), None)
        if wrong is None:
            return f"say to whom: {', '.join(here) or 'nobody is here'}"
        return f"'{wrong}' is not here; {nearest(str(wrong), here)}" if here else "nobody is here to hear it"
    said = str(first.get("ctx", {}).get("error", "")) or first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "literal_error":
        return f"{given['kind']}: '{first['input']}' is none; {nearest(str(first['input']), _QUOTED.findall(said))}"
    if key == "text":
        return f"{said}; yours stays as it is"
    wanted = ", ".join(f"{name}=..." for name in fields_of(kind)) or "nothing else"
    return f"{given['kind']}: {'.'.join(place) or 'it'}: {said}; write {given['kind']} with {wanted}"
