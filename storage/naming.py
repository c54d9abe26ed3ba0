"""What a query probably meant: for every table, view or column that it names and that is not there."""

from __future__ import annotations

import re

from tertulia.storage.nearest import nearest
from tertulia.storage.tables import METADATA
from tertulia.storage.views import views

_NO_TABLE = re.compile(r'no such table: (?:\w+\.)?(.+)|relation "(?:\w+\.)?(.+?)" does not exist')
_NO_COLUMN = re.compile(r'no such column: (?:\w+\.)?(.+)|column "?(?:\w+\.)?(.+?)"? does not exist')
_WORD = re.compile(r"\w+")


def remedy(said: str, sql: str) -> str:
    """What the database said about a query; where a name is unknown to it, also the nearest one there is."""
    if (found := _NO_TABLE.match(said)) is not None:
        name = found[1] or found[2]
        if name.casefold() in _columns():
            return f"{said}: this log was made before it; to bring it up to date: tertulia db migrate"
        return f"{said}; {nearest(name, list(_columns()))}"
    if (found := _NO_COLUMN.match(said)) is not None:
        columns = _columns()
        asked = dict.fromkeys(word.casefold() for word in _WORD.findall(sql))
        there = dict.fromkeys(name for word in asked for name in columns.get(word, ()))
        if there:
            return f"{said}; {nearest(found[1] or found[2], list(there), limit=16)}"
    return said


def _columns() -> dict[str, list[str]]:
    """Views, then tables, and what columns they have."""
    of_tables = {name: [column.name for column in table.columns] for name, table in METADATA.tables.items()}
    return {view.name: list(view.columns) for view in views()} | of_tables
