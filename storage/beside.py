"""Files that come whole or not at all: written beside their place, and put there when they are done."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LONGEST = 100
"""Characters of a name that the name beside it, while it is written, begins with."""


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A file to write to; when all went well it stands at `path`, with the rights that an earlier one there had, else
    nothing does. Raises `OSError`."""
    rights = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~umask()
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:LONGEST]}.", suffix=".part", dir=path.parent)
    os.close(handle)
    made = Path(name)
    try:
        yield made
        made.chmod(rights)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def is_of_kind(path: Path, begins: Sequence[bytes]) -> bool:
    """Whether a file begins as one of a kind does, or is empty. Raises `OSError`."""
    with path.open("rb") as file:
        first = file.read(max(map(len, begins), default=0) or 1)
    return not first or first.startswith(tuple(begins))


def umask() -> int:
    """The rights that this process gives to nobody."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
