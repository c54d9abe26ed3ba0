"""The floor in whole episodes: silences, the clock, moderators and predictions, and all of it in the log."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tertulia
from tertulia.environments.floor.clock import Time, lasts_s
from tertulia.environments.floor.silence import silence
from tertulia.environments.forking import plan_forks
from tertulia.environments.replaying import replay
from tertulia.environments.restore import restore
from tertulia.environments.scenario import ScenarioError
from tertulia.environments.scenario.model import TurnsSpec
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.take import TurnWork
from tertulia.environments.turn import play_turn
from tertulia.environments.world import Event
from tertulia.mind.model import LanguageModel
from tertulia.storage.log import Log
from tertulia.storage.rows import BidRow, CallRow, EventRow, MemoryRow, TurnRow, WitnessRow
from tests.environments.table_talk_play import scenario_of
from tests.environments.test_turn import Scripted, stage_of
from tests.json_instances import instance
from tests.loopback import REASK_SIGN, Loopback
from tests.playing import play, resume

SILENT = ("mind.im_threshold=5", "mind.system1_prob=0", "turns.policy=bidding")
FLOOR = (
    "SELECT turn, clock_s, lasted_s, participant, wants, volunteers, interrupts, motivation, strength, won,"
    " interrupted, reason FROM v_floor WHERE episode = ? ORDER BY turn, participant"
)


def asked_of(log: Log, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in log.query(sql, list(params)).rows]


# -- silence --------------------------------------------------------------------------------------------------------


@given(
    rooms=st.lists(st.sampled_from(["hall", "garden", "away"]), min_size=3, max_size=3),
    witnessed=st.lists(st.sets(st.sampled_from(["ann", "ben", "cat"])), max_size=3),
)
def test_a_silence_is_heard_by_those_in_company_who_witnessed_nothing_and_tells_nobody_who_else_did(
    rooms: list[str], witnessed: list[set[str]]
) -> None:
    where = dict(zip(("ann", "ben", "cat"), rooms, strict=True))
    present = {
        name: tuple(other for other in where if where[other] == room and room != "away") or (name,)
        for name, room in where.items()
    }
    events = [Event(kind="say", text="x", content=tuple(sorted(names))) for names in witnessed]
    found = silence(present, events, 10)
    expected = {n for n in where if len(present[n]) > 1 and not any(n in names for names in witnessed)}
    assert (set(found.content) if found else set()) == expected
    if found is not None:
        assert (found.text, set(found.unnoticed)) == ("Nobody speaks for 10 seconds.", expected)


async def test_nobody_motivated_is_a_silence_with_reasons_that_minds_notice_and_do_not_memorise(tmp_path: Path) -> None:
    sets = (*SILENT, "turns.limit=6", "ends=[{all_silent: 4}]")
    result = await play(tmp_path / "log.db", "planning-meeting", sets=sets)
    assert (result.reason, result.turns, result.utterances) == ("all_silent", 4, 0), "a silence noticed is a silence"
    with Log.open(tmp_path / "log.db") as log:
        bids = log.rows(BidRow, result.episode)
        assert len(bids) == 16
        assert all(bid.reason and not bid.won for bid in bids)
        assert {bid.reason for bid in bids if bid.wants} == {"below its threshold"}
        events = [event for event in log.rows(EventRow, result.episode) if event.turn > 0]
        assert [(e.turn, e.kind, e.origin, e.actor) for e in events] == [
            (t, "silence", "floor", None) for t in range(1, 5)
        ]
        assert not [memory for memory in log.rows(MemoryRow, result.episode) if "Nobody" in memory.text]
        stage = restore(log, log.episode(result.episode)).stage
        assert [e.text for e in stage.seen_by("ben", 5).events[-2:]] == ["Nobody speaks for 10 seconds."] * 2
        assert (await replay(log, result.episode)).difference is None


async def test_a_silence_is_a_line_of_the_transcript_at_its_end_and_the_rest_of_the_prompt_stays(
    tmp_path: Path,
) -> None:
    sets = ("turns.limit=3", "turns.policy=bidding", "mind.deliberation=fused", "turns.pause_s=2.5")

    def mute(body: dict[str, Any]) -> Any:
        drawn = instance(body["response_format"]["json_schema"]["schema"], Random(1))
        return {**drawn, "speak": {"thought": "none", "act": {"kind": "pass"}}} if "speak" in drawn else drawn

    with Loopback(script=mute) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "none")
        result = await play(tmp_path / "log.db", "planning-meeting", model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        calls = {c.turn: c for c in log.rows(CallRow, result.episode) if c.participant == "ben"}
    prompts = {turn: call.messages[1]["content"] for turn, call in calls.items()}
    assert "[1.0] (Nobody speaks for 2.5 seconds.)\n[2.0] (Nobody speaks for 2.5 seconds.)\n" in prompts[3]
    transcript = prompts[2].partition("\n\nIt is turn")[0]
    assert prompts[3].startswith(transcript)


@pytest.mark.parametrize("name", ["guess-the-mean", "haggle", "mutual-friends", "sally-anne", "misunderstanding"])
async def test_every_world_plays_the_same_game_with_and_without_silences(tmp_path: Path, name: str) -> None:
    on, off = [
        await play(tmp_path / f"{heard}.db", name, seed=1, sets=[f"turns.silence={heard}"])
        for heard in ("true", "false")
    ]
    assert (on.status, on.reason, on.outcome, on.turns) == (off.status, off.reason, off.outcome, off.turns)
    with Log.open(tmp_path / "false.db") as log:
        assert not [e for e in log.rows(EventRow, off.episode) if e.kind == "silence"]


def test_silence_is_an_event_where_people_converse_unless_a_scenario_says_otherwise() -> None:
    assert tertulia.load_scenario("dinner-secret").hears_silence
    assert not tertulia.load_scenario("guess-the-mean").hears_silence
    assert not tertulia.load_scenario("dinner-secret", ["turns.silence=false"]).hears_silence
    assert tertulia.load_scenario("haggle", ["turns.silence=true"]).hears_silence


# -- the clock ------------------------------------------------------------------------------------------------------


def said(text: str, kind: str = "say", origin: str = "participant") -> EventRow:
    return EventRow(episode="e", turn=1, ordinal=0, kind=kind, actor="ann", text=text, origin=origin)


def test_an_utterance_takes_its_words_a_silence_its_pause_and_those_who_speak_at_once_the_longest() -> None:
    pace = TurnsSpec(words_per_second=2, gap_s=1, pause_s=10)
    assert lasts_s([said("One two three four.")], 1, pace) == 3
    assert lasts_s([said("One two three four."), said("One two.")], 2, pace) == 3
    assert lasts_s([said("Ann moves.", "move")], 1, pace) == 1
    assert lasts_s([], 0, pace) == 10
    assert lasts_s([said("One two three four.", origin="scripted")], 0, pace) == 13, (
        "a pause, and then what is scripted"
    )
    assert lasts_s([said("The cake is moved.", "happening", "scripted")], 0, pace) == 10
    assert lasts_s([said("今日は晴れです")], 1, pace) == 3, "scripts without spaces: two characters a word"


async def test_the_clock_adds_up_in_the_log_and_again_where_an_episode_is_resumed_or_forked(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    sets = ("turns.words_per_second=3", "turns.gap_s=0.25", "turns.pause_s=7")
    result = await play(db, "dinner-secret", sets=sets)
    with Log.open(db) as log:
        turns = sorted(log.rows(TurnRow, result.episode), key=lambda row: row.turn)
        words = {e.turn: len(e.text.split()) for e in log.rows(EventRow, result.episode) if e.origin == "participant"}
        scripted = {
            e.turn: len(e.text.split()) for e in log.rows(EventRow, result.episode)
            if e.origin == "scripted" and e.kind == "say"
        }  # fmt: skip
        expected = 0.0
        for turn in turns:
            assert turn.clock_s == pytest.approx(expected, abs=0.02)
            if turn.turn and not turn.closing:
                expected += 0.25 + words[turn.turn] / 3 if turn.actions else 7
                expected += 0.25 + scripted[turn.turn] / 3 if turn.turn in scripted else 0
        for upto in range(1, result.turns + 1):
            assert restore(log, log.episode(result.episode), upto=upto).stage.clock_s == turns[upto].clock_s
        slower = plan_forks(log, result.episode, 9, sets=["turns.words_per_second=1", "turns.pause_s=60"], null=False)
        await slower.enter(log)
        [fork] = [branch.episode for branch in slower.branches]
        assert restore(log, log.episode(fork)).stage.clock_s == turns[9].clock_s, "the past stays as it was"
    await resume(db, fork)
    with Log.open(db) as log:
        assert {t.lasted_s for t in log.rows(TurnRow, fork) if t.turn > 9 and t.silent and not t.closing} <= {60}
        assert (await replay(log, fork)).difference is None


def test_real_seconds_may_be_handed_in_and_are_told_in_whole_ones() -> None:
    stage = stage_of("planning-meeting")
    [heard], _ = stage.step(1, 0, {}, Time(12.6))
    assert (stage.clock_s, heard.event.text) == (12.6, "Nobody speaks for 13 seconds.")
    assert stage.step(2, 0, {}, Time(5.0, pause_s=0.0))[0] == [], "as the log has it: none was heard"
    assert stage.clock_s == 17.6


async def test_a_log_from_before_silences_were_events_restores_without_any(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    result = await play(db, "sally-anne", sets=["turns.silence=true", "turns.limit=8"], seed=5)
    with closing(sqlite3.connect(db)) as raw, raw:
        heard = raw.execute("SELECT turn, ordinal FROM event WHERE kind = 'silence'").fetchall()
        raw.executemany("DELETE FROM witness WHERE turn = ? AND event = ?", heard)
        raw.execute("DELETE FROM event WHERE kind = 'silence'")
        raw.execute("UPDATE turn SET lasted_s = NULL, clock_s = NULL")
    assert heard
    with Log.open(db) as log:
        stage = restore(log, log.episode(result.episode)).stage
        for name, seen in stage.eyes.seen.items():
            witnessed = log.rows(WitnessRow, result.episode, participant=name)
            assert [event.id for event in seen] == sorted((f"{w.turn}.{w.event}" for w in witnessed), key=_place)
        assert stage.clock_s > 0


def _place(event: str) -> tuple[int, ...]:
    return tuple(map(int, event.split(".")))


# -- interruption, cool-down, normalisation: folded from the log -----------------------------------------------------

STRONG = (
    "turns.policy=moderated", "turns.moderator=ada", "mind.interrupt_threshold=2.5", "turns.cooldown=2",
    "turns.normalise=true",
)  # fmt: skip


async def test_interruptions_and_standings_are_the_same_again_where_an_episode_is_forked_at_any_turn(
    tmp_path: Path,
) -> None:
    db = tmp_path / "log.db"
    parent = await play(db, "planning-meeting", seed=4, sets=STRONG)
    with Log.open(db) as log:
        floor = asked_of(log, FLOOR, parent.episode)
        interrupted = [row for row in floor if row[10]]
        assert interrupted, "somebody was interrupted"
        assert all("interrupted" in row[11] for row in interrupted)
        after = {row[0] + 1 for row in interrupted}
        assert any(row[0] in after and row[9] and "was interrupted" in row[11] for row in floor), (
            "it has the floor next"
        )
        takers = {row[0]: row for row in floor if row[9] and row[11].startswith("interrupted")}
        assert {row[0] for row in interrupted} == set(takers)
        assert all(taker[6] and taker[7] >= 2.5 for taker in takers.values()), "never below its threshold"
        assert any("rests until" in row[11] for row in floor)
        assert any(row[8] is not None and row[8] != row[7] for row in floor), "what was compared is logged"
        forks = []
        for at in (*sorted(after)[:3], 8):
            plan = plan_forks(log, parent.episode, at)
            await plan.enter(log)
            forks += [branch.episode for branch in plan.branches]
    for fork in forks:
        await resume(db, fork)
    with Log.open(db) as log:
        assert all(asked_of(log, FLOOR, fork) == floor for fork in forks)
        assert (await replay(log, parent.episode)).difference is None


@pytest.mark.parametrize("policy", ["bidding", "addressed", "moderated", "next-speaker", "random"])
async def test_the_same_seed_gives_the_same_floor_history_and_another_seed_another(tmp_path: Path, policy: str) -> None:
    sets = (f"turns.policy={policy}", "turns.moderator=carol", "turns.limit=10", "turns.cooldown=1")
    floors = []
    for number, seed in enumerate((5, 5, 6)):
        result = await play(tmp_path / f"{number}.db", "dinner-secret", seed=seed, sets=sets)
        with Log.open(tmp_path / f"{number}.db") as log:
            floors.append(asked_of(log, FLOOR, result.episode))
            assert (await replay(log, result.episode)).difference is None
    assert floors[0] == floors[1]
    if policy in ("random", "next-speaker"):
        assert floors[0] != floors[2]


@pytest.mark.parametrize("policy", ["bidding", "addressed", "moderated", "next-speaker"])
async def test_the_order_in_which_minds_finish_changes_nothing(policy: str) -> None:
    found = []
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
        stage = stage_of(
            "planning-meeting", f"turns.policy={policy}", "turns.moderator=ben", "mind.interrupt_threshold=2"
        )
        cast = {n: Scripted(n, latency_s=0.002 * p) for n, p in zip(stage.seats, order, strict=True)}
        cast["world"] = Scripted("world")

        def model_for(seat: Seat, turn: int, take: int, cast: dict[str, Scripted] = cast) -> LanguageModel:
            return cast[seat.name]

        rows = []
        for _ in range(2):
            work = TurnWork(stage, stage.head + 1, 0, model_for)
            await play_turn(work)
            assert not work.failures
            rows += [row for row in work.record("lease").rows if isinstance(row, BidRow)]
        found.append(([row.model_dump() for row in rows], stage.state_hash()))
    assert all(one == found[0] for one in found)


# -- models that give the floor -------------------------------------------------------------------------------------


def answers(**by_purpose: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """A script for the loopback server: what is answered to a schema by its name; everybody else says something."""

    def script(body: dict[str, Any]) -> Any:
        schema = body["response_format"]["json_schema"]
        name = schema["name"]
        if name in by_purpose:
            return by_purpose[name](body)
        drawn = instance(schema["schema"], Random(len(body["messages"][-1]["content"])))
        act = {"kind": "say", "text": "I would like to add something.", "to": [], "asserts": []}
        return {**drawn, "speak": {"thought": "none", "act": act}} if "speak" in drawn else drawn

    return script


async def over(server: Loopback, db: Path, *sets: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "none")
        return await play(db, "planning-meeting", model="openai/any", sets=("turns.limit=4", *sets))


async def test_a_model_moderates_by_a_typed_call_of_its_own_seat_in_the_ledger(tmp_path: Path) -> None:
    script = answers(Moderated=lambda body: {"reason": "cleo has been quiet", "speaker": "cleo"})
    with Loopback(script=script) as server:
        result = await over(server, tmp_path / "log.db", "turns.policy=moderated", "turns.moderator=ada")
        sent = [r for r in server.requests if r.body["response_format"]["json_schema"]["name"] == "Moderated"]
    assert len(sent) == 4
    with Log.open(tmp_path / "log.db") as log:
        calls = [call for call in log.rows(CallRow, result.episode) if call.purpose == "moderate"]
        assert [(c.turn, c.participant, c.status) for c in calls] == [(t, "ada", "ok") for t in range(1, 5)]
        won = asked_of(log, "SELECT turn, participant, reason FROM v_floor WHERE won = 1 ORDER BY turn")
        assert won == [(t, "cleo", "ada gave it the floor: cleo has been quiet") for t in range(1, 5)]
        own = {c.turn: c for c in log.rows(CallRow, result.episode) if c.participant == "ada" and c.purpose == "fused"}
        for call in calls:
            mine = own[call.turn]
            assert call.messages[0] == mine.messages[0], "the same prefix as its mind's, which is cached"
            assert call.messages[1]["content"].partition("\n\nIt is turn")[0] in mine.messages[1]["content"]
        assert (await replay(log, result.episode)).difference is None


@pytest.mark.parametrize(
    ("policy", "schema", "participant"), [("moderated", "Moderated", "ada"), ("next-speaker", "Predicted", "world")]
)
async def test_an_answer_that_names_nobody_at_the_table_is_a_declared_fallback_and_a_silence(
    tmp_path: Path, policy: str, schema: str, participant: str
) -> None:
    stranger = answers(**{schema: lambda body: {"reason": "it is time", "speaker": "Zoe"}})
    with Loopback(script=stranger) as server:
        result = await over(server, tmp_path / "log.db", f"turns.policy={policy}", "turns.moderator=ada")
        reasked = [r for r in server.requests if REASK_SIGN in r.body["messages"][-1]["content"]]
    assert (result.utterances, result.fallbacks, result.status) == (0, 4, "degraded")
    assert len(reasked) == 4
    with Log.open(tmp_path / "log.db") as log:
        purpose = "moderate" if policy == "moderated" else policy
        calls = [call for call in log.rows(CallRow, result.episode) if call.purpose == purpose]
        assert [(c.participant, c.status) for c in calls] == [(participant, "invalid"), (participant, "fallback")] * 4
        reasons = {reason for (reason,) in asked_of(log, "SELECT reason FROM v_floor WHERE wants = 1")}
        assert all("fallback" in reason for reason in reasons)
        assert {silent for (silent,) in asked_of(log, "SELECT silent FROM v_floor")} == {1}
        assert (await replay(log, result.episode)).difference is None


async def test_a_prediction_reads_the_last_five_utterances_and_nothing_of_minds_and_its_model_may_be_another(
    tmp_path: Path,
) -> None:
    turn = itertools.count()
    order = ("ben", "cleo", "dev", "ada", "ben", "cleo", "dev")
    script = answers(Predicted=lambda body: {"speaker": order[next(turn) % len(order)]})
    with Loopback(script=script) as server:
        sets = ("turns.policy=next-speaker", "turns.model=openai/predictor", "turns.limit=7")
        result = await over(server, tmp_path / "log.db", *sets)
        sent = [r.body for r in server.requests if r.body["model"] == "predictor"]
    assert [len(body["messages"][1]["content"].split("\n\n")[0].splitlines()) for body in sent] == [1, 1, 2, 3, 4, 5, 5]
    assert sent[6]["messages"][1]["content"].startswith("cleo: I would like")
    assert not any("persona" in json.dumps(body) or "budget" in json.dumps(body) for body in sent)
    with Log.open(tmp_path / "log.db") as log:
        won = asked_of(log, "SELECT participant FROM v_floor WHERE won = 1 ORDER BY turn")
        assert tuple(name for (name,) in won) == order
        uris = {(c.participant, c.uri) for c in log.rows(CallRow, result.episode)}
    assert ("world", "openai/predictor") in uris
    assert ("ben", "openai/any") in uris


def test_a_prediction_reads_only_what_everybody_heard_who_could_act() -> None:
    scripted = [
        {"turn": 1, "say": "All hear it.", "by": "ann"},
        {"turn": 2, "move": "bob", "room": "cellar"},
        {"turn": 3, "say": "Bob does not.", "by": "ann"},
        {"turn": 4, "leave": "bob"},
        {"turn": 5, "say": "All hear it who are left.", "by": "ann"},
        {"turn": 6, "whisper": "Nobody else does.", "by": "ann", "to": ["cid"]},
    ]
    stage = Stage.of(
        scenario_of(
            {
                "scenario": "house", "world": "table_talk", "premise": "A house.", "rooms": ["hall", "cellar"],
                "participants": [{"name": name, "room": "hall"} for name in ("ann", "bob", "cid", "dan")],
                "turns": {"policy": "next-speaker", "limit": 9}, "script": scripted,
            }
        ), 0, "e",
    )  # fmt: skip
    stage.open()
    for turn in range(1, 8):
        stage.step(turn, 0, {})
    assert [one.text for one in stage.heard] == ["All hear it.", "All hear it who are left."]


async def test_what_a_moderator_answered_before_a_turn_was_cut_off_is_not_paid_for_again(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    script = answers(Moderated=lambda body: {"reason": "go on", "speaker": "dev"})
    with Loopback(script=script) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "none")
        sets = [
            "turns.limit=3",
            "turns.policy=moderated",
            "turns.moderator=ada",
            "participants.dev.mind.preset=reactive",
        ]
        real = server._refusal
        refuse = {"on": True}

        def refusal(request: Any, seen: Any) -> Any:
            name = seen.body["response_format"]["json_schema"]["name"]
            if refuse["on"] and name == "Draft":  # the words of the one who was given the floor
                seen.answer = "quota"
                server.quota_used_up = True
            found = real(request, seen)
            server.quota_used_up = False
            return found

        patch.setattr(server, "_refusal", refusal)
        first = await play(db, "planning-meeting", model="openai/any", sets=sets)
        assert first.turns == 0
        refuse["on"] = False
        second = await resume(db, first.episode)
        assert second.status == "success"
    with Log.open(db) as log:
        calls = [c for c in log.rows(CallRow, first.episode) if c.purpose == "moderate"]
        assert [(c.turn, c.take, c.attempt) for c in calls] == [(1, 0, 0), (2, 0, 0), (3, 0, 0)]


@pytest.mark.parametrize(
    ("sets", "error"),
    [
        (["turns.policy=moderated"], "the policy 'moderated' needs one who moderates; name a participant"),
        (["turns.policy=moderated", "turns.moderator=bbo"], "no participant 'bbo'; nearest: 'bob'"),
        (["turns.moderator=nobody"], "no participant 'nobody'"),
        (["turns.pause_s=0"], "turns.pause_s"),
        (["turns.cooldown=-1"], "turns.cooldown"),
    ],
)
def test_a_wrong_key_of_the_floor_is_one_line_that_says_what_would_be_right(sets: list[str], error: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        tertulia.load_scenario("dinner-secret", sets)
    assert error in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_moderated_table_waits_for_nobody_by_rules() -> None:
    """A policy that asks rules never leaves the event loop: the turn is one step, as others are."""
    stage = stage_of("planning-meeting", "turns.policy=moderated", "turns.moderator=ada")
    assert isinstance(stage, Stage)

    async def one() -> TurnWork:
        from tertulia.agents.backends.rules import RulesModel

        def model_for(seat: Seat, turn: int, take: int) -> LanguageModel:
            return RulesModel(stage.policy, "e", turn, take, seat.name, stage.draw(turn, take, seat.name, "rules"))

        work = TurnWork(stage, 1, 0, model_for)
        await play_turn(work)
        return work

    work = asyncio.run(one())
    [call] = [row for row in work.record("").rows if isinstance(row, CallRow) and row.purpose == "moderate"]
    assert json.loads(call.reply or "")["speaker"] in work.award.admitted
