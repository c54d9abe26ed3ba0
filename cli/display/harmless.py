"""What agents, files and servers say, made harmless for a terminal."""

from __future__ import annotations

import re

_LINE_ENDS = re.compile("\r\n|[\u2028\u2029]")
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of what follows
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, invisible tags
)
_PICTURES = 0x2400  # the control pictures: U+2400 shows NUL, U+241B shows ESC
_DELETE, _PICTURE_OF_DELETE = 0x7F, "\u2421"
_UNKNOWN = "\ufffd"


def harmless(text: object) -> str:
    """The text of anything, without a character that a terminal would obey; newlines stay.

    Control characters become pictures of themselves, what has no picture becomes U+FFFD, a tab four spaces.
    """
    whole = _LINE_ENDS.sub("\n", str(text)).replace("\t", "    ")
    return _HARMFUL.sub(lambda found: _picture(ord(found[0])), whole)


def one_line(text: object) -> str:
    """The same on one line: runs of white space become one space."""
    return " ".join(harmless(text).split())


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(_PICTURES + code)
    return _PICTURE_OF_DELETE if code == _DELETE else _UNKNOWN
