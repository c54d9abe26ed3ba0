"""Commands for people to paste, with what they need to find this program and the same log."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tertulia.cli.display.harmless import one_line

if TYPE_CHECKING:
    from tertulia.storage.log import Log

_NAME = "tertulia"


def program() -> str:
    """What to type for this program: its name where the PATH leads to it, else its path."""
    began_as = Path(sys.argv[0])
    mine = began_as if began_as.name == _NAME else Path(sys.executable).with_name(_NAME)
    if not mine.is_file():
        return _NAME
    found = shutil.which(_NAME)
    if found is not None and mine.samefile(found):
        return _NAME
    whole, here = Path(os.path.abspath(mine)), Path.cwd()  # noqa: PTH100  links stay as they are
    if not whole.is_relative_to(here):
        return shlex.quote(one_line(whole))
    below = whole.relative_to(here)
    return shlex.quote(one_line(below if len(below.parts) > 1 else f"./{below}"))


def db_option(db: str | None) -> str:
    """` --db ...` where the log is not the one a command would find by itself; never with a password."""
    if db is None or db == os.environ.get("TERTULIA_DB"):
        return ""
    if "://" in db:
        from tertulia.storage.target import Target

        db = str(Target.of(db))
    return f" --db {shlex.quote(one_line(db))}"


def of_log(log: Log) -> str:
    """The same for a log that is open."""
    from tertulia.storage.errors import LogError
    from tertulia.storage.target import Target

    with suppress(LogError):
        if str(Target.of()) == str(log.target):
            return ""
    return f" --db {shlex.quote(one_line(log.target))}"


def resume_command(episode: str, db: str | None) -> str:
    """How to go on with an episode."""
    return f"{program()} resume {episode}{db_option(db)}"


def go_on(episode: str, db: str | None, status: str = "paused", reason: str = "") -> str:
    """The same as advice; what ended an episode as an error (a model that refused, most often) comes again unless it
    is set right before, and what has changed is asked about."""
    if reason:
        from tertulia.environments.changed import CHANGED  # with all that plays; who only looks has no reason

        if reason.startswith(CHANGED):
            return f"to go on all the same: {resume_command(episode, db)} --accept-changes"
    first = "set that right first, then go on with" if status == "error" else "go on with"
    return f"{first}: {resume_command(episode, db)}"


def query_to_try(episode: str, db: str | None) -> str:
    """Who believed what, and when."""
    sql = (
        "SELECT turn, chain, variable, value, probability FROM v_beliefs "
        f"WHERE episode = '{episode}' AND probability >= 0.5 ORDER BY turn, chain, variable"
    )
    return f'{program()} sql{db_option(db)} "{sql}"'
