"""Commands for people to paste, with what they need to find the same log."""

from __future__ import annotations

import os
import shlex

from tertulia.cli.display.harmless import one_line


def db_option(db: str | None) -> str:
    """` --db ...` where the log is not the one a command would find by itself; never with a password."""
    if db is None or db == os.environ.get("TERTULIA_DB"):
        return ""
    if "://" in db:
        from tertulia.storage.target import Target

        db = str(Target.of(db))
    return f" --db {shlex.quote(one_line(db))}"


def resume_command(episode: str, db: str | None) -> str:
    """How to go on with an episode."""
    return f"tertulia resume {episode}{db_option(db)}"


def query_to_try(episode: str, db: str | None) -> str:
    """Who believed what, and when."""
    sql = (
        "SELECT turn, chain, variable, value, probability FROM v_beliefs "
        f"WHERE episode = '{episode}' AND probability >= 0.5 ORDER BY turn, chain, variable"
    )
    return f'tertulia sql{db_option(db)} "{sql}"'
