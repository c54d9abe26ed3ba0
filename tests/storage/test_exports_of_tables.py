"""Views and tables as files: typed, the same from both databases, harmless, whole or not at all, and readable again."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.storage.exports import parquet
from tertulia.storage.exports.chosen import choose
from tertulia.storage.exports.columns import Kind, documented, source
from tertulia.storage.exports.files import CannotWrite, whole_file, whole_folder
from tertulia.storage.exports.tables import export_file, export_folder, export_stream
from tertulia.storage.exports.writers import iso
from tertulia.storage.log import Log
from tertulia.storage.schema import HEAD
from tertulia.storage.spreadsheets import as_it_was, inert
from tertulia.storage.tables import METADATA
from tertulia.storage.types import unescape_text
from tests.storage.made import (
    ID,
    START,
    a_call,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
    truth,
)  # fmt: skip

HOSTILE = (
    "=HYPERLINK(\"http://x\")", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "'=1", "a\x00b", "lone \ud800", "\x10dle",
    "\x1b[2J", "<script>alert(1)</script>", "'; DROP TABLE turn; --", 'say "hi",\r\nthere', "\u202eright", "",
)  # fmt: skip


async def fill(log: Log, episodes: int = 1) -> list[str]:
    """Episodes in which everything is said that could do harm."""
    ids = [f"{ID[:-2]}{number:02}" for number in range(episodes)]
    for id in ids:
        await log.begin(an_episode(id, config={"premise": "Dinner"}, versions={"python": "3.11"}))
        events = [
            an_event(0, text, ordinal, episode=id, addressees=["bob"] if ordinal % 2 else None, data={"n": ordinal})
            for ordinal, text in enumerate(HOSTILE)
        ]
        await log.commit(
            a_turn(
                0, *events, a_witness(0, "bob", episode=id),
                *beliefs(0, "alice", "cake", episode=id, here=0.1, there=0.9),
                *truth(0, "cake", "here", "there", episode=id), a_thought(0, "t1", "=cmd|' /C calc'!A0", episode=id),
                an_appraisal(0, "t1", "spoken", 4.5, episode=id), episode=id,
            )
        )  # fmt: skip
        await log.record_call(a_call(episode=id, cost_usd=None, input_tokens=3, reply="-5"))
    return ids


def view(log: Log, name: str) -> list[tuple[Any, ...]]:
    one = source(name)
    return one.in_order(log.query(one.sql, [ID[:-2] + "00"]))


async def test_every_column_has_the_kind_that_postgresql_finds_in_it(postgres_log: Log) -> None:
    """An oracle of its own: the server infers the type of each column of a view from the view's text."""
    import psycopg

    url = postgres_log.target.url
    assert url is not None
    theirs = {
        25: {Kind.text, Kind.json}, 20: {Kind.integer, Kind.boolean}, 23: {Kind.integer, Kind.boolean},
        16: {Kind.boolean}, 701: {Kind.number}, 1700: {Kind.number}, 1184: {Kind.time},
    }  # fmt: skip
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        for one in [*documented(), *(source(name) for name in METADATA.tables if name != "batch")]:
            found = connection.execute(f'SELECT * FROM "{one.name}" LIMIT 0').description or ()
            assert [column.name for column in found] == [column.name for column in one.columns]
            for column, mine in zip(found, one.columns, strict=True):
                assert mine.kind in theirs[column.type_code], f"{one.name}.{mine.name}"


def test_columns_that_say_json_are_json() -> None:
    for one in documented():
        for column in one.columns:
            if "as a JSON list" in column.about or column.about.endswith("as JSON"):
                assert column.kind is Kind.json, f"{one.name}.{column.name}"


async def test_json_lines_come_back_as_they_were(log: Log, tmp_path: Path) -> None:
    await fill(log)
    for one in documented():
        path = tmp_path / f"{one.name}.jsonl"
        written = export_file(log, choose(log, None), one, "jsonl", path, version="1")
        lines = [json.loads(line) for line in path.read_text("ascii").splitlines()]
        there = [[iso(value) if isinstance(value, datetime) else value for value in row] for row in view(log, one.name)]
        assert [list(line.values()) for line in lines] == there
        assert written.rows == len(lines)
    assert [line["text"] for line in read_lines(tmp_path / "v_transcript.jsonl")] == list(HOSTILE)


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


