"""A YAML file as plain data that remembers on which line each key stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tertulia.environments.scenario.errors import Problem, ScenarioError
from tertulia.storage.nearest import quoted

KeyPath = tuple[str | int, ...]

_MAX_NODES = 50_000
"""A file that unfolds (through aliases) to more than this is refused."""
_MAX_DEPTH = 40
_BEGINS = "`scenario: NAME` and `world: NAME`"


@dataclass(slots=True)
class Source:
    """Plain data and where it came from. `lines` maps the path of a key to its line, counted from 1."""

    where: str
    data: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    base: Path | None = None
    """The folder that relative paths inside are relative to."""
    options: dict[KeyPath, tuple[str, str]] = field(default_factory=dict)
    """Paths that an option set, with the option and the key as it was typed (`-S`, `turns.limt`)."""
    option_base: Path | None = None
    """The folder that relative paths in options are relative to; None is the current one."""

    def key(self, path: KeyPath) -> str:
        """A path as people write it: `participants.carol.mind.preset`, participants by their names."""
        parts: list[str] = []
        node = self.data
        for step in path:
            node = child(node, step)
            name = (
                node.get("name") if path[0] == "participants" and len(parts) == 1 and isinstance(node, dict) else None
            )
            parts.append(name if isinstance(name, str) and name else str(step))
        return ".".join(parts)

    def line(self, path: KeyPath) -> int | None:
        """The line of the key, or of the nearest key around it; None when the data came from no file."""
        for length in range(len(path), -1, -1):
            if (found := self.lines.get(path[:length])) is not None:
                return found
        return None

    def problem(self, path: KeyPath, wrong: str, right: str) -> Problem:
        """A problem at `path`, blamed on the option that set it where one did."""
        for length in range(len(path), 0, -1):
            if (option := self.options.get(path[:length])) is not None:
                rest = "".join(f".{step}" for step in path[length:])
                return Problem(option[0], None, option[1] + rest, wrong, right)
        return Problem(self.where, self.line(path), self.key(path), wrong, right)


def child(node: Any, step: str | int) -> Any:
    """What stands under a key or index; None where there is nothing."""
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and isinstance(step, int) and step < len(node):
        return node[step]
    return None


class _Loader(yaml.SafeLoader):
    """YAML as researchers read it: only `true` and `false` are truth values, and dates and 12:30 stay text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def _whole(loader: yaml.SafeLoader, node: yaml.Node) -> int:
    return int(str(node.value))


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))

_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


def read_yaml(path: Path, where: str | None = None, begins: str = _BEGINS) -> Source:
    """Read a file. Raises `ScenarioError`: missing, a folder, not UTF-8, empty, not YAML, or with duplicate keys.

    `begins` is told of a file that holds nothing: how one of its kind begins."""
    where = where or str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        more = ", or see `tertulia scenarios list`" if begins == _BEGINS else ""
        raise _trouble(where, None, "there is no such file", f"check the path{more}") from None
    except OSError as error:
        raise _trouble(where, None, f"cannot be read ({error.strerror})", "give a readable YAML file") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        wrong = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise _trouble(where, line, wrong, "save the file in the encoding UTF-8") from None
    return parse_yaml(text, where, base=path.resolve().parent, begins=begins)


def parse_yaml(text: str, where: str, base: Path | None = None, begins: str = _BEGINS) -> Source:
    """The same for text at hand. The top of the document must be a mapping."""
    source = Source(where, None, base=base)
    node = _compose(text, where)
    if node is None:
        raise _trouble(where, 1, "the file is empty", f"begin with {begins}")
    _check_tree(node, source)
    source.data = _build(node, (), source)
    if not isinstance(source.data, dict):
        wrong = f"the file holds {kind_of(source.data)}, not keys and values"
        raise _trouble(where, node.start_mark.line + 1, wrong, f"begin with {begins}")
    return source


