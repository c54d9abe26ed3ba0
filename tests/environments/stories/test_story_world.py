"""The world story: told sentence by sentence to one seat, then asked; nothing in it that the seat did not witness."""

from __future__ import annotations

import copy
import json
import re
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import tertulia
from tertulia.environments.gold import RULES
from tertulia.environments.hindsight import Hindsight
from tertulia.environments.restore import RestoreError, restore
from tertulia.environments.scenario import load_scenario
from tertulia.environments.seeing import Happened
from tertulia.environments.stage import Stage
from tertulia.environments.stories.answer import Answering
from tertulia.environments.stories.reading import stories_in
from tertulia.environments.stories.story import Story
from tertulia.environments.testing import check_world
from tertulia.environments.world import Claim, Pass
from tertulia.environments.worlds.story import Answer, StoryParams, StoryRules, StorySeat, StoryWorld
from tertulia.environments.worlds.story.you import as_you
from tertulia.mind.spec import PRESETS
from tertulia.storage.log import Log
from tertulia.storage.rows import BeliefRow, CallRow, GoldRow
from tests.environments.fixed_transcript import heard, play_along, some_acts
from tests.environments.stories.made_stories import (
    DATA,
    PEOPLE,
    some_lines,
    story,
    tomi_story,
    tomi_text,
    witnessed_story,
    written,
)
from tests.environments.table_talk_play import nobody, opened, played, scenario_of
from tests.loopback import Loopback
from tests.playing import play

SLOW = settings(
    max_examples=8,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SETS = {"tomi": "tomi/val.txt", "bigtom": "bigtom/bigtom.csv", "hi-tom": "hi_tom/Hi-ToM_data.json"}


def texts(events: list[Happened], kind: str | None = None) -> list[str]:
    return [one.event.text for one in events if one.witnesses and kind in (None, one.event.kind)]


# -- how it is told --------------------------------------------------------------------------------------------------


def test_a_story_comes_with_it_and_a_sentence_is_a_turn_and_so_is_a_question() -> None:
    stage, events = played(story())
    assert stage.head == 9 + 6
    assert [one.event.turn for one in events if one.event.kind == "ask"] == [9, 10, 11, 12, 13, 14]
    assert (stage.outcome().reward, stage.outcome().reason) == (1.0, "answered")


def test_a_character_is_told_of_itself_as_you_and_not_told_what_it_does_not_witness() -> None:
    _, events = played(story(view="first", as_="Maud"))
    told = texts(events)
    assert told[1] == "You, Tilo and Wim come up into the lamp room."
    assert told[2:5] == [
        "You lay the logbook into the chest and let the lid fall.",
        "You go down to the boat.",
        "You come back up.",
    ]
    assert "Where will you look for the logbook? One of: chest; hammock; stove." in told
    assert not any("cold stove" in text or "hides it" in text or "window" in text for text in told)


def test_who_peeks_sees_it_and_who_is_peeked_at_does_not_know() -> None:
    told = {name: texts(played(story(view="first", as_=name))[1]) for name in ("Tilo", "Wim")}
    assert "Wim puts the logbook into the cold stove." in told["Tilo"]
    assert "You have watched it through the window, and nobody noticed." in told["Tilo"]
    assert not any("window" in text for text in told["Wim"])
    answers = {}
    for name in ("Tilo", "Wim"):
        rows = played(story(view="first", as_=name))[0].outcome().detail["questions"]
        answers[name] = {row["question"]: row["answer"] for row in rows}
    asked = "Where will Tilo look for the logbook?"
    assert (answers["Tilo"][asked], answers["Wim"][asked]) == ("stove", "hammock")


def test_a_character_that_comes_back_into_a_room_is_told_what_it_sees_there(tmp_path: Path) -> None:
    lines = [
        "Ada entered the den.", "Ben entered the den.", "The lime is in the red_box.", "Ada exited the den.",
        "Ben moved the lime to the blue_bag.", "Ada entered the den.", "Where will Ada look for the lime?\tblue_bag\t1",
    ]  # fmt: skip
    (tmp_path / "s.txt").write_text("".join(f"{n} {line}\n" for n, line in enumerate(lines, 1)), encoding="utf-8")
    told = {
        view: texts(played(story(file=tmp_path / "s.txt", format="tomi", view=view))[1]) for view in ("first", "third")
    }
    assert told["first"][5] == "You entered the den. You see: The lime is in the blue_bag."
    assert told["third"][6] == "Ada entered the den."


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    me=st.sampled_from(["Ada", "Ben"]),
    control=st.sampled_from(["none", "true-belief", "transparent"]),
)
def test_whatever_counts_as_seen_by_a_character_is_told_to_it_in_words(
    tmp_path: Path, seed: int, me: str, control: str
) -> None:
    (tmp_path / "s.txt").write_text(tomi_text(seed), encoding="utf-8")
    keys = {"file": tmp_path / "s.txt", "format": "tomi", "view": "first", "as_": me, "control": control}
    last = ""
    for one in played(story(**keys))[1]:
        if one.witnesses and one.event.kind != "say":
            for claim in one.claims:
                assert claim.value in one.event.text or last == claim.value
                last = claim.value


