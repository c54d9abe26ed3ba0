"""What can stand where the cursor is: tables, views, their columns, keywords, commands, named queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.document import Document

KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "ON", "AND", "OR", "NOT",
    "IN", "IS NULL", "IS NOT NULL", "LIKE", "BETWEEN", "EXISTS", "DISTINCT", "AS", "CASE", "WHEN", "THEN", "ELSE",
    "END", "WITH", "UNION ALL", "DESC", "count(*)", "avg(", "sum(", "min(", "max(", "coalesce(", "OVER (",
    "PARTITION BY",
)  # fmt: skip
_WORD = re.compile(r"[\w.-]*\Z")
_NAMES = re.compile(r"\w+")
_AFTER_TABLE = re.compile(r"(?:from|join)\s+\w*\Z", re.IGNORECASE)
_ALIASED = re.compile(r"\b(\w+)(?:\s+as)?\s+(\w+)\b", re.IGNORECASE)


def candidates(
    before: str, whole: str, *, tables: Mapping[str, Sequence[str]], commands: Iterable[str], named: Iterable[str]
) -> list[str]:
    """What could be meant by what stands `before` the cursor in the `whole` text, the likeliest kind first.

    `tables` has the columns of each table and view. Columns are those of the tables that the text names, wherever in
    it it names them; all, while it names none.
    """
    found = _WORD.search(before)
    word = found[0] if found else ""
    start = before[: len(before) - len(word)]
    if before.lstrip().startswith("."):
        first, _, _ = before.strip().partition(" ")
        if not start.strip():
            return _beginning(word, commands)
        return _beginning(word, named if first in (".run", ".named") else tables)
    if _AFTER_TABLE.search(before):
        return _beginning(word, tables)
    asked = [name for name in dict.fromkeys(_NAMES.findall(whole)) if name in tables]
    qualifier, dot, rest = word.rpartition(".")
    if dot:
        aliases = {alias: table for table, alias in _ALIASED.findall(whole) if table in tables}
        table = aliases.get(qualifier, qualifier)
        return [f"{qualifier}.{column}" for column in _beginning(rest, tables.get(table, ()))]
    columns = dict.fromkeys(column for name in asked or tables for column in tables[name])
    names, keywords = [*_beginning(word, columns), *_beginning(word, tables)], _beginning(word, KEYWORDS)
    return [] if not word else [*keywords, *names] if word.isupper() else [*names, *keywords]


def _beginning(word: str, options: Iterable[str]) -> list[str]:
    return sorted(option for option in options if option.casefold().startswith(word.casefold()) and option != word)


class SqlCompleter(Completer):
    """For the prompt."""

    def __init__(self, **known: Any) -> None:
        self._known = known

    def get_completions(self, document: Document, complete_event: Any) -> Iterator[Completion]:
        before = document.text_before_cursor
        found = _WORD.search(before)
        for option in candidates(before, document.text, **self._known):
            yield Completion(option, start_position=-len(found[0]) if found else 0)
