"""The queries that ship: each asked of one small dinner worked out by hand, on both databases; and a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.errors import QueryError
from tertulia.storage.examples import EXAMPLES
from tertulia.storage.log import Log
from tertulia.storage.named import SHIPPED, find_named, named
from tertulia.storage.record import Closing
from tertulia.storage.rows import BatchRow, BeliefRow, ClaimRow, GoldRow
from tertulia.storage.views import views
from tests.storage.made import (
    ID,
    START,
    a_bid,
    a_call,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
    beliefs,
    truth,
)

OTHER = ID[:-1] + "W"


def gold(turn: int, chain: str, **probabilities: float) -> list[GoldRow]:
    return [
        GoldRow(
            episode=ID, turn=turn, chain=chain, variable="cake", value=value, probability=p, basis="witnessed",
            robust=True,
        )
        for value, p in probabilities.items()
    ]  # fmt: skip


def moved(turn: int, holder: str, event: str, **probabilities: float) -> list[BeliefRow]:
    made = beliefs(turn, holder, "cake", **probabilities)
    return [BeliefRow(**row.model_dump() | {"source_event": event}) for row in made]


async def a_dinner(log: Log) -> None:
    """Alice says where the cake is, against what she believes; bob believes her; carol asks dan, who stays silent."""
    cast = ("alice", "bob", "carol", "dan")
    await log.record([BatchRow(id="01B", name="study", created_at=START)])
    await log.begin(an_episode(cast=cast))
    await log.begin(an_episode(OTHER, batch="01B", cell="preset=full", cast=("alice", "bob")))
    opening = a_turn(
        0, an_event(0, "They sit down.", actor=None, origin="scripted"), silent=True, wall_ms=1.0, clock_s=0.0
    )
    await log.commit(opening)
    claim = ClaimRow(
        episode=ID, turn=1, event=0, ordinal=0, speaker="alice", variable="cake", value="cellar", established="rules"
    )
    await log.commit(
        a_turn(
            1,
            an_event(1, "It is in the cellar.", kind="whisper", addressees=["bob"]), a_witness(1, "alice"),
            a_witness(1, "bob"), a_witness(1, "carol", level="occurrence"), claim,
            *beliefs(1, "alice", "cake", cellar=0.1, kitchen=0.9), *beliefs(1, "bob", "cake", cellar=0.3, kitchen=0.7),
            *beliefs(1, "alice>bob", "cake", cellar=0.2, kitchen=0.8),
            *truth(1, "cake", "kitchen", "cellar"), *gold(1, "alice", kitchen=1.0, cellar=0.0),
            *gold(1, "bob", kitchen=1.0, cellar=0.0), *gold(1, "alice>bob", kitchen=1.0, cellar=0.0),
            a_thought(1, "t1", "say the cellar"), an_appraisal(1, "t1", "spoken", 4.5),
            a_thought(1, "t2", "the cake was mine", holder="bob"), an_appraisal(1, "t2", "kept", 4.25, holder="bob"),
            a_thought(1, "t3", "who ate it?", holder="carol"), an_appraisal(1, "t3", "kept", 2.0, holder="carol"),
            a_bid(1, "alice", won=True, motivation=4.5), a_bid(1, "bob", motivation=4.25, thought="t2", reason="less"),
            a_bid(1, "dan", interrupted=True, wants=True, motivation=None), wall_ms=90.0,
        )
    )  # fmt: skip
    await log.record_call(
        a_call(1, status="invalid", error="no JSON", uri="openai/x", output_tokens=5, latency_ms=30.0)
    )
    await log.record_call(
        a_call(1, 1, uri="openai/x", input_tokens=70, output_tokens=6, latency_ms=50.0, cost_usd=0.25)
    )
    told = moved(2, "bob", "1.0", cellar=0.8, kitchen=0.2)
    await log.commit(
        a_turn(
            2, *told, *gold(2, "alice>bob", kitchen=0.0, cellar=1.0), an_event(2, "Who ate it?", actor="carol",
            addressees=["dan"]), an_appraisal(2, "t3", "spoken", 4.0, holder="carol"),
        )
    )  # fmt: skip
    hush = an_event(3, "Nobody speaks.", actor=None, origin="floor", kind="silence")
    await log.commit(a_turn(3, hush, silent=True, lasted_s=2.0))
    await log.commit(a_turn(4, silent=True, lasted_s=2.5))
    await log.commit(a_turn(5, an_event(5, "Not me.", actor="bob", addressees=["carol"])))
    ending = a_turn(6, closing=True)
    ending.closing = Closing("success", "limit", {"reward": 1.0}, 1.0)
    await log.commit(ending)
    await log.commit(a_turn(0, an_event(0, "Hm?", addressees=["bob"], episode=OTHER), episode=OTHER))


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "who-changed-their-mind": [
        (ID, 2, "bob", "cake", "kitchen", 0.7, "cellar", 0.8, "rules", "alice", "It is in the cellar.")
    ],
    "kept-then-spoken": [(ID, "carol", 1, 2, 1, 4.0, "1:kept:2.00 2:spoken:4.00", "who ate it?")],
    "never-spoken": [(ID, "bob", 1, 4.25, "kept", 1, None, "the cake was mine")],
    "who-interrupted-whom": [("alice", "dan", 1, 4.5, ID, 1)],
    "furthest-from-gold": [
        (ID, 2, "alice", "alice>bob", "cake", "turn", "rules", "none", 1.28, 0.8, "witnessed"),
        (ID, 2, "bob", "bob", "cake", "turn", "rules", "none", 1.28, 0.8, "witnessed"),
        (ID, 1, "alice", "alice", "cake", "turn", "rules", "none", 0.02, 0.9, "witnessed"),
    ],
    "second-order-mistakes": [(ID, "alice", "bob", "cake", "kitchen", "rules", "inline", "none", 2, 5, 0.2, 1, 1)],
    "say-versus-believe": [("alice", "deceptive", 1, 0, 0.1, 0.0, 1)],
    "calls-by-model": [("openai/x", "think", 1, 2, 0, 1, 0, 0, 70, 11, 0.25, 40.0, 50.0)],
    "slowest-turns": [(ID, 1, 90.0, 2, 80.0, 50.0, 0), (ID, 0, 1.0, None, None, None, None)],
    "cost-by-cell": [
        (None, None, 1, 1, 1.0, 1, 5.0, 1, 0, 0.25, 0), ("01B", "preset=full", 1, 0, None, 0, 0.0, 0, 0, 0.0, 0),
    ],
    "silences": [(ID, 3, 2, 4.5, 5, "bob", "participant", "Not me.")],
    "unanswered-questions": [(ID, 2, "carol", "dan", "Who ate it?", 3), (OTHER, 0, "alice", "bob", "Hm?", 0)],
    "wanted-to-speak": [(ID, 1, "bob", 4.25, "alice", "less", "the cake was mine")],
    "whispers": [(ID, 1, "alice", '["bob"]', "alice, bob", "carol", "It is in the cellar.")],
    "who-talks-most": [
        (ID, "alice", 1, 20, 1 / 3, 0.25, 1, 1), (ID, "carol", 1, 11, 1 / 3, 0.25, 2, 2),
        (ID, "bob", 1, 7, 1 / 3, 0.25, 5, 5), (ID, "dan", 0, 0, 0.0, 0.25, None, None),
        (OTHER, "alice", 1, 3, 1.0, 0.5, 0, 0), (OTHER, "bob", 0, 0, 0.0, 0.5, None, None),
    ],
    "failed-replies": [(ID, 1, "alice", "think", "openai/x", 0, "invalid", "no JSON", None, 5)],
}  # fmt: skip
GIVEN = {"slowest-turns": {"most": "2"}}


async def test_each_shipped_query_answers_what_it_says(log: Log) -> None:
    await a_dinner(log)
    assert set(EXPECTED) == {path.stem for path in SHIPPED.glob("*.sql")}
    for name, rows in EXPECTED.items():
        query = find_named(name)
        sql, params = query.bound(GIVEN.get(name, {}), log.target.dialect)
        found = log.query(sql, params)
        assert found.columns == tuple(query.columns), name
        assert len(found.rows) == len(rows), (name, found.rows)
        for row, wanted in zip(found.rows, rows, strict=True):
            assert row == pytest.approx(wanted) if None not in wanted else _near(row, wanted), (name, row)


def _near(row: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    return all(
        one == pytest.approx(other) if isinstance(other, float) else one == other
        for one, other in zip(row, wanted, strict=True)
    )


async def test_each_can_be_kept_to_an_episode_or_a_batch(log: Log) -> None:
    await a_dinner(log)
    for name, query in named().items():
        whole = log.query(*query.bound(GIVEN.get(name, {}), log.target.dialect)).rows
        kept = []
        for only in ({"episode": ID}, {"batch": "01B"}):
            kept += log.query(*query.bound(GIVEN.get(name, {}), log.target.dialect, **only)).rows  # type: ignore[arg-type]
        if name == "slowest-turns":
            assert kept[:2] == whole, "the other episode has turns of its own"
        else:
            assert sorted(kept, key=repr) == sorted(whole, key=repr), name


def test_each_says_what_it_answers_and_explains_its_parameters() -> None:
    for name, query in named().items():
        assert query.about.endswith("."), name
        assert query.takes_episodes, name
        assert not query.own, name
        assert len(query.columns) >= 6, name
        assert all(param.about and param.default is not None for param in query.params.values()), name


async def test_parameters_change_the_answer_and_wrong_ones_are_told(log: Log) -> None:
    await a_dinner(log)
    query = find_named("never-spoken")
    assert len(log.query(*query.bound({"threshold": "1.5"}, log.target.dialect)).rows) == 1
    assert log.query(*query.bound({"threshold": "4.5"}, log.target.dialect)).rows == []
    for given, said in (({"treshold": "1"}, "nearest: 'threshold'"), ({"threshold": "much"}, "threshold is a number")):
        with pytest.raises(QueryError, match=said):
            query.bound(given, log.target.dialect)
    with pytest.raises(QueryError, match="nearest: 'never-spoken'"):
        find_named("never-spoke")


async def test_a_users_own_query_is_found_and_comes_first(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_dinner(log)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "queries"
    folder.mkdir()
    (folder / "said.sql").write_text(
        "-- What somebody said; it's mine.\n-- :who = alice -- who\n-- :part = null -- a part of it\n"
        "SELECT e.text AS text, '12:30 :who' AS literal -- words of :nobody\nFROM event AS e\n"
        "WHERE e.actor = :who AND (CAST(:part AS TEXT) IS NULL OR e.text LIKE CAST(:part AS TEXT))\nORDER BY 1;\n"
    )
    query = find_named("said")
    assert (query.own, query.about, list(query.params)) == (True, "What somebody said; it's mine.", ["who", "part"])
    dialect = log.target.dialect
    assert log.query(*query.bound({"who": "carol"}, dialect)).rows == [("Who ate it?", "12:30 :who")]
    assert log.query(*query.bound({"part": "H%?"}, dialect)).rows == [("Hm?", "12:30 :who")]
    assert log.query(*query.bound({"who": "x' OR '1'='1"}, dialect)).rows == []
    with pytest.raises(QueryError, match=r"cannot be kept to an episode"):
        query.bound({}, dialect, episode=ID)
    (folder / "whispers.sql").write_text("-- Mine.\nSELECT 1 AS one -- one\nWHERE 1 = :least\n")
    assert find_named("whispers").own
    with pytest.raises(QueryError, match=r":least is not declared; right would be"):
        find_named("whispers").bound({}, dialect)
    monkeypatch.setenv("TERTULIA_QUERIES", str(tmp_path / "none"))
    with pytest.raises(QueryError, match="there is no folder"):
        named()


async def test_a_named_query_only_reads(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERTULIA_QUERIES", str(tmp_path))
    (tmp_path / "harm.sql").write_text("-- Harm.\nDELETE FROM episode\n")
    await log.begin(an_episode())
    with pytest.raises(QueryError, match="only reads"):
        log.query(*find_named("harm").bound({}, log.target.dialect))
    assert log.query("SELECT count(*) FROM episode").rows == [(1,)]


async def test_every_view_has_an_example_that_says_the_same_on_both(sqlite_log: Log, postgres_log: Log) -> None:
    assert list(EXAMPLES) == [view.name for view in views()]
    for log in (sqlite_log, postgres_log):
        await a_dinner(log)
    answered = set()
    for name, (_, sql) in EXAMPLES.items():
        one, other = (log.query(sql) for log in (sqlite_log, postgres_log))
        assert one.columns == other.columns
        assert len(one.rows) == len(other.rows), name
        assert all(_near(a, b) for a, b in zip(one.rows, other.rows, strict=True)), (name, one.rows, other.rows)
        answered |= {name} if one.rows else set()
    assert answered >= {"v_transcript", "v_thoughts", "v_beliefs", "v_belief_accuracy", "v_honesty",
                        "v_mutual", "v_floor", "v_calls", "v_costs", "v_outcomes"}  # fmt: skip
