"""What people are asked while they play: when, in which order, what becomes of it, and what replay makes of it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tertulia
from tertulia.environments.people.errors import Unreadable
from tertulia.environments.people.questions import Question, chain_of, schedule
from tertulia.environments.people.spec import PersonQuestion
from tertulia.environments.replaying import replay
from tertulia.environments.stage import Stage
from tertulia.storage.measures import mutual
from tertulia.storage.rows import BeliefRow, ProbeRow, Variable
from tertulia.storage.rows_of_people import InboxRow
from tests.environments.people.test_table import QUICK, Playing, playing

CAKE = Variable(name="cake", values=("kitchen", "cellar", "garden"))


def staged(seed: int, *questions: str, apart: int = 3) -> Stage:
    sets = [*QUICK, f"people.questions=[{', '.join(questions)}]", f"people.apart={apart}"]
    stage = Stage.of(tertulia.load_scenario("dinner-secret", sets), seed, "e")
    stage.open()
    return stage


@given(st.integers(0, 100), st.sampled_from(CAKE.values))
def test_an_answer_is_a_whole_distribution_by_the_stated_formula(sure: int, choice: str) -> None:
    question = Question(3, "dan", "dan", CAKE, CAKE.values, "sure")
    found = question.distribution({"choice": choice, "sure": sure})
    assert found is not None
    assert found[choice] == pytest.approx(1 / 3 + 2 / 3 * sure / 100)
    assert math.fsum(found.values()) == pytest.approx(1.0)
    assert len({round(p, 9) for value, p in found.items() if value != choice}) == 1
    assert found[choice] >= max(found.values()) - 1e-12  # however unsure, it stays the likeliest


@pytest.mark.parametrize(
    ("answer", "data", "why"),
    [
        ("sure", {"choice": "attic", "sure": 50}, "'attic' is not one of the answers"),
        ("sure", {"choice": "cellar"}, "how sure"),
        ("sure", {"choice": "cellar", "sure": 101}, "0 to 100"),
        ("sure", {"choice": "cellar", "sure": "nan"}, "0 to 100"),
        ("percent", {"percent": {"cellar": 50}}, "together they make 50; they must make 100"),
        ("percent", {"percent": {"attic": 100}}, "'attic' is not one"),
        ("percent", {"percent": {"cellar": -1, "kitchen": 101}}, "0 to 100"),
    ],
)
def test_what_is_no_answer_is_told_in_a_line(answer: str, data: dict[str, Any], why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        Question(3, "dan", "dan", CAKE, CAKE.values, answer).distribution(data)


def test_chains_are_told_from_the_persons_seat() -> None:
    def chain(of: str) -> str | None:
        return chain_of(PersonQuestion(about="cake", of=of, chance=1.0), "dan")

    assert [chain("self"), chain("alice"), chain("alice>self"), chain("alice>bob")] == [
        "dan", "dan>alice", "dan>alice>dan", "dan>alice>bob",
    ]  # fmt: skip
    assert Question(3, "dan", "dan>alice>dan", CAKE, (), "sure").text == (
        "What do you think that alice thinks that you believe about cake?".replace(
            "thinks that you believe", "thinks that you believe"
        )
    )


def test_windows_are_kept_and_questions_lie_apart() -> None:
    at = Counter[int]()
    for seed in range(200):
        plan = schedule(staged(seed, "{about: cake, of: alice, window: [5, 8]}", "{about: house, chance: 0.3}"), "dan")
        turns = sorted(plan)
        assert all(later - turn >= 3 for turn, later in pairwise(turns))
        asked = [turn for turn, question in plan.items() if question.chain == "dan>alice"]
        assert len(asked) <= 1
        at.update(asked)
    assert set(at) == {5, 6, 7, 8}
    assert min(at.values()) > 20  # each about a quarter of those that found room


def test_the_same_seed_asks_the_same_and_at_most_so_often() -> None:
    item = "{about: cake, chance: 0.9, most: 2}"
    one, other = (schedule(staged(5, item), "dan") for _ in range(2))
    assert one == other
    assert len(one) == 2


def test_options_are_counterbalanced_over_seeds() -> None:
    first = Counter(
        next(iter(schedule(staged(seed, "{about: cake, window: [3, 3]}"), "dan").values())).options for seed in range(8)
    )
    assert first == {("kitchen", "cellar"): 4, ("cellar", "kitchen"): 4}


ASKED = (
    "people.questions=[{about: cake, of: alice, window: [3, 3]}, {about: cake, window: [6, 6]}]",
    "people.answer_s=30",
)


async def question(game: Playing, number: int) -> dict[str, Any]:
    await game.until(lambda: len([m for m in game.heard["dan"] if m["kind"] == "question"]) > number)
    return [m for m in game.heard["dan"] if m["kind"] == "question"][number]


async def test_an_answer_is_what_the_person_believes_and_is_scored_as_theirs_on_both_sides(tmp_path: Path) -> None:
    async with playing(tmp_path, *ASKED, "turns.limit=8") as game:
        game.sit("dan")
        first = await question(game, 0)
        assert first["text"] == "What do you think that alice believes about cake?"
        with pytest.raises(Unreadable, match="not one of the answers"):
            await game.table.hand_in("dan", "answer", data={"question": first["id"], "choice": "attic", "sure": 1})
        await game.table.hand_in("dan", "answer", data={"question": first["id"], "choice": "cellar", "sure": 60})
        second = await question(game, 1)
        with pytest.raises(Unreadable, match="not open any more"):
            await game.table.hand_in("dan", "answer", data={"question": first["id"], "choice": "cellar", "sure": 1})
        await game.table.hand_in("dan", "answer", data={"question": second["id"], "choice": "kitchen", "sure": 100})
        assert (await game.task).status == "success"
        rows = [row for row in game.log.rows(BeliefRow, game.id) if row.estimator == "person"]
        assert {(r.turn, r.chain, r.value): r.probability for r in rows} == pytest.approx({
            (3, "dan>alice", "cellar"): 0.8, (3, "dan>alice", "kitchen"): 0.2,
            (6, "dan", "kitchen"): 1.0, (6, "dan", "cellar"): 0.0,
        })  # fmt: skip
        [one, two] = [row for row in game.log.rows(ProbeRow, game.id) if row.kind == "person"]
        assert (one.turn, one.chain, one.variable, one.answer, one.scheduled, one.model) == (
            3, "dan>alice", "cake", {"choice": "cellar", "sure": 60}, True, "human",
        )  # fmt: skip
        assert sorted(one.options) == ["cellar", "kitchen"]
        assert two.about is None
        by = game.log.query(
            "SELECT turn, holder, other, report_by FROM v_mutual WHERE episode = ? AND variable = 'cake' AND "
            "(estimator = 'person' OR report_by = 'person') ORDER BY turn, holder", [game.id],
        ).rows  # fmt: skip
        assert [tuple(row)[:3] for row in by if row[1] == "dan"] == [(3, "dan", "alice")]
        assert {(row[0], row[2]) for row in by if row[3] == "person"} == {(6, "dan")}
        assert {row[1] for row in by if row[3] == "person"} >= {"alice"}
        scored = game.log.query(
            "SELECT turn, chain FROM v_belief_accuracy WHERE episode = ? AND estimator = 'person' ORDER BY turn",
            [game.id],
        ).rows
        assert [tuple(row) for row in scored] == [(3, "dan>alice"), (6, "dan")]
        estimators = {score["estimator"] for score in mutual.summary(game.log, [game.id], 0)["scores"] if score["n"]}
        assert {"person", "rules"} <= estimators  # each by itself
        assert (await replay(game.log, game.id)).difference is None


async def test_a_question_that_is_skipped_or_not_answered_is_a_row_all_the_same(tmp_path: Path) -> None:
    async with playing(tmp_path, ASKED[0], "people.answer_s=0.2", "turns.limit=8") as game:
        game.sit("dan")
        first = await question(game, 0)
        await game.table.hand_in("dan", "answer", data={"question": first["id"], "skip": True})
        await game.task
        found = [(r.turn, r.answer, r.error) for r in game.log.rows(ProbeRow, game.id) if r.kind == "person"]
        assert found == [(3, None, "skipped"), (6, None, "no answer came")]
        assert not any(row.estimator == "person" for row in game.log.rows(BeliefRow, game.id))
        moments = game.log.query("SELECT form, turn, item, error FROM v_answers WHERE episode = ?", [game.id]).rows
        assert {tuple(row) for row in moments} == {
            ("moment", 3, "cake", "skipped"), ("moment", 6, "cake", "no answer came"),
        }  # fmt: skip
        assert (await replay(game.log, game.id)).difference is None


async def test_an_answer_sent_before_a_crash_counts_after_it(tmp_path: Path) -> None:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode
    from tertulia.environments.people.chair import Chair
    from tertulia.environments.people.table import Table

    async with playing(tmp_path, *ASKED, "turns.limit=8") as game:
        game.sit("dan")
        first = await question(game, 0)
        game.task.cancel()
        await asyncio.gather(game.task, return_exceptions=True)
        answer = {"question": first["id"], "choice": "cellar", "sure": 60}
        row = InboxRow(episode=game.id, ordinal=0, participant="dan", kind="answer", text="", data=answer)
        await game.log.record([row])  # durable, and the process was gone before a turn could take it
        table, backends = Table({"dan": Chair("dan", came=True)}), Backends()
        episode = await Episode.reopen(game.id, log=game.log, backends=backends, people=table)
        await episode.play()
        await backends.aclose()
        assert {r.turn for r in game.log.rows(BeliefRow, game.id) if r.estimator == "person"} == {3}
        [one, *_] = [row for row in game.log.rows(ProbeRow, game.id) if row.kind == "person"]
        assert one.answer == {"choice": "cellar", "sure": 60}
