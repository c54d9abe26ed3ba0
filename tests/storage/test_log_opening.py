"""Opening a log: made when there is none, told in one line when it cannot be."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from tertulia.storage.log import Log, LogError, SchemaMismatch
from tertulia.storage.rows import ClaimRow, EventRow, Row
from tertulia.storage.schema import HEAD, alembic_config, backup, migrate, schema_version
from tertulia.storage.search import create_search
from tertulia.storage.tables import METADATA, ROWS, table_of
from tertulia.storage.target import Target
from tertulia.storage.views import create_views, views
from tests.postgres import Server
from tests.storage.made import ID, a_call, a_thought, a_turn, a_witness, an_episode, an_event, beliefs, truth


def definitions(target: str) -> dict[str, Any]:
    """Everything that makes up a schema, as the database itself describes it."""
    engine = Target.of(target).engine()
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'"))
            result = {name: sql and " ".join(sql.split()) for name, sql in found if "alembic" not in name}
        else:
            columns = connection.execute(
                text(
                    "SELECT table_name || '.' || column_name, concat_ws(' ', data_type, collation_name, is_nullable, "
                    "ordinal_position, column_default) FROM information_schema.columns "
                    "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
                )
            )
            indexes = connection.execute(
                text(
                    "SELECT indexname, indexdef FROM pg_indexes "
                    "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
                )
            )
            constraints = connection.execute(
                text(
                    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                    "WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conname NOT LIKE 'alembic%'"
                )
            )
            result = {key: value for part in (columns, indexes, constraints) for key, value in part}
    engine.dispose()
    return result


def test_the_migrations_make_exactly_the_tables_that_are_declared(
    target: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    Log.open(target).close()
    made = definitions(target)
    with ExitStack() as stack:
        declared = str(tmp_path / "declared.db")
        if target.startswith("postgresql"):
            declared = stack.enter_context(request.getfixturevalue("postgres_server").fresh())
        engine = Target.of(declared).engine()
        with engine.begin() as connection:
            METADATA.create_all(connection)
            create_views(connection)
            create_search(connection)
        engine.dispose()
        assert made == definitions(declared)
    assert len(made) > len(ROWS)


def test_the_newest_revision_is_the_one_that_is_expected() -> None:
    from alembic.script import ScriptDirectory

    with create_engine("sqlite://").connect() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_heads() == [HEAD]


def test_every_row_type_has_a_table_of_its_name() -> None:
    names = (
        "batch episode participant turn event witness claim observation thought appraisal bid belief gold memory "
        "recall workspace mind_delta inbox consent answer call probe probe_belief intervention score"
    )
    assert [table_of(row).name for row in ROWS] == names.split()
    assert all(list(table_of(row).columns.keys()) == list(row.model_fields) for row in ROWS)


async def test_a_log_of_the_first_schema_is_brought_up_to_date_with_its_rows_intact(target: str) -> None:
    """An episode as schema 0001 kept it: every row of it is there afterwards, and goes on being written."""
    claim = ClaimRow(
        episode=ID, turn=0, event=0, ordinal=0, speaker="alice", variable="cake", value="cellar", established="rules"
    )
    rows: list[Row] = [
        *an_episode().participants,
        a_turn(0).rows[0],
        an_event(0, "It is in the cellar. \x00 \ud83c"),
        a_witness(0, "bob"),
        claim,
        *beliefs(0, "bob>alice", "cake", attic=0.0, cellar=1.0),
        *truth(0, "cake", "attic", "cellar"),
        a_thought(0, "t0", "why say so?"),
        a_call(0),
    ]
    episode = an_episode(head=0).episode
    made_at_first_schema(target, [episode, *rows])
    assert schema_version(target) == "0001"
    with pytest.raises(SchemaMismatch, match=r"schema 0001.*tertulia db migrate"):
        Log.open(target)
    assert migrate(target) == ("0001", HEAD)
    with Log.open(target) as log:
        assert log.episode(ID) == episode
        for row_type in dict.fromkeys(type(row) for row in rows):
            assert log.rows(row_type, ID) == [row for row in rows if type(row) is row_type]
        about = ClaimRow(**claim.model_dump() | {"turn": 1, "believer": "bob"})
        await log.commit(a_turn(1, an_event(1, "You think so."), about))
        assert [row.believer for row in log.rows(ClaimRow, ID)] == [None, "bob"]
        assert log.query("SELECT status FROM v_outcomes").rows == [("running",)]


def made_at_first_schema(target: str, rows: list[Row]) -> None:
    """A log as the first schema had it, with a view in the way, and these rows without what it did not know."""
    from alembic import command

    engine = Target.of(target).engine()
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(text("CREATE VIEW v_outcomes AS SELECT episode, measure FROM score"))
        for row in rows:
            table = table_of(type(row))
            known = {column["name"] for column in inspect(connection).get_columns(table.name)}
            connection.execute(table.insert().values({k: v for k, v in row.model_dump().items() if k in known}))
    engine.dispose()


def test_every_column_of_every_view_is_explained(log: Log) -> None:
    assert {view.name for view in views()} >= {
        "v_transcript", "v_thoughts", "v_beliefs", "v_beliefs_held", "v_floor", "v_calls", "v_costs", "v_outcomes",
        "v_mutual", "v_mutual_cycles",
    }  # fmt: skip
    for view in views():
        assert log.query(f"SELECT * FROM {view.name}").columns == tuple(view.columns)
        assert view.about
        assert all(view.columns.values())


async def test_a_log_is_made_once_and_found_again(target: str) -> None:
    assert schema_version(target) is None
    with Log.open(target) as log:
        await log.begin(an_episode())
    assert schema_version(target) == HEAD
    with Log.open(target, create=False) as log:
        assert log.episode(ID).seed == 7


def test_reading_verbs_make_no_log(target: str) -> None:
    with pytest.raises(LogError, match="there is no log at"):
        Log.open(target, create=False)
    assert schema_version(target) is None
    assert target.startswith("postgresql") or not Path(target).exists()


def test_several_programs_may_open_the_same_empty_place_at_once(target: str) -> None:
    code = "import sys; from tertulia.storage.log import Log; Log.open(sys.argv[1]).close()"
    running = [subprocess.Popen([sys.executable, "-c", code, target], stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, errors
    assert schema_version(target) == HEAD


@pytest.mark.parametrize(("version", "helps"), [("0000", "tertulia db migrate --db "), ("9999", "a newer tertulia")])
def test_a_log_of_another_version_says_what_helps(target: str, version: str, helps: str) -> None:
    Log.open(target).close()
    engine = Target.of(target).engine()
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    engine.dispose()
    for create in (True, False):
        with pytest.raises(SchemaMismatch, match=helps) as raised:
            Log.open(target, create=create)
        assert "\n" not in str(raised.value)
    with pytest.raises(LogError, match="newer tertulia"):
        migrate(target)
    assert schema_version(target) == version


async def test_migrating_keeps_the_rows_and_makes_the_views_anew(target: str) -> None:
    assert migrate(target) == (None, HEAD)
    with Log.open(target) as log:
        await log.begin(an_episode())
        await log.commit(a_turn(0, an_event(0, "hello")))
    engine = Target.of(target).engine()
    with engine.begin() as connection:
        connection.execute(text("DROP VIEW v_transcript"))
        connection.execute(text("DROP VIEW v_floor"))
        connection.execute(text("CREATE VIEW v_floor AS SELECT 1 AS old"))
    engine.dispose()
    assert migrate(target) == (HEAD, HEAD)
    with Log.open(target) as log:
        assert log.query("SELECT text FROM v_transcript").rows == [("hello",)]
        assert "reason" in log.query("SELECT * FROM v_floor").columns


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (name)")
    for use in (Log.open, migrate, partial(Log.open, create=False), schema_version):
        with pytest.raises(LogError, match=r"something else.*photos"):
            use(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("photos",)]


def test_what_cannot_be_a_log_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Carol, I sold the house. " * 100)
    cases = {
        str(tmp_path): "this is a folder",
        str(tmp_path / "letter.txt"): "not a SQLite database",
        str(tmp_path / "nowhere" / "log.db"): "there is no folder",
        "mysql://root:hunter2@localhost/logs": "'mysql://'; right would be",
        "sqlite://": "right would be",
        "postgresql://ann:hunter2@127.0.0.1:1/logs": "127.0.0.1",
        "postgresql+psycopg://ann:hunter2@127.0.0.1:x/logs": "cannot be read",
    }
    for target, message in cases.items():
        with pytest.raises(LogError, match=message) as raised:
            Log.open(target)
        assert "\n" not in str(raised.value)
        assert "hunter2" not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path
    if os.geteuid() != 0:
        folder.chmod(0o500)
    elif not (folder := Path("/proc")).is_dir():
        pytest.skip("root may write everywhere here")
    with pytest.raises(LogError, match=r"log\.db: this file or its folder cannot be written"):
        Log.open(folder / "log.db")


def test_a_path_may_hold_anything_that_a_file_may_be_called(tmp_path: Path) -> None:
    path = tmp_path / "ein Log? 100 % #1 & 'ñ'.db"
    Log.open(path).close()
    with Log.open(f"sqlite:///{tmp_path}/plain.db") as log:
        assert log.query("SELECT count(*) FROM episode").rows == [(0,)]
    assert sorted(found.name for found in tmp_path.glob("*.db")) == [path.name, "plain.db"]
    with Log.open(path, create=False) as log:
        assert log.query("SELECT count(*) FROM episode").rows == [(0,)]


def test_a_target_shows_no_password() -> None:
    target = Target.of("postgresql://ann:hunter2@db.example/logs")
    assert "hunter2" not in f"{target} {target!r}"
    assert "ann" in str(target)


def test_without_a_target_the_environment_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TERTULIA_DB", raising=False)
    Log.open().close()
    assert (tmp_path / "tertulia.db").exists()
    monkeypatch.setenv("TERTULIA_DB", f"sqlite:///{tmp_path}/other.db")
    Log.open().close()
    assert (tmp_path / "other.db").exists()


async def test_a_backup_is_a_log(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        await log.begin(an_episode())
        await log.commit(a_turn(0, an_event(0, "hello")))
        backup(tmp_path / "log.db", tmp_path / "copy.db")  # while the log is open, its rows still in the WAL
    with Log.open(tmp_path / "copy.db") as copy:
        assert [row.text for row in copy.rows(EventRow, ID)] == ["hello"]
    with pytest.raises(LogError, match="overwrites nothing"):
        backup(tmp_path / "log.db", tmp_path / "copy.db")
    with pytest.raises(LogError, match="there is no log"):
        backup(tmp_path / "none.db", tmp_path / "copy2.db")
    with pytest.raises(LogError) as raised:
        backup(tmp_path / "log.db", tmp_path / "nowhere" / "x.db")
    assert str(raised.value) == f"{tmp_path / 'nowhere' / 'x.db'}: there is no folder {tmp_path / 'nowhere'}"


def test_a_backup_of_a_server_names_the_tool_for_it(postgres_server: Server, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="pg_dump"):
        backup(postgres_server.url("x"), tmp_path / "copy")


def test_opening_a_log_that_is_there_needs_no_alembic(tmp_path: Path) -> None:
    Log.open(tmp_path / "log.db").close()
    code = (
        "import sys; from tertulia.storage.log import Log; Log.open(sys.argv[1]).close();"
        "print(*(name for name in ('alembic', 'psycopg', 'langgraph', 'openai', 'torch') if name in sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log.db")], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == ""
