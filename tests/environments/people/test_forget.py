"""After `forget`, no byte of the database has what a person said, whispered, answered, or is called by."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.forking import plan_forks
from tertulia.environments.people.chair import Chair
from tertulia.environments.people.table import Table
from tertulia.environments.replaying import replay
from tertulia.environments.restore import RestoreError
from tertulia.storage.errors import NotFound
from tertulia.storage.forget import forget
from tertulia.storage.log import Log
from tertulia.storage.rows import BeliefRow, CallRow, EventRow, MemoryRow, TurnRow, WitnessRow
from tertulia.storage.search import search
from tertulia.storage.tables import METADATA
from tests.environments.people.test_consent import told
from tests.environments.people.test_table import QUICK, Playing
from tests.postgres import Server

SPOKEN, WHISPERED, TYPED, ANSWERED = "zorblattine", "quixomancy", "flimbergast", "wuzzlenook"
CANARIES = (SPOKEN, WHISPERED, TYPED, ANSWERED, "p-canary-dan")
SETS = (
    "people.before=[{name: why, kind: text, ask: Why are you here}]", "turns.policy=round-robin", "turns.limit=14",
    "people.questions=[{about: cake, of: alice, window: [3, 6]}]", "people.answer_s=5",
)  # fmt: skip


async def _played(log: Log) -> str:
    """A dinner at which dan says, whispers and answers canaries; its id."""
    table, backends = Table({"dan": Chair("dan", pseudonym="p-canary-dan")}), Backends()
    scenario = tertulia.load_scenario("dinner-secret", [*QUICK, *SETS])
    game = Playing(log, table, await Episode.begin(scenario, seed=3, log=log, backends=backends, people=table))
    game.sit("dan")
    try:
        await told(game, "dan", "form")
        await table.hand_in("dan", "answer", data={"form": "before", "answers": {"why": f"for {TYPED} money"}})
        lines = iter(
            [("say", f"I once saw a {SPOKEN} in the cellar.", {}), ("whisper", f"{WHISPERED}!", {"to": ["alice"]})]
        )
        answered: set[str] = set()
        while not game.task.done():
            last = game.heard["dan"][-1] if game.heard["dan"] else {}
            asked = [m for m in game.heard["dan"] if m["kind"] == "question" and m["id"] not in answered]
            if asked:
                answered.add(asked[0]["id"])
                data = {"question": asked[0]["id"], "choice": "cellar", "sure": 80, "why": ANSWERED}
                await table.hand_in("dan", "answer", data=data)
            elif last.get("why") == "it is the turn of dan":
                kind, text, data = next(lines, ("pass", "", {}))
                await table.hand_in("dan", kind, text, data)
            await asyncio.sleep(0.002)
        assert (await game.task).status == "success"
        assert answered
    finally:
        game.task.cancel()
        await asyncio.gather(game.task, return_exceptions=True)
        await backends.aclose()
    return game.id


def _files(folder: Path, pattern: str = "log.db*") -> list[Path]:
    return [path for path in folder.glob(pattern) if path.is_file()]


def _bytes(paths: list[Path]) -> bytes:
    found = b""
    for path in paths:
        try:
            found += path.read_bytes()
        except FileNotFoundError:  # the server removes files of its own meanwhile
            continue
    return found


async def _fork(log: Log, episode: str, at: int) -> str:
    plan = plan_forks(log, episode, at)
    await plan.enter(log)
    return plan.branches[0].episode


async def test_no_byte_of_a_sqlite_log_has_their_words_any_more(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await _played(log)
        fork = await _fork(log, episode, 13)
        for canary in CANARIES:
            assert canary.encode() in _bytes(_files(tmp_path)), canary
        assert [hit.who for hit in search(log, SPOKEN, places=["said"])] == ["dan", "dan"]
        before = _shape(log, episode)
        planned = await forget(log, "p-canary-dan", dry_run=True)
        assert SPOKEN in str(log.rows(EventRow, episode))
        done = await forget(log, "p-canary-dan")
        assert done.changed == planned.changed
        assert done.changed["event"] == 4  # two in the episode, two in its fork
        assert set(done.episodes) == {episode, fork}
        kept = _bytes(_files(tmp_path))
        for canary in CANARIES:
            assert canary.encode() not in kept, canary
        for word in (SPOKEN, WHISPERED):  # an index keeps a word without what it shares with the one before
            assert word[-7:].encode() not in kept, word
            assert not search(log, word)
        assert search(log, "cellar"), "what is left can still be searched"
        assert _shape(log, episode) == before
        await _is_broken(log, episode, fork, done.since[episode])
        with pytest.raises(NotFound, match=r"nobody in .* has the pseudonym"):
            await forget(log, "p-canary-dan")


async def test_no_byte_of_a_postgresql_database_has_their_words_any_more(postgres_server: Server) -> None:
    with postgres_server.fresh() as url:
        with Log.open(url) as log:
            episode = await _played(log)
            await _fork(log, episode, 13)
            [[oid]] = log.query("SELECT oid FROM pg_database WHERE datname = current_database()").rows
            folder = postgres_server.data / "base" / str(oid)
            postgres_server.run("CHECKPOINT")
            assert SPOKEN.encode() in _bytes(_files(folder, "*"))
            assert search(log, SPOKEN)
            done = await forget(log, "p-canary-dan")
            assert any("write-ahead log" in line for line in done.left)
            postgres_server.run("CHECKPOINT")
            kept = _bytes(_files(folder, "*"))
            assert not search(log, SPOKEN)
            assert not search(log, WHISPERED)
            dumped = str([log.query(f'SELECT * FROM "{name}"').rows for name in METADATA.tables])
        for canary in CANARIES:
            assert canary.encode() not in kept, canary
            assert canary not in dumped, canary


def _shape(log: Log, episode: str) -> Any:
    """What must stay: who did something when, who witnessed it, and what agents believed of declared variables."""
    return (
        [(turn.turn, sorted(turn.actions)) for turn in log.rows(TurnRow, episode)],
        [(event.turn, event.kind, event.actor) for event in log.rows(EventRow, episode)],
        len(log.rows(WitnessRow, episode)),
        [
            (row.turn, row.chain, row.variable, row.value, row.probability)
            for row in log.rows(BeliefRow, episode)
            if row.declared and row.estimator != "person"
        ],
    )


async def _is_broken(log: Log, episode: str, fork: str, since: int) -> None:
    for id in (episode, fork):
        with pytest.raises(RestoreError, match=f"a person's words were forgotten from turn {since} on"):
            await replay(log, id)
    with pytest.raises(RestoreError, match="forgotten from turn"):
        await _fork(log, episode, since + 1)
    if since > 1:
        again = await _fork(log, episode, since)
        assert log.episode(again).head == since - 1


async def test_what_others_thought_before_they_heard_it_stays_and_what_came_after_goes(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await _played(log)
        heard = {
            row.participant: row.turn + 1
            for row in reversed(log.rows(WitnessRow, episode))
            for event in log.rows(EventRow, episode, turn=row.turn, ordinal=row.event)
            if event.actor == "dan" and event.origin == "participant"
        }
        before = {(row.holder, row.memory): row.text for row in log.rows(MemoryRow, episode)}
        await forget(log, "p-canary-dan")
        rows = log.rows(MemoryRow, episode)
        assert any(row.turn < heard[row.holder] for row in rows)
        for row in rows:
            if row.holder in heard and row.turn >= heard[row.holder]:
                assert row.text == "[forgotten]"
            elif row.holder in heard and row.turn < min(heard.values()):
                assert row.text == before[row.holder, row.memory]


async def test_whole_leaves_no_word_of_anybody(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        episode = await _played(log)
        await forget(log, "p-canary-dan", whole=True)
        assert {event.text for event in log.rows(EventRow, episode)} == {"[forgotten]"}
        assert all(call.reply in (None, "[forgotten]") for call in log.rows(CallRow, episode))
