"""Files that come whole or not at all: written beside their place and put there when they are done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tertulia.storage.errors import LogError

MANIFEST = "export.json"
"""What a folder that we wrote holds: only such a folder is replaced."""


class CannotWrite(LogError):
    """A place where nothing can be written, or where something is that nobody asked to replace."""


@contextmanager
def whole_file(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A path to write to; when all went well, its file stands at `path`, else nothing does. Raises `CannotWrite`."""
    _must_be_free(path, replace, folder=False)
    with _told(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            beside.chmod(0o666 & ~_umask())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder to write into; when all went well, it stands at `path`, else nothing does. Raises `CannotWrite`."""
    _must_be_free(path, replace, folder=True)
    with _told(path):
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            yield beside
            beside.chmod(0o777 & ~_umask())
            if path.is_dir() and any(path.iterdir()):
                _swap(beside, path)
            else:
                beside.replace(path)  # also where an empty folder stands
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.replace(old)
    new.replace(path)
    shutil.rmtree(old)


def _must_be_free(path: Path, replace: bool, *, folder: bool) -> None:
    what = "folder" if folder else "file"
    if path.is_symlink() or (path.exists() and path.is_dir() != folder):
        raise CannotWrite(f"-o {path}: something else is there already; name another {what}")
    if not path.exists() or (folder and not any(path.iterdir())):
        return
    if not replace:
        raise CannotWrite(f"-o {path}: there is such a {what} already; --force replaces it, or name another one")
    if folder and not (path / MANIFEST).is_file():
        raise CannotWrite(f"-o {path}: this folder holds something else than an export; name another one")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"-o {path}: {error.strerror or error}; another place: -o PATH") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
