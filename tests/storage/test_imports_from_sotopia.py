"""Sotopia's episodes as episodes of the log: the same from each of its shapes, once, and a failed judge is no zero."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.imports.conversation import Conversation, Happening, Seat, Turn, seat_names
from tertulia.storage.imports.entering import enter, episode_id
from tertulia.storage.imports.reading import Record, Unreadable, records
from tertulia.storage.imports.sotopia import Empty, conversation_of
from tertulia.storage.imports.sotopia_scores import RANGES, reward_of, scores_of
from tertulia.storage.log import Log
from tertulia.storage.rows import EventRow, ObservationRow, ScoreRow, TurnRow, WitnessRow

SAM, GISELLE, IRA = "Samuel Anderson", "Giselle Azure", "Ira O'Neil"


def shown(name: str, *, names: tuple[str, ...] = (SAM, GISELLE)) -> str:
    """What Sotopia's environment tells an agent at the beginning: its own background and goal, of others nothing."""
    lines = ["Here is the context of this interaction:", "Scenario: Two friends meet.\nIt rains."]
    lines += [f"Participants: {' and '.join(names)}"]
    lines += [f"{one}'s background: {f'{one} bakes.' if one == name else 'Unknown'}" for one in names]
    lines += [f"{one}'s goal: {f'Be kind, {one}' if one == name else 'Unknown'}" for one in names]
    return "\n" + "\n".join(lines) + "\nConversation Starts:\n"


def an_episode_log(**changed: Any) -> dict[str, Any]:
    """Sotopia's own `EpisodeLog`, as its database dumps it."""
    judged = {"believability": 9, "relationship": 2, "knowledge": 4, "secret": 0, "social_rules": 0,
              "financial_and_material_benefits": 1, "goal": 8, "overall_score": 3.4}  # fmt: skip
    return {
        "pk": "01H", "environment": "ENV", "agents": ["A", "B"], "tag": "gpt-4_v1",
        "models": ["gpt-4", "gpt-4", "llama"],
        "messages": [
            [["Environment", SAM, shown(SAM)], ["Environment", GISELLE, shown(GISELLE)]],
            [["Environment", SAM, "Turn #0: x"], ["Environment", GISELLE, "Turn #0: x"],
             [SAM, "Environment", ' said: "He said "no" to me"'], [GISELLE, "Environment", " did nothing"]],
            [[SAM, "Environment", "did nothing"], [GISELLE, "Environment", "[non-verbal communication] nods\x1b[2J"]],
            [[SAM, "Environment", "did nothing"], [GISELLE, "Environment", "did nothing"]],
            [[SAM, "Environment", "[action] gives her a cake"], [GISELLE, "Environment", "did nothing"]],
            [[SAM, "Environment", "did nothing"], [GISELLE, "Environment", "left the conversation"]],
        ],
        "reasoning": "They were kind.", "rewards": [[3.4, judged], [3.0, judged | {"goal": 4}]],
        "rewards_prompt": "...",
    } | changed  # fmt: skip


def published(one: dict[str, Any]) -> dict[str, Any]:
    """The same as a line of `sotopia_episodes_v1.jsonl`."""
    return {
        "episode_id": one["pk"], "environment_id": one["environment"], "agent_ids": one["agents"],
        "experiment_tag": one["tag"], "experiment_model_name_pairs": one["models"], "raw_messages": one["messages"],
        "raw_rewards_prompt": "...", "raw_rewards": one["rewards"], "scenario": "Two friends meet.\nIt rains.",
        "codename": "ENV", "agents_background": {SAM: f"{SAM} bakes.", GISELLE: f"{GISELLE} bakes."},
        "social_goals": {SAM: f"Be kind, {SAM}", GISELLE: f"Be kind, {GISELLE}"}, "social_interactions": "...",
        "reasoning": one["reasoning"], "rewards": one["rewards"],
    }  # fmt: skip


def read(value: dict[str, Any]) -> Conversation:
    return conversation_of(Record("here", value))


def test_both_shapes_are_the_same_conversation() -> None:
    assert read(an_episode_log()) == read(published(an_episode_log()))


