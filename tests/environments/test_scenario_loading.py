"""Scenarios by name and path, with overrides; resolved and restored; shipped ones read and play."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from tertulia.environments.scenario import AllSilent, Condition, Scenario, ScenarioError, list_scenarios, load_scenario
from tertulia.environments.scenario.source import parse_value
from tertulia.environments.worlds import WORLDS, load_world
from tests.environments.strategies import table_scenarios
from tests.environments.table_talk_play import played, scenario_of

DESIGN_EXAMPLE = """\
scenario: dinner-secret
world: table_talk
premise: Four friends at dinner in an old house.        # public: everyone reads it
variables:                       # what can be believed; the truth is the world's
  house: {values: [kept, sold], truth: sold, static: true}
  cake:  {values: [kitchen, cellar], truth: kitchen}
participants:
  - {name: alice, persona: "warm, curious, says what she thinks", knows: {house: sold}, goal: keep the sale to yourself}
  - {name: bob,   persona: "an old friend of the house"}
  - {name: carol, persona: "notices everything", mind: {preset: minddial, order: 2}}
  - {name: dan,   persona: "quiet, kind", model: hf/Qwen/Qwen3-8B}
mind:  {preset: full, order: 2, workspace: 7}           # the default for all seats
elicit: inline
model: rules
turns: {policy: addressed, limit: 24}
script:
  - {turn: 5, leave: bob}
  - {turn: 6, set: {cake: cellar}, text: "Carol carries the cake down to the cellar.", seen_by: present}
  - {turn: 9, enter: bob}
