"""The published sets that can be read: a format's name leads to its reader, to its explainer, and to what it adds.

A reader is the function `read(text, where)` of the module of its format; the module is imported when it is asked for.
It yields each story as it is read, and a `StoryError` in place of each story or question that cannot be, and goes on.
A module may have `explain(answering, question)` of its own, which is asked before `environments.stories.explain`; a
`RULE`, the trust rule for those who name none; and `COUNTED_BY`, tags of questions by which agreement is counted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tertulia.environments.stories.story import Story, StoryError
from tertulia.storage.nearest import nearest

Reader = Callable[[str, str], Iterator[Story | StoryError]]
"""From the text of a file and the name to call it in errors, its stories in their order."""

_MODULES = {
    "tomi": "tertulia.environments.stories.tomi",
    "hi-tom": "tertulia.environments.stories.hi_tom",
    "bigtom": "tertulia.environments.stories.bigtom",
    "own": "tertulia.environments.stories.own",
}
DEFAULT_RULE = "credulous"
_CONVENTIONS = {"hi-tom": "tertulia.environments.stories.hi_tom"}
"""Named rule sets that answer as the makers of a set would: the module has `CONVENTIONS[name]`, an object with
`answer(story, question) -> str | None`."""


def _read(format: str, text: str, where: str) -> Iterator[Story | StoryError]:
    yield from import_module(_MODULES[format]).read(text, where)


FORMATS: dict[str, Reader] = {name: partial(_read, name) for name in _MODULES}


def stories_in(path: Path, format: str) -> Iterator[Story | StoryError]:
    """The stories of a file. Raises `StoryError` for a file that cannot be read, `LookupError` for a format that is
    not there."""
    _module_of(format)
    return FORMATS[format](text_of(path), str(path))


def text_of(path: Path) -> str:
    """A story file's text. Raises `StoryError`."""
    wrong, right = "this is not text", "a story file is UTF-8 text"
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise StoryError(str(path), None, "there is no such file", "give the path of a story file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StoryError(str(path), line, wrong, right) from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise StoryError(str(path), None, f"cannot be read ({reason})", "give the path of a story file") from None
    if "\0" in text:
        raise StoryError(str(path), text[: text.index("\0")].count("\n") + 1, wrong, right)
    return text


def explainer_of(format: str) -> Callable[..., Any] | None:
    """The format's own explainer of disagreements, where it has one."""
    found: Callable[..., Any] | None = getattr(import_module(_MODULES[format]), "explain", None)
    return found


def rule_of(format: str) -> str:
    """The trust rule for a set's stories where none is named. Raises `LookupError`."""
    rule: str = getattr(import_module(_module_of(format)), "RULE", DEFAULT_RULE)
    return rule


def counted_by(format: str) -> tuple[str, ...]:
    """The tags of questions by which agreement is counted too. Raises `LookupError`."""
    tags: tuple[str, ...] = getattr(import_module(_module_of(format)), "COUNTED_BY", ())
    return tags


def _module_of(format: str) -> str:
    if format not in _MODULES:
        raise LookupError(f"no format '{format}'; {nearest(format, list(FORMATS))}")
    return _MODULES[format]


def convention_names() -> tuple[str, ...]:
    """The names of the sets' own conventions, without importing any."""
    return tuple(_CONVENTIONS)


def convention(name: str) -> Any:
    """The rule set of that name: an object with `answer(story, question) -> str | None`. Raises `LookupError`."""
    if name not in _CONVENTIONS:
        raise LookupError(f"no convention '{name}'; {nearest(name, list(_CONVENTIONS))}")
    return import_module(_CONVENTIONS[name]).CONVENTIONS[name]
