"""The analyst's interface: documented, stable views over the tables, the same on SQLite and on PostgreSQL.

Each is one file in `sql/`: a comment that says what it is, and one SELECT whose columns are explained where they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

_COLUMN = re.compile(r"^ .*?\bAS (\w+),? -- (.+)$", re.MULTILINE)
_ABOUT = re.compile(r"\A(?:-- .*\n)+")


@dataclass(frozen=True, slots=True)
class View:
    """A view: what it is, what its columns mean (in order, with units), and how it is made."""

    name: str
    about: str
    columns: dict[str, str]
    sql: str

    def select(self, dialect: str) -> str:
        """The SELECT behind it, for `sqlite` or `postgresql`."""
        sqlite = dialect == "sqlite"
        sql = self.sql.replace("{concat}", "group_concat" if sqlite else "string_agg")
        return re.sub(r"\{whole\}\(([^()]*)\)", r"CAST(\1 AS INTEGER)" if sqlite else r"trunc(\1)::bigint", sql)


@cache
def views() -> tuple[View, ...]:
    """All views, by name."""
    return tuple(_read(path) for path in sorted((Path(__file__).parent / "sql").glob("v_*.sql")))


def drop_views(connection: Connection) -> None:
    """Drop all views, so that tables can change under them."""
    for view in views():
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view.name}")


def create_views(connection: Connection) -> None:
    """Make all views."""
    for view in views():
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS\n{view.select(connection.dialect.name)}")


def _read(path: Path) -> View:
    sql = path.read_text(encoding="utf-8")
    about = _ABOUT.match(sql)
    assert about is not None, f"{path.name} does not begin with what it is"
    words = " ".join(line.removeprefix("-- ") for line in about[0].splitlines())
    return View(path.stem, words, dict(_COLUMN.findall(sql)), sql)
