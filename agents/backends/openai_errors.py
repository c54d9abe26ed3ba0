"""What went wrong at a chat completions server, in our words and without any key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from tertulia.agents.backends.base import BackendFailure, FailureKind
from tertulia.agents.backends.http import Answer

_LONGEST = 300
_KEY_LIKE = re.compile(r"\bsk-[A-Za-z0-9_\-*]{3,}")
"""What OpenAI's keys look like; its own error messages show parts of them."""

_NOT_TAKEN = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|not allowed|unexpected|extra inputs", re.IGNORECASE
)

_TOO_MANY = re.compile(r"max_(completion_)?tokens\W.*too large|maximum context length|context window", re.IGNORECASE)
_AT_MOST = re.compile(r"at most (\d+) (?:completion|output) tokens", re.IGNORECASE)
_FULL = re.compile(
    r"context_length_exceeded|exceed_context_size|exceeds the available context|maximum context length|context window",
    re.IGNORECASE,
)
_WINDOW = re.compile(r"(?:maximum context length|context window)\D{0,12}(\d+)", re.IGNORECASE)
_IN_PROMPT = re.compile(
    r"(\d+) (?:tokens )?(?:in|from|of) the (?:messages|prompt|input)|messages resulted in (\d+)|(\d+) input tokens",
    re.IGNORECASE,
)
_LEAST_TOKENS = 256
_LONG_KEY = 8
"""A shorter key may be part of other words; it is looked for only where it stands by itself."""


class Scrubber:
    """Takes a key out of whatever a server echoes."""

    def __init__(self, key: str | None) -> None:
        key = key or ""
        alone = r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])" if len(key) < _LONG_KEY else "{}"
        pattern = alone.format(re.escape(key))
        self._in_errors = re.compile(pattern) if key else None
        # A reply is data. A short key without a digit in it ("x", "none", "EMPTY") is a placeholder and may be one of
        # its words; one that is all digits may be one of its numbers.
        secret = len(key) >= _LONG_KEY or (re.search(r"\d", key) and re.search(r"\D", key))
        self._in_replies = re.compile(pattern.encode()) if key and secret else None

    def text(self, text: str) -> str:
        """What a server says about an error, without the key, and without anything that looks like part of one."""
        if self._in_errors is not None:
            text = self._in_errors.sub("[key]", text)
        return _KEY_LIKE.sub("[key]", text)

    def bytes(self, content: bytes) -> bytes:
        """A reply without the key, unless that is a short word or number that may stand in any reply."""
        return self._in_replies.sub(b"[key]", content) if self._in_replies is not None else content


def status_failure(answer: Answer, scrub: Scrubber) -> BackendFailure:
    """The failure that an HTTP status of 300 or more means, with what the server said, in one line."""
    error = _error_of(answer)
    code = str(error.get("code") or error.get("type") or "")
    said = _said(error) or answer.text or answer.reason
    line = " ".join(scrub.text(said).split())[:_LONGEST]
    return BackendFailure(
        "too_long" if context_left(answer) is not None else _kind(answer.status, code),
        f"HTTP {answer.status}: {line}",
        status=answer.status,
        retry_after_s=retry_after_s(answer.headers),
    )


def refused_name(answer: Answer, parameters: Sequence[str], keywords: Sequence[str]) -> str | None:
    """The parameter, or the keyword of the reply schema, that the server says it does not take; None if no such."""
    if answer.status not in (400, 422):
        return None
    error = _error_of(answer)
    said, param = _said(error), str(error.get("param") or "")
    if not _NOT_TAKEN.search(said):
        return None
    if param in parameters:
        return param
    about_schema = "response_format" in param + said or "schema" in said
    return next((n for n in (*parameters, *(keywords if about_schema else ())) if re.search(rf"\b{n}\b", said)), None)


def smaller_limit(answer: Answer, sent: int) -> int | None:
    """The `max_tokens` to send instead, where the server says that `sent` is more than the model can write.

    The server's own number where it gives one, else a quarter; None for another 400, or where too little would be left.
    """
    said = _said(_error_of(answer)) if answer.status in (400, 422) else ""
    if not _TOO_MANY.search(said):
        return None
    stated = _AT_MOST.search(said)
    limit = int(stated[1]) if stated else sent // 4
    return limit if _LEAST_TOKENS <= limit < sent else None


def context_left(answer: Answer) -> int | None:
    """What a context that is full leaves for a reply (0 where no numbers are given); None for any other trouble."""
    if answer.status not in (400, 413, 422):
        return None
    error = _error_of(answer)
    said = f"{error.get('code')} {error.get('type')} {_said(error)}"
    if not _FULL.search(said):
        return None
    window, prompt = _WINDOW.search(said), _IN_PROMPT.search(said)
    if prompt is not None:
        tokens = int(next(number for number in prompt.groups() if number))
        return max(0, int(window[1]) - tokens) if window else 0
    return 0 if "context_length_exceeded" in said or not _WINDOW.search(said) else None


def connection_failure(error: Exception, host: str) -> BackendFailure:
    """A connection that could not be made, broke, or took too long."""
    kind: FailureKind = "timeout" if isinstance(error, TimeoutError) else "connection"
    return BackendFailure(kind, f"{type(error).__name__} while talking to {host}")


def retry_after_s(headers: Any, now: datetime | None = None) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or an HTTP date); None where neither says."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        if isfinite(seconds):
            return max(0.0, seconds)
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _error_of(answer: Answer) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    error = data.get("error", data) if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {"message": error}


def _said(error: dict[str, Any]) -> str:
    return str(error.get("message") or error.get("detail") or "")


def _kind(status: int, code: str) -> FailureKind:
    if status == 429:
        return "refused" if code == "insufficient_quota" else "rate_limit"
    if status in (408, 409, 425) or status >= 500:
        return "server"
    return "invalid_request" if status in (400, 413, 415, 422) else "refused"
