"""Column types that keep every text exactly, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import Any

from sqlalchemy import TEXT, DateTime, Dialect
from sqlalchemy import Text as PlainText
from sqlalchemy.types import TypeDecorator, TypeEngine

ESCAPE = "\x10"  # DLE, "data link escape": what follows is not to be taken literally
_MUST_ESCAPE = re.compile("[\x00\x10\ud800-\udfff]")
_ESCAPED = re.compile("\x10([0-9a-f]{4})")


def _encoder(*, sort_keys: bool) -> Callable[[Any], str]:
    """ASCII only, no spaces, no NaN. `json.JSONEncoder.encode` makes an encoder at each call; this is made once."""
    plain = json.JSONEncoder(sort_keys=sort_keys, separators=(",", ":"), allow_nan=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return plain.encode
    # (markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)
    parts = make(None, plain.default, encode_basestring_ascii, None, ":", ",", sort_keys, False, False)

    def encode(value: Any) -> str:
        try:
            return "".join(parts(value, 0))
        except RecursionError:
            raise ValueError("it contains itself, or is nested too deeply") from None

    return encode


_DUMP, _WRITE = _encoder(sort_keys=True), _encoder(sort_keys=False)


def needs_escape(text: str) -> bool:
    """Whether there is anything in it that `escape_text` would change."""
    return not text.isprintable() and _MUST_ESCAPE.search(text) is not None  # the first is quick and true of most


def escape_text(text: str) -> str:
    """Write what a database refuses (NUL, lone surrogates) as DLE and four hex digits; all else stays as it is."""
    if text.isprintable():
        return text
    return _MUST_ESCAPE.sub(lambda found: f"{ESCAPE}{ord(found[0]):04x}", text)


def unescape_text(text: str) -> str:
    """The inverse of `escape_text`: `unescape_text(escape_text(x)) == x` for every str."""
    if ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def dump_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, ASCII only, so that equal values are equal text."""
    return _DUMP(value)


def write_json(value: Any) -> str:
    """JSON as it is kept: ASCII only, no spaces, keys in the order given, which is often the author's."""
    return _WRITE(value)


class Text(TypeDecorator[str]):
    """Text of any content, NUL and lone surrogates included."""

    impl = PlainText
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """By code point on both databases, so that both sort alike."""
        return TEXT(collation="C") if dialect.name == "postgresql" else TEXT()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape_text(value)


class Json(TypeDecorator[Any]):
    """A JSON value as text, keys in the order given; for `json_extract` (SQLite) and `::json` (PostgreSQL) to read."""

    impl = PlainText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else write_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; comes back with its time zone on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)
