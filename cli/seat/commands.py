"""What a person types: plain words are said, a line that begins with a slash is a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tertulia.storage.nearest import nearest

COMMANDS: dict[str, str] = {
    "/whisper NAME WORDS": "say something to one or several (bob,carol) alone; others may see that you whisper",
    "/pass": "say nothing this time, so that nobody waits for you",
    "/who": "who is here, who you are, and what you know",
    "/acts": "what you can do now besides talking, and how to write it",
    "/think": "show or hide what goes on in the others' minds",
    "/undo": "take back what you did last: the episode goes on as a fork from before it",
    "/save": "what is saved (everything, always), and how to go on another time",
    "/leave": "stay silent from now on, and watch",
    "/rejoin": "take part again",
    "/stop": "withdraw: the episode ends and is marked so",
    "/help": "this",
}
HERE = ("who", "acts", "think", "undo", "save", "help", "stop")
"""Commands that the terminal answers by itself."""


_PART = re.compile(r'(?P<name>\w+=)?(?P<value>\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\S+)')


class Unclear(ValueError):
    """What was typed is no command; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Typed:
    """One line, understood: something to send (`kind` as the inbox has it), or a command of the terminal (`here`)."""

    kind: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    here: bool = False


def understand(line: str, acts: Mapping[str, Mapping[str, bool]]) -> Typed | None:
    """What a line means where `acts` can be done (kind -> its fields, and whether each is needed); None for an empty
    one. Two slashes begin words that begin with one. Raises `Unclear`."""
    line = line.strip()
    if not line:
        return None
    if not line.startswith("/"):
        return Typed("say", line)
    if line.startswith("//"):
        return Typed("say", line[1:])
    word, _, rest = line[1:].partition(" ")
    word, rest = word.lower(), rest.strip()
    if word in HERE:
        return Typed(word, rest, here=True)
    if word in ("pass", "leave", "rejoin"):
        return Typed(word)
    if word == "whisper":
        return _whisper(rest)
    if word == "act" and rest.partition(" ")[0] in acts:
        word, _, rest = rest.partition(" ")
        return _act(word, rest.strip(), acts[word])
    if word in acts:
        return _act(word, rest, acts[word])
    known = [command.split()[0] for command in COMMANDS] + [f"/{kind}" for kind in acts]
    raise Unclear(f"no command /{word}; {nearest('/' + word, list(dict.fromkeys(known)))}")


def _whisper(rest: str) -> Typed:
    names, _, words = rest.partition(" ")
    if not words.strip():
        raise Unclear("whisper to whom, and what? /whisper NAME WORDS")
    to = [name.strip().lstrip("@") for name in names.rstrip(":").split(",") if name.strip()]
    return Typed("whisper", words.strip(), {"to": to})


def _act(kind: str, rest: str, fields: Mapping[str, bool]) -> Typed:
    """`/select Omar`, `/offer 2 1 3`, `/guess {bob: 30} number=24`: values by name, or in the order of the fields."""
    names, text = [name for name in fields if name != "text"], ""
    if len(fields) == 1 and names and not rest.startswith(f"{names[0]}="):
        given = {names[0]: _value(rest)} if rest else {}
    else:
        given, text = _fields(kind, rest, fields, names)
    given |= {"text": text} if text else {}
    missing = [name for name, needed in fields.items() if needed and name not in given]
    if missing:
        raise Unclear(f"{kind}: {', '.join(missing)} is missing; write {usage(kind, fields)}")
    return Typed("act", str(given.pop("text", "")), {"kind": kind, **given})


def _fields(kind: str, rest: str, fields: Mapping[str, bool], names: list[str]) -> tuple[dict[str, Any], str]:
    """The values in a line; where words belong to the act, they go last."""
    given: dict[str, Any] = {}
    for found in _PART.finditer(rest):
        name, value = found["name"], found["value"]
        free = [one for one in names if one not in given and (fields[one] or "text" not in fields)]
        if name and name[:-1] in names:
            given[name[:-1]] = _value(value)
        elif free:
            given[free[0]] = _value(found[0])
        elif "text" in fields:
            return given, rest[found.start() :]
        else:
            raise Unclear(f"{kind}: what is {found[0]!r}? write {usage(kind, fields)}")
    return given, ""


def usage(kind: str, fields: Mapping[str, bool]) -> str:
    """How an act is written."""
    return " ".join([f"/{kind}", *(name.upper() if needed else f"[{name}=...]" for name, needed in fields.items())])


def _value(text: str) -> Any:
    """A number, a list or a mapping as YAML has it; anything else is text."""
    text = text.strip().strip('"')
    if text[:1] in ("{", "["):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
