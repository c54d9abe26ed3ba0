"""A statement asked so that Ctrl-C ends it, and its answer as it was wanted."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tertulia.cli.display.answers import print_csv, print_json, print_table

if TYPE_CHECKING:
    from tertulia.storage.log import Log, Result

SHOWN = 100
"""How many rows a table has unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Format:
    """How answers are shown; `limit` 0 is all rows, None as many as is usual for this form."""

    form: Literal["table", "json", "csv"] = "table"
    limit: int | None = None

    @property
    def most(self) -> int:
        if self.limit is not None:
            return self.limit
        return SHOWN if self.form == "table" else 0


def answer(log: Log, sql: str, params: Sequence[Any], wanted: Format) -> int:
    """Ask, print the answer, and say how many rows were printed.

    Raises `QueryError`, and `KeyboardInterrupt` once the statement has been ended.
    """
    most = wanted.most
    found = asked(log, sql, params, most + 1 if most else None)
    rows = found.rows[:most] if most else found.rows
    if wanted.form == "json":
        print_json(found.columns, rows)
    elif wanted.form == "csv":
        print_csv(found.columns, rows)
    else:
        print_table(found.columns, rows, more=len(found.rows) > len(rows))
    return len(rows)


def asked(log: Log, sql: str, params: Sequence[Any], limit: int | None) -> Result:
    """The answer. The database works in a thread of its own: while it works, this one can be told to end it."""
    from tertulia.storage.errors import QueryError

    found: list[Result] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            found.append(log.query(sql, params, limit))
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            failed.append(error)

    worker = threading.Thread(target=ask, name="tertulia-asking", daemon=True)
    worker.start()
    interrupted = False
    while worker.is_alive():
        try:
            # Never without an end: the signal may reach a thread that nothing wakes this one from.
            worker.join(0.1)
            if interrupted and worker.is_alive():
                log.interrupt()  # the statement may not have begun when it was told before
        except KeyboardInterrupt:
            interrupted = True
            log.interrupt()
    if interrupted and (not failed or isinstance(failed[0], QueryError)):
        raise KeyboardInterrupt
    if failed:
        raise failed[0]
    return found[0]
