"""A query with a name, run with what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tertulia.cli.asking.answering import Format, answer
from tertulia.cli.errors import note
from tertulia.cli.finding import find
from tertulia.cli.hints import program
from tertulia.storage.named import find_named

if TYPE_CHECKING:
    from tertulia.storage.log import Log


def run_named(log: Log, name: str, given: dict[str, str], wanted: Format) -> None:
    """Ask it and print the answer. `episode` and `batch` are found as everywhere: the beginning of an id, `last`."""
    query = find_named(name)
    rest = dict(given)
    episode = batch = None
    if "episode" in rest and "episode" not in query.params:
        episode = find(log, rest.pop("episode"))
    if "batch" in rest and "batch" not in query.params:
        batch = log.batch(rest.pop("batch")).id
    sql, params = query.bound(rest, log.target.dialect, episode=episode, batch=batch)
    if not answer(log, sql, params, wanted) and wanted.form == "table" and query.params:
        used = " ".join(f"{key}={given.get(key, param.default)}" for key, param in query.params.items())
        note(f"asked with {used}; what that means: {program()} sql --named {name} --show")
