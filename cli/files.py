"""Files that commands write: whole or not at all, and never over something else by surprise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from tertulia.cli.errors import BadInput


def write_whole(path: Path, content: bytes, *, option: str, begins: Sequence[bytes]) -> None:
    """Write a file beside its place, then move it there. An earlier file is replaced where it begins as one of ours
    does, or is empty. Raises `BadInput`, which names the option that the path came by."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe, a terminal, /dev/null
            path.write_bytes(content)
            return
        if path.is_file() and (there := path.stat().st_size):
            with path.open("rb") as file:
                first = file.read(max(map(len, begins), default=0))
            if there and not first.startswith(tuple(begins)):
                raise BadInput(f"{option} {path}: there is another kind of file; another place: {option} FILE")
        _beside(path, content)
    except OSError as error:
        raise BadInput(f"{option} {path}: {error.strerror}; another place: {option} FILE") from error


def _beside(path: Path, content: bytes) -> None:
    whole = path.resolve()  # where it is a link, what it leads to is replaced
    if whole.is_dir():
        raise IsADirectoryError(21, "Is a directory")
    mode = whole.stat().st_mode & 0o777 if whole.exists() else 0o666 & ~_umask()
    with NamedTemporaryFile(dir=whole.parent, prefix=f".{whole.name[:100]}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.replace(file.name, whole)  # noqa: PTH105
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now
