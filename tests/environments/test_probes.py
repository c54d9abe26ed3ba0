"""Probes ask copied minds: the answers are those of the minds, and nothing else of the episode is there to show it."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

import tertulia
from tertulia.agents.backends.extractive import extract
from tertulia.environments.probes import due, put
from tertulia.environments.probing import open_interview
from tertulia.environments.scenario import Scenario
from tertulia.environments.scenario.probes import beliefs_of, questions_to
from tertulia.environments.stage import Stage
from tertulia.environments.world import Stance, Stated
from tertulia.mind.model import ModelTrouble, Reply, Request
from tertulia.mind.probing import NARROWER, Question
from tertulia.mind.samples import sample
from tertulia.mind.state import fold
from tertulia.storage.log import Log
from tertulia.storage.rows import BeliefRow, CallRow, ProbeBeliefRow, ProbeRow, Variable
from tests.environments.probe_kit import PROBES, ask, played, probed, whole
from tests.loopback import Loopback
from tests.playing import play


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-in-the-log")
    return monkeypatch


def distributions(rows: list[ProbeBeliefRow]) -> dict[tuple[str, str], dict[str, float]]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        found.setdefault((row.chain, row.variable), {})[row.value] = row.probability
    return found


# What copied minds answer.


async def test_beliefs_probed_under_rules_are_those_the_mind_itself_came_to_at_that_turn(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "dinner-secret", seed=1)
    with Log.open(tmp_path / "log.db") as log:
        head = log.episode(result.episode).head
        for turn in range(1, head + 1):
            interview = open_interview(log, result.episode, turn)
            for name in interview.cast:
                [one] = await ask(log, result.episode, turn, beliefs_of(name))
                lived = fold(name, log.rows(BeliefRow, result.episode, upto_turn=turn)).beliefs
                assert distributions(one.beliefs) == {
                    (held.chain, held.variable): pytest.approx(held.probabilities, abs=1e-9) for held in lived.values()
                }


async def test_beliefs_are_probed_of_minds_that_were_never_told_of_the_variables(tmp_path: Path) -> None:
    inline = await play(tmp_path / "log.db", "dinner-secret", seed=1)
    probe = await play(tmp_path / "log.db", "dinner-secret", seed=1, sets=["elicit=probe"])
    with Log.open(tmp_path / "log.db") as log:
        head = log.episode(probe.episode).head
        assert log.rows(BeliefRow, probe.episode) == []
        asked = log.rows(ProbeRow, probe.episode)
        assert {(row.turn, row.participant) for row in asked} == {
            (turn, name) for turn in range(1, head + 1) for name in ("alice", "bob", "carol", "dan")
        }
        for row in asked:
            lived = fold(row.participant, log.rows(BeliefRow, inline.episode, upto_turn=row.turn)).beliefs
            stated = log.rows(ProbeBeliefRow, probe.episode, turn=row.turn, ordinal=row.ordinal)
            assert distributions(stated) == {
                (held.chain, held.variable): pytest.approx(held.probabilities, abs=1e-9) for held in lived.values()
            }


async def test_deeper_chains_are_probed_than_the_mind_itself_keeps(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "dinner-secret")
    with Log.open(tmp_path / "log.db") as log:
        [one] = await ask(log, result.episode, 7, beliefs_of("alice", order=3))
        assert {row.chain for row in one.beliefs} >= {"alice", "alice>bob", "alice>bob>alice", "alice&bob"}
        assert not {row.chain for row in log.rows(BeliefRow, result.episode)} & {"alice>bob>alice"}


BELIEVED = Stance(
    beliefs=(
        Stated(chain="alice", variable="cake", probabilities={"cellar": 1.0, "kitchen": 0.0}),
        Stated(chain="alice>bob", variable="cake", probabilities={"cellar": 0.1, "kitchen": 0.9}),
        Stated(chain="alice", variable="bob.next", probabilities={"stay": 0.2, "leave": 0.8}),
    )
)


def asked_of_alice(text: str, *choices: str) -> str | None:
    variables = [
        Variable(name="cake", values=("kitchen", "cellar")),
        Variable(name="bob.next", values=("stay", "leave")),
    ]
    question = Question(holder="alice", others=("bob", "carol"), text=text, choices=choices, variables=variables)
    return extract(BELIEVED, question)


@pytest.mark.parametrize(
    ("text", "choices", "answer"),
    [
        ("Where is the cake?", (), "cake: cellar 100 %, kitchen 0 %"),
        ("Where is the cake?", ("kitchen", "cellar"), "cellar"),
        ("Where does bob think the CAKE is?", ("Kitchen", "Cellar"), "Kitchen"),
        ("Where does carol think the cake is?", ("kitchen", "cellar"), "cellar"),
        ("What will bob do next?", (), "bob.next: leave 80 %, stay 20 %"),
        ("What will bob do next?", ("stay", "leave"), "leave"),
        ("Where are the pancakes?", (), None),
        ("Is the cake good?", ("yes", "no"), None),
        ("How are you?", (), None),
    ],
)
def test_rules_answer_from_their_beliefs_on_what_the_question_names_and_nothing_else(
    text: str, choices: tuple[str, ...], answer: str | None
) -> None:
    assert asked_of_alice(text, *choices) == answer


async def test_a_question_rules_do_not_understand_is_a_declared_fallback_in_one_line(tmp_path: Path) -> None:
    result = await play(tmp_path / "log.db", "dinner-secret")
    with Log.open(tmp_path / "log.db") as log:
        cast = open_interview(log, result.episode, 3).cast
        [one] = await ask(log, result.episode, 3, *questions_to("alice", cast, "How are you?"))
        [call] = log.rows(CallRow, result.episode, purpose="probe")
    assert one.row.answer is None
    assert one.row.error is not None
    assert "rules understand no free questions" in one.row.error
    assert "\n" not in one.row.error
    assert (call.status, call.call) == ("fallback", one.row.call)


# What probes leave as it was.


@pytest.mark.parametrize("elicit", ["inline", "probe", "none"])
async def test_every_row_of_a_probed_episode_is_as_it_was(target: str, elicit: str) -> None:
    result = await play(target, "dinner-secret", seed=2, sets=[f"elicit={elicit}", PROBES, "turns.limit=9"])
    with Log.open(target) as log:
        before, asked_before = whole(log, result.episode), probed(log, result.episode)
        told = log.query("SELECT * FROM v_outcomes").rows
        assert len(before["call"]) > 20
        cast = open_interview(log, result.episode).cast
        for turn in (1, 4, 9, None):
            plan = [beliefs_of("bob", 3), *questions_to("alice", cast, "Where does {other} think the cake is?")]
            await ask(log, result.episode, turn, *plan, repeat=2)
        assert whole(log, result.episode) == before
        assert probed(log, result.episode) == asked_before
        assert log.query("SELECT * FROM v_outcomes").rows == told
        later = log.rows(ProbeRow, result.episode, scheduled=False)
        assert len(later) == 4 * 2 * 4
        shown = log.query("SELECT count(*) FROM v_probes WHERE scheduled = 0 AND error IS NULL").rows
        assert shown == [(len(later),)]


NASTY = ['"Yes", he\nsaid', "caf\u00e9 \U0001f370", "half \ud83d of it", "a NUL \x00", "\\u0000 spelled out", "x" * 400]


async def test_the_view_shows_answers_as_they_were_given_whatever_they_hold(
    target: str, openai: pytest.MonkeyPatch
) -> None:
    left = list(NASTY)
    with Loopback(script=lambda body: {"answer": left.pop(0)}) as server, Log.open(target) as log:
        openai.setenv("OPENAI_BASE_URL", server.url)
        result = await play(target, "sally-anne")
        cast = open_interview(log, result.episode).cast
        for _ in NASTY:
            await ask(log, result.episode, 1, *questions_to(cast[0], cast, "And?"), model="openai/any")
        assert [row[0] for row in log.query("SELECT answer FROM v_probes ORDER BY ordinal").rows] == NASTY


async def test_the_transcript_with_probes_is_byte_for_byte_the_one_without_under_rules(tmp_path: Path) -> None:
    for elicit in ("inline", "none"):
        with_none = await play(tmp_path / "log.db", "planning-meeting", seed=5, sets=[f"elicit={elicit}"])
        asked = await play(tmp_path / "log.db", "planning-meeting", seed=5, sets=[f"elicit={elicit}", ANY_PROBES])
        with Log.open(tmp_path / "log.db") as log:
            assert played(log, asked.episode) == played(log, with_none.episode)
            assert len(log.rows(ProbeRow, asked.episode)) > 10


ANY_PROBES = "probes=[{every: 3, ask: [beliefs, next_step, holding, relation, sees]}]"


async def test_the_transcript_with_probes_is_byte_for_byte_the_one_without_under_a_model(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    """The server's replies depend on the whole request, seed included: one draw more or less would change them."""
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        plays = {
            sets: await play(
                tmp_path / "log.db", "dinner-secret", seed=4, model="openai/any", sets=["turns.limit=5", *sets]
            )
            for sets in (("elicit=none",), ("elicit=probe",), ("elicit=none", PROBES), ("elicit=inline",), (PROBES,))
        }
        with Log.open(tmp_path / "log.db") as log:
            none, probe, none_asked, inline, asked = (played(log, one.episode) for one in plays.values())
            assert none == probe == none_asked
            assert inline == asked
            assert inline != none
            assert [one.fallbacks for one in plays.values()] == [0] * 5
            assert plays["elicit=none",].calls == plays["elicit=probe",].calls


