"""Writing: what is written comes back exactly, whole turns only, and one failure harms no other."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger

from tertulia.storage import faults
from tertulia.storage.log import Duplicate, Log, LogError, LostLease, Refused, Unusable
from tertulia.storage.record import Closing, TurnRecord
from tertulia.storage.rows import BatchRow, CallRow, EpisodeRow, EventRow, Row, ScoreRow, TurnRow
from tertulia.storage.tables import ROWS, table_of
from tertulia.storage.types import Json, Text, Utc
from tests.postgres import Server
from tests.storage.made import ID, START, a_call, a_turn, an_episode, an_event

any_text = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    [
        "",
        "\x00",
        "\x10",
        "\x100000",
        "\x10d800",
        "\ud800",
        "\udfff\ud800",
        "\u202eright to left",
        "\x1b[31mred",
        "'; --",
    ]
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
any_time = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))
)
many_episodes = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def values_of(column: Any) -> st.SearchStrategy[Any]:
    if isinstance(column.type, Text):
        values: st.SearchStrategy[Any] = any_text
    elif isinstance(column.type, Json):
        values = any_json if column.nullable else any_json.filter(lambda value: value is not None)
    elif isinstance(column.type, Utc):
        values = any_time
    elif isinstance(column.type, BigInteger):
        values = st.integers(-(2**63), 2**63 - 1)
    else:
        plain = column.type.python_type
        values = {
            int: st.integers(-(2**31), 2**31 - 1),
            bool: st.booleans(),
            float: st.floats(allow_nan=False, allow_infinity=False),
        }[plain]
    return values | st.none() if column.nullable else values


def rows_of(row: type[Row]) -> st.SearchStrategy[Row]:
    fields = {column.name: values_of(column) for column in table_of(row).columns}
    if row is CallRow:  # how the table keeps messages; a row that is handed in has them whole
        fields |= dict.fromkeys(("base", "shared", "rest"), st.none())
    return st.fixed_dictionaries(fields).map(lambda values: row(**values))


fresh_ids = (f"fresh{number}" for number in count())


@pytest.mark.parametrize("row_type", ROWS, ids=lambda row: row.__name__)
def test_a_row_of_any_type_comes_back_exactly(log: Log, row_type: type[Row]) -> None:
    @many_episodes
    @given(rows_of(row_type))
    def check(row: Row) -> None:
        episode = next(fresh_ids)
        for key in ("episode", "id"):
            if key in row_type.model_fields:
                row = row.model_copy(update={key: episode})
        if isinstance(row, EpisodeRow) and row.batch is not None:
            row = row.model_copy(update={"batch": episode + row.batch})
        asyncio.run(log.record([row]))
        equals = {"episode": episode} if "episode" in row_type.model_fields else {"id": episode}
        (back,) = _find(log, row_type, **equals)
        assert back == row
        assert type(back) is row_type
        for name, value in row.__dict__.items():
            found = getattr(back, name)
            assert type(found) is type(value)
            assert not isinstance(found, datetime) or found.tzinfo is UTC

    check()


def _find(log: Log, row_type: type[Row], **equals: Any) -> list[Row]:
    if row_type is BatchRow:
        from sqlalchemy import select

        table = table_of(BatchRow)
        return list(log._read(BatchRow, select(table).where(table.c.id == equals["id"])))
    return list(log.rows(row_type, equals.get("episode") or equals["id"]))


async def test_one_thing_that_cannot_be_written_harms_no_other(log: Log) -> None:
    """Not even where it is no database that refuses it: beyond all times is no time."""
    await log.begin(an_episode())
    late = log.lease(ID, "another.1.1.x", ttl_s=1e20, force=True)
    refused, written = await asyncio.gather(late, log.commit(a_turn(0)), return_exceptions=True)
    assert isinstance(refused, LogError)
    assert written is None
    await log.commit(a_turn(1))
    assert log.episode(ID).head == 1


async def test_a_hundred_thousand_characters_come_back_exactly(log: Log) -> None:
    words = "\u202e\x00\x1b[1m[bold]\ud83d" + "ñ\U0001f600'\"\\\n" * 20_000
    await log.begin(an_episode())
    await log.commit(a_turn(0, an_event(0, words, data={"said": words})))
    (event,) = log.rows(EventRow, ID)
    assert (event.text, event.data) == (words, {"said": words})
    assert log.query("SELECT text FROM event WHERE text = ?", [words]).rows == [(words,)]


async def test_a_turn_is_committed_whole_or_not_at_all(log: Log) -> None:
    await log.begin(an_episode())
    broken = a_turn(0, an_event(0, "one"), an_event(0, "two", ordinal=1), an_event(0, "again", ordinal=1))
    with pytest.raises(Duplicate):
        await log.commit(broken)
    assert log.rows(EventRow, ID) == []
    assert log.rows(TurnRow, ID) == []
    assert log.episode(ID).head == -1
    await log.commit(a_turn(0, an_event(0, "one")))
    assert log.episode(ID).head == 0


@pytest.mark.parametrize("number", [1, 2, 3, 7, 8, 11, 31, 32, 43, 100])
async def test_however_many_rows_a_turn_has_all_come_back_in_their_places(log: Log, number: int) -> None:
    await log.begin(an_episode())
    events = [an_event(0, f"text {n}", ordinal=n, data={"n": n}) for n in range(number)]
    await log.commit(a_turn(0, *events))
    assert list(log.rows(EventRow, ID)) == events
    again = [an_event(1, "new", ordinal=n) for n in range(number)]
    with pytest.raises(Duplicate):
        await log.commit(a_turn(1, *again, again[-1].model_copy(update={"text": "twice"})))
    assert len(log.rows(EventRow, ID)) == number


async def test_the_closing_is_part_of_the_last_turn(log: Log) -> None:
    await log.begin(an_episode())
    last = a_turn(0, an_event(0, "goodbye"))
    last.closing = Closing("success", "agreement", outcome={"friend": "Ann\x00"}, reward=1.0)
    await log.commit(last)
    episode = log.episode(ID)
    assert (episode.status, episode.reason, episode.outcome, episode.reward, episode.head) == (
        "success", "agreement", {"friend": "Ann\x00"}, 1.0, 0,
    )  # fmt: skip
    assert episode.ended_at is not None


async def test_a_pause_is_no_end(log: Log) -> None:
    await log.begin(an_episode())
    await log.close_episode(ID, "lease", Closing("paused", "the server is away"))
    assert (log.episode(ID).status, log.episode(ID).ended_at) == ("paused", None)
    with pytest.raises(LostLease):
        await log.close_episode(ID, "another", Closing("error", "x"))
    assert log.episode(ID).status == "paused"


async def test_an_episode_that_takes_a_turn_again_is_running(log: Log) -> None:
    await log.begin(an_episode())
    await log.close_episode(ID, "lease", Closing("error", "the model cannot be loaded"))
    assert log.episode(ID).ended_at is not None
    assert log.episode(ID).lease is None, "who closes an episode lets go of it"
    await log.lease(ID, "lease", ttl_s=60)
    await log.commit(a_turn(0))
    episode = log.episode(ID)
    assert (episode.status, episode.reason, episode.ended_at) == ("running", None, None)


async def test_a_row_of_another_episode_is_not_let_into_a_turn(log: Log) -> None:
    await log.begin(an_episode())
    with pytest.raises(ValueError, match="of episode elsewhere"):
        await log.commit(a_turn(0, an_event(0, episode="elsewhere")))
    assert log.episode(ID).head == -1


async def test_a_call_is_durable_without_its_turn_and_never_overwritten(log: Log) -> None:
    await log.begin(an_episode())
    await log.record_call(a_call(5, reply="first"))
    with pytest.raises(Duplicate, match=f"already in the log: call with episode, call = {ID}, 5/0/alice/think/0/0"):
        await log.record_call(a_call(5, reply="second"))
    assert [call.reply for call in log.rows(CallRow, ID)] == ["first"]


async def test_an_episode_of_a_batch_is_there_once(log: Log) -> None:
    place: dict[str, Any] = {"batch": "b", "cell": "c", "seed": 1}
    await log.begin(an_episode("01A", **place))
    with pytest.raises(Duplicate, match="with batch, cell, seed, replicate = b, c, 1, 0"):
        await log.begin(an_episode("01B", **place))
    await log.begin(an_episode("01C", **place, replicate=1))
    await log.begin(an_episode("01D", seed=1))
    await log.begin(an_episode("01E", seed=1))
    assert len(log.episodes()) == 4
    assert len(log.participants("01B")) == 0


async def test_one_refused_item_does_not_harm_its_neighbours(log: Log) -> None:
    """All of these wait at the same moment, so that they share transactions."""
    episodes = [f"E{number:02}" for number in range(40)]
    await asyncio.gather(*(log.begin(an_episode(episode)) for episode in episodes))
    bad: dict[int, tuple[TurnRecord, type[Exception]]] = {
        3: (a_turn(0, an_event(0), an_event(0), episode="E03"), ValueError),
        7: (a_turn(0, episode="E07", lease="stolen"), LostLease),
        11: (a_turn(1, episode="E11"), LostLease),
        13: (a_turn(0, *[an_event(0, episode="E13")] * 2, episode="E13"), Duplicate),
        17: (a_turn(0, an_event(0, episode="E17", data=object()), episode="E17"), Refused),
        19: (a_turn(0, an_event(0, episode="E19").model_copy(update={"kind": None}), episode="E19"), Refused),
        23: (a_turn(2**70, episode="E23"), LogError),
    }
    turns = [bad[n][0] if n in bad else a_turn(0, an_event(0, episode=e), episode=e) for n, e in enumerate(episodes)]
    results = await asyncio.gather(*map(log.commit, turns), return_exceptions=True)
    before = log._writer.transactions
    for number, (episode, result) in enumerate(zip(episodes, results, strict=True)):
        if number in bad:
            assert isinstance(result, bad[number][1]), (number, result)
            assert "\n" not in str(result)
        else:
            assert result is None
        head = -1 if number in bad else 0
        assert log.episode(episode).head == head
        assert len(log.rows(EventRow, episode)) == len(log.rows(TurnRow, episode)) == head + 1
    assert before < 2 * len(episodes), "nothing was grouped"


async def test_what_gathers_is_committed_together(log: Log) -> None:
    await asyncio.gather(*(log.begin(an_episode(f"E{number}")) for number in range(100)))
    before = log._writer.transactions
    await asyncio.gather(*(log.record_call(a_call(episode=f"E{number}")) for number in range(100)))
    assert log._writer.transactions - before <= 10
    assert log.query("SELECT count(*) FROM call").rows == [(100,)]


def test_several_event_loops_may_write_at_once(log: Log) -> None:
    async def play(episode: str) -> None:
        await log.begin(an_episode(episode))
        for turn in range(20):
            await log.record_call(a_call(turn, episode=episode))
            await log.commit(a_turn(turn, an_event(turn, episode=episode), episode=episode))

    threads = [threading.Thread(target=asyncio.run, args=(play(f"E{number}"),)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [episode.head for episode in log.episodes()] == [19] * 5
    assert log.query("SELECT count(*) FROM call").rows == [(100,)]


async def test_work_that_nobody_waits_for_any_more_is_done_all_the_same(log: Log) -> None:
    await log.begin(an_episode())
    score = ScoreRow(id="1", run="one", episode=ID, measure="m", value=1.0, created_at=START)
    waiting = asyncio.ensure_future(log.record([score]))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await log.record_call(a_call())
    assert log.rows(ScoreRow, ID) == [score]


async def test_who_waits_for_a_call_is_cancelled_when_it_is_durable_or_refused(log: Log) -> None:
    async def record(call: CallRow) -> None:
        await log.record_call(call)

    await log.begin(an_episode())
    for turn in (0, 0, 1):  # the second time it is in the log already
        waiting = asyncio.ensure_future(record(a_call(turn)))
        await asyncio.sleep(0)
        waiting.cancel()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(log.rows(CallRow, ID)) == turn + 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await log.record_call(a_call(2))
    assert len(log.rows(CallRow, ID)) == 3


async def test_a_closed_log_says_so(log: Log) -> None:
    await log.begin(an_episode())
    log.close()
    log.close()
    with pytest.raises(LogError, match="closed"):
        await log.record_call(a_call())


async def test_scores_are_appended(log: Log) -> None:
    scores = [ScoreRow(id=str(n), run="one", episode=ID, measure="m", value=n / 3, created_at=START) for n in range(3)]
    await log.record(scores)
    with pytest.raises(Duplicate):
        await log.record([ScoreRow(id="3", run="one", episode=ID, measure="m", created_at=START), scores[0]])
    assert log.rows(ScoreRow, ID) == scores


async def test_a_lost_connection_is_made_anew_and_nothing_is_lost(postgres_server: Server, postgres_log: Log) -> None:
    await postgres_log.begin(an_episode())
    for turn in range(3):
        postgres_server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        await postgres_log.commit(a_turn(turn))
    assert postgres_log.episode(ID).head == 2


async def test_a_server_that_is_gone_fails_what_waits_in_one_line(
    postgres_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PATIENCE_S", 0.1)
    await postgres_log.begin(an_episode())
    writer = postgres_log._writer
    assert writer._connection is not None
    writer._connection.connection.driver_connection.close()  # type: ignore[union-attr]
    writer._engine = postgres_log.target.of("postgresql+psycopg://postgres@/none?host=/nonexistent").engine()
    with pytest.raises(Unusable, match="no server answers there") as raised:
        await postgres_log.commit(a_turn(0))
    assert "\n" not in str(raised.value)


async def test_a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(sqlite_log: Log) -> None:
    await sqlite_log.record_call(a_call(0))
    connection = sqlite_log._writer._connection
    assert connection is not None
    driver = connection.connection.driver_connection
    assert driver is not None
    [pages] = driver.execute("PRAGMA page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count = {pages + 20}")
    calls = [a_call(number, reply="x" * (3_000_000 if number == 5 else 10)) for number in range(1, 10)]
    answers = await asyncio.gather(*(sqlite_log.record_call(call) for call in calls), return_exceptions=True)
    assert [number for number, answer in enumerate(answers, 1) if answer is not None] == [5]
    assert isinstance(answers[4], Unusable)
    assert str(answers[4]) == f"{sqlite_log.target}: the disk is full; make room, then go on"
    assert len(sqlite_log.rows(CallRow, ID)) == 9
