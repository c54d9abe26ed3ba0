"""What a seat saw and did, in the plain words of a chat: no mark-up that what somebody said could imitate."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tertulia.storage.rows import ParticipantRow
from tertulia.storage.seen import SPEECH, SeenEvent

BEGIN, END = "<inner>", "</inner>"
"""Around inner thoughts, where they stand in the message."""
NOTHING = "(Nobody says anything.)"
"""What the user's side says where a seat spoke without having witnessed anything since it last did."""

_CONTROL = re.compile(
    r"<[|\uff5c](?=[^<>\n]{1,60}[|\uff5c]>)|<(?=/?(?:s|inner|think|thinking|tool_call)>)|\[(?=/?INST\])"
    r"|<(?=</?SYS>>)|<(?=(?:start|end)_of_turn>)|<(?=(?:bos|eos|pad|unk)>)",
    re.IGNORECASE,
)
"""The beginning of what chat templates use as a sign of their own."""
_UNENCODABLE = re.compile("[\x00\ud800-\udfff]")


def plain(text: str) -> str:
    """A text of somebody's without signs that a chat template would obey: a space parts them. What no tokenizer reads
    (NUL, lone surrogates) is U+FFFD."""
    return _CONTROL.sub(lambda found: f"{found[0][0]} {found[0][1:]}", _UNENCODABLE.sub("\ufffd", text))


def system_text(seat: ParticipantRow, cast: Sequence[str], premise: str, known: str) -> str:
    """Who one is, the place, and what one alone knows: what every mind of this seat is told first."""
    others = ", ".join(name for name in cast if name != seat.name)
    parts = [
        f"You are {seat.name}. {seat.persona or ''}".strip(),
        f"What you want: {seat.goal}" if seat.goal else "",
        f"The others: {others}." if others else "",
        premise.strip(),
        f"What you alone know:\n{known}" if known else "",
    ]
    return "\n\n".join(plain(part) for part in parts if part)


def seen_line(event: SeenEvent) -> str:
    """An event as its witness had it: `bob (to alice): words`. Further lines are indented, so that nobody's words can
    pass for somebody else's."""
    words = "\n    ".join(plain(event.text).splitlines()) or plain(event.text)
    if event.level == "occurrence" or event.kind not in SPEECH or event.actor is None:
        return f"({words})"
    return f"{plain(event.actor)}{_to(event)}: {words}"


def own_line(event: SeenEvent) -> str:
    """One's own act: the words alone, a whisper with whom it is for, another act in brackets."""
    words = plain(event.text)
    if event.kind not in SPEECH:
        return f"({words})"
    return f"({_to(event).strip(' ()')}) {words}" if event.kind == "whisper" else words


def _to(event: SeenEvent) -> str:
    to = plain(", ".join(event.addressees))
    if event.kind == "whisper":
        return f" (whispers to {to})" if to else " (whispers)"
    return f" (to {to})" if to else ""
