"""Files that conversations come in, read record by record, and what is wrong with one told in a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tertulia.storage.errors import LogError


class Unreadable(LogError):
    """A file that is not what it should be; the message says where, what, and what would be right."""


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object of a file, and where it stands."""

    where: str
    value: dict[str, Any]


def records(path: Path) -> Iterator[Record]:
    """The JSON objects of a file, one at a time: one a line (JSONL), or a whole file that is an object or a list of
    objects. Raises `Unreadable`."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
            if _is_object(first):
                yield from _lines(path, first, file)
                return
            rest = first + file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {_why(error)}") from error
    yield from _whole(path, rest)


def _lines(path: Path, first: str, file: Iterator[str]) -> Iterator[Record]:
    for number, line in enumerate((line for part in ([first], file) for line in part), 1):
        if line.strip():
            yield Record(f"{path}:{number}", _object(f"{path}:{number}", line))


def _whole(path: Path, text: str) -> Iterator[Record]:
    try:
        value = _loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            f"{path}: no JSON ({_why(error)}); right would be an object a line, or a list of them"
        ) from error
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        where = f"{path}: item {number}" if isinstance(value, list) else str(path)
        if not isinstance(one, dict):
            raise Unreadable(f"{where}: a {type(one).__name__}, where an object was expected")
        yield Record(where, one)


def _loads(text: str) -> Any:
    """JSON; what is no number to JSON or to the log (`NaN`, `Infinity`, `1e999`) comes as None."""
    return json.loads(text, parse_constant=lambda _: None, parse_float=_finite)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _is_object(line: str) -> bool:
    try:
        return isinstance(_loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _object(where: str, line: str) -> dict[str, Any]:
    try:
        value = _loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{where}: no JSON ({_why(error)}); right would be one object a line") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{where}: a {type(value).__name__}, where an object was expected")
    return value


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error).splitlines()[0]
