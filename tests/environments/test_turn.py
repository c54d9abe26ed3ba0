"""One turn: all minds at once, nobody's failure cancels the others, fallbacks pass, nothing leaves the machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

import tertulia
from tertulia.agents.backends.schema import canonical_schema
from tertulia.agents.caller import StaleTake
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.take import TurnWork
from tertulia.environments.turn import play_turn
from tertulia.mind.model import LanguageModel, Message, ModelTrouble, Reply, Request
from tertulia.mind.samples import sample
from tertulia.storage.rows import AppraisalRow, BidRow, CallRow, TurnRow, WorkspaceRow


@dataclass
class Scripted:
    """A model that answers with random valid replies, after `latency_s`, or with what `answer` gives instead."""

    seat: str
    answer: Callable[[Request[Any]], Any] | None = None
    latency_s: float = 0.0
    asked: list[Request[Any]] = field(default_factory=list)
    read: list[list[Message]] = field(default_factory=list)
    """The messages of each request, as they were when it was made."""
    finished: int = 0
    rows: list[CallRow] = field(default_factory=list)

    async def ask(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append(request)
        self.read.append(request.messages())
        await asyncio.sleep(self.latency_s)
        value: Any = self.answer(request) if self.answer else sample(request.schema, request_rng(self.seat, request))
        self.finished += 1
        if isinstance(value, Exception):
            raise value
        return Reply(value, f"call/{self.seat}", "verbalised", "" if value is not None else "no valid reply")


def request_rng(seat: str, request: Request[Any]) -> Any:
    from random import Random

    return Random(f"{seat}/{request.purpose}/{request.seen.turn}")


def stage_of(name: str = "planning-meeting", *sets: str) -> Stage:
    stage = Stage.of(tertulia.load_scenario(name, sets), 0, "e")
    stage.open()
    return stage


def models(stage: Stage, **answers: Any) -> dict[str, Scripted]:
    return {name: Scripted(name, answers.get(name)) for name in stage.seats}


async def turn(stage: Stage, cast: dict[str, Scripted], take: int = 0) -> TurnWork:
    def model_for(seat: Seat, turn: int, take: int) -> LanguageModel:
        return cast[seat.name]

    work = TurnWork(stage, stage.head + 1, take, model_for)
    await play_turn(work)
    return work


async def test_all_minds_deliberate_at_the_same_time() -> None:
    stage = stage_of()
    arrived, everybody = 0, asyncio.Event()

    class Waits(Scripted):
        async def ask(self, request: Request[Any]) -> Reply[Any]:
            nonlocal arrived
            arrived += 1
            if arrived == len(stage.seats):
                everybody.set()
            await asyncio.wait_for(everybody.wait(), 5)  # would time out if one had to wait for another's answer
            return await super().ask(request)

    await turn(stage, {name: Waits(name) for name in stage.seats})
    assert arrived == len(stage.seats)


async def test_a_fused_mind_asks_once_a_turn_and_its_bid_is_logged_with_the_reason() -> None:
    stage = stage_of()
    cast = models(stage)
    work = await turn(stage, cast)
    assert [len(model.asked) for model in cast.values()] == [1] * len(cast)
    record = work.record("lease")
    bids = [row for row in record.rows if isinstance(row, BidRow)]
    assert [bid.participant for bid in bids] == list(stage.seats)
    assert all(bid.reason for bid in bids)
    [row] = [row for row in record.rows if isinstance(row, TurnRow)]
    assert set(row.actions) == {bid.participant for bid in bids if bid.won}


async def test_only_what_the_workspace_chose_enters_the_prompt_and_the_rest_is_logged() -> None:
    stage = stage_of("dinner-secret", "mind.workspace=2", "turns.policy=alternate")
    for _ in range(4):
        cast = models(stage)
        work = await turn(stage, cast)
    fused = [name for name, seat in stage.seats.items() if "workspace" in seat.spec.parts()]
    assert fused
    for name in fused:
        asked = cast[name].read[0][1].content
        _, _, tail = asked.rpartition("On your mind:\n")
        shown = [line for line in tail.split("\n\n")[0].splitlines() if line.startswith("- ")]
        rows = [row for row in work.minds[name].mind.rows() if isinstance(row, WorkspaceRow)]
        assert len(shown) == 2
        assert [row.selected for row in rows] == [True, True] + [False] * (len(rows) - 2)
        assert len(rows) > 2


async def test_a_mind_that_is_not_asked_what_it_believes_is_not_told_that_there_is_a_question() -> None:
    stage = stage_of("dinner-secret", "mind.preset=reactive", "participants.carol.mind.preset=reactive")
    cast = models(stage)
    await turn(stage, cast)
    prompts = [messages[0].content for model in cast.values() for messages in model.read]
    assert prompts
    assert not any("cellar" in prompt for prompt in prompts)


async def test_where_beliefs_are_not_elicited_no_variable_is_named_anywhere() -> None:
    stage = stage_of("planning-meeting", "elicit=none", "turns.policy=alternate")
    cast = models(stage)
    await turn(stage, cast)
    knowing = {name: stage.opening[name].text + stage.premise for name in stage.seats}
    for name, model in cast.items():
        for request in model.asked:
            asked = canonical_schema(request.schema) + request.messages()[0].content.replace(knowing[name], "")
            assert not [v.name for v in stage.variables if f'"{v.name}"' in asked], name
            assert "What can be believed" not in asked


async def test_a_prompt_too_long_for_the_model_loses_its_oldest_turns_and_stays_so() -> None:
    stage = stage_of("planning-meeting", "turns.policy=round-robin", "turns.limit=60", "ends=[limit]")
    first = next(iter(stage.seats))
    too_long: list[int] = []

    def short_sighted(request: Request[Any]) -> Any:
        view = request.messages()[1].content
        if "What happened so far" in view and request.seen.turn > 18:
            too_long.append(request.seen.turn)
            return ModelTrouble("too_long", "4129 tokens")
        return sample(request.schema, request_rng(first, request))

    for _ in range(22):
        cast = models(stage, **{first: short_sighted})
        work = await turn(stage, cast)
        assert work.failures == []
    assert too_long == [19], "what was let go once stays out of the prompt"
    assert stage.minds[first].note("prompt", "turns_dropped_before") == 8
    assert "turns before 8 are no longer in view" in cast[first].read[0][1].content


async def test_a_prompt_that_is_too_long_without_any_past_fails_the_turn() -> None:
    stage = stage_of()
    first = next(iter(stage.seats))
    work = await turn(stage, models(stage, **{first: lambda request: ModelTrouble("too_long", "4129 tokens")}))
    assert [str(failure) for failure in work.failures] == ["4129 tokens"]


async def test_a_mind_that_cannot_answer_does_not_cancel_its_siblings() -> None:
    stage = stage_of()
    first, *others = stage.seats
    cast = models(stage)
    cast[first].answer = lambda request: ModelTrouble("transport", "gone")
    for name in others:
        cast[name].latency_s = 0.05
    head = stage.head
    work = await turn(stage, cast)
    assert [str(failure) for failure in work.failures] == ["gone"]
    assert all(cast[name].finished == 1 for name in others)
    assert stage.head == head, "the world must not step when the turn failed"


async def test_stale_recordings_fail_the_take_and_change_nothing() -> None:
    stage = stage_of()
    first = next(iter(stage.seats))
    cast = models(stage, **{first: lambda request: StaleTake(1, 0)})
    before = {name: mind.model_dump() for name, mind in stage.minds.items()}
    work = await turn(stage, cast)
    assert isinstance(work.failures[0], StaleTake)
    assert {name: mind.model_dump() for name, mind in stage.minds.items()} == before


async def test_an_episode_holds_the_types_of_its_own_replies_from_turn_to_turn() -> None:
    stage = stage_of("planning-meeting", "turns.policy=round-robin")
    cast = models(stage)
    first, second = await turn(stage, cast), await turn(stage, cast)
    assert not first.failures + second.failures
    for model in cast.values():
        one, other = (request.schema for request in model.asked)
        assert one is other
        assert one in stage.types._types


async def test_no_valid_reply_is_a_declared_pass_and_never_another_speaker() -> None:
    stage = stage_of("planning-meeting", "turns.policy=round-robin")
    first = next(iter(stage.seats))
    work = await turn(stage, models(stage, **{first: lambda request: None}))
    bids = {row.participant: row for row in work.record("lease").rows if isinstance(row, BidRow)}
    assert "fallback" in bids[first].reason
    assert not any(bid.won for bid in bids.values())


async def test_a_staged_mind_asks_faculty_by_faculty_and_only_the_winner_speaks() -> None:
    stage = stage_of("planning-meeting", "mind.deliberation=staged", "turns.policy=alternate")
    cast = models(stage)
    work = await turn(stage, cast)
    purposes = {name: [request.purpose for request in model.asked] for name, model in cast.items()}
    thinking = {name for name, done in work.minds.items() if done.mind.state.thoughts}
    assert all(asked[:2] == ["believe", "think"] for asked in purposes.values())
    assert all(("appraise" in asked) == (name in thinking) for name, asked in purposes.items())
    assert sum("speak" in asked for asked in purposes.values()) <= 1


async def test_quick_and_considered_thoughts_are_asked_for_at_the_same_time() -> None:
    stage = stage_of("planning-meeting", "mind.preset=inner-thoughts")
    arrived: dict[str, asyncio.Event] = {}

    class Waits(Scripted):
        async def ask(self, request: Request[Any]) -> Reply[Any]:
            both = {name: arrived.setdefault(f"{self.seat}/{name}", asyncio.Event()) for name in ("react", "reflect")}
            if request.purpose in both:
                both[request.purpose].set()
                for each in both.values():
                    await asyncio.wait_for(each.wait(), 5)  # would time out if one had to wait for the other's answer
            return await super().ask(request)

    work = await turn(stage, {name: Waits(name) for name in stage.seats})
    assert not work.failures
    assert len(arrived) == 2 * len(stage.seats)


async def test_one_of_two_questions_asked_at_once_that_fails_lets_the_other_be_answered() -> None:
    stage = stage_of("planning-meeting", "mind.preset=inner-thoughts")
    answered = asyncio.Event()

    class Fails(Scripted):
        async def ask(self, request: Request[Any]) -> Reply[Any]:
            if request.purpose == "react":
                raise ModelTrouble("transport", "gone")
            await asyncio.sleep(0.01)
            reply = await super().ask(request)
            answered.set()
            return reply

    cast: dict[str, Scripted] = {**models(stage), "ben": Fails("ben")}
    work = await turn(stage, cast)
    assert [str(failure) for failure in work.failures] == ["gone"]
    assert answered.is_set()


async def test_a_reactive_mind_calls_its_model_only_when_it_has_the_floor() -> None:
    stage = stage_of("planning-meeting", "mind.preset=reactive", "turns.policy=alternate")
    cast = models(stage)
    await turn(stage, cast)
    assert sum(len(model.asked) for model in cast.values()) == 1


async def test_a_kept_thought_is_spoken_when_its_moment_comes() -> None:
    stage = stage_of("planning-meeting", "turns.policy=bidding")
    quiet, *others = stage.seats

    def draft(thought: str, tenths: int, formed: int) -> Callable[[Request[Any]], BaseModel]:
        def answer(request: Request[Any]) -> BaseModel:
            rating = dict.fromkeys(
                ("relevance", "information_gap", "fills_gap", "expected_impact", "urgency", "coherence", "originality",
                 "balance", "dynamics"), 3) | {"reason_for": "", "reason_against": "", "keep": True}  # fmt: skip
            new = [{"system": 2, "text": "the budget is gone", "stimuli": []}][:formed]
            return request.schema.model_validate({
                "believe": {"changes": [], "propositions": []},
                "think": {"thoughts": new},
                "appraise": {"ratings": [{"thought": thought, "motivation_tenths": tenths, **rating}]},
                "speak": {"thought": thought, "act": {"kind": "say", "text": "The budget is gone."}},
            })  # fmt: skip

        return answer

    def passes(request: Request[Any]) -> BaseModel:
        return request.schema.model_validate({
            "believe": {"changes": [], "propositions": []}, "think": {"thoughts": []}, "appraise": {"ratings": []},
            "speak": {"thought": "none", "act": {"kind": "pass"}},
        })  # fmt: skip

    cast = models(stage, **dict.fromkeys(others, passes))
    cast[quiet].answer = draft("N1", 20, 1)
    first = (await turn(stage, cast)).record("lease")
    assert not any(row.won for row in first.rows if isinstance(row, BidRow))
    cast[quiet].answer = draft("K1", 45, 0)
    second = (await turn(stage, cast)).record("lease")
    status = [[row.status for row in record.rows if isinstance(row, AppraisalRow)] for record in (first, second)]
    assert status == [["kept"], ["spoken"]]
    assert [row.participant for row in second.rows if isinstance(row, BidRow) and row.won] == [quiet]


async def test_tracing_of_the_users_environment_makes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "ls-none")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    tried: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: tried.append(address))
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: tried.append(args))
    stage = stage_of()
    await turn(stage, models(stage))
    await asyncio.sleep(0.3)  # a background sender would have tried by now
    assert tried == []
