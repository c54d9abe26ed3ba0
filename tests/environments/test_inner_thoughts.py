"""Thoughts that wait for their moment, over a real server: kept, spoken later, let go; in both ways of deliberating."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tertulia.environments.episode import EpisodeResult
from tertulia.storage.log import Log
from tests.environments.scripted_minds import Minds, written
from tests.loopback import Loopback
from tests.playing import play

BOTH = pytest.mark.parametrize("deliberation", ["staged", "fused"])
HARBOUR = "The boat trip should start at the old harbour."
COATS = "We need warm coats for the evening."
TALK = {
    ("ben", 1): [(2, "I could make a potato salad.")],
    ("cem", 2): [(2, "Last time the salad had too much salt.")],
    ("ana", 3): [(2, HARBOUR)],
    ("ben", 3): [(2, "This time there will be lemon in it.")],
    ("cem", 4): [(2, "Lemon is fine with me.")],
    ("ben", 5): [(2, "Then who buys the potatoes?")],
    ("cem", 6): [(2, "There is a market near the harbour.")],
    ("ana", 8): [(1, HARBOUR), (2, "The boat trip should start from the old harbour!")],
}


def when_its_topic_returns(seat: str, turn: int, thought: str, heard: str) -> tuple[int, bool]:
    """Ana speaks of boats only when the harbour was mentioned; all others say at once what they think."""
    return ((46 if "harbour" in heard else 22) if seat == "ana" else 44, True)


class Table:
    """Plays the outing over a loopback server, and reads its log."""

    def __init__(self, folder: Path, server: Loopback) -> None:
        self.folder, self.server = folder, server

    async def play(
        self, minds: Minds, deliberation: str, *sets: str, db: str = "log.db", seed: int = 0
    ) -> EpisodeResult:
        self.server.script = minds
        knobs = [f"mind.deliberation={deliberation}", *sets]
        return await play(self.folder / db, written(self.folder), model="openai/any", sets=knobs, seed=seed)

    def read(self, sql: str, db: str = "log.db") -> list[tuple[Any, ...]]:
        with Log.open(self.folder / db) as log:
            return [tuple(row) for row in log.query(sql).rows]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield Table(tmp_path, server)


@BOTH
async def test_a_thought_formed_at_turn_3_and_kept_is_spoken_at_turn_7_when_its_topic_returns(
    table: Table, deliberation: str
) -> None:
    await table.play(Minds(TALK, when_its_topic_returns), deliberation, "mind.system1_prob=0")
    [(formed, spoken, lag, status, history)] = table.read(
        f"SELECT turn, spoken_turn, lag, status, history FROM v_thoughts WHERE holder = 'ana' AND text = '{HARBOUR}'"
    )
    assert (formed, spoken, lag, status) == (3, 7, 4, "spoken")
    assert [step.split(":")[:2] for step in history.split()] == [
        ["3", "kept"], ["4", "kept"], ["5", "kept"], ["6", "kept"], ["7", "spoken"],
    ]  # fmt: skip
    assert table.read("SELECT actor, text FROM v_transcript WHERE turn = 7") == [("ana", HARBOUR)]


@BOTH
async def test_what_one_has_said_oneself_is_not_thought_again_though_the_model_gives_it(
    table: Table, deliberation: str
) -> None:
    await table.play(Minds(TALK, when_its_topic_returns), deliberation, "mind.system1_prob=0")
    assert table.read("SELECT turn FROM v_thoughts WHERE holder = 'ana'") == [(3,)]
    assert table.read("SELECT turn FROM v_transcript WHERE actor = 'ana'") == [(7,)]


@BOTH
async def test_a_thought_that_somebody_else_has_voiced_is_dropped_with_the_reason(
    table: Table, deliberation: str
) -> None:
    thoughts = {("cem", 2): [(2, COATS)], ("ben", 4): [(2, "Bring coats, we all need something warm for the evening.")]}

    def rate(seat: str, turn: int, thought: str, heard: str) -> tuple[int, bool]:
        return (20 if seat == "cem" else 45, True)

    await table.play(Minds(thoughts, rate), deliberation, "mind.system1_prob=0", "ends=[limit]", "turns.limit=6")
    assert table.read(
        "SELECT turn, appraised_turn, status, reason_against, spoken_turn FROM v_thoughts WHERE holder = 'cem'"
    ) == [(2, 5, "dropped", "ben said it in turn 4 (1.00 alike)", None)]


@BOTH
async def test_a_thought_that_the_model_would_not_keep_is_dropped_and_one_unspoken_for_long_goes_stale(
    table: Table, deliberation: str
) -> None:
    thoughts = {("ana", 1): [(2, "It may rain.")], ("ben", 1): [(2, "My knee hurts.")]}

    def rate(seat: str, turn: int, thought: str, heard: str) -> tuple[int, bool]:
        return 20, seat != "ana" or turn < 3

    sets = ("mind.system1_prob=0", "mind.keep_for=4", "ends=[limit]", "turns.limit=7")
    await table.play(Minds(thoughts, rate), deliberation, *sets)
    assert table.read("SELECT holder, appraised_turn, status, reason_against FROM v_thoughts ORDER BY holder") == [
        ("ana", 3, "dropped", "it may not"),
        ("ben", 6, "expired", "stale: unspoken for 5 turns"),
    ]


@BOTH
async def test_where_no_threshold_can_be_reached_everybody_stays_silent_and_the_bids_say_why(
    table: Table, deliberation: str
) -> None:
    minds = Minds({(seat, 1): [(1, f"{seat} is hungry.")] for seat in ("ana", "ben", "cem")}, lambda *_: (50, True))
    result = await table.play(minds, deliberation, "mind.im_threshold=5.5", "mind.system1_prob=0")
    assert (result.utterances, result.reason) == (0, "all_silent")
    bids = table.read("SELECT wants, volunteers, won, motivation, reason FROM v_floor")
    assert len(bids) == 3 * result.turns
    assert {bid[:4] for bid in bids} == {(1, 0, 0, 5.0)}
    assert all("threshold" in reason for *_, reason in bids)


@BOTH
async def test_the_same_seed_gives_the_same_thoughts_and_the_same_floor(table: Table, deliberation: str) -> None:
    thoughts = {
        (seat, turn): [(1, f"{seat} has idea {turn}.")] for seat in ("ana", "ben", "cem") for turn in range(1, 10)
    }
    minds = Minds(thoughts, lambda seat, turn, thought, heard: (30 + (len(heard) + turn) % 4, True))
    for db, seed in (("one.db", 4), ("two.db", 4), ("three.db", 5)):
        await table.play(minds, deliberation, "mind.system1_prob=0.5", db=db, seed=seed)
    floor = "SELECT turn, participant, wants, volunteers, motivation, won, reason, thought FROM v_floor ORDER BY 1, 2"
    thought = "SELECT holder, thought, turn, system, text, status, history FROM v_thoughts ORDER BY holder, thought"
    one, two, three = ([table.read(floor, db), table.read(thought, db)] for db in ("one.db", "two.db", "three.db"))
    assert one == two
    assert one != three, "another seed blurts at other moments"


async def test_a_staged_turn_asks_for_interpretation_both_kinds_of_thoughts_and_appraisal(table: Table) -> None:
    minds = Minds(TALK, when_its_topic_returns)
    await table.play(minds, "staged", "mind.system1_prob=0", "turns.limit=3")
    of_ben = [parts for seat, turn, parts in minds.asked if (seat, turn) == ("ben", 3)]
    assert of_ben[0] == {"interpretation"}
    assert of_ben[1:] == [{"thoughts"}, {"thoughts"}, {"ratings"}, {"thought", "act"}]


async def test_a_fused_turn_asks_once(table: Table) -> None:
    minds = Minds(TALK, when_its_topic_returns)
    result = await table.play(minds, "fused", "mind.system1_prob=0", "turns.limit=3")
    assert result.calls == len(minds.asked) == 3 * result.turns