def test_while_the_story_is_told_nobody_can_act_and_then_only_with_one_of_the_options() -> None:
    stage, _ = opened(story())
    assert stage.world.legal(stage.state, "reader") is None
    for turn in range(1, 10):
        stage.step(turn, 0, {})
    legal = stage.world.legal(stage.state, "reader")
    assert legal is not None
    assert legal.model_validate({"kind": "answer", "answer": "stove"}).root.answer == "stove"
    for bad in ({"kind": "answer", "answer": "boat"}, {"kind": "say", "text": "stove"}, {"kind": "pass"}):
        with pytest.raises(ValidationError):
            legal.model_validate(bad)
    with pytest.raises(ValueError, match="answer"):
        stage.world.step(stage.state, {"reader": Pass()}, Random(0))


def test_who_says_nothing_has_not_answered_and_the_next_question_comes() -> None:
    stage, events = played(story(), nobody)
    outcome = stage.outcome()
    assert (outcome.done, outcome.reward) == (True, 0.0)
    assert all(tally["answered"] == 0 for tally in outcome.detail["by_kind"].values())
    assert len(texts(events, "ask")) == 6


def test_a_wrong_answer_is_told_from_gold_and_label_in_the_outcome() -> None:
    def chest(stage: Stage, turn: int) -> dict[str, Any]:
        return {"reader": Answer(answer="chest")} if stage.world.legal(stage.state, "reader") else {}

    outcome = played(story(), chest)[0].outcome()
    rows = outcome.detail["questions"]
    assert [row["agrees"] for row in rows] == [True, False, True, False, False, False]
    assert outcome.reward == pytest.approx(2 / 6)
    assert (rows[1]["answer"], rows[1]["gold"], rows[1]["label"]) == ("chest", "stove", "stove")


def test_where_gold_of_a_question_is_not_certain_nothing_is_counted(tmp_path: Path) -> None:
    data = witnessed_story([{"text": "Ben sees the key in the jar.", "shows": {"key": "jar"}, "seen_by": ["Ben"]}])
    file = written(tmp_path / "s.yaml", data)
    outcome = played(story(file=file, view="first", as_="Ada"))[0].outcome()
    assert outcome.reward is None
    assert [row["gold"] for row in outcome.detail["questions"]] == [None, None, None]
    assert outcome.detail["questions"][0]["watched"] == "jar"


def test_only_the_kinds_that_are_wanted_are_asked() -> None:
    stage, events = played(story(questions="[memory, second_order]"))
    assert len(texts(events, "ask")) == 2
    assert list(stage.outcome().detail["by_kind"]) == ["memory", "second_order"]


def test_the_options_do_not_tell_the_answer_by_their_order(tmp_path: Path) -> None:
    """BigToM's script lists the right choice first."""
    data = witnessed_story(some_lines(1))
    data["questions"] = [{**data["questions"][0], "choices": ["tin", "cup", "jar"]}]
    _, events = played(story(file=written(tmp_path / "s.yaml", data)))
    assert texts(events, "ask") == ["Where is the key? One of: cup; jar; tin."]


# -- answers as claims, truth, beliefs -------------------------------------------------------------------------------


def test_an_answer_claims_what_is_so_or_what_somebody_believes_and_nothing_about_the_past() -> None:
    _, events = played(story())
    claims = [(c.variable, c.value, c.believer) for one in events if one.event.kind == "say" for c in one.claims]
    assert claims == [
        ("logbook", "stove", None), ("logbook", "hammock", "Maud"), ("logbook", "stove", "Tilo"),
        ("logbook", "hammock", "Wim>Tilo"),
    ]  # fmt: skip


def test_what_a_character_answers_about_itself_is_its_own_belief() -> None:
    _, events = played(story(view="first", as_="Wim"))
    claims = [(c.value, c.believer) for one in events if one.event.kind == "say" for c in one.claims]
    assert claims == [("stove", None), ("hammock", "Maud"), ("hammock", "Tilo"), ("hammock", "Tilo")]


