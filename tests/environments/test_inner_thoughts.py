"""Thoughts that wait for their moment, over a real server: kept, spoken later, let go; in both ways of deliberating."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tertulia.environments.result import EpisodeResult
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


WORDS = (
    "apple boat chair drum eagle flute grape house ink jar kite lamp moon nest oven pen queen river stone train urn "
    "violin wheel yarn"
).split()


@BOTH
async def test_a_mind_that_keeps_all_it_can_still_says_what_suddenly_matters(table: Table, deliberation: str) -> None:
    """The new thought is appraised before the least motivated of all expires."""
    fire = "Fire! Everybody leave the house at once!"
    some = {
        ("ana", turn): [
            (system, f"{WORDS[3 * turn - 3 + n]} number {7 * turn + n} costs {WORDS[-3 * turn + n]}{turn}{n}.")
            for n, system in enumerate((1, 2, 2))
        ]
        for turn in range(1, 5)
    }
    minds = Minds(
        {**some, ("ana", 5): [(1, fire)]}, lambda seat, turn, thought, heard: (50 if thought == fire else 25, True)
    )
    await table.play(minds, deliberation, "mind.system1_prob=0", "turns.limit=6", "ends=[limit]")
    assert table.read("SELECT count(*) FROM appraisal WHERE turn = 4 AND status = 'kept'") == [(8,)]
    assert table.read("SELECT actor, text FROM v_transcript WHERE turn = 5") == [("ana", fire)]
    [(rated, why)] = table.read(
        "SELECT motivation, reason_against FROM appraisal WHERE turn = 5 AND status = 'expired'"
    )
    assert rated > 2
    assert why.startswith("no room")


class Citing(Minds):
    """Minds that cite the thought about the harbour by what their prompt calls it, where it shows it."""

    def __call__(self, body: dict[str, Any]) -> dict[str, Any] | None:
        reply = super().__call__(body)
        tail = body["messages"][1]["content"]
        cited = re.findall(r"^- (K\d) \(a thought of yours\): The harbour", tail, re.MULTILINE)[:1]
        for part in (reply, (reply or {}).get("reflect")):
            for thought in (part or {}).get("thoughts", []):
                thought["stimuli"] = cited or ["0.0"]
        return reply


@BOTH
async def test_an_earlier_thought_that_prompted_another_is_in_the_log_by_its_id(
    table: Table, deliberation: str
) -> None:
    talk = {
        ("ana", 1): [
            (2, "The harbour has the best boats."),
            (2, "My aunt sells yellow umbrellas."),
            (1, "Cold soup tastes odd today."),
        ],
        ("ana", 2): [(1, "Mountains frighten goats."), (2, "Paper burns quickly.")],
        ("ben", 2): [(2, "Does the harbour have the best boats?")],
        ("ana", 3): [(1, "Harbour again!"), (2, "Boats of the harbour leave at noon, the best of them.")],
    }
    await table.play(
        Citing(talk, lambda seat, turn, thought, heard: (45 if seat == "ben" else 20, True)), deliberation,
        "mind.system1_prob=0", "turns.limit=4", "ends=[limit]",
    )  # fmt: skip
    [(stimuli,)] = table.read("SELECT stimuli FROM thought WHERE holder = 'ana' AND turn = 3 AND system = 2")
    assert stimuli not in ('["0.0"]', '["K1"]')
    [(cited,)] = table.read("SELECT thought FROM thought WHERE holder = 'ana' AND text LIKE 'The harbour%'")
    assert json.loads(stimuli) == [cited]


class Misnaming(Minds):
    """Minds that say they speak from a third new thought, where there is one."""

    def __call__(self, body: dict[str, Any]) -> dict[str, Any] | None:
        reply = super().__call__(body)
        if reply is not None and reply.get("reflect", {}).get("thoughts"):
            reply["speak"] = {"thought": "N3", "act": {"kind": "say", "text": "Salad, then.", "to": [], "asserts": []}}
        return reply


async def test_a_draft_from_a_new_thought_that_did_not_come_is_one_from_no_thought(table: Table) -> None:
    minds = Misnaming({("ben", 1): [(1, "Hungry!"), (2, "I could make a salad.")]}, when_its_topic_returns)
    await table.play(minds, "fused", "turns.policy=round-robin", "turns.limit=3", "ends=[limit]")
    [(wants, motivation, thought, reason)] = table.read(
        "SELECT wants, motivation, thought, reason FROM bid WHERE turn = 1 AND participant = 'ben'"
    )
    assert (wants, motivation, thought) == (1, 3.0, None)
    assert "said already" not in reason
