"""Programs that fell asleep within a transaction on PostgreSQL (stopped, swapped out, a lid closed): they lose it, for
whoever takes over their episodes must not wait for their locks."""

from __future__ import annotations

from sqlalchemy import Connection, text

AFTER_S = 15.0
"""How long a program may keep a transaction open without a word to the server."""

# Who only reads has no transaction's number, and keeps nobody waiting.
_END = text(
    "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a"
    " WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()"
    " AND a.application_name = current_setting('application_name')"
    " AND a.backend_xid IS NOT NULL AND a.wait_event = 'ClientRead'"
    " AND a.state_change < clock_timestamp() - make_interval(secs => :seconds)"
)


def option() -> str:
    """What has the server itself end a session that sleeps between two statements."""
    return f"-c idle_in_transaction_session_timeout={int(1000 * AFTER_S)}"


def end_others(connection: Connection) -> int:
    """End the sessions of programs like this one that sleep in the middle of many rows, where the server counts them as
    at work and waits for ever; how many there were. They meet a server that is away, and find out that they lost."""
    found: int = connection.execute(_END, {"seconds": AFTER_S}).scalar_one()
    connection.rollback()
    return found
