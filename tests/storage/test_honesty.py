"""`v_honesty`: what was asserted beside what its speaker believed."""

from __future__ import annotations

from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import ClaimRow, Row
from tests.storage.made import ID, a_turn, an_episode, an_event, beliefs, truth


def a_claim(turn: int, value: str, *, speaker: str = "alice", **given: Any) -> ClaimRow:
    defaults: dict[str, Any] = {"variable": "cake", "established": "declared", "event": 0, "ordinal": 0}
    return ClaimRow(episode=ID, turn=turn, speaker=speaker, value=value, **{**defaults, **given})


async def asserted(log: Log, *rows: Row | list[Any], last: int = 3) -> list[dict[str, Any]]:
    await log.begin(an_episode())
    flat = [one for some in rows for one in (some if isinstance(some, list) else [some])]
    await log.record([*(row for turn in range(last + 1) for row in a_turn(turn).rows), *flat])
    return log.query("SELECT * FROM v_honesty ORDER BY turn, event, ordinal").dicts()


@pytest.mark.parametrize(
    ("believed", "value", "holds", "category"),
    [
        ({"kitchen": 0.8, "cellar": 0.1, "attic": 0.1}, "kitchen", True, "honest"),
        ({"kitchen": 0.1, "cellar": 0.8, "attic": 0.1}, "cellar", True, "mistaken"),
        ({"kitchen": 0.8, "cellar": 0.1, "attic": 0.1}, "cellar", True, "deceptive"),
        ({"kitchen": 0.1, "cellar": 0.8, "attic": 0.1}, "kitchen", True, "deceptive"),  # though it happens to be true
        ({"kitchen": 0.4, "cellar": 0.3, "attic": 0.3}, "kitchen", True, "honest"),  # its likeliest, below one half
        ({"kitchen": 0.3, "cellar": 0.4, "attic": 0.3}, "kitchen", True, "unsure"),
        ({"kitchen": 0.5, "cellar": 0.5, "attic": 0.0}, "kitchen", True, "unsure"),
        ({"kitchen": 0.1, "cellar": 0.8, "attic": 0.1}, "kitchen", False, "mistaken"),
        ({"kitchen": 0.8, "cellar": 0.1, "attic": 0.1}, "cellar", False, "honest"),
        ({"kitchen": 0.1, "cellar": 0.8, "attic": 0.1}, "cellar", False, "deceptive"),
        ({"kitchen": 0.4, "cellar": 0.3, "attic": 0.3}, "kitchen", False, "unsure"),
    ],
)
async def test_a_claim_is_honest_mistaken_deceptive_or_unsure(
    log: Log, believed: dict[str, float], value: str, holds: bool, category: str
) -> None:
    [row] = await asserted(
        log, beliefs(1, "alice", "cake", **believed), truth(1, "cake", "kitchen", "cellar", "attic"),
        an_event(2, "So it is."), a_claim(2, value, holds=holds),
    )  # fmt: skip
    assert row["category"] == category
    assert row["believed"] == pytest.approx(believed[value] if holds else 1 - believed[value])
    assert row["is_true"] == int((value == "kitchen") == holds)
    assert (row["event"], row["speaker"], row["established"], row["estimator"]) == ("2.0", "alice", "declared", "rules")


async def test_the_belief_that_counts_is_the_one_of_the_turn_in_which_it_was_said(log: Log) -> None:
    rows = await asserted(
        log, beliefs(1, "alice", "cake", kitchen=1.0, cellar=0.0), beliefs(3, "alice", "cake", kitchen=0.0, cellar=1.0),
        truth(1, "cake", "kitchen", "cellar"), truth(3, "cake", "cellar", "kitchen"),
        an_event(2, "Kitchen."), a_claim(2, "kitchen"), an_event(3, "Kitchen."), a_claim(3, "kitchen"),
    )  # fmt: skip
    assert [(row["category"], row["is_true"]) for row in rows] == [("honest", 1), ("deceptive", 0)]


async def test_of_a_speaker_without_a_belief_nothing_is_said_and_an_opinion_is_neither_true_nor_false(log: Log) -> None:
    silent, opinion = await asserted(
        log, truth(1, "cake", "kitchen", "cellar"), beliefs(1, "alice", "house", kept=1.0, sold=0.0),
        [row.model_copy(update={"chain": "alice"}) for row in truth(1, "house", "kept", "sold")],
        an_event(2, "Kitchen. Kept."), a_claim(2, "kitchen"), a_claim(2, "kept", variable="house", ordinal=1),
    )  # fmt: skip
    assert (silent["category"], silent["believed"], silent["is_true"]) == (None, None, 1)
    assert (opinion["category"], opinion["truth"], opinion["is_true"]) == ("honest", None, None)


async def test_what_is_no_assertion_about_a_variable_is_left_out(log: Log) -> None:
    rows = await asserted(
        log, beliefs(1, "alice", "cake", kitchen=1.0, cellar=0.0), truth(1, "cake", "kitchen", "cellar"),
        an_event(1, "Bob thinks so."), a_claim(1, "kitchen", believer="bob"),
        an_event(2, "She carries it.", kind="change"), a_claim(2, "cellar"),
        an_event(3, "Three chess players."), a_claim(3, "3", variable="alice.count(hobby=chess)"),
    )  # fmt: skip
    assert rows == []