def test_the_truth_is_what_was_last_shown_and_unknown_before() -> None:
    stage, _ = opened(story())
    truths = []
    for turn in range(1, 10):
        stage.step(turn, 0, {})
        truths.append(stage.world.variables(stage.state)[0].truth)
    assert truths == [None, "chest", "chest", "hammock", "hammock", "stove", "stove", "stove", "stove"]


async def test_beliefs_gold_and_truth_stand_in_the_log_row_by_row(tmp_path: Path) -> None:
    sets = ["view=first", "as=Tilo", "elicit=inline"]
    result = await play(tmp_path / "log.db", "story", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        beliefs = log.rows(BeliefRow, result.episode)
        gold = [row for row in log.rows(GoldRow, result.episode) if row.chain == "reader"]
        truth = [row for row in log.rows(GoldRow, result.episode) if row.chain == "world"]
    assert result.status == "success"
    held = {(row.turn, row.value) for row in beliefs if row.probability == 1.0}
    assert held == {(3, "chest"), (5, "hammock"), (7, "stove")}
    assert {(row.turn, row.value) for row in gold if row.probability == 1.0} == held
    assert {row.value for row in truth if row.probability == 1.0} == {"chest", "hammock", "stove"}


@given(
    claims=st.lists(
        st.builds(
            Claim, variable=st.just("lime"), value=st.sampled_from(["red_box", "blue_bag", "elsewhere"]),
            holds=st.booleans(), believer=st.sampled_from([None, "Ada", "Ben>Ada", "Ada>Ben>Ada"]),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_claims_in_words_are_read_back_as_they_were(claims: list[Claim]) -> None:
    values = ("red_box", "blue_bag", "elsewhere")
    variables = [tomi_story(1).variables[0].model_copy(update={"values": values})]
    rules = StoryRules(variables)
    assert rules.parse(rules.render(claims)) == tuple(claims)


def test_values_that_are_sentences_and_sound_alike_are_read_back_too() -> None:
    belief = tomi_story(1).variables[0].model_copy(
        update={"name": "belief", "values": ("Noor thinks: oat.", "Noor thinks: almond."), "say": "{value}"}
    )  # fmt: skip
    act = belief.model_copy(update={"name": "act"})
    rules = StoryRules([belief, act])
    claims = tuple(Claim(variable=v, value=belief.values[n], believer=b) for v in ("belief", "act") for n in (0, 1)
                   for b in (None, "Noor"))  # fmt: skip
    assert rules.parse(rules.render(claims)) == claims


# -- the laws of worlds, and the rules -------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [{}, {"view": "first"}, {"skin": "all", "control": "transparent"}])
def test_the_shipped_story_keeps_the_laws_of_worlds(keys: dict[str, Any]) -> None:
    check_world(lambda: StoryWorld(StoryParams(**keys), {"reader": StorySeat()}), turns=18)


@SLOW
@given(seed=st.integers(0, 10_000), view=st.sampled_from(["first", "third"]), name=st.sampled_from(PEOPLE))
def test_made_stories_keep_the_laws_of_worlds(tmp_path: Path, seed: int, view: Any, name: str) -> None:
    file = written(tmp_path / f"{seed}.yaml", witnessed_story(some_lines(seed)))
    params = StoryParams.model_validate({"file": file, "view": view, "as": name if view == "first" else None})
    check_world(lambda: StoryWorld(params, {"reader": StorySeat()}), seeds=range(2), turns=14)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), name=st.sampled_from([None, *PEOPLE]), rule=st.sampled_from(sorted(RULES)))
def test_rules_answer_from_what_their_seat_saw_as_gold_of_the_whole_story_does(
    tmp_path: Path, seed: int, name: str | None, rule: str
) -> None:
    """The oracle has the whole story; the rules have only what was shown to the seat."""
    file = written(tmp_path / f"{seed}.yaml", witnessed_story(some_lines(seed)))
    view = {"view": "third"} if name is None else {"view": "first", "as_": name}
    stage, _ = played(story(file=file, **view, **{"gold.rule": rule}))
    assert stage.outcome().reward in (1.0, None)
    whole = Answering(stage.world.story, RULES[rule])  # type: ignore[attr-defined]
    for row, question in zip(stage.outcome().detail["questions"], whole.story.questions, strict=True):
        assert row["watched"] == whole.answer(question)
        if name is None:
            assert row["gold"] == row["watched"]


# -- nothing that was not witnessed ----------------------------------------------------------------------------------


def changed_unseen(lines: list[dict[str, Any]], me: str, seed: int) -> list[dict[str, Any]]:
    """The same for `me`: what it does not witness is other, gone or new, and who peeks unnoticed by it is another."""
    rng, found = Random(seed), []
    for line in copy.deepcopy(lines):
        if me in (*line["seen_by"], *line.get("unnoticed", ())):
            others = [name for name in PEOPLE if name not in (me, line.get("by"), *line["seen_by"])]
            mine = [name for name in line.get("unnoticed", ()) if name == me]
            line["unnoticed"] = [*mine, *(name for name in others if rng.random() < 0.5)]
            found.append(line)
        elif rng.random() < 0.7:
            how = "shows" if "shows" in line else "says"
            found.append({**line, how: {"key": rng.choice(["tin", "jar", "cup"])}, "text": f"Unseen {rng.random()}."})
        if rng.random() < 0.5:
            others = [name for name in PEOPLE if name != me][:1]
            found.append({"text": f"New {rng.random()}.", "shows": {"key": "cup"}, "seen_by": others})
    return found


@SLOW
@given(
    seed=st.integers(0, 10_000),
    other=st.integers(0, 10_000),
    me=st.sampled_from(PEOPLE),
    elicit=st.sampled_from(["inline", "none"]),
)
def test_what_a_character_did_not_witness_changes_no_prompt_and_no_rule(
    tmp_path: Path, seed: int, other: int, me: str, elicit: str
) -> None:
    data = {"scenario": "s", "world": "story", "view": "first", "as": me, "participants": [{"name": "reader"}],
            "mind": {"preset": "full"}, "elicit": elicit, "turns": {"limit": 60}}  # fmt: skip
    lines = some_lines(seed)
    one = {**data, "file": str(written(tmp_path / "one.yaml", witnessed_story(lines)))}
    two = {**data, "file": str(written(tmp_path / "two.yaml", witnessed_story(changed_unseen(lines, me, other))))}
    acts = some_acts(scenario_of(one), seed, 30)
    first, stage = play_along(one, acts, {})
    second, again = play_along(two, acts, {})
    assert first == second
    assert first["reader"]
    assert stage.head == again.head
    # rules are given data beside the words: what they make of it must be the same as well
    views = [view.policy.consider(view.seen_by("reader", view.head + 1), Random(0)) for view in (stage, again)]
    assert [b.probabilities for b in views[0].beliefs] == [b.probabilities for b in views[1].beliefs]
    assert [c.act for c in views[0].candidates] == [c.act for c in views[1].candidates]


def test_the_check_can_fail(tmp_path: Path) -> None:
    lines = some_lines(1)
    data = {"scenario": "s", "world": "story", "view": "first", "as": "Ada", "participants": [{"name": "reader"}],
            "turns": {"limit": 60}}  # fmt: skip
    one = {**data, "file": str(written(tmp_path / "one.yaml", witnessed_story(lines)))}
    lines[0]["text"] = "All see the key in the tin, and gasp."
    two = {**data, "file": str(written(tmp_path / "two.yaml", witnessed_story(lines)))}
    acts = some_acts(scenario_of(one), 1, 30)
    first, stage = play_along(one, acts, {})
    second, _ = play_along(two, acts, {})
    assert first != second
    assert "gasp" not in heard(stage, "reader")


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ella entered the garage.", "You entered the garage."),
        ("Where will Ella look for the lime?", "Where will you look for the lime?"),
        ("Where does Ella think that Avery searches for it?", "Where do you think that Avery searches for it?"),
        ("Where does Avery think that Ella searches for it?", "Where does Avery think that you search for it?"),
        ("Where does Ella really think Bo thinks Ella thinks it is?",
         "Where do you really think Bo thinks you think it is?"),
        ("Ella loves the lime", "You love the lime"),
        ("Mila, Ella and Bo entered the den.", "Mila, you and Bo entered the den."),
        ("Mila took Ella's bag. Ella was angry.", "Mila took your bag. You were angry."),
        ("Ella carries it in, watches and opens the lid.", "You carry it in, watches and open the lid."),
        ("Ellas lime", "Ellas lime"),
    ],
)  # fmt: skip
def test_a_story_told_to_one_of_its_characters(text: str, told: str) -> None:
    assert as_you(text, "Ella") == told


