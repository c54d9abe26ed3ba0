"""The analyst's interface: documented, stable views over the tables, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Connection


def drop_views(connection: Connection) -> None:
    """Drop all views, so that tables can change under them."""


def create_views(connection: Connection) -> None:
    """Make all views."""