async def test_an_episode_as_rows(log: Log) -> None:
    entered = await enter(log, read(an_episode_log()))
    row = log.episode(entered.episode)
    assert (row.scenario, row.world, row.status, row.head) == ("import:sotopia/ENV", "imported", "success", 5)
    assert (row.reason, row.reward) == ("imported: somebody left", pytest.approx((8 + 4) / 2 / 10))
    assert row.outcome["reasoning"] == "They were kind."
    assert (row.config["imported"]["id"], row.config["imported"]["tag"]) == ("01H", "gpt-4_v1")
    assert [(one.name, one.model, one.persona, one.goal) for one in log.participants(row.id)] == [
        (SAM, "gpt-4", f"{SAM} bakes.", f"Be kind, {SAM}"),
        (GISELLE, "llama", f"{GISELLE} bakes.", f"Be kind, {GISELLE}"),
    ]
    private = {one.participant: one.text for one in log.rows(ObservationRow, row.id)}
    assert f"Be kind, {SAM}" in private[SAM]
    assert f"Be kind, {GISELLE}" not in private[SAM]
    found = [(one.turn, one.kind, one.actor, one.text) for one in log.rows(EventRow, row.id)]
    assert found == [
        (0, "opening", None, "Two friends meet.\nIt rains."),
        (1, "say", SAM, 'He said "no" to me'),
        (2, "gesture", GISELLE, "nods\x1b[2J"),
        (4, "act", SAM, "gives her a cake"),
        (5, "leave", GISELLE, f"{GISELLE} leaves the conversation."),
    ]
    assert [one.turn for one in log.rows(TurnRow, row.id) if one.silent] == [3]
    assert {(one.participant, one.level) for one in log.rows(WitnessRow, row.id)} == {
        (SAM, "content"),
        (GISELLE, "content"),
    }
    utterances = log.query("SELECT utterances, turns, reward FROM v_outcomes").rows
    assert utterances == [(1, 5, pytest.approx(0.6))]


async def test_the_same_episode_comes_in_once(log: Log) -> None:
    one = read(an_episode_log())
    first, second = await enter(log, one), await enter(log, read(published(an_episode_log())))
    assert (first.new, second.new, first.episode == second.episode) == (True, False, True)
    other = await enter(log, read(an_episode_log(pk="02")))
    assert other.new
    assert len(log.episodes()) == 2


async def test_a_batch_of_them(log: Log) -> None:
    for pk in ("1", "2", "1"):
        await enter(log, read(an_episode_log(pk=pk)), batch="theirs")
    assert log.query("SELECT batch, cell, replicate FROM episode ORDER BY replicate").rows == [
        ("theirs", "import:sotopia/ENV", 0), ("theirs", "import:sotopia/ENV", 1),
    ]  # fmt: skip
    assert log.batch("theirs").grid == {"imported": "sotopia"}


async def test_more_than_two_and_words_for_some_of_them(log: Log) -> None:
    names = (SAM, GISELLE, IRA)
    episode = an_episode_log(
        agents=["A", "B", "C"], models=["j", "a", "b", "human"],
        messages=[
            [["Environment", name, shown(name, names=names)] for name in names],
            [[SAM, "Environment", f"[private to ['{GISELLE}', 'Nobody']]  said: \"psst\""]],
            [[IRA, "Environment", ' said: "hm"'], [SAM, "Environment", f"[private to {[IRA]}] [action] winks"]],
        ],
        rewards=[0.0, 0.0, 0.0],
    )  # fmt: skip
    entered = await enter(log, read(episode))
    events = log.rows(EventRow, entered.episode)
    assert [(one.kind, one.actor, one.text, one.addressees) for one in events[1:]] == [
        ("whisper", SAM, "psst", [GISELLE]), ("say", IRA, "hm", []), ("act", SAM, "winks", [IRA]),
    ]  # fmt: skip
    heard = [
        sorted(one.participant for one in log.rows(WitnessRow, entered.episode) if (one.turn, one.event) == at)
        for at in ((1, 0), (2, 0), (2, 1))
    ]
    assert heard == [[GISELLE, SAM], sorted(names), [IRA, SAM]]
    kinds = {one.name: (one.kind, one.model) for one in log.participants(entered.episode)}
    assert kinds[IRA] == ("person", "human")
    assert log.episode(entered.episode).reward is None


async def test_a_judge_that_failed_is_missing_not_zero(log: Log) -> None:
    entered = await enter(log, read(an_episode_log(rewards=[0.0, [2.0, {"goal": 0, "secret": 3, "knowledge": None}]])))
    found = {(one.holder, one.measure): (one.value, one.n, one.detail) for one in log.rows(ScoreRow, entered.episode)}
    assert found[SAM, "sotopia:overall_score"] == (None, 0, {"why": "the judge failed", "given": 0.0})
    assert found[GISELLE, "sotopia:goal"] == (0.0, 1, {"range": [0, 10]})
    assert found[GISELLE, "sotopia:secret"] == (None, 0, {"why": "outside -10 to 0", "given": 3})
    assert found[GISELLE, "sotopia:knowledge"][:2] == (None, 0)
    assert log.episode(entered.episode).reward is None
    mean = log.query("SELECT avg(value), count(value) FROM score WHERE measure = 'sotopia:overall_score'").rows
    assert mean == [(2.0, 1)]


