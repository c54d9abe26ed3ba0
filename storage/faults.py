"""What ails a database, told from the driver's error: in words, with what helps, and whether it may pass by itself."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from tertulia.storage.errors import first_line

T = TypeVar("T")

PATIENCE_S = 30.0
"""How long something is tried again that may pass by itself."""
FIRST_WORD_S = 3.0
"""After so long it is said what is waited for."""
TRY_S = 1.5
"""How long one try waits for a lock."""
_LONGEST_PAUSE_S = 1.0

_LOG = logging.getLogger("tertulia.storage")


@dataclass(frozen=True, slots=True)
class Fault:
    """The database cannot be used now. `locked` (by another program) and `away` (a server that is down, starting, or
    dropped the connection) may pass; `other` (read-only, full, no rights) does not until somebody does something."""

    said: str
    kind: Literal["locked", "away", "other"] = "other"


_UNWRITABLE = Fault("this file or its folder cannot be written; make it writable, or name another log with --db")
_SQLITE = {
    3: _UNWRITABLE,  # SQLITE_PERM, and so on
    5: Fault("another program keeps this file locked; end it, or wait until it is done", "locked"),
    6: Fault("another connection keeps a table locked", "locked"),
    8: _UNWRITABLE,
    10: Fault("the disk does not take what is written: {said}; is it full, or is it failing?"),
    11: Fault("this file is damaged: {said}; a backup (tertulia db backup) may still be whole"),
    13: Fault("the disk is full; make room, then go on"),
    14: _UNWRITABLE,
    22: Fault("the disk cannot hold a file of this size: {said}"),
    26: Fault("this file is not a SQLite database"),
}
"""By SQLite's primary result codes."""

_AWAY = "the server is away: {said}"
_POSTGRES = {
    "25006": Fault("this database only lets itself be read: {said}; name the one that can be written"),
    "25P03": Fault(_AWAY, "away"),  # we slept within a transaction, and it was taken from us
    "28000": Fault("the server does not let this user in: {said}"),
    "28P01": Fault("wrong password: {said}; give the right one in the URL, in PGPASSWORD or in ~/.pgpass"),
    "3D000": Fault("{said}; make it with createdb, or name another one"),
    "40001": Fault("two programs got in each other's way: {said}", "locked"),
    "40P01": Fault("two programs got in each other's way: {said}", "locked"),
    "42501": Fault("this user lacks a right: {said}; its owner can GRANT it"),
    "53100": Fault("the server's disk is full; make room, then go on"),
    "53200": Fault("the server lacks memory: {said}"),
    "53300": Fault("the server has no connection left: {said}", "away"),
    "55P03": Fault("another program keeps a row or a table locked", "locked"),
    "57P01": Fault(_AWAY, "away"),
    "57P02": Fault(_AWAY, "away"),
    "57P03": Fault(_AWAY, "away"),
    "58030": Fault("the server's disk does not take what is written: {said}"),
}
"""By SQLSTATE."""
_CONNECTING = (
    (r"password authentication failed|no password supplied", "28P01"),
    (r"database \S+ does not exist", "3D000"),
    (r"role \S+ does not exist|no pg_hba\.conf entry|authentication failed", "28000"),
    (r"too many clients|remaining connection slots", "53300"),
    (r"starting up|shutting down|in recovery", "57P03"),
)
"""What a connection that is not made says in words alone."""
_NOBODY = Fault("no server answers there: {said}; is it running, and is the address right?", "away")
_ATTEMPT = re.compile(r"(?:.*\bfailed:\s*|.*\berror: )?(?:FATAL:\s*)?(.+)")


def fault_of(error: BaseException) -> Fault | None:
    """What a driver's error says about the database itself; None where it is about the statement or its values."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        found = _SQLITE.get(code & 0xFF)
    elif type(cause).__module__.startswith("psycopg"):
        found = _postgres(error, cause)
    else:
        found = None
    if found is None:
        return None
    said = _ATTEMPT.fullmatch(_telling_line(str(cause)))
    return Fault(found.said.format(said=said[1] if said else first_line(cause)), found.kind)


def passing(error: BaseException) -> Fault | None:
    """The fault, where it is one that may pass by itself."""
    fault = fault_of(error)
    return fault if fault is not None and fault.kind != "other" else None


def _postgres(error: BaseException, cause: BaseException) -> Fault | None:
    state, said = getattr(cause, "sqlstate", None), str(cause)
    if state is not None:
        known = _POSTGRES.get(state)
        return known or (Fault(_AWAY, "away") if state[:2] == "08" else None)
    if getattr(error, "connection_invalidated", False):
        return Fault(_AWAY, "away")
    if type(cause).__name__ not in ("OperationalError", "ConnectionTimeout"):
        return None
    return next((_POSTGRES[state] for words, state in _CONNECTING if re.search(words, said)), _NOBODY)


def _telling_line(said: str) -> str:
    """Of several lines the one about the last attempt; hints and lists of attempts stand on others."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "failed: " in line), lines[0] if lines else "no reason given")


class Waiting:
    """Waits for what may pass, for `patience_s` from its making, and says once on what."""

    def __init__(self, where: object) -> None:
        self._where, self._patience_s = where, PATIENCE_S
        self._began = time.monotonic()
        self._pauses = 0
        self._told = False

    def again(self, fault: Fault) -> bool:
        """Pause, and say whether to try again; the first time at once. Nothing is given up without a word before, not
        even where the machine slept in between."""
        waited_s = time.monotonic() - self._began
        if waited_s >= FIRST_WORD_S and not self._told:
            self._told = True
            _LOG.warning("%s: %s; trying for %.0f s", self._where, fault.said, self._patience_s)
        elif waited_s >= self._patience_s:
            return False
        if self._pauses:
            time.sleep(min(_LONGEST_PAUSE_S, 0.01 * 2.0**self._pauses))
        self._pauses += 1
        return True


def patiently(where: object, act: Callable[[], T], kinds: Sequence[str] = ("locked",)) -> T:
    """Do something that may meet a fault of these kinds, again and again until it has passed. Raises what `act` raises.

    By itself it does not wait for a server: one that is not there at the start is most often a wrong address.
    """
    waiting = Waiting(where)
    while True:
        try:
            return act()
        except (SQLAlchemyError, OSError) as error:
            fault = fault_of(error)
            if fault is None or fault.kind not in kinds or not waiting.again(fault):
                raise