# What models are asked.


async def test_a_probe_stands_in_the_tail_of_the_prompt_the_mind_itself_reads(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        sets = ["turns.limit=4", PROBES, "participants.carol.mind.preset=full"]
        result = await play(tmp_path / "log.db", "dinner-secret", model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        calls = log.rows(CallRow, result.episode, turn=4, attempt=0)
    own = {call.participant: call.messages for call in calls if call.purpose == "fused"}
    asked = [call for call in calls if call.purpose == "probe"]
    assert len(own) == 4
    assert {call.schema_name for call in asked} == {"Beliefs", "Choice"}
    for call in asked:
        system, user = call.messages
        assert system == own[call.participant][0]
        transcript = own[call.participant][1]["content"].partition("\n\nIt is turn")[0]
        assert user["content"].startswith(f"{transcript}\n\nIt is turn 4.")


async def test_minds_are_told_of_no_variables_while_their_copies_are_asked_about_them(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        sets = ["elicit=probe", "turns.limit=2", "participants.dan.mind.preset=reactive", PROBES]
        result = await play(tmp_path / "log.db", "dinner-secret", model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        calls = log.rows(CallRow, result.episode)
        answered = log.rows(ProbeRow, result.episode, kind="beliefs")
    told = {call.call: "What can be believed, and its values:" in call.messages[0]["content"] for call in calls}
    assert {row.participant for row in answered} == {"alice", "bob", "carol", "dan"}
    assert {call for call, named in told.items() if named} == {row.call for row in answered}


async def test_a_probe_without_a_valid_answer_is_a_row_that_says_so_and_degrades_nothing(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    def script(body: dict[str, Any]) -> Any:
        return "no, thank you" if body["response_format"]["json_schema"]["name"] in ("Beliefs", "Choice") else None

    with Loopback(script=script) as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        sets = ["elicit=probe", "turns.limit=3", PROBES, "max_fallback_rate=0", "participants.carol.mind.preset=full"]
        result = await play(tmp_path / "log.db", "dinner-secret", model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        rows = [row for row in log.rows(ProbeRow, result.episode) if row.kind == "beliefs"]
        [(calls, attempts, fallbacks, rate)] = log.query(
            "SELECT calls, attempts, fallbacks, fallback_rate FROM v_outcomes"
        ).rows
        [(probes, lost)] = log.query(
            "SELECT sum(calls), sum(fallbacks) FROM v_costs WHERE purpose = 'probe' GROUP BY purpose"
        ).rows
        assert not log.rows(ProbeBeliefRow, result.episode)
    assert (result.status, result.fallbacks, result.calls) == ("success", 0, calls)
    assert (fallbacks, rate) == (0, 0.0)
    assert attempts >= calls
    assert all(row.answer is None and "no valid reply after a re-ask" in (row.error or "") for row in rows)
    assert probes > lost >= len(rows)


async def test_another_model_can_be_asked_and_each_repetition_is_drawn_anew(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    result = await play(tmp_path / "log.db", "dinner-secret")
    with Loopback() as server, Log.open(tmp_path / "log.db") as log:
        openai.setenv("OPENAI_BASE_URL", server.url)
        cast = open_interview(log, result.episode, 7).cast
        plan = questions_to("alice", cast, "Where is the cake?", ("kitchen", "cellar"))
        found = await ask(log, result.episode, 7, *plan, model="openai/any", repeat=4)
        calls = log.rows(CallRow, result.episode, purpose="probe")
    assert [one.row.model for one in found] == ["openai/any"] * 4
    assert {one.row.answer for one in found} <= {"kitchen", "cellar"}
    assert len({call.sampling["seed"] for call in calls}) == 4
    assert len({str(call.messages) for call in calls}) == 1
    assert {call.uri for call in calls} == {"openai/any"}


class Narrow:
    """A model whose context holds the past only once so many blocks of it are gone."""

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self.asked: list[tuple[int, str]] = []

    async def ask(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append((request.ordinal, request.messages()[1].content))
        if len(self.asked) <= self.blocks:
            raise ModelTrouble("too_long", "the prompt does not fit")
        return Reply(sample(request.schema, Random(0)), "call", "verbalised")


async def test_a_probe_too_long_for_its_model_is_put_again_with_less_of_the_past(tmp_path: Path) -> None:
    dinner = await play(tmp_path / "log.db", "dinner-secret")
    with Log.open(tmp_path / "log.db") as log:
        stage = open_interview(log, dinner.episode).stage
    turn, model = stage.head + 1, Narrow(1)
    assert turn > 8
    of_turn: dict[str, Any] = {"turn": turn, "take": 0, "ordinal": 5, "scheduled": False}
    one = await put(stage, stage.seats["alice"], beliefs_of("alice"), model, **of_turn)
    assert one.row.error is None
    assert [ordinal for ordinal, _ in model.asked] == [5, 5 + NARROWER]
    assert len(model.asked[1][1]) < len(model.asked[0][1])
    assert "no longer in view" in model.asked[1][1]
    with pytest.raises(ModelTrouble, match="does not fit"):
        await put(stage, stage.seats["alice"], beliefs_of("alice"), Narrow(99), **of_turn)


# What is asked, and when.


def test_what_is_due_at_a_turn_is_in_the_order_of_the_file_by_seat_and_about_each_other() -> None:
    late = "{at: [3, 8], of: [bob], ask: 'Is {other} kind?', choices: [a, b]}"
    scenario = tertulia.load_scenario(
        "dinner-secret",
        [f"probes=[{{every: 4, ask: [beliefs, relation]}}, {late}]"],
    )
    stage = Stage.of(scenario, 0, "e")
    stage.open()
    assert [due(stage, turn) for turn in (0, 1, 2, 5, 7)] == [[]] * 5
    assert [(one.participant, one.question, one.choices) for one in due(stage, 3)] == [
        ("bob", f"Is {other} kind?", ("a", "b")) for other in ("alice", "carol", "dan")
    ]
    every = [(one.participant, one.kind, one.about) for one in due(stage, 4)]
    assert every[:5] == [("alice", "beliefs", None)] + [("alice", "ask", o) for o in ("bob", "carol", "dan")] + [
        ("bob", "beliefs", None)
    ]
    assert len(every) == 16
    assert due(stage, 8) == due(stage, 4) + due(stage, 3)


def test_the_probes_of_the_page_on_probing_load_as_they_stand() -> None:
    page = (Path(__file__).parents[2] / "docs" / "probing.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```yaml\nprobes:\n(.*?)```", page, re.DOTALL)
    items = ", ".join(line.strip().removeprefix("- ") for line in block.strip().splitlines())
    scenario = tertulia.load_scenario("dinner-secret", [f"probes=[{items}]"])
    assert len(scenario.probes) == 4
    assert Scenario.from_resolved(scenario.resolved()) == scenario
