"""Full-text search over what was said and thought: the indexes, and how they are asked.

On SQLite an FTS5 table beside `event` and one beside `thought`, which hold no text of their own and are kept in step by
triggers; on PostgreSQL a GIN index over `log_words(text)`. Whatever writes, copies or forgets a text changes the index
with it, in the same transaction.

The FTS5 tables know a row by its rowid. VACUUM keeps those of `event` and `thought`, as it copies their indexes as they
are; a table that is ever made anew by a migration needs its triggers again, and `rebuild`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from tertulia.storage.log import Log
from tertulia.storage.words import ACCENTS, BETWEEN, Search

INDEXED = ("event", "thought")
"""The tables whose column `text` can be searched."""
_LONGEST = 100_000
"""Characters of one text that PostgreSQL indexes: it refuses an index entry of more than a megabyte."""


def create_search(connection: Connection) -> None:
    """Make the indexes, and fill them with what is there."""
    make = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgres
    for statement in make(connection):
        connection.exec_driver_sql(statement)


def _on_sqlite(_: Connection) -> list[str]:
    made = []
    for table in INDEXED:
        words = f"{table}_words"
        gone = f"INSERT INTO {words}({words}, rowid, text) VALUES ('delete', old.rowid, old.text);"
        come = f"INSERT INTO {words}(rowid, text) VALUES (new.rowid, new.text);"
        made += [
            f"CREATE VIRTUAL TABLE {words} USING fts5(text, content='{table}', columnsize=0,"
            " tokenize='unicode61 remove_diacritics 2')",
            f"CREATE TRIGGER {words}_come AFTER INSERT ON {table} BEGIN {come} END",
            f"CREATE TRIGGER {words}_gone AFTER DELETE ON {table} BEGIN {gone} END",
            f"CREATE TRIGGER {words}_changed AFTER UPDATE OF text ON {table} BEGIN {gone} {come} END",
            f"INSERT INTO {words}({words}) VALUES ('rebuild')",
        ]
    return made


def _on_postgres(connection: Connection) -> list[str]:
    """The words of a text without case and accents, whatever the language the server was set up for."""
    collations = {
        str(name) for (name,) in connection.exec_driver_sql("SELECT collname FROM pg_catalog.pg_collation").all()
    }
    lower = next((name for name in ("und-x-icu", "pg_c_utf8") if name in collations), "default")
    plain = f"""normalize(lower(left($1, {_LONGEST}) COLLATE "{lower}"), NFD) COLLATE "C\""""
    words = f"regexp_replace(regexp_replace({plain}, '[{ACCENTS}]+', '', 'g'), '[{BETWEEN}]+', ' ', 'g')"
    return [
        "CREATE FUNCTION log_words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS"
        f" $$ SELECT to_tsvector('pg_catalog.simple'::regconfig, {words}) $$",
        *(f"CREATE INDEX ix_{table}_words ON {table} USING gin (log_words(text))" for table in INDEXED),
    ]


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found: who said or thought it, when, and where in it the words stand."""

    episode: str
    turn: int
    place: str
    """`said` or `thought`."""
    kind: str
    """Of what was said, the event's kind (`say`, `whisper`, ...); of a thought, where it stands (`spoken`, ...)."""
    who: str | None
    """None for the world and the script."""
    id: str
    """The event's id, `turn.ordinal`; or the thought's."""
    to: list[str] | None
    """To whom it was said; None for nobody in particular, and for thoughts."""
    spoken_turn: int | None
    """Of a thought, when it was spoken; None if it never was."""
    text: str
    hits: list[tuple[int, int]]
    """`text[start:end]` of each."""


def search(
    log: Log,
    asked: str,
    *,
    places: Sequence[str] = ("said", "thought"),
    episode: str | None = None,
    batch: str | None = None,
    by: str | None = None,
    limit: int | None = None,
) -> list[Hit]:
    """What was said or thought in these words: the newest episode first, each in its order. Raises `QueryError`.

    `said` is the whole transcript, also what the world and the script told.
    """
    wanted = Search.of(asked)
    sqlite = log.target.dialect == "sqlite"
    parts, params = [], []
    for place, table, who, select in (("said", "event", "actor", _SAID), ("thought", "thought", "holder", _THOUGHT)):
        if place in places:
            parts.append(select + (_MATCH_SQLITE if sqlite else _MATCH_POSTGRES).replace("{table}", table))
            params.append(wanted.fts5() if sqlite else wanted.tsquery())
            for condition, value in (
                ("x.episode = ?", episode),
                (f"x.{who} = ?", by),
                ("x.episode IN (SELECT id FROM episode WHERE batch = ?)", batch),
            ):
                if value is not None:
                    parts[-1] += f" AND {condition}"
                    params.append(value)
    # What a mind thinks at a turn comes before what is said in it.
    sql = " UNION ALL ".join(parts) + " ORDER BY 1 DESC, 2, 3 DESC, 6, 7"
    return [_hit(row, wanted) for row in log.query(sql, params, limit=limit).rows]


_SAID = """SELECT x.episode, x.turn, 'said' AS place, x.kind AS kind, x.actor AS who, x.ordinal AS ordinal,
    x.turn || '.' || x.ordinal AS id, x.addressees AS addressees, CAST(NULL AS INTEGER) AS spoken, x.text
  FROM event AS x"""
_THOUGHT = """SELECT x.episode, x.turn, 'thought' AS place, (
      SELECT a.status FROM appraisal AS a
      WHERE a.episode = x.episode AND a.holder = x.holder AND a.thought = x.thought ORDER BY a.turn DESC LIMIT 1
    ) AS kind, x.holder AS who, 0 AS ordinal, x.thought AS id, CAST(NULL AS TEXT) AS addressees, (
      SELECT min(a.turn) FROM appraisal AS a
      WHERE a.episode = x.episode AND a.holder = x.holder AND a.thought = x.thought AND a.status = 'spoken'
    ) AS spoken, x.text
  FROM thought AS x"""
_MATCH_SQLITE = " JOIN {table}_words ON {table}_words.rowid = x.rowid WHERE {table}_words MATCH ?"
_MATCH_POSTGRES = " WHERE log_words(x.text) @@ CAST(? AS tsquery)"


def _hit(row: Sequence[Any], wanted: Search) -> Hit:
    episode, turn, place, kind, who, _, id, to, spoken, text = row
    return Hit(
        episode, turn, place, kind or "formed", who, id, json.loads(to) if to else None, spoken, text, wanted.hits(text)
    )