async def test_parquet_comes_back_as_it_was(log: Log, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    await fill(log)
    for one in documented():
        path = tmp_path / f"{one.name}.parquet"
        export_file(log, choose(log, None), one, "parquet", path, version="1.2")
        table = pq.read_table(path)
        back = [
            tuple(
                json.loads(value) if kind is Kind.json and value is not None
                else unescape_text(value) if kind is Kind.text and value is not None
                else value
                for kind, value in zip((column.kind for column in one.columns), row.values(), strict=True)
            )
            for row in table.to_pylist()
        ]  # fmt: skip
        assert back == view(log, one.name)
        about = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        assert (about["tertulia.version"], about["tertulia.schema"], about["tertulia.query"]) == ("1.2", HEAD, one.sql)
    types = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "v_calls.parquet")}
    assert types["started_at"] == "timestamp[us, tz=UTC]"
    assert (types["turn"], types["latency_ms"], types["reply"]) == ("int64", "double", "string")


async def test_csv_is_harmless_and_can_be_turned_back(log: Log) -> None:
    await fill(log)
    out = io.StringIO(newline="")
    export_stream(log, choose(log, None), source("v_transcript"), "csv", out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))
    assert [unescape_text(as_it_was(row["text"])) for row in rows] == list(HOSTILE)
    assert not [row["text"] for row in rows if row["text"][:1] in set("=+-@\t\r")]
    assert [row["turn"] for row in rows] == ["0"] * len(HOSTILE)
    assert json.loads(rows[1]["addressees"]) == ["bob"]
    out.getvalue().encode("utf-8")  # no surrogate is left
    calls = io.StringIO(newline="")
    export_stream(log, choose(log, None), source("v_calls"), "csv", calls)
    [call] = csv.DictReader(io.StringIO(calls.getvalue(), newline=""))
    assert (call["reply"], call["cost_usd"], call["started_at"]) == ("-5", "", "2026-03-01T12:30:15.250001Z")


@given(st.text())
def test_what_was_made_inert_comes_back(text: str) -> None:
    assert as_it_was(inert(text)) == text
    assert inert(text)[:1] not in {"=", "@", "\t", "\r"}


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)).map(str))
def test_numbers_stay_numbers(number: str) -> None:
    assert inert(number) == number


async def test_both_databases_give_the_same_files(sqlite_log: Log, postgres_log: Log) -> None:
    """But for what the databases are told apart by: nothing."""
    files = []
    for log in (sqlite_log, postgres_log):
        await fill(log, 2)
        out = io.StringIO(newline="")
        for one in documented():
            export_stream(log, choose(log, None), one, "csv", out)
        files.append(out.getvalue())
    assert files[0] == files[1]