ends:   [limit, {all_silent: 3}]
"""


def test_the_example_of_the_design_reads_as_it_stands() -> None:
    scenario = scenario_of(DESIGN_EXAMPLE)
    assert [scenario.model_of(name) for name in scenario.names] == ["rules", "rules", "rules", "hf/Qwen/Qwen3-8B"]
    assert [p.mind.preset for p in scenario.participants] == ["full", "full", "minddial", "full"]
    assert scenario.silence_limit == 3
    assert played(scenario)[0].ending(24) in ("limit", "all_silent")
    _, events = played(scenario.model_copy(update={"ends": ("limit",)}))
    changes = [one for one in events if one.event.kind == "change"]
    assert [w.participant for w in changes[0].witnesses] == ["alice", "carol", "dan"]
    assert any(one.event.kind == "enter" and one.event.actor == "bob" for one in events)


@pytest.mark.parametrize("name", list_scenarios())
def test_a_shipped_scenario_reads_resolves_and_plays_by_rules(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.scenario == name
    assert scenario.description
    assert {scenario.model_of(seat) for seat in scenario.names} == {"rules"}
    assert Scenario.from_resolved(json.loads(json.dumps(scenario.resolved()))) == scenario
    stage, events = played(scenario)
    assert any(one.event.kind in ("say", "guess") for one in events)
    assert stage.ending(stage.head)


def test_the_four_that_were_promised_are_shipped() -> None:
    assert {"mutual-friends", "dinner-secret", "sally-anne", "planning-meeting"} <= set(list_scenarios())


@settings(max_examples=50, deadline=None)
@given(table_scenarios())
def test_a_resolved_scenario_is_the_same_scenario_again(data: dict[str, Any]) -> None:
    scenario = scenario_of(data)
    resolved = json.loads(json.dumps(scenario.resolved()))
    assert Scenario.from_resolved(resolved) == scenario
    assert Scenario.from_resolved(resolved).resolved() == resolved
    assert resolved["participants"][0]["mind"]["workspace"] == 7, "defaults are written out"
    assert scenario_of(yaml.safe_dump(resolved)) == scenario, "a resolved scenario is a scenario file"


def test_a_seat_changes_single_keys_of_the_mind_and_its_own_preset_drops_the_list() -> None:
    text = DESIGN_EXAMPLE.replace("mind:  {preset: full,", "mind: {preset: full, faculties: [perceive, speak],")
    alice, _, carol, _ = scenario_of(text).participants
    assert alice.mind.parts() == ("perceive", "speak")
    assert carol.mind.parts() == ("perceive", "believe", "dial", "speak")
    assert (carol.mind.workspace, carol.mind.order) == (7, 2)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("a: b", "a: b"), ("Calm: she says little, and smiles", "Calm: she says little, and smiles"),
        ("likes #1 # and dashes", "likes #1 # and dashes"), ("- so she says", "- so she says"), ("*stern*", "*stern*"),
        ('"Hm," he says', '"Hm," he says'), ("'a: b'", "a: b"), ("one\ntwo: three", "one\ntwo: three"), (" x ", "x"),
        ("8", 8), ("0.5", 0.5), ("true", True), ("null", None), ("", None),
        ("[a, b]", ["a", "b"]), ("{a: 1}", {"a": 1}),
    ],
)  # fmt: skip
def test_a_typed_value_is_text_unless_it_is_a_number_a_word_of_yaml_or_in_brackets(typed: str, value: Any) -> None:
    assert parse_value(typed) == value


def test_a_typed_value_with_a_bracket_that_never_closes_says_how_it_is_meant_as_text() -> None:
    with pytest.raises(ScenarioError, match=r"-S participants\.bob\.persona: not YAML: .*; .*double quotes"):
        load_scenario("dinner-secret", ["participants.bob.persona=[sic] he says"])


def test_a_folder_of_a_model_that_is_not_there_is_found_while_reading(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as told:
        load_scenario("dinner-secret", ["participants.bob.model=hf/./nowhere"], model="hf/~/no-such-folder")
    assert str(told.value).splitlines() == [
        f"--model hf/~/no-such-folder: there is no folder {Path.home() / 'no-such-folder'}; "
        "give the folder of a model, from where you are now or from the root",
    ], "a model for all seats takes the place of their own"
    with pytest.raises(ScenarioError, match=r"-S participants\.bob\.model: there is no folder .*nowhere"):
        load_scenario("dinner-secret", ["participants.bob.model=hf/./nowhere"])
    (tmp_path / "model").mkdir()
    scenario = load_scenario("dinner-secret", model=f"hf/{tmp_path}/model")
    (tmp_path / "model").rmdir()
    assert Scenario.from_resolved(scenario.resolved()) == scenario, "what the log has can be shown without it"


def test_sets_reach_every_key() -> None:
    scenario = load_scenario(
        "dinner-secret",
        [
            "turns.limit=8", "turns.policy=bidding", "participants.alice.mind.preset=reactive", "mind.order=3",
            "participants.1.persona='a: b'", "variables.cake.truth=cellar", "participants.bob.knows={}", "script=[]",
            "ends=[limit, {condition: {cake: kitchen}}, {all_silent: 2}]", "facts=[cake]",
        ],
    )  # fmt: skip
    alice, bob = scenario.participants[:2]
    assert (scenario.turns.limit, scenario.turns.policy) == (8, "bidding")
    assert (alice.mind.preset, alice.mind.order, bob.mind.preset, bob.mind.order) == ("reactive", 3, "full", 3)
    assert bob.persona == "a: b"
    assert scenario.ends == ("limit", Condition(condition={"cake": "kitchen"}), AllSilent(all_silent=2))
    _, [opening, *_] = scenario.build_world().reset(Random(0))
    assert opening.text.endswith("The cake is in the cellar.")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "turns.limt=8",
            "-S turns.limt: unknown key 'limt'; nearest: 'limit'"
            " (others: policy, moderator, model, interruptions, cooldown, normalise, silence, pause_s, ...)",
        ),
        ("turns.limit=0", "-S turns.limit: 0 is too small; give a number of 1 or more"),
        ("trns.limit=8", "-S trns: unknown key 'trns'; nearest: 'turns'"),
        ("participants.alise.persona=x", "-S participants.alise.persona: no participant 'alise'; nearest: 'alice'"),
        (
            "participants.alice.mind.preset=reactiv",
            "-S participants.alice.mind.preset: no preset 'reactiv'; nearest: 'reactive'",
        ),
        ("participants.9.persona=x", "-S participants.9.persona: no participant '9'"),
        (
            "script.7.turn=3",
            "-S script.7.turn: script is a list with 4 items, and '7' is none of them; a number from 0 to 3",
        ),
        ("world.x=3", "-S world.x: world is the text 'table_talk', it has no keys; set `world` itself"),
        ("turns", "-S turns: is not of the form key=value; write for example"),
        ("a..b=1", "-S a..b=1: is not of the form key=value"),
        ("turns={", "-S turns: not YAML: "),
        ("variables.hose.truth=kept", "-S variables.hose.values: is missing; add `values: ...`"),
        (
            "variables.house.truth=kep",
            "-S variables.house.truth: the truth 'kep' is none of the values; nearest: 'kept'",
        ),
    ],
)
def test_a_bad_set_is_blamed_on_the_option(option: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario("dinner-secret", [option])
    assert str(caught.value).startswith(message)
    assert len(caught.value.problems) == 1


def test_model_is_for_all_seats_and_a_role_for_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(DESIGN_EXAMPLE, encoding="utf-8")
    scenario = load_scenario(path, model="openai/any", roles={"bob": "rules"})
    assert [scenario.model_of(name) for name in scenario.names] == ["openai/any", "rules", "openai/any", "openai/any"]
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, roles={"bop": "rules"})
    assert str(caught.value) == "--model-role bop: no participant 'bop'; nearest: 'bob' (others: alice, carol, dan)"


def test_paths_are_relative_to_the_file_and_those_of_options_to_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {
        "attributes": [{"name": n, "value_type": n.lower(), "unique": False} for n in ("Name", "Hobby", "Town")],
        "values": {n: [f"{n}{i}" for i in range(12)] for n in ("name", "hobby", "town")},
    }
    (tmp_path / "beside").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    for folder in (tmp_path / "beside", here):
        (folder / "values.json").write_text(json.dumps(schema), encoding="utf-8")
    file = tmp_path / "beside" / "mine.yaml"
    file.write_text(
        "scenario: x\nworld: mutual_friends\nschema: values.json\nparticipants: [{name: a}, {name: b}]\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(here)
    assert load_scenario(file).resolved()["schema"] == str(file.parent / "values.json")
    assert load_scenario(file, ["schema=values.json"]).resolved()["schema"] == str(here / "values.json")
    assert load_scenario(file).build_world().names == ("a", "b")


def test_every_world_of_ours_loads_with_its_one_policy_and_others_by_their_path() -> None:
    for name in WORLDS:
        world, policy = load_world(name)
        assert world.name == name
        assert policy.__name__.endswith("Rules")
    assert load_world("tertulia.environments.worlds.table_talk:TableTalk") == load_world("table_talk")
    scenario = scenario_of(DESIGN_EXAMPLE.replace("table_talk", "tertulia.environments.worlds.table_talk:TableTalk"))
    assert scenario.build_world().name == "table_talk"
    for bad, said in {
        "tertulia.nowhere:World": "Python finds no module 'tertulia.nowhere'; run with `PYTHONPATH=FOLDER`",
        "tertulia.environments.worlds.table_talk:TableTak": "has no World called 'TableTak'; nearest: 'TableTalk'",
        "json:dumps": "json has no World called 'dumps'; there is none to choose from",
        "./guessing.py:Guessing": f"no world './guessing.py:Guessing'; one of: {', '.join(sorted(WORLDS))}, or `module",
    }.items():
        with pytest.raises(ScenarioError, match=f"test.yaml:2: world: .*{re.escape(said)}"):
            scenario_of(DESIGN_EXAMPLE.replace("table_talk", bad))
