"""`v_belief_accuracy`: closed forms on rows made by hand, and a fold in Python on both databases."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia.storage.log import Log
from tertulia.storage.rows import BeliefRow, GoldRow, ProbeBeliefRow, ProbeRow, Row, TurnRow
from tests.playing import play
from tests.storage.made import ID, START, a_turn, an_episode, beliefs, truth

CLIP = 0.001
ids = (f"scored{number}" for number in count())


def gold(
    turn: int,
    chain: str,
    variable: str,
    *,
    episode: str = ID,
    basis: str = "witnessed",
    robust: bool = True,
    **p: float,
) -> list[GoldRow]:
    return [
        GoldRow(
            episode=episode, turn=turn, chain=chain, variable=variable, value=value, rule="credulous",
            probability=probability, basis=basis, robust=robust,
        )
        for value, probability in p.items()
    ]  # fmt: skip


def probed(turn: int, ordinal: int, chain: str, variable: str, **p: float) -> list[ProbeBeliefRow]:
    return [
        ProbeBeliefRow(
            episode=ID, turn=turn, ordinal=ordinal, holder=chain.split(">")[0], chain=chain, variable=variable,
            value=value, probability=probability, estimator="verbalised",
        )
        for value, probability in p.items()
    ]  # fmt: skip


async def scored(log: Log, turns: int, *rows: Sequence[Row]) -> list[dict[str, Any]]:
    await log.begin(an_episode())
    played = [row for turn in range(turns + 1) for row in a_turn(turn).rows]
    await log.record([*played, *(row for some in rows for row in some)])
    return log.query("SELECT * FROM v_belief_accuracy ORDER BY turn, chain, source").dicts()


async def test_what_no_turn_has_come_to_is_not_scored(log: Log) -> None:
    """Neither before the first turn nor where gold is of a turn that is not in the log."""
    right = gold(0, "alice", "x", a=1.0, b=0.0), gold(2, "alice", "x", a=0.0, b=1.0)
    rows = beliefs(0, "alice", "x", a=0.5, b=0.5), *right
    assert [row["turn"] for row in await scored(log, 1, *rows)] == [1]


async def test_a_belief_is_scored_by_closed_forms_against_gold_and_against_truth(log: Log) -> None:
    [row] = await scored(
        log, 1, beliefs(1, "bob", "cake", kitchen=0.7, cellar=0.2, attic=0.1),
        gold(1, "bob", "cake", kitchen=1.0, cellar=0.0, attic=0.0), truth(1, "cake", "cellar", "kitchen", "attic"),
    )  # fmt: skip
    assert row["gold_brier"] == pytest.approx(0.3**2 + 0.2**2 + 0.1**2)
    assert row["gold_log_loss"] == pytest.approx(-math.log(0.7), abs=1e-12)
    assert row["gold_entropy"] == pytest.approx(0.0)
    assert (row["gold_accuracy"], row["gold_basis"], row["robust"], row["size"]) == (1.0, "witnessed", 1, 3)
    assert row["truth_brier"] == pytest.approx(0.7**2 + 0.8**2 + 0.1**2)
    assert row["truth_log_loss"] == pytest.approx(-math.log(0.2), abs=1e-12)
    assert (row["truth"], row["truth_accuracy"], row["truth_probability"]) == ("cellar", 0.0, pytest.approx(0.2))
    assert (row["confidence"], row["gold_confidence"], row["rule"]) == (0.7, 1.0, "credulous")
    assert row["beyond_gold"] == 0  # bob cannot know better than what he saw for certain


async def test_a_value_held_to_be_impossible_costs_ln_1000_and_no_more(log: Log) -> None:
    [row] = await scored(
        log, 1, beliefs(1, "bob", "cake", kitchen=1.0, cellar=0.0), gold(1, "bob", "cake", kitchen=0.0, cellar=1.0),
        truth(1, "cake", "cellar", "kitchen"),
    )  # fmt: skip
    assert row["gold_log_loss"] == row["truth_log_loss"] == pytest.approx(math.log(1000), abs=1e-12)
    assert row["gold_brier"] == row["truth_brier"] == 2.0


async def test_where_several_values_are_likeliest_a_hit_is_a_draw_among_them(log: Log) -> None:
    [row] = await scored(
        log, 1, beliefs(1, "bob", "cake", kitchen=0.4, cellar=0.4, attic=0.2),
        gold(1, "bob", "cake", basis="prior", kitchen=0.5, cellar=0.0, attic=0.5),
        truth(1, "cake", "kitchen", "cellar", "attic"),
    )  # fmt: skip
    assert row["gold_accuracy"] == pytest.approx(1 / 4)
    assert row["truth_accuracy"] == pytest.approx(1 / 2)
    assert row["gold_entropy"] == pytest.approx(math.log(2))
    assert row["gold_log_loss"] == pytest.approx(-(math.log(0.4) + math.log(0.2)) / 2)


async def test_knowing_more_than_the_evidence_is_marked_and_a_wrong_guess_is_not(log: Log) -> None:
    even = {"kitchen": 0.5, "cellar": 0.5}
    rows = await scored(
        log, 1,
        beliefs(1, "alice", "cake", kitchen=0.1, cellar=0.9),
        beliefs(1, "bob", "cake", kitchen=0.9, cellar=0.1),
        beliefs(1, "alice>bob", "cake", kitchen=0.1, cellar=0.9),
        *(gold(1, chain, "cake", basis="prior", **even) for chain in ("alice", "bob", "alice>bob")),
        truth(1, "cake", "cellar", "kitchen"),
    )  # fmt: skip
    assert {row["chain"]: row["beyond_gold"] for row in rows} == {"alice": 1, "bob": 0, "alice>bob": None}
    [deeper] = [row for row in rows if row["chain_order"] == 2]
    assert deeper["truth"] is deeper["truth_brier"] is deeper["truth_log_loss"] is deeper["truth_accuracy"] is None


async def test_a_belief_stands_at_every_turn_until_it_is_written_anew_while_gold_moves_on(log: Log) -> None:
    rows = await scored(
        log, 3, beliefs(1, "bob", "cake", kitchen=1.0, cellar=0.0), beliefs(3, "bob", "cake", kitchen=0.5, cellar=0.5),
        gold(1, "bob", "cake", kitchen=1.0, cellar=0.0), gold(2, "bob", "cake", robust=False, kitchen=0.0, cellar=1.0),
    )  # fmt: skip
    assert [(row["turn"], row["gold_brier"], row["robust"]) for row in rows] == [(1, 0.0, 1), (2, 2.0, 0), (3, 0.5, 0)]
    assert all(row["truth"] is row["beyond_gold"] is None for row in rows)


async def test_what_a_probe_stated_stands_beside_what_the_mind_held(log: Log) -> None:
    rows = await scored(
        log, 2, beliefs(1, "bob", "cake", kitchen=0.6, cellar=0.4), gold(1, "bob", "cake", kitchen=1.0, cellar=0.0),
        probed(2, 0, "bob", "cake", kitchen=0.8, cellar=0.2),
    )  # fmt: skip
    found = sorted((row["turn"], row["source"], row["probe"] or 0, row["gold_brier"]) for row in rows)
    assert [one[:3] for one in found] == [(1, "turn", 0), (2, "probe", 0), (2, "turn", 0)]
    assert [one[3] for one in found] == pytest.approx([0.32, 0.08, 0.32])
    assert {row["estimator"] for row in rows if row["source"] == "probe"} == {"verbalised"}


async def test_of_several_probes_of_a_turn_the_first_by_the_minds_own_model_is_scored(log: Log) -> None:
    asked = [
        ProbeRow(
            episode=ID, turn=1, ordinal=n, participant="bob", kind="beliefs", question="", model=model, created_at=START
        )
        for n, model in enumerate(("openai/other", "rules", "rules"))
    ]
    rows = await scored(
        log, 1, gold(1, "bob", "cake", kitchen=1.0, cellar=0.0), asked,
        probed(1, 0, "bob", "cake", kitchen=0.1, cellar=0.9), probed(1, 1, "bob", "cake", kitchen=0.8, cellar=0.2),
        probed(1, 2, "bob", "cake", kitchen=0.9, cellar=0.1),
    )  # fmt: skip
    assert [row["probe"] for row in rows] == [1]


async def test_without_gold_there_is_no_score_against_it(log: Log) -> None:
    [row] = await scored(log, 1, beliefs(1, "bob", "cake", kitchen=1.0, cellar=0.0))
    for name in ("rule", "gold_brier", "gold_log_loss", "gold_accuracy", "robust", "beyond_gold", "truth_brier"):
        assert row[name] is None, name


def folded(held: list[BeliefRow], golden: list[GoldRow], turns: list[int]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The view by its definition, item by item, with math.log."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for turn in [turn for turn in turns if turn >= 1]:
        for chain, variable in sorted({(row.chain, row.variable) for row in held}):
            p = _last([row for row in held if (row.chain, row.variable) == (chain, variable)], turn)
            g = _last([row for row in golden if (row.chain, row.variable) == (chain, variable)], turn)
            w = _last([row for row in golden if (row.chain, row.variable) == ("world", variable)], turn)
            if p:
                w = {} if ">" in chain or "&" in chain else w
                found[turn, chain, variable] = _scores(p, g, w)
    return found


def _last(rows: Sequence[Any], turn: int) -> dict[str, float]:
    newest = max((row.turn for row in rows if row.turn <= turn), default=None)
    return {row.value: row.probability for row in rows if row.turn == newest}


def _scores(p: dict[str, float], g: dict[str, float], w: dict[str, float]) -> dict[str, Any]:
    modes = [v for v in p if p[v] == max(p.values())]
    golden = [v for v in g if g[v] == max(g.values())]
    true = max(w, key=lambda v: w[v], default=None)
    return {
        "gold_brier": math.fsum((p[v] - g[v]) ** 2 for v in p) if g else None,
        "gold_log_loss": -math.fsum(g[v] * math.log(max(p[v], CLIP)) for v in p) if g else None,
        "gold_entropy": -math.fsum(g[v] * math.log(g[v]) for v in g if g[v]) if g else None,
        "gold_accuracy": len(set(modes) & set(golden)) / (len(modes) * len(golden)) if g else None,
        "truth": true,
        "truth_brier": math.fsum((p[v] - (v == true)) ** 2 for v in p) if true else None,
        "truth_log_loss": -math.log(max(p[true], CLIP)) if true else None,
        "truth_accuracy": (true in modes) / len(modes) if true else None,
        "beyond_gold": int(p[true] > g[true] and max(g.values()) < 1) if true and g else None,
    }


def agree(log: Log, episode: str) -> int:
    turns = [row.turn for row in log.rows(TurnRow, episode)]
    wanted = folded(log.rows(BeliefRow, episode), log.rows(GoldRow, episode), turns)
    rows = log.query("SELECT * FROM v_belief_accuracy WHERE episode = ?", [episode]).dicts()
    assert len(rows) == len(wanted)
    for row in rows:
        for name, value in wanted[row["turn"], row["chain"], row["variable"]].items():
            same = pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
            assert row[name] == same, (name, row)
    return len(rows)


values = ("kitchen", "cellar", "attic")
weights = st.tuples(*[st.integers(0, 4)] * 3).filter(any)
spread = weights.map(lambda w: {value: part / sum(w) for value, part in zip(values, w, strict=True)})
chains = st.sampled_from(["alice", "bob", "alice>bob", "alice&bob", "bob>alice>bob"])
histories = st.dictionaries(st.tuples(st.integers(0, 5), chains), spread, max_size=8)


def test_random_histories_agree_with_their_fold(log: Log) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(histories, histories, st.dictionaries(st.integers(0, 5), st.sampled_from(values)))
    def check(held: Any, golden: Any, worlds: dict[int, str]) -> None:
        episode = next(ids)
        rows: list[Row] = [row for turn in range(6) for row in a_turn(turn, episode=episode).rows]
        for (turn, chain), p in held.items():
            rows += beliefs(turn, chain, "cake", episode=episode, **p)
        for (turn, chain), p in golden.items():
            rows += gold(turn, chain, "cake", episode=episode, **p)
        for turn, value in worlds.items():
            rows += truth(turn, "cake", value, *(v for v in values if v != value), episode=episode)
        asyncio.run(log.record(rows))
        agree(log, episode)

    check()


def test_a_played_episode_agrees_with_its_fold(target: str) -> None:
    result = asyncio.run(play(target, "dinner-secret", seed=3, sets=["mind.order=3", "turns.limit=12"]))
    with Log.open(target) as log:
        assert agree(log, result.episode) > 500
