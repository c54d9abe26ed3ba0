"""`v_mutual` and `v_mutual_cycles` on rows made by hand, with answers worked out by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import ClaimRow, GoldRow, ProbeBeliefRow, Row
from tests.storage.made import ID, a_turn, a_witness, an_event, beliefs


def gold(turn: int, chain: str, robust: bool = True, basis: str = "witnessed", **p: float) -> list[GoldRow]:
    return [
        GoldRow(
            episode=ID, turn=turn, chain=chain, variable="cake", value=value, probability=probability,
            basis=basis, robust=robust,
        )
        for value, probability in p.items()
    ]  # fmt: skip


def said(
    turn: int,
    by: str,
    *claims: tuple[str, bool] | tuple[str, bool, str],
    hearers: tuple[str, ...] = ("alice", "bob"),
    variable: str = "cake",
    **given: Any,
) -> list[Row]:
    """An utterance with claims `(value, holds)` or `(value, holds, believer)`."""
    made = [
        ClaimRow(
            episode=ID, turn=turn, event=0, ordinal=n, speaker=by, variable=variable, value=claim[0], holds=claim[1],
            established="rules", believer=claim[2] if len(claim) > 2 else None,
        )
        for n, claim in enumerate(claims)
    ]  # fmt: skip
    witnesses = [a_witness(turn, name) for name in hearers]
    return [an_event(turn, "words", actor=by, **given), *witnesses, *made]


def stated(turn: int, chain: str, ordinal: int = 0, **p: float) -> list[ProbeBeliefRow]:
    holder = chain.partition(">")[0]
    return [
        ProbeBeliefRow(
            episode=ID, turn=turn, ordinal=ordinal, holder=holder, chain=chain, variable="cake", value=value,
            probability=probability, estimator="verbalised",
        )
        for value, probability in p.items()
    ]  # fmt: skip


def put(log: Log, *parts: Any, last: int = 8) -> None:
    rows: list[Row] = [row for turn in range(last + 1) for row in a_turn(turn).rows]
    for part in parts:
        rows += part
    asyncio.run(log.record(rows))


def at(log: Log, turn: int, **wanted: str) -> dict[str, Any]:
    found = log.query("SELECT * FROM v_mutual WHERE episode = ? AND turn = ?", [ID, turn]).dicts()
    (row,) = [row for row in found if all(row[key] == value for key, value in wanted.items())]
    return row


def test_a_model_stands_beside_its_three_targets(log: Log) -> None:
    put(
        log,
        beliefs(1, "alice", "cake", kitchen=0.2, cellar=0.8),
        beliefs(1, "alice>bob", "cake", kitchen=0.75, cellar=0.25),
        beliefs(1, "bob", "cake", kitchen=0.5, cellar=0.5),
        gold(1, "alice", kitchen=0.0, cellar=1.0),
        gold(1, "alice>bob", kitchen=1.0, cellar=0.0),
        said(2, "bob", ("cellar", False)),
        said(3, "bob", ("kitchen", True, "alice")),
        said(4, "bob", ("kitchen", True), origin="scripted"),
        said(5, "bob", ("cellar", True)),
    )
    row = at(log, 2)
    assert (row["holder"], row["other"], row["value"], row["size"]) == ("alice", "bob", "kitchen", 2)
    assert (row["differs"], row["robust"], row["gold_basis"], row["rule"]) == (1, 1, "witnessed", "none")
    assert row["gold_brier"] == pytest.approx(0.125)
    assert (row["gold_probability"], row["gold_hit"]) == (0.75, 1.0)
    assert row["report_brier"] == pytest.approx(0.125)
    assert (row["report_probability"], row["report_hit"], row["report_distance"]) == (0.5, 0.5, 0.25)
    assert row["report_by"] == "rules"
    # the denial, what is said of alice, and the script's words are no acts of bob's own about the cake
    assert (row["act_value"], row["act_turn"]) == ("cellar", 5)
    assert (row["act_brier"], row["act_probability"], row["act_hit"]) == (pytest.approx(1.125), 0.25, 0.0)
    assert at(log, 5)["act_turn"] == 5
    assert at(log, 6)["act_value"] is None
    assert at(log, 6)["act_brier"] is None


def test_what_changes_counts_from_its_turn_on_and_ties_share(log: Log) -> None:
    put(
        log,
        beliefs(1, "alice>bob", "cake", kitchen=0.5, cellar=0.5),
        beliefs(4, "alice>bob", "cake", kitchen=0.0, cellar=1.0),
        gold(1, "alice>bob", basis="prior", kitchen=0.5, cellar=0.5),
        gold(1, "alice", basis="prior", kitchen=0.5, cellar=0.5),
        gold(3, "alice>bob", robust=False, basis="told", kitchen=1.0, cellar=0.0),
    )
    assert [at(log, turn)["gold_hit"] for turn in range(1, 6)] == [0.5, 0.5, 0.5, 0.0, 0.0]
    assert [at(log, turn)["gold_brier"] for turn in range(1, 6)] == pytest.approx([0.0, 0.0, 0.5, 2.0, 2.0])
    assert [at(log, turn)["differs"] for turn in range(1, 5)] == [0, 0, 1, 1]
    assert [at(log, turn)["robust"] for turn in range(1, 5)] == [1, 1, 0, 0]
    assert [at(log, turn)["gold_basis"] for turn in range(1, 4)] == ["prior", "prior", "told"]


def test_without_gold_a_model_still_has_the_others_report(log: Log) -> None:
    put(log, beliefs(1, "alice>bob", "cake", a=1.0, b=0.0), beliefs(2, "bob", "cake", a=0.0, b=1.0))
    assert at(log, 1)["report_brier"] is None
    row = at(log, 2)
    assert (row["gold_brier"], row["differs"], row["robust"], row["rule"]) == (None, None, None, None)
    assert (row["report_brier"], row["report_hit"], row["report_distance"]) == (2.0, 0.0, 1.0)


def test_what_is_stated_in_probes_is_an_item_of_its_own_and_a_report_where_there_is_no_other(log: Log) -> None:
    put(
        log,
        stated(3, "alice>bob", kitchen=1.0, cellar=0.0),
        stated(3, "alice>bob", 1, kitchen=0.0, cellar=1.0),
        stated(3, "alice>bob>alice", kitchen=0.0, cellar=1.0),
        stated(3, "bob", 2, kitchen=0.25, cellar=0.75),
        beliefs(2, "bob>alice", "cake", kitchen=1.0, cellar=0.0),
    )
    row = at(log, 3, holder="alice")
    assert (row["elicited"], row["estimator"], row["report_by"]) == ("probe", "verbalised", "probe")
    assert row["report_distance"] == 0.75
    assert at(log, 3, holder="bob")["elicited"] == "inline"
    assert log.query("SELECT count(*) FROM v_mutual WHERE turn = 4 AND holder = 'alice'").rows == [(0,)]


def cycles(log: Log) -> list[dict[str, Any]]:
    return log.query("SELECT * FROM v_mutual_cycles WHERE episode = ? ORDER BY turn, ordinal", [ID]).dicts()


def test_a_cycle_that_ends_in_a_correction_and_a_revision(log: Log) -> None:
    put(
        log,
        beliefs(1, "alice>bob", "cake", kitchen=0.5, cellar=0.5),
        beliefs(2, "alice>bob", "cake", kitchen=1.0, cellar=0.0),
        beliefs(2, "bob", "cake", kitchen=0.0, cellar=1.0),
        said(3, "alice", ("kitchen", True, "bob")),
        said(5, "bob", ("cellar", True)),
        beliefs(7, "alice>bob", "cake", kitchen=0.1, cellar=0.9),
    )
    (row,) = cycles(log)
    assert (row["cycle"], row["discloser"], row["believer"], row["value"], row["holds"]) == (
        1, "alice", "bob", "kitchen", 1,
    )  # fmt: skip
    assert (row["constructed_turn"], row["turn"], row["kind"]) == (1, 3, "correct")
    assert (row["recognised_turn"], row["recognition_lag"]) == (5, 2)
    assert (row["revised_turn"], row["revision_lag"]) == (7, 2)
    assert row["distance"] == row["before_distance"] == 1.0
    assert row["after_distance"] == pytest.approx(0.1)
    assert row["gain"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("answers", "kind", "when"),
    [
        ([(4, ("kitchen", True))], "confirm", 4),
        ([(4, ("kitchen", False), ("cellar", True))], "correct", 4),
        ([(4, ("kitchen", False))], "resist", 4),
        ([(4, ("cellar", False)), (5, ("kitchen", True))], "confirm", 5),
        ([(4,), (5,), (6, ("cellar", True))], "correct", 6),
        ([(4,), (5,), (6,), (7, ("cellar", True))], "ignore", None),
        ([(4, ("kitchen", True, "alice"))], "ignore", None),
        ([(4, ("kitchen", True, "bob"))], "confirm", 4),
        ([], "ignore", None),
    ],
)
def test_what_is_made_of_a_disclosure(log: Log, answers: list[Any], kind: str, when: int | None) -> None:
    put(log, said(3, "alice", ("kitchen", True, "bob")), *(said(turn, "bob", *claims) for turn, *claims in answers))
    row = cycles(log)[0]
    assert (row["kind"], row["recognised_turn"], row["revised_turn"], row["gain"]) == (kind, when, None, None)


@pytest.mark.parametrize(
    ("claim", "kind"),
    [(("kitchen", True), "correct"), (("kitchen", False), "confirm"), (("cellar", True), "confirm")],
)
def test_being_told_what_one_does_not_think_turns_the_answers_round(
    log: Log, claim: tuple[str, bool], kind: str
) -> None:
    put(log, said(3, "alice", ("kitchen", False, "bob")), said(4, "bob", claim))
    (row,) = cycles(log)
    assert (row["holds"], row["kind"]) == (0, kind)


def test_only_what_the_other_hears_is_an_answer_and_only_what_one_hears_is_answered(log: Log) -> None:
    put(
        log,
        said(2, "alice", ("kitchen", True, "bob"), hearers=("alice", "carol")),
        said(3, "alice", ("kitchen", True, "bob")),
        said(4, "bob", ("cellar", True), hearers=("bob", "carol"), kind="whisper"),
        said(5, "bob", ("cellar", True), origin="scripted"),
    )
    assert [(row["cycle"], row["kind"]) for row in cycles(log)] == [(1, "unheard"), (2, "ignore")]


def test_speaking_of_ones_own_belief_discloses_no_model(log: Log) -> None:
    put(log, said(3, "bob", ("kitchen", True, "bob")))
    assert cycles(log) == []