def test_rewards_in_every_shape() -> None:
    assert [(one.value, one.holder) for one in scores_of([4.5, 3], ["a", "b"])] == [(4.5, "a"), (3.0, "b")]
    assert [one.value for one in scores_of([4.5], ["a", "b"])] == [None, None]
    assert scores_of([4.5], ["a", "b"])[0].detail["why"] == "1 rewards for 2 agents"
    assert [one.value for one in scores_of([None, True, [1]], ["a", "b", "c"])] == [None, None, None]
    full = {name: high for name, (_, high) in RANGES.items()}
    assert reward_of(scores_of([[5, full], [5, full]], ["a", "b"])) == 1.0
    assert reward_of([]) is None


def test_what_is_not_understood_is_kept_as_it_was_given() -> None:
    messages = [[["Environment", SAM, shown(SAM)], [SAM, "Environment", "juggles three apples"]]]
    one = read(an_episode_log(messages=messages, agents=["A"], rewards=[0.0]))
    [turn] = one.turns
    assert turn.happenings == [Happening("act", "juggles three apples", SAM, data={"as_given": True})]
    assert one.about["acts_kept_as_given"] == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"text": "hello"}, "no list `messages`"),
        ({"messages": [["a", "b"]]}, "messages.0"),
        ({"messages": [[["a", "b"]]]}, "messages.0"),
        ({"messages": [[["a", "b", 3]]]}, "messages.0"),
        ({"messages": "x"}, "no list"),
    ],
)
def test_what_is_no_episode_is_told_with_its_place(value: dict[str, Any], said: str) -> None:
    with pytest.raises(Unreadable, match=f"here: .*{said}"):
        read(value)


@pytest.mark.parametrize("messages", [[], [[]], [[["Environment", SAM, shown(SAM)]]]])
def test_a_run_in_which_nobody_did_anything_is_none(messages: list[Any]) -> None:
    with pytest.raises(Empty):
        read(an_episode_log(messages=messages))


def test_files_in_each_shape(tmp_path: Path) -> None:
    one = an_episode_log()
    shapes = {
        "lines.jsonl": f"{json.dumps(one)}\n\n{json.dumps(one)}\n", "one.json": json.dumps(one, indent=1),
        "list.json": json.dumps([one, one], indent=1), "nan.json": '{"pk": NaN, "rewards": [1e999, 0.5]}',
    }  # fmt: skip
    for name, text in shapes.items():
        (tmp_path / name).write_text(text)
    assert [[record.value for record in records(tmp_path / name)] for name in shapes] == [
        [one, one], [one], [one, one], [{"pk": None, "rewards": [None, 0.5]}],
    ]  # fmt: skip
    assert [record.where for record in records(tmp_path / "lines.jsonl")][1].endswith("lines.jsonl:3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"hello", "no JSON"), (b'{"a": 1}\n{"a": \n', ":2: no JSON"), (b"\xff\xfe", "UTF-8"), (b"[1]", "a int"),
        (b'{"a": 1}\n[2]\n', ":2: a list"), (b"[" * 100_000, "no JSON"), (b"", "no JSON"),
    ],
)  # fmt: skip
def test_files_that_are_none_are_told_in_a_line(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(text)
    with pytest.raises(Unreadable, match=said) as error:
        list(records(path))
    assert len(str(error.value).splitlines()) == 1


def test_names_fit_the_log() -> None:
    names = seat_names(["world", "a>b", "a b", "x" * 50, "x" * 60, "\x1b[2J", "", "O'Neil", "world"])
    assert list(names.values()) == ["world 2", "a b", "a b 2", "x" * 40, f"{'x' * 38} 2", "[2J", "somebody", "O'Neil"]


def test_an_id_is_made_from_the_source_alone() -> None:
    one = Conversation("chat", "t", "key", [Seat("a", "human")], [Turn()])
    assert episode_id(one) == episode_id(Conversation("chat", "other title", "key", [], []))
    assert episode_id(one) != episode_id(Conversation("sotopia", "t", "key", [], []))
    assert len(episode_id(one)) == 26
