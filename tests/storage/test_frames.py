"""`log.df` and `log.measure`: the log as DataFrames, alike on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest

import tertulia
from tertulia.cli.main import run
from tertulia.storage import frames
from tertulia.storage.log import Log, LogError, NotFound, QueryError
from tertulia.storage.tables import METADATA
from tertulia.storage.views import views
from tests.storage.made import ID, a_bid, a_call, a_turn, an_episode, an_event, beliefs

OTHER = "01BRZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
async def told(log: Log) -> Log:
    """Two episodes; in the first, two turns."""
    await log.begin(an_episode())
    await log.record_call(a_call(0))
    await log.commit(
        a_turn(0, an_event(0, "=1+1"), a_bid(0, "alice"), *beliefs(0, "alice", "x", a=0.25, b=0.75),
               *beliefs(0, "alice>bob", "x", a=1.0, b=0.0))
    )  # fmt: skip
    await log.commit(a_turn(1, an_event(1, "nul \0, half \ud800", actor="bob"), a_bid(1, "bob")))
    await log.begin(an_episode(OTHER, seed=8))
    await log.commit(a_turn(0, an_event(0, "hello", episode=OTHER), episode=OTHER))
    return log


KINDS = {"integer": "integer", "bigint": "integer", "double precision": "number", "numeric": "number", "text": "text"}


def test_what_the_columns_of_views_are_said_to_hold_is_what_postgresql_finds(postgres_log: Log) -> None:
    sql = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?"
    for view in views():
        found = dict(postgres_log.query(sql, [view.name]).rows)
        said = frames._kinds_of(view.name)
        assert said is not None
        for column, kind in said.items():
            theirs = "time" if "timestamp" in found[column] else KINDS[found[column]]
            apart = {"boolean": "integer", "json": "text"}
            assert theirs == apart.get(kind, kind), (view.name, column, kind, theirs)
            if kind == "boolean":
                words = view.columns[column]
                assert words.startswith("1 ") or "whether" in words, f"{view.name}.{column} is no truth value: {words}"


@pytest.mark.parametrize("name", [*(view.name for view in views()), *METADATA.tables])
async def test_every_view_and_table_is_a_frame_of_the_same_dtypes_full_or_empty(log: Log, name: str) -> None:
    empty = log.df(name)
    await log.begin(an_episode())
    await log.record_call(a_call(0))
    await log.commit(a_turn(0, an_event(0, "hello"), a_bid(0, "alice"), *beliefs(0, "alice", "x", a=0.25, b=0.75)))
    full = log.df(name)
    assert len(empty) == 0
    assert dict(full.dtypes) == dict(empty.dtypes)
    assert {str(kind) for kind in full.dtypes} <= {"str", "Int64", "float64", "boolean", "datetime64[us, UTC]"}
    values = full.astype(object).where(full.notna(), None).values.tolist()
    assert sorted(values, key=str) == sorted(by_query(log, name, full), key=str)


def by_query(log: Log, name: str, full: Any) -> list[list[Any]]:
    """The same rows as `query` has them, with times as moments."""
    times = [str(kind).startswith("datetime") for kind in full.dtypes]
    return [
        [pandas.Timestamp(v, tz="UTC") if time and v is not None else v for v, time in zip(row, times, strict=True)]
        for row in log.query(f"SELECT {', '.join(full.columns)} FROM {name}").rows
    ]


async def test_filters_are_columns_and_episodes(told: Log) -> None:
    held = told.df("v_beliefs", episode=ID, chain="alice", variable="x")
    assert held[["value", "probability"]].values.tolist() == [["a", 0.25], ["b", 0.75]]
    assert len(told.df("v_beliefs", value=["a"], turn=0)) == 2
    assert set(told.df("v_beliefs", chain=["alice", "alice>bob"]).chain) == {"alice", "alice>bob"}
    assert len(told.df("v_beliefs", chain=[])) == 0
    assert set(told.df("v_beliefs", other=None).chain) == {"alice"}
    assert len(told.df("v_beliefs", other=[None, "bob"])) == 4
    assert told.df("v_transcript", episode="last").text.tolist() == ["hello"]
    assert len(told.df("v_transcript", episode=[ID[:4], OTHER])) == 3
    assert told.df("episode", episode="01A").id.tolist() == [ID]
    assert told.df("v_floor", won=False).participant.tolist() == ["alice", "bob"]
    assert len(told.df("bid", won=True)) == 0
    assert told.df("v_transcript", limit=2).episode.tolist() == [ID, ID]
    seeds = told.df("v_outcomes", seed=held.turn[:1] + 7)
    assert seeds.seed.tolist() == [7]


async def test_sql_and_named_queries_are_frames_too(told: Log) -> None:
    sql = "SELECT turn, count(*) AS n, NULL AS empty FROM v_transcript WHERE episode = ? GROUP BY turn ORDER BY turn"
    found = told.df(sql, [ID])
    assert found.to_dict("list") == {"turn": [0, 1], "n": [1, 1], "empty": [None, None]}
    assert [str(kind) for kind in found.dtypes] == ["Int64", "Int64", "object"]
    talks = told.df("who-talks-most", episode=ID)
    assert set(talks.participant) == {"alice", "bob"}
    assert len(told.df("wanted-to-speak", {"most": 1})) == 1


async def test_texts_that_no_file_takes_do_not_end_it(told: Log) -> None:
    assert told.df("v_transcript", turn=1).text.tolist() == ["nul \0, half \\ud800"]
    assert told.df("SELECT text FROM v_transcript WHERE turn = 1").text.tolist() == ["nul \0, half \\ud800"]
    assert told.query("SELECT text FROM v_transcript WHERE turn = 1").rows == [("nul \0, half \ud800",)]
    assert len(told.df("v_transcript", text="' OR '1' = '1")) == 0


async def test_a_large_answer_comes_in_pieces(told: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    count = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
    sql = (
        f"{count} SELECT i, CASE WHEN i >= 30 THEN 'x' END AS late, CASE WHEN i < 50 THEN i ELSE i + 0.5 END AS half"
        " FROM n"
    )
    whole = told.df(sql)
    monkeypatch.setattr(frames, "_AT_ONCE", 10)
    pieces = told.df(sql)
    assert pieces.i.tolist() == list(range(100))
    assert [str(kind) for kind in pieces.dtypes] == ["Int64", "str", "float64"]
    pandas.testing.assert_frame_equal(pieces, whole)
    assert len(told.df(sql, limit=25)) == 25
    seen: list[int] = []
    told.query_each(sql, [], lambda columns, rows: seen.append(len(rows)), limit=25, at_once=10)
    assert seen == [10, 10, 5]


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [
        ("v_belief", {}, "there is no view, table or named query 'v_belief'; nearest: 'v_beliefs'"),
        ("v_beliefs", {"holdr": "x"}, "v_beliefs has no column 'holdr'; nearest: 'holder'"),
        ("v_beliefs", {"turn": "x"}, "turn='x': turn of v_beliefs is a whole number"),
        ("v_beliefs", {"turn": True}, "turn=True: turn of v_beliefs is a whole number"),
        ("v_outcomes", {"started": "2026"}, "started=: ask for a span of time in SQL"),
        ("v_beliefs", {"episode": 3}, "episode=3: right would be an id"),
        ("v_beliefs", {"params": ["x"]}, "v_beliefs takes no parameters"),
        ("batch", {"episode": ID}, "batch has no column 'episode'"),
        ("SELECT 1", {"turn": 1}, "turn=: a filter goes with a view or a table"),
        ("SELECT 1", {"episode": ID}, "episode=: goes with a view, a table or a named query"),
        ("SELECT 1", {"params": {"a": 1}}, "params: SQL takes a list"),
        ("who-talks-most", {"params": [1]}, "who-talks-most takes them by name"),
        ("who-talks-most", {"episode": [ID, OTHER]}, "asked for one episode, or for all"),
        ("DELETE FROM turn", {}, "a query only reads"),
        ("SELECT * FROM v_belief", {}, "nearest: 'v_beliefs'"),
    ],
)  # fmt: skip
async def test_mistakes_are_told_in_a_line(told: Log, asked: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError) as caught:
        told.df(asked, **given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_an_episode_or_a_batch_that_is_not_there_is_told(told: Log) -> None:
    with pytest.raises(NotFound):
        told.df("v_beliefs", episode="02")
    with pytest.raises(NotFound):
        told.df("v_beliefs", batch="none")


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys, tertulia; sys.modules['pandas'] = None\n"
        "try: tertulia.open_log('log.db').df('v_beliefs')\n"
        "except tertulia.LogError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path
    )
    assert done.stdout.strip() == "a DataFrame needs the extra: pip install 'tertulia[data]'"


async def test_measures_are_a_frame_of_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "log.db"
    for seed in (1, 2):
        await tertulia.arun("dinner-secret", seed=seed, sets=["turns.limit=6"], db=db)
    with tertulia.open_log(db) as log:
        found = log.measure(["participation", "reward"], by="participant")
        assert len(log.measure("turn_gini", episode="last")) == 1
        assert len(log.measure("fallback_rate", batch=None)) == 1
        with pytest.raises(LogError, match="no measure 'turn_ginni'; nearest: 'turn_gini'"):
            log.measure("turn_ginni")
        with pytest.raises(QueryError, match="cannot be split by it; nearest: 'participant' "):
            log.measure(by="participants")
        with pytest.raises(QueryError, match="no such cell; there is none to choose from"):
            log.measure("turn_share", baseline="x")
    arguments = ["measures", "run", "-m", "participation", "-m", "reward", "--by", "participant", "--json"]
    assert run([*arguments, "--db", str(db)]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(printed) == len(found) >= 8
    for row, one in zip(printed, found.astype(object).where(found.notna(), None).to_dict("records"), strict=True):
        assert {key: one[key] for key in row if key != "group"} == {key: row[key] for key in row if key != "group"}
        assert {key: one[key] for key in row["group"]} == row["group"]
