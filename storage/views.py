"""The analyst's interface: documented, stable views over the tables, the same on SQLite and on PostgreSQL.

Each is one file in `sql/`: a comment that says what it is, and one SELECT whose columns are explained where they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

COLUMN = re.compile(r"^ .*?\bAS (\w+),? -- (.+)$", re.MULTILINE)
_ABOUT = re.compile(r"\A(?:-- .*\n)+")

_PLAIN = re.compile(r"\{plain\}\(([^()]*)\)")
"""A JSON value as text: a string without its quotes, anything else as JSON."""
_EACH = re.compile(r"\{each\}\(([^(),]*), *(\w+)\)")
"""The elements of a JSON list as the rows of a table with the column `value`."""


@dataclass(frozen=True, slots=True)
class View:
    """A view: what it is, what its columns mean (in order, with units), and how it is made."""

    name: str
    about: str
    columns: dict[str, str]
    sql: str

    def select(self, dialect: str) -> str:
        """The SELECT behind it, for `sqlite` or `postgresql`."""
        return spelled(self.sql, dialect)


def spelled(sql: str, dialect: str) -> str:
    """The few things that the databases spell differently, as `sqlite` or `postgresql` has them."""
    sqlite = dialect == "sqlite"
    sql = sql.replace("{concat}", "group_concat" if sqlite else "string_agg")
    sql = _PLAIN.sub(r"json_extract(\1, '$')" if sqlite else r"(\1)::json #>> '{}'", sql)
    sql = _EACH.sub(r"json_each(\1) AS \2" if sqlite else r"json_array_elements_text((\1)::json) AS \2(value)", sql)
    sql = re.sub(r"\{ln\}\((\w+\.\w+)\)", _ln if sqlite else r"ln(\1)", sql)
    return re.sub(r"\{whole\}\(([^()]*)\)", r"CAST(\1 AS INTEGER)" if sqlite else r"trunc(\1)::bigint", sql)


_LN_2 = 0.6931471805599453
_HALVINGS = 10


def _ln(found: re.Match[str]) -> str:
    """The natural logarithm of a column between 0.001 and 1 in plain arithmetic, exact to about 1e-16.

    SQLite has `ln` only where it was built with it, and a function of our own would be missing in every other program
    that opens the file. ln x = 2 artanh((m - 1) / (m + 1)) - k ln 2, where m = x 2^k lies between 0.7 and 1.42.
    """
    x = found[1]
    bounds = [f"WHEN {x} > {0.7071067811865476 / 2**k!r} THEN {k}" for k in range(_HALVINGS)]
    halvings = f"CASE {' '.join(bounds)} ELSE {_HALVINGS} END"
    series = "1.0 / 21"
    for odd in range(19, 0, -2):
        series = f"1.0 / {odd} + z.z * z.z * ({series})"
    ratio = f"({x} * (1 << {halvings}) - 1.0) / ({x} * (1 << {halvings}) + 1.0)"
    return f"(SELECT 2.0 * z.z * ({series}) - z.k * {_LN_2!r} FROM (SELECT {ratio} AS z, {halvings} AS k) AS z)"


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
    return View(path.stem, words, dict(COLUMN.findall(sql)), sql)
