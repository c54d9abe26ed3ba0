"""What can go wrong with a log, each told in one line."""

from __future__ import annotations


class LogError(Exception):
    """The log cannot be opened, read or written. The message is one line without secrets."""


class Unusable(LogError):
    """The database cannot be used now: read-only, full, locked, out of reach. What was written stays, and what failed
    can be tried again once that is set right."""


class SchemaMismatch(LogError):
    """The database has another schema version than this program; the message names `tertulia db migrate`."""


class NotFound(LogError):
    """No episode, or more than one, answers to an id."""


class Several(NotFound):
    """More than one answers to the beginning of an id."""


class LeaseHeld(LogError):
    """Another worker leads the episode."""


class Ended(LogError):
    """The episode has ended: how it ended stays as it is."""


class LostLease(LogError):
    """A commit was refused: another worker has the episode, or its head is not the turn before."""


class Refused(LogError):
    """The database refused one item (a value that cannot be stored, a missing one); its neighbours are not harmed."""


class Duplicate(Refused):
    """A row with the same key is already in the log; nothing is ever overwritten."""


class QueryError(LogError):
    """A query is wrong, or tries to write."""


def first_line(error: object) -> str:
    """What a driver says, as one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