# -- published sets, and models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(SETS))
@pytest.mark.parametrize("view", ["first", "third"])
async def test_a_published_story_plays_to_its_end_by_rules(tmp_path: Path, form: str, view: str) -> None:
    path = DATA / SETS[form]
    if not path.is_file():
        pytest.skip(f"needs the published {SETS[form]} (TERTULIA_DATA)")
    sets = [f"file={path}", f"format={form}", "item=3", f"view={view}"]
    result = await play(tmp_path / "log.db", "story", sets=sets)
    assert (result.status, result.reason, result.outcome["reward"]) == ("success", "answered", 1.0)
    check_world(lambda: load_scenario("story", sets).build_world(), seeds=range(1), turns=40)


@pytest.mark.parametrize("form", list(SETS))
def test_rules_that_watch_a_published_set_answer_every_question_as_gold(form: str) -> None:
    path = DATA / SETS[form]
    if not path.is_file():
        pytest.skip(f"needs the published {SETS[form]} (TERTULIA_DATA)")
    found = sum(isinstance(one, Story) for one in stories_in(path, form))
    for item in range(0, found, max(1, found // 12)):
        stage, _ = played(story(file=path, format=form, item=item))
        assert stage.outcome().reward == 1.0, item


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize("elicit", ["inline", "none"])
async def test_every_kind_of_mind_can_be_alone_with_a_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str, elicit: str
) -> None:
    sets = ["view=first", "as=Wim", f"mind.preset={preset}", "mind.order=2", f"elicit={elicit}"]
    result = await play(tmp_path / "rules.db", "story", sets=sets)
    assert (result.status, result.outcome["reward"]) == ("success", 1.0)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = await play(tmp_path / "model.db", "story", model="openai/any", sets=sets)
    assert (result.status, result.fallbacks) == ("success", 0)


async def test_a_model_lives_through_a_story_and_answers_within_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = ["view=first", "as=Maud", "mind.preset=reactive"]
        result = await play(tmp_path / "log.db", "story", model="openai/any", sets=sets)
        with Log.open(tmp_path / "log.db") as log:
            calls = log.rows(CallRow, result.episode)
    assert (result.status, result.reason, result.fallbacks) == ("success", "answered", 0)
    assert len(calls) == 6
    assert all(row["answer"] in ("chest", "hammock", "stove") for row in result.outcome["questions"])
    asked = json.dumps([call.messages for call in calls])
    assert "You are Maud, a person in a story." in asked
    assert "The others" not in asked
    assert "cold stove" not in asked


# -- the page --------------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[3] / "docs" / "stories.md"


def test_every_command_of_the_page_is_one_that_loads(tmp_path: Path) -> None:
    [own] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "lantern.yaml").write_text(own, encoding="utf-8")
    commands = re.findall(r"^tertulia run story(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) > 7
    for command in commands:
        sets = re.findall(r"-S (\S+)", command)
        named = next((one.partition("=")[2] for one in sets if one.startswith("file=")), "lantern.yaml")
        published = {"val.txt": DATA / "tomi/val.txt", "bigtom.csv": DATA / SETS["bigtom"]}
        here = {**published, "Hi-ToM_data.json": DATA / SETS["hi-tom"], "lantern.yaml": tmp_path / "lantern.yaml"}
        path = here[Path(named).name]
        if path.is_file():
            load_scenario("story", [f"file={path}" if one.startswith("file=") else one for one in sets])


def test_the_story_of_the_page_is_answered_as_it_says(tmp_path: Path) -> None:
    [own] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "lantern.yaml").write_text(own, encoding="utf-8")
    rows = played(story(file=tmp_path / "lantern.yaml"))[0].outcome().detail["questions"]
    assert [(row["gold"], row["agrees_with_label"]) for row in rows] == [("shed", True), ("shed", True)]


def test_an_episode_is_not_asked_about_by_a_story_that_has_changed_since(tmp_path: Path) -> None:
    text = files("tertulia.environments.worlds.story").joinpath("lighthouse.yaml").read_text(encoding="utf-8")
    file, db = tmp_path / "mine.yaml", tmp_path / "log.db"
    file.write_text(text, encoding="utf-8")
    episode = tertulia.run("story", db=db, sets=f"file={file}").episode
    with tertulia.open_log(db) as log:
        assert Hindsight(log, log.episode(episode)).variables
        file.write_text(text.replace("logbook", "logbk"), encoding="utf-8")
        with pytest.raises(RestoreError, match="was the code or a file changed"):
            Hindsight(log, log.episode(episode))
        with pytest.raises(RestoreError, match="was the code or a file changed"):
            restore(log, log.episode(episode))
