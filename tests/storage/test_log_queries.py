"""SQL from outside: only reads, says what is wrong in one line, and answers alike on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tertulia.storage.log import Log, QueryError
from tertulia.storage.schema import migrate
from tertulia.storage.views import views
from tests.storage.made import ID, START, a_bid, a_turn, an_episode, an_event, beliefs


@pytest.fixture
async def told(log: Log) -> Log:
    """A log with one turn in it."""
    await log.begin(an_episode())
    await log.commit(
        a_turn(0, an_event(0, "100 % sure?"), a_bid(0, "alice"), *beliefs(0, "alice", "x", a=0.25, b=0.75))
    )
    return log


def everything(log: Log) -> list[list[tuple[object, ...]]]:
    return [log.query(f"SELECT * FROM {table}").rows for table in ("episode", "participant", "turn", "event", "bid")]


WRITES = (
    "DELETE FROM episode",
    "UPDATE episode SET head = 7",
    "INSERT INTO bid SELECT * FROM bid",
    "DROP TABLE event",
    "CREATE TABLE mine (x INTEGER)",
    "CREATE TEMP TABLE mine (x INTEGER)",
    "ALTER TABLE event ADD COLUMN x INTEGER",
    "CREATE VIEW mine AS SELECT 1",
    "WITH gone AS (DELETE FROM event RETURNING *) SELECT * FROM gone",
    "WITH one AS (SELECT 1) UPDATE episode SET head = 7",
    "/* SELECT */ DELETE FROM event",
    "SELECT 1; DELETE FROM event",
    "COMMIT; DELETE FROM event",
    "SELECT 1; COMMIT; DELETE FROM event; SELECT 2",
    "EXPLAIN ANALYZE DELETE FROM event",
    "VACUUM",
    "REINDEX TABLE event",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT x",
    # SQLite
    "ATTACH ':memory:' AS other",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA query_only = OFF",
    "PRAGMA user_version = 9",
    "PRAGMA writable_schema = ON",
    "SELECT load_extension('x')",
    "REPLACE INTO bid SELECT * FROM bid",
    # PostgreSQL
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "COPY episode TO '/tmp/tertulia-copied'",
    "COPY episode TO PROGRAM 'cat'",
    "DO $$ BEGIN DELETE FROM event; END $$",
    "SELECT * INTO mine FROM event",
    "EXPLAIN ANALYZE CREATE TABLE mine AS SELECT 1",
    "SELECT * FROM event FOR UPDATE",
    "SELECT setval('x', 1)",
    "TRUNCATE event",
    "LOCK TABLE event",
    "PREPARE x AS DELETE FROM event",
)


@pytest.mark.parametrize("sql", WRITES)
def test_what_would_write_is_refused(told: Log, sql: str) -> None:
    before = everything(told)
    with pytest.raises(QueryError) as raised:
        told.query(sql)
    assert "\n" not in str(raised.value)
    assert everything(told) == before
    with pytest.raises(QueryError):
        told.query("SELECT * FROM mine")


def test_no_query_changes_what_the_next_one_may_do(told: Log) -> None:
    before = everything(told)
    for sql in (
        "SET default_transaction_read_only = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SELECT set_config('default_transaction_read_only', 'off', false)",
        "PRAGMA query_only = 0",
    ):
        for attempt in (sql, "DELETE FROM event"):
            try:
                told.query(attempt)
            except QueryError:
                continue
    assert everything(told) == before


def test_a_wrong_query_says_what_is_wrong_in_one_line(told: Log) -> None:
    wrong = {
        "": "nothing is asked",
        "SELEC 1": "(?i)selec",
        "SELECT nothing FROM event": "nothing",
        "SELECT * FROM nowhere": "nowhere",
        "SELECT (": "(?i)input|syntax",
        "-- only a comment": "nothing|SELECT",
    }
    for sql, message in wrong.items():
        with pytest.raises(QueryError, match=message) as raised:
            told.query(sql)
        assert str(raised.value).strip()
        assert "\n" not in str(raised.value)
    with pytest.raises(QueryError):
        told.query("SELECT ?", [1, 2])


def test_parameters_stand_for_values_only(told: Log) -> None:
    sql = "SELECT text, '?', '100 %' AS \"%?\" FROM event -- really?\n WHERE text = ? AND turn = ? /* ? % */"
    result = told.query(sql, ["100 % sure?", 0])
    assert result.columns == ("text", result.columns[1], "%?")
    assert result.rows == [("100 % sure?", "?", "100 %")]
    assert told.query("SELECT text FROM event WHERE text = ?", ["x' OR '1'='1"]).rows == []
    assert told.query("SELECT text FROM event WHERE text LIKE '100 %'").rows == [("100 % sure?",)]


def test_values_are_the_same_on_both_databases(told: Log) -> None:
    sql = (
        "SELECT e.created_at, b.wants, b.won, e.seed, e.batch, sum(p.probability), count(*), sum(p.turn), "
        "max(e.config), avg(p.turn) FROM episode e JOIN bid b ON b.episode = e.id JOIN belief p ON p.episode = e.id "
        "GROUP BY e.created_at, b.wants, b.won, e.seed, e.batch"
    )
    (row,) = told.query(sql).rows
    assert row == ("2026-03-01 12:30:15.250001", 1, 0, 7, None, 1.0, 2, 0, "{}", 0.0)
    assert [type(value) for value in row] == [str, int, int, int, type(None), float, int, int, str, float]
    assert START.isoformat(sep=" ").startswith(row[0])


def test_a_limit_is_kept(told: Log) -> None:
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i FROM n ORDER BY i"
    assert len(told.query(sql).rows) == 50
    assert told.query(sql, limit=3).rows == [(1,), (2,), (3,)]
    assert told.query(sql, limit=0).rows == []
    assert told.query("SELECT 1 AS one, 'x' AS two").dicts() == [{"one": 1, "two": "x"}]


async def test_texts_with_anything_in_them_are_found_and_come_back(log: Log) -> None:
    await log.begin(an_episode())
    words = "nul \x00, dle \x10, surrogate \ud800"
    await log.commit(a_turn(0, an_event(0, words)))
    assert log.query("SELECT text FROM v_transcript WHERE text = ?", [words]).rows == [(words,)]
    assert log.query(f"SELECT count(*) FROM event WHERE text = '{words}'").rows == [(1,)]
    assert log.query("SELECT count(*) FROM event WHERE episode = ?", [ID]).rows == [(1,)]


async def test_what_was_committed_is_seen_at_once(told: Log) -> None:
    await told.commit(a_turn(1, an_event(1)))
    assert told.query("SELECT max(turn) FROM event").rows == [(1,)]


def test_the_schema_of_a_sqlite_log_can_be_asked(sqlite_log: Log) -> None:
    assert "probability" in [row[1] for row in sqlite_log.query("PRAGMA table_info(belief)").rows]
    assert sqlite_log.query("SELECT count(*) FROM sqlite_master WHERE type = 'view'").rows == [(len(views()),)]


def test_a_query_makes_no_file(sqlite_log: Log, tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        sqlite_log.query(f"ATTACH '{tmp_path / 'other.db'}' AS other")
    with pytest.raises(QueryError):
        sqlite_log.query(f"VACUUM INTO '{tmp_path / 'other.db'}'")
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("sql", "meant"),
    [
        ("SELECT * FROM v_belief", "nearest: 'v_beliefs'"),
        ("SELECT * FROM outcomes", "nearest: 'v_outcomes'"),
        ("SELECT * FROM evnt", "nearest: 'event'"),
        ("SELECT * FROM xyz", "one of: v_answers, v_belief_accuracy,"),
        ("SELECT probabilty FROM v_beliefs", "nearest: 'probability'"),
        ("SELECT b.holdr FROM v_beliefs AS b JOIN episode AS e ON e.id = b.episode", "nearest: 'holder'"),
        ("SELECT x.nothing FROM (SELECT 1 AS one) AS x", "nothing"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_one_there_is(told: Log, sql: str, meant: str) -> None:
    with pytest.raises(QueryError) as raised:
        told.query(sql)
    assert meant in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_view_that_an_older_log_lacks_names_the_command_that_makes_it(sqlite_log: Log) -> None:
    path = sqlite_log.target.path
    assert path is not None
    with closing(sqlite3.connect(path)) as there:
        there.execute("DROP VIEW v_beliefs_held")
        there.commit()
    with pytest.raises(QueryError, match="tertulia db migrate"):
        sqlite_log.query("SELECT * FROM v_beliefs_held")
    migrate(path)
    assert sqlite_log.query("SELECT * FROM v_beliefs_held").rows == []
