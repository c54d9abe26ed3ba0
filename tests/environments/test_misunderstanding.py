"""Minds that speak of minds: the words, who may say them, what gold makes of them, and a whole cycle by rules."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.gold import Gold, rule_named
from tertulia.environments.scenario import ScenarioError, load_scenario
from tertulia.environments.world import Claim, Variable
from tertulia.environments.worlds.table_talk.words import Phrasebook
from tertulia.storage.log import Log
from tertulia.storage.rows import BeliefRow, CallRow, ClaimRow, GoldRow, MindDeltaRow
from tests.environments.table_talk_play import belief, nobody, opened, played, scenario_of, stance
from tests.environments.test_table_talk_rules import books
from tests.loopback import Loopback
from tests.playing import play as play_episode
from tests.tiny_model import make_tiny_model

NAMES = ("alice", "bob", "jean-luc", "x_1")
CAKE = Variable(name="cake", values=("kitchen", "cellar"), say="The cake is in the {value}.")
KITCHEN = Claim(variable="cake", value="kitchen", believer="bob")


@settings(max_examples=200, deadline=None)
@given(books(), st.data())
def test_what_is_said_of_minds_is_understood_as_exactly_that(plain: Phrasebook, data: st.DataObject) -> None:
    book = Phrasebook(plain.variables.values(), NAMES)
    every = [
        Claim(variable=v.name, value=value, holds=holds, believer=believer)
        for v in book.variables.values() for value in v.values for holds in (True, False)
        for believer in (None, *NAMES)
    ]  # fmt: skip
    claims = tuple(data.draw(st.lists(st.sampled_from(every), max_size=4)))
    to = data.draw(st.sampled_from([(), ("bob",), ("bob", "alice")]))
    if book.clashes():
        return  # such variables are refused when the scenario is read
    assert book.parse(book.render(claims, to)) == claims


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("Bob, you think that the cake is in the kitchen.", [("kitchen", True, "bob")]),
        ("Bob thinks that the cake is in the cellar!", [("cellar", True, "bob")]),
        ("bob, you do not think that the cake is in the kitchen.", [("kitchen", False, "bob")]),
        ("Bob thinks that the cake is in the kitchen. The cake is in the cellar.",
         [("kitchen", True, "bob"), ("cellar", True, None)]),
        ("I doubt that Bob thinks that the cake is in the kitchen.", []),
        ("Dan thinks that the cake is in the kitchen.", []),
        ("Does Bob think that the cake is in the kitchen?", []),
        ("I think: the cake is in the kitchen.", [("kitchen", True, None)]),
    ],
)  # fmt: skip
def test_words_of_minds_are_told_from_words_of_the_world(text: str, understood: list[Any]) -> None:
    book = Phrasebook([CAKE], ["alice", "bob"])
    assert [(claim.value, claim.holds, claim.believer) for claim in book.parse(text)] == understood


def test_a_sentence_of_the_scenarios_own_goes_before_one_of_minds() -> None:
    film = Variable(name="film", values=("good", "bad"), say="Bob thinks that the film is {value}.")
    other = Variable(name="other", values=("good", "bad"), say="The film is {value}.")
    book = Phrasebook([film, other], ["bob"])
    assert book.parse("Bob thinks that the film is good.") == (Claim(variable="film", value="good"),)


OPINION = {"facts": [], "variables": {"cake": {"values": ["kitchen", "cellar"]}}}
"""Nobody knows, and nothing decides it."""


def _seats(*presets: str) -> dict[str, Any]:
    return {
        "scenario": "small", "world": "table_talk",
        "variables": {
            "cake": {"values": ["kitchen", "cellar"], "truth": "kitchen", "say": "The cake is in the {value}."}
        },
        "participants": [
            {"name": name, "mind": {"preset": preset}} for name, preset in zip(NAMES, presets, strict=False)
        ],
        "facts": ["cake"],
    }  # fmt: skip


def test_only_a_mind_that_discloses_may_speak_of_those_present_as_believers() -> None:
    stage, _ = opened(scenario_of(_seats("mutual", "full", "full")))
    mine, theirs = (stage.world.legal(stage.state, name) for name in ("alice", "bob"))
    assert mine is not None
    assert theirs is not None
    assert "believer" not in str(theirs.model_json_schema())
    act = {"kind": "say", "text": "words", "asserts": [{"variable": "cake", "value": "kitchen", "believer": "bob"}]}
    assert mine.model_validate(act).root.asserts[0].believer == "bob"
    act["asserts"] = [{"variable": "cake", "value": "kitchen", "believer": "alice"}]
    with pytest.raises(ValidationError):
        mine.model_validate(act)


def test_where_nobody_discloses_rules_read_words_of_minds_and_say_none() -> None:
    script = [
        {"turn": 1, "say": "Bob thinks that it is in the cellar.", "by": "alice", "believer": "bob",
         "asserts": {"cake": "cellar"}},
    ]  # fmt: skip
    stage, events = played(scenario_of({**_seats("full", "full", "full"), **OPINION, "script": script}), nobody, 1)
    assert events[-1].claims[0].believer == "bob"
    assert belief(stage, "jean-luc", "jean-luc>bob", "cake")["cellar"] == pytest.approx(0.95)
    assert belief(stage, "jean-luc", "jean-luc", "cake")["cellar"] == 0.5, "what bob thinks is not what is so"
    assert belief(stage, "bob", "bob", "cake")["cellar"] == 0.5
    assert belief(stage, "alice", "alice>bob", "cake")["cellar"] == 0.5, "own words move no belief of one's own"
    assert not stance(stage, "bob").candidates


def test_saying_what_somebody_thinks_informs_nobody() -> None:
    script = [{"turn": 1, "say": "Words.", "by": "alice", "believer": "bob", "asserts": {"cake": "kitchen"}}]
    data = {**_seats("full", "full"), "script": script, "facts": []}
    data["participants"][0]["knows"] = {"cake": "kitchen"}
    stage, _ = played(scenario_of(data), nobody, 1)
    assert stage.state.informed["cake"] == ("alice",)


def test_gold_and_rules_agree_on_whom_a_claim_about_a_belief_moves() -> None:
    script = [
        {"turn": 1, "say": "You think so.", "by": "alice", "believer": "bob", "asserts": {"cake": "cellar"}},
    ]  # fmt: skip
    data = {**_seats("mutual", "mutual", "mutual"), **OPINION, "script": script}
    stage, events = played(scenario_of(data), nobody, 1)
    gold = Gold(stage.seats, stage.variables, rule_named("credulous"))
    gold.take_in(events)
    for chain in ("alice", "bob", "jean-luc", "alice>bob", "bob>alice", "jean-luc>bob", "jean-luc>alice",
                  "jean-luc>bob>alice", "alice>jean-luc>bob", "bob>jean-luc>bob"):  # fmt: skip
        held = belief(stage, chain.partition(">")[0], chain, "cake")["cellar"]
        assert (held > 0.5) == (gold.distribution(chain, "cake")["cellar"] > 0.5), chain
    assert belief(stage, "bob", "bob>alice>bob", "cake")["cellar"] > 0.5, "bob heard what alice takes him to think"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"say": "x", "by": "alice", "believer": "alcie"}, "no participant to speak of 'alcie'"),
        ({"say": "x", "by": "alice", "believer": "alice"}, "no participant to speak of 'alice'"),
        ({"set": {"cake": "cellar"}, "believer": "bob"}, "only `say` and `whisper` have `believer`"),
    ],
)
def test_a_believer_who_cannot_be_is_told_in_a_line(event: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenario_of({**_seats("full", "full"), "script": [{"turn": 1, **event}]})


@pytest.fixture
def log(tmp_path: Any) -> Any:
    with Log.open(tmp_path / "log.db") as opened_log:
        yield opened_log


def play(log: Log, *sets: str) -> str:
    async def one() -> str:
        scenario = load_scenario("misunderstanding", sets)
        episode = await Episode.begin(scenario, seed=0, log=log, backends=Backends())
        result = await episode.play()
        assert result.status == "success"
        return result.episode

    return asyncio.run(one())


def test_a_misunderstanding_is_told_corrected_and_revised(log: Log) -> None:
    episode = play(log)
    assert not [call for call in log.rows(CallRow, episode) if call.status != "ok"]
    cycles = log.query("SELECT * FROM v_mutual_cycles WHERE episode = ? ORDER BY turn", [episode]).dicts()
    cake = next(row for row in cycles if row["variable"] == "cake")
    assert (cake["discloser"], cake["believer"], cake["value"]) == ("alice", "bob", "in the kitchen")
    assert cake["constructed_turn"] < cake["turn"] < cake["recognised_turn"] < cake["revised_turn"]
    assert cake["kind"] == "correct"
    assert cake["gain"] > 0.5
    assert [row["kind"] for row in cycles if (row["discloser"], row["variable"]) == ("alice", "key")] == ["confirm"]
    notes = [row for row in log.rows(MindDeltaRow, episode) if row.faculty == "mirror"]
    kinds = [
        (row.holder, each["by"], each["kind"]) for row in notes if row.key == "recognised" for each in row.value
    ]  # fmt: skip
    assert kinds[:2] == [("bob", "alice", "correct"), ("bob", "alice", "confirm")]
    first = next(row for row in notes if row.key == "revised")
    assert (first.holder, first.value[0]["now"]) == ("alice", "in the cellar")
    orders = {row.chain.count(">") for row in log.rows(BeliefRow, episode)}
    assert orders == {0, 1, 2}


def test_the_notes_of_a_mind_say_what_its_utterances_show(log: Log) -> None:
    episode = play(log)
    cycles = log.query("SELECT * FROM v_mutual_cycles WHERE episode = ?", [episode]).dicts()
    noted = {
        (row.holder, each["event"]): each["kind"]
        for row in log.rows(MindDeltaRow, episode) if (row.faculty, row.key) == ("mirror", "recognised")
        for each in row.value
    }  # fmt: skip
    shown = {(row["believer"], f"{row['turn']}.{row['event']}"): row["kind"] for row in cycles}
    assert noted == shown


def test_gold_of_the_teller_holds_until_the_correction_and_then_follows_it(log: Log) -> None:
    episode = play(log)
    rows = [row for row in log.rows(GoldRow, episode, chain="alice>bob", variable="cake") if row.probability == 1.0]
    assert [(row.value, row.basis) for row in rows] == [("in the kitchen", "witnessed"), ("in the cellar", "told")]
    answer = next(row for row in log.rows(ClaimRow, episode) if (row.speaker, row.variable) == ("bob", "cake"))
    assert rows[1].turn == answer.turn + 1


def test_without_the_mirror_nobody_speaks_of_minds(log: Log) -> None:
    episode = play(log, "mind.preset=full")
    assert not [row for row in log.rows(ClaimRow, episode) if row.believer is not None]


async def test_models_behind_an_api_and_on_this_machine_may_speak_of_minds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with Loopback(latency_ms=1) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = await play_episode(tmp_path / "log.db", "misunderstanding", model="openai/any", sets=["turns.limit=4"])
        schemas = [json.dumps(request.body["response_format"]) for request in server.requests]
    assert any('"believer"' in schema for schema in schemas), "a strict server took a schema with believers"
    tiny = f"hf/{make_tiny_model(tmp_path / 'tiny')}"
    local = await play_episode(tmp_path / "log.db", "misunderstanding", model=tiny, sets=["turns.limit=1"])
    assert (result.status, local.status) == ("success", "success")
    with Log.open(tmp_path / "log.db") as log:
        for episode in (result.episode, local.episode):
            assert {call.status for call in log.rows(CallRow, episode)} == {"ok"}
            assert {row.key for row in log.rows(MindDeltaRow, episode) if row.faculty == "mirror"} >= {"events"}