async def test_a_folder_says_what_is_in_it(log: Log, tmp_path: Path) -> None:
    ids = await fill(log, 3)
    folder = tmp_path / "out"
    export_folder(
        log, choose(log, ids[:2]), [source("v_transcript"), source("event")], "csv", folder, version="1",
        dialect=log.target.dialect,
    )  # fmt: skip
    about = json.loads((folder / "export.json").read_text())
    assert (about["tertulia"], about["log_schema"], about["episodes"]) == ("1", HEAD, 2)
    assert about["database"] == log.target.dialect
    for table in about["tables"]:
        with (folder / table["file"]).open(newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == [column["name"] for column in table["columns"]]
        assert len(rows) - 1 == table["rows"] == 2 * len(HOSTILE)
        assert len(log.query(table["query"], [ids[0]]).rows) == len(HOSTILE)


async def test_row_groups_are_written_as_they_fill(
    sqlite_log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 10)
    await fill(sqlite_log, 3)
    export_file(
        sqlite_log, choose(sqlite_log, None), source("v_transcript"), "parquet", tmp_path / "t.parquet", version="1"
    )
    found = pq.ParquetFile(tmp_path / "t.parquet")
    assert found.metadata.num_row_groups == 3
    assert found.metadata.num_rows == 3 * len(HOSTILE)


async def test_only_one_episode_is_asked_for_at_a_time(sqlite_log: Log, tmp_path: Path) -> None:
    """So memory holds one, however large the log."""
    ids, asked = await fill(sqlite_log, 3), []

    class Asked:
        def query(self, sql: str, params: Any = (), limit: int | None = None) -> Any:
            asked.append(list(params))
            return sqlite_log.query(sql, params, limit)

    export_file(Asked(), choose(sqlite_log, None), source("v_beliefs"), "jsonl", tmp_path / "b.jsonl", version="1")
    assert asked == [[id] for id in ids]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.csv", begins=[b"a,"]) as path:
        fail(path)
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "f") as folder:
        fail(folder / "half.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_it_is_asked_to_be_replaced(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "f") as folder:
        (folder / "export.json").write_text("1")
    with pytest.raises(CannotWrite, match="--force"), whole_folder(tmp_path / "f"):
        pass
    with whole_folder(tmp_path / "f", replace=True) as folder:
        (folder / "export.json").write_text("2")
    assert (tmp_path / "f" / "export.json").read_text() == "2"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(CannotWrite, match="something else"), whole_folder(tmp_path / "mine", replace=True):
        pass
    assert (tmp_path / "mine" / "thesis.tex").exists()
    with pytest.raises(CannotWrite), whole_file(tmp_path / "mine", begins=[b"a,"], replace=True):
        pass
    with pytest.raises(CannotWrite, match="No such file"), whole_file(tmp_path / "nowhere" / "a.csv", begins=[b"a,"]):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "mine"]


def test_only_an_export_gives_way_to_an_export(tmp_path: Path) -> None:
    """Above all not the log: `-o` and `--db` stand beside each other."""
    there, empty, earlier = tmp_path / "log.db", tmp_path / "empty", tmp_path / "a.csv"
    there.write_bytes(b"SQLite format 3\0 and years of work")
    empty.touch()
    earlier.write_text("a,b\r\n")
    with pytest.raises(CannotWrite, match="something else"), whole_file(there, begins=[b"a,"], replace=True):
        pass
    assert there.read_bytes().endswith(b"years of work")
    for path in (empty, earlier):
        with whole_file(path, begins=[b"a,"], replace=True) as beside:
            beside.write_text("new")
        assert path.read_text() == "new"


@pytest.mark.parametrize("manifest", ['{"tables": [{"file": "a.csv"}]}', '{"sha256": {"a.csv": "%s"}}'])
def test_a_folder_in_which_something_else_was_put_is_not_replaced(tmp_path: Path, manifest: str) -> None:
    with whole_folder(tmp_path / "f") as folder:
        (folder / "a.csv").write_text("a,b\r\n")
        digest = sha256((folder / "a.csv").read_bytes()).hexdigest()
        (folder / "export.json").write_text(manifest.replace("%s", digest))
    (tmp_path / "f" / "coder-1-coded.csv").write_text("hours of work")
    with pytest.raises(CannotWrite, match=r"coder-1-coded\.csv"), whole_folder(tmp_path / "f", replace=True):
        pass
    (tmp_path / "f" / "coder-1-coded.csv").unlink()
    with whole_folder(tmp_path / "f", replace=True) as folder:
        (folder / "export.json").write_text("{}")
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["export.json"]


def test_a_name_that_is_too_long_is_told_in_a_line(tmp_path: Path) -> None:
    long = tmp_path / ("a" * 300)
    with pytest.raises(CannotWrite, match="too long"), whole_file(long, begins=[b"a,"]):
        pass
    with pytest.raises(CannotWrite, match="too long"), whole_folder(long):
        pass
    with whole_file(tmp_path / ("a" * 250), begins=[b"a,"]) as beside:
        beside.write_text("as long as a name can be")


def test_times_are_in_utc() -> None:
    found = source("v_calls").in_order(
        type("R", (), {"rows": [tuple("2026-03-01 12:30:15.250001" if c.kind is Kind.time else None
                                      for c in source("v_calls").columns)]})()
    )  # fmt: skip
    assert START.astimezone(UTC) in found[0]


def test_a_name_that_there_is_not_comes_with_the_nearest() -> None:
    with pytest.raises(LookupError, match="nearest: 'v_beliefs'"):
        source("v_belief")
    with pytest.raises(LookupError):
        source("alembic_version")
