"""Searching what was said and thought: one language, the same hits on both databases, in step with whatever changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tertulia.storage.log import Log, QueryError
from tertulia.storage.rows import BatchRow
from tertulia.storage.schema import HEAD, alembic_config, migrate
from tertulia.storage.search import Hit, search
from tertulia.storage.tables import table_of
from tertulia.storage.target import Target
from tertulia.storage.words import Search, Term, words_of
from tests.storage.made import ID, START, a_thought, a_turn, an_appraisal, an_episode, an_event

LATER = ID[:-1] + "W"


async def a_dinner(log: Log) -> None:
    await log.record([BatchRow(id="01B", name="study", created_at=START)])
    await log.begin(an_episode())
    await log.begin(an_episode(LATER, batch="01B", cell="x"))
    await log.commit(a_turn(0, an_event(0, "The cake stands in the kitchen.", actor=None, origin="scripted")))
    await log.commit(
        a_turn(
            1, an_event(1, "Where is the CAKE? Not in the cellar, I hope.", addressees=["bob"]),
            a_thought(1, "t1", "Bob knows where the cake is.", holder="bob"),
            an_appraisal(1, "t1", "kept", 3.0, holder="bob"),
        )
    )  # fmt: skip
    await log.commit(a_turn(2, an_appraisal(2, "t1", "spoken", 4.0, holder="bob")))
    await log.commit(a_turn(0, an_event(0, "Über den Café-Kuchen: don’t ask!", episode=LATER), episode=LATER))


def found(log: Log, asked: str, **only: object) -> list[str]:
    """`who id` of each hit."""
    return [f"{hit.who} {hit.id}" for hit in search(log, asked, **only)]  # type: ignore[arg-type]


async def test_a_hit_says_who_when_and_where_in_the_text(log: Log) -> None:
    await a_dinner(log)
    thought, said = search(log, "cake where")
    assert said == Hit(
        ID, 1, "said", "say", "alice", "1.0", ["bob"], None,
        "Where is the CAKE? Not in the cellar, I hope.", [(0, 5), (13, 17)],
    )  # fmt: skip
    assert (thought.place, thought.kind, thought.who, thought.spoken_turn) == ("thought", "spoken", "bob", 2)
    assert [thought.text[start:end] for start, end in thought.hits] == ["where", "cake"]


@pytest.mark.parametrize(
    ("asked", "who"),
    [
        ("cake", ["None 0.0", "bob t1", "alice 1.0"]),
        ("cake -cellar", ["None 0.0", "bob t1"]),
        ("cake -cellar -knows", ["None 0.0"]),
        ('"in the cellar"', ["alice 1.0"]),
        ('"the in cellar"', []),
        ('"in the cel"*', ["alice 1.0"]),
        ("kitch* OR cellar", ["None 0.0", "alice 1.0"]),
        ("stands kitchen OR hope cellar", ["None 0.0", "alice 1.0"]),
        ("stands cellar OR kitchen hope", []),
        ("cake AND hope", ["alice 1.0"]),
        ("cak", []),
        ("uber", ["alice 0.0"]),
        ("CAFÉ", ["alice 0.0"]),
        ("café-kuchen", ["alice 0.0"]),
        ("kuchen-café", []),
        ("don't", ["alice 0.0"]),
        ('-"the cake" kitchen', []),
        ('\'; DROP TABLE event; --" " x', "QueryError"),
        ("x'); DROP TABLE event; --x", []),
        ("text:cake", []),
        ("NEAR(cake kitchen)", []),
        ("cake\\", ["None 0.0", "bob t1", "alice 1.0"]),
        ("cake & | ! kitchen", "QueryError"),
    ],
)
async def test_both_databases_find_the_same(log: Log, asked: str, who: list[str] | str) -> None:
    await a_dinner(log)
    if isinstance(who, str):
        with pytest.raises(QueryError):
            search(log, asked)
    else:
        assert found(log, asked) == who


async def test_a_search_can_be_narrowed(log: Log) -> None:
    await a_dinner(log)
    assert found(log, "cake", places=["said"]) == ["None 0.0", "alice 1.0"]
    assert found(log, "cake", places=["thought"]) == ["bob t1"]
    assert found(log, "cake", by="alice") == ["alice 1.0"]
    assert found(log, "cake", limit=1) == ["None 0.0"]
    assert found(log, "cake OR ask", episode=LATER) == ["alice 0.0"]
    assert found(log, "cake OR ask", batch="01B") == ["alice 0.0"]
    assert found(log, "cake OR ask", limit=2) == ["alice 0.0", "None 0.0"], "the newest episode comes first"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "what should be looked for"),
        ("   ", "what should be looked for"),
        ("-cake", "only leaves out"),
        ("cake OR -tart", "only leaves out"),
        ("cake OR", "OR stands between"),
        ("OR cake", "OR stands between"),
        ('say "the cake', 'right would be "the cake"'),
        ("c*ke", "at its end: c"),
        ("*", "no word in it"),
        ("?!", "no word in it"),
        ('""', "no word in it"),
    ],
)
def test_what_cannot_be_looked_for_is_told_in_one_line(asked: str, said: str) -> None:
    with pytest.raises(QueryError, match=said) as raised:
        Search.of(asked)
    assert "\n" not in str(raised.value)


signs = st.sampled_from("aAbßéÉñø漢かЖ0 1_-'\"’“—…👍()*:&|!\\\n\t\x00\x10%")
texts = st.text(signs, max_size=24)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(texts, min_size=1, max_size=4), asked=st.text(signs, min_size=1, max_size=4), prefix=st.booleans())
def test_the_databases_find_what_python_finds(
    sqlite_memory: sqlite3.Connection, postgres_words: object, said: list[str], asked: str, prefix: bool
) -> None:
    """The three agree on what a word is: the index of either, and the marking of hits."""
    words = tuple(words_of(asked))
    if not words:
        return
    term = Term(words, prefix)
    wanted = Search.of(f'"{" ".join(words)}"{"*" if prefix else ""}')
    expected = [any(term.at(words_of(one), place) for place in range(len(words_of(one)))) for one in said]
    assert [bool(wanted.hits(one)) for one in said] == expected
    sqlite_memory.execute("DELETE FROM w")
    kept = [one.replace("\x00", "\x100000") for one in said]
    sqlite_memory.executemany("INSERT INTO w(rowid, text) VALUES (?, ?)", list(enumerate(kept)))
    rows = {row for (row,) in sqlite_memory.execute("SELECT rowid FROM w WHERE w MATCH ?", [wanted.fts5()])}
    as_kept = [any(term.at(words_of(one), place) for place in range(len(words_of(one)))) for one in kept]
    assert [number in rows for number in range(len(said))] == as_kept
    assert [
        postgres_words.execute("SELECT log_words(%s) @@ %s::tsquery", (one, wanted.tsquery())).fetchone()[0]  # type: ignore[attr-defined]
        for one in kept
    ] == as_kept


@pytest.fixture(scope="module")
def sqlite_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE w USING fts5(text, tokenize='unicode61 remove_diacritics 2')")
    return connection


@pytest.fixture(scope="module")
def postgres_words(one_database: str) -> object:
    import psycopg

    return psycopg.connect(one_database.replace("+psycopg", ""), autocommit=True)


async def test_a_log_of_before_can_be_searched_once_it_is_migrated(target: str) -> None:
    from alembic import command

    engine = Target.of(target).engine()
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0004")
        episode = an_episode().episode
        for row in (episode, an_event(0, "The cake was there before."), a_thought(0, "t1", "cake")):
            connection.execute(table_of(type(row)).insert().values(row.model_dump()))
    engine.dispose()
    assert migrate(target) == ("0004", HEAD)
    with Log.open(target) as log:
        assert found(log, "cake") == ["alice t1", "alice 0.0"]


async def test_the_index_follows_changes_forks_and_vacuum(target: str) -> None:
    with Log.open(target) as log:
        await a_dinner(log)
        engine = Target.of(target).engine()
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM event WHERE turn = 0 AND episode = :id"), {"id": ID})
            connection.execute(text("UPDATE event SET text = 'a tart' WHERE turn = 1"))
            copy = "INSERT INTO thought SELECT 'copy', holder, thought, turn, system, text, stimuli, call FROM thought"
            connection.execute(text(copy))
        assert found(log, "cake") == ["bob t1", "bob t1"]
        assert found(log, "tart") == ["alice 1.0"]
        if log.target.path is not None:
            with closing(sqlite3.connect(log.target.path)) as connection:
                connection.execute("VACUUM")
                for name in ("event_words", "thought_words"):
                    connection.execute(f"INSERT INTO {name}({name}, rank) VALUES ('integrity-check', 1)")
        assert found(log, "tart") == ["alice 1.0"]
        engine.dispose()


async def test_a_text_too_long_for_the_index_is_kept_all_the_same(log: Log) -> None:
    await log.begin(an_episode())
    endless = " ".join(f"w{number}" for number in range(300_000)) + " " + "x" * 5000
    await log.commit(a_turn(0, an_event(0, endless)))
    assert found(log, '"w0 w1 w2"') == ["alice 0.0"]
    assert log.query("SELECT length(text) FROM event").rows == [(len(endless),)]


async def test_sql_may_use_the_index_and_not_change_it(log: Log) -> None:
    await a_dinner(log)
    sqlite = log.target.dialect == "sqlite"
    asked = (
        "SELECT e.text FROM event AS e JOIN event_words AS w ON w.rowid = e.rowid WHERE event_words MATCH 'kitchen'"
        if sqlite
        else "SELECT text FROM event WHERE log_words(text) @@ to_tsquery('simple', 'kitchen')"
    )
    assert log.query(asked).rows == [("The cake stands in the kitchen.",)]
    changing = ["DELETE FROM event_words", "INSERT INTO event_words(event_words) VALUES ('delete-all')"]
    for statement in changing if sqlite else ["DROP FUNCTION log_words", "DROP INDEX ix_event_words"]:
        with pytest.raises(QueryError, match="only reads"):
            log.query(statement)
    assert found(log, "kitchen") == ["None 0.0"]
