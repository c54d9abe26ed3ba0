"""Files that commands write: whole or not at all, and never over something else by surprise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from errno import EISDIR
from pathlib import Path

from tertulia.cli.errors import BadInput
from tertulia.storage.beside import beside, is_of_kind


def write_whole(path: Path, content: bytes, *, option: str, begins: Sequence[bytes]) -> None:
    """Write a file beside its place, then move it there. An earlier file is replaced where it begins as one of ours
    does, or is empty. Raises `BadInput`, which names the option that the path came by."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe, a terminal, /dev/null
            path.write_bytes(content)
            return
        whole = path.resolve()  # where it is a link, what it leads to is replaced
        if whole.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        if whole.exists() and not is_of_kind(whole, begins):
            raise BadInput(f"{option} {path}: there is another kind of file; another place: {option} FILE")
        with beside(whole) as made:
            made.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{option} {path}: {error.strerror}; another place: {option} FILE") from error
