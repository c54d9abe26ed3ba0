"""Files that come whole or not at all: written beside their place and put there when they are done."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from tertulia.storage.beside import LONGEST, beside, is_of_kind, umask
from tertulia.storage.errors import LogError

MANIFEST = "export.json"
"""What a folder that we wrote holds: only such a folder is replaced."""


class CannotWrite(LogError):
    """A place where nothing can be written, or where something is that nobody asked to replace."""


@contextmanager
def whole_file(path: Path, *, begins: Sequence[bytes], replace: bool = False) -> Iterator[Path]:
    """A path to write to; when all went well, its file stands at `path`, else nothing does. With `replace`, an earlier
    file gives way where it is empty or `begins` as one of ours does: never a log. Raises `CannotWrite`."""
    with _told(path):
        _must_be_free(path, replace, folder=False)
        _must_be_ours(path, begins)
        with beside(path) as made:
            yield made


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder to write into; when all went well, it stands at `path`, else nothing does. With `replace`, an earlier
    export gives way where it is as it was written. Raises `CannotWrite`."""
    with _told(path):
        _must_be_free(path, replace, folder=True)
        _must_be_as_written(path)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name[:LONGEST]}.", suffix=".part", dir=path.parent))
        try:
            yield made
            made.chmod(0o777 & ~umask())
            if path.is_dir() and any(path.iterdir()):
                _swap(made, path)
            else:
                made.replace(path)  # also where an empty folder stands
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    old = path.with_name(f".{path.name[:LONGEST]}.{os.getpid()}.old")
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


def _must_be_ours(path: Path, begins: Sequence[bytes]) -> None:
    """What stands at the place of a file is an export too."""
    if path.exists() and not is_of_kind(path, begins):
        raise CannotWrite(f"-o {path}: this file is something else than such an export; name another one")


def _must_be_as_written(path: Path) -> None:
    """In the folder of an export is nothing but what was exported, and no sheet of it was filled in since."""
    if not (path / MANIFEST).is_file():
        return
    written = _written(path / MANIFEST)
    for name, digest in written.items():
        one = path / name
        if digest is not None and one.is_file() and sha256(one.read_bytes()).hexdigest() != digest:
            raise CannotWrite(f"-o {path}: {name} was changed since it was written; name another folder")
    for one in sorted(path.rglob("*")):
        name = one.relative_to(path).as_posix()
        if not one.is_dir() and name != MANIFEST and name not in written:
            raise CannotWrite(f"-o {path}: {name} was not exported; put it elsewhere, or name another folder")


def _written(manifest: Path) -> Mapping[str, str | None]:
    """The files that a manifest names, and what each hashes to where it says so."""
    try:
        told: Any = json.loads(manifest.read_text(encoding="ascii"))
        tables = {str(table["file"]): None for table in told.get("tables", ())}
        return {**tables, **{str(name): str(digest) for name, digest in told.get("sha256", {}).items()}}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"-o {path}: {error.strerror or error}; another place: -o PATH") from error