def parse_value(text: str) -> Any:
    """A value as typed after `-S key=`: a number, true, false or null, a list in `[]`, keys in `{}` or a text in quotes
    as YAML has them; anything else is the text itself, whatever colons, dashes and hashes are in it.

    Raises `ScenarioError` where what is in brackets is not YAML, and for characters that no text may have."""
    typed = text.strip()
    try:
        found = _yaml_value(text)
    except ScenarioError:
        if typed.startswith(("{", "[")) or yaml.reader.Reader.NON_PRINTABLE.search(typed):
            raise
        return typed
    if typed.startswith(("{", "[")) or not isinstance(found, str | dict | list):
        return found
    return found if isinstance(found, str) and typed.startswith(('"', "'")) else typed


def _yaml_value(text: str) -> Any:
    node = _compose(text, "value")
    source = Source("value", None)
    if node is None:
        return None
    _check_tree(node, source)
    return _build(node, (), source)


def _compose(text: str, where: str) -> yaml.Node | None:
    try:
        return _Loader(text).get_single_node()
    except RecursionError:
        raise _trouble(where, None, "is nested too deeply", "flatten it") from None
    except yaml.YAMLError as error:
        raise _syntax(error, text, where) from None


def _syntax(error: yaml.YAMLError, text: str, where: str) -> ScenarioError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        line: int | None = min(mark.line + 1, text.count("\n") + 1)
    else:  # a character that YAML forbids: the reader's error knows only its offset
        position = getattr(error, "position", None)
        line = text[:position].count("\n") + 1 if isinstance(position, int) else None
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    remedy = "check indentation, colons, quotes and brackets around here"
    return _trouble(where, line, f"not YAML: {str(reason).splitlines()[0]}", remedy)


def _check_tree(root: yaml.Node, source: Source) -> None:
    """Refuse what would be silently wrong or endless: duplicate keys, keys that are no words, aliases that loop."""
    problems: list[Problem] = []
    count = 0

    def walk(node: yaml.Node, path: KeyPath, above: tuple[int, ...]) -> None:
        nonlocal count
        count += 1
        line = node.start_mark.line + 1
        if id(node) in above or len(above) > _MAX_DEPTH or count > _MAX_NODES:
            raise _trouble(source.where, line, "an alias or nesting that never ends", "write it out, flatter")
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                walk(item, (*path, index), (*above, id(node)))
        elif isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, value in node.value:
                name, at = str(key.value), key.start_mark.line + 1
                here = ".".join(str(step) for step in (*path, name))
                if not isinstance(key, yaml.ScalarNode):
                    problems.append(Problem(source.where, at, "", "a key that is not a word", "use a plain word"))
                elif name in seen and name != "<<":
                    wrong = f"the key stands twice, first on line {seen[name]}"
                    problems.append(Problem(source.where, at, here, wrong, "keep one of the two"))
                seen.setdefault(name, at)
                walk(value, (*path, name), (*above, id(node)))

    walk(root, (), ())
    if problems:
        raise ScenarioError(problems)


def _build(node: yaml.Node, path: KeyPath, source: Source) -> Any:
    """Plain data with text keys; notes the line of every key on the way. Aliases become copies."""
    source.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), source) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        try:
            _Loader("").flatten_mapping(node)
        except yaml.MarkedYAMLError as error:
            wrong = str(error.problem).splitlines()[0]
            raise _trouble(
                source.where, node.start_mark.line + 1, wrong, "merge mappings only, as in `<<: *name`"
            ) from None
        built = {}
        for key, value in node.value:  # what is merged in comes first, so that the file's own keys win
            here = (*path, str(key.value))
            source.lines[here] = key.start_mark.line + 1
            built[str(key.value)] = _build(value, here, source)
        return built
    return _scalar(node, source)


def _scalar(node: yaml.Node, source: Source) -> Any:
    try:
        return _Loader("").construct_object(node)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, LookupError, AttributeError):
        line, tag = node.start_mark.line + 1, node.tag.replace("tag:yaml.org,2002:", "!!")
        wrong = f"{quoted(str(node.value))} cannot be read as {tag}"
        raise _trouble(source.where, line, wrong, "use plain text, numbers, true or false") from None


def _trouble(where: str, line: int | None, wrong: str, right: str) -> ScenarioError:
    return ScenarioError([Problem(where, line, "", wrong, right)])


def kind_of(value: object) -> str:
    """What a YAML value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, Sequence) else f"a {type(value).__name__}"
