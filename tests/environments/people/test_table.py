"""People at the table: waited for, heard, durable, taken once, and never in the way of what others may not see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.people.chair import Chair
from tertulia.environments.people.reading import Unreadable
from tertulia.environments.people.recorded import RecordedPeople
from tertulia.environments.people.table import Table
from tertulia.environments.result import EpisodeResult
from tertulia.storage.log import Log
from tertulia.storage.rows import BidRow, EventRow, ParticipantRow
from tertulia.storage.rows_of_people import InboxRow

QUICK = (
    "participants.dan.model=human", "people.gap_s=0", "people.pause_s=0.01", "people.patience_s=0.05",
    "people.words_per_second=0",
)  # fmt: skip
"""A dinner at which dan is a person, and nobody waits long."""


class Playing:
    """An episode with people, played in the background of a test."""

    def __init__(self, log: Log, table: Table, episode: Episode) -> None:
        self.log, self.table, self.episode = log, table, episode
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.task: asyncio.Task[EpisodeResult] = asyncio.create_task(episode.play())

    @property
    def id(self) -> str:
        return self.episode.stage.episode

    def sit(self, seat: str) -> None:
        mine = self.heard.setdefault(seat, [])
        self.table.sit(seat, lambda message: mine.append(dict(message)))

    async def waits(self, seat: str, why: str) -> None:
        """Wait until the seat is told for what the table waits."""
        await self.until(lambda: any(m.get("why") == why for m in self.heard[seat][-1:]))

    async def until(self, there: Callable[[], bool]) -> None:
        """Wait for something to have come about; a test's own time limit ends a wait in vain."""
        while not there():
            if self.task.done():
                self.task.result()
                raise AssertionError("the episode ended before")
            await asyncio.sleep(0.002)

    def said(self) -> list[tuple[str | None, str]]:
        return [(e.actor, e.text) for e in self.log.rows(EventRow, self.id) if e.kind == "say"]


@asynccontextmanager
async def playing(
    tmp_path: Path, *sets: str, scenario: str = "dinner-secret", seated: tuple[str, ...] = ("dan",)
) -> Any:
    backends = Backends()
    table = Table({seat: Chair(seat, pseudonym=f"p-{seat}") for seat in seated})
    with Log.open(tmp_path / "log.db") as log:
        loaded = tertulia.load_scenario(scenario, [*QUICK, *sets] if scenario == "dinner-secret" else list(sets))
        episode = await Episode.begin(loaded, seed=3, log=log, backends=backends, people=table)
        game = Playing(log, table, episode)
        try:
            yield game
        finally:
            game.task.cancel()
            await asyncio.gather(game.task, return_exceptions=True)
            await backends.aclose()


async def test_what_a_person_says_is_a_turn_like_any_other(tmp_path: Path) -> None:
    async with playing(tmp_path, "people.pause_s=30", "people.patience_s=30") as game:
        game.sit("dan")
        await game.waits("dan", "nobody speaks")
        await game.table.hand_in("dan", "say", "bob: the cake is in the cellar.")
        await game.until(lambda: ("dan", "the cake is in the cellar.") in game.said())
        [row] = game.log.rows(InboxRow, game.id)
        assert row.arrived_at is None  # nobody agreed to have times kept
        assert row.taken_turn is not None
        [event] = [e for e in game.log.rows(EventRow, game.id) if e.actor == "dan"]
        assert event.addressees == ["bob"]
        bids = {bid.participant: bid for bid in game.log.rows(BidRow, game.id) if bid.turn == row.taken_turn}
        assert bids["dan"].won
        [dan] = [p for p in game.log.rows(ParticipantRow, game.id) if p.name == "dan"]
        assert (dan.kind, dan.pseudonym, dan.model) == ("person", "p-dan", "human")


async def test_a_person_is_shown_what_its_seat_witnessed_and_nothing_else(tmp_path: Path) -> None:
    async with playing(tmp_path) as game:
        game.sit("dan")
        await game.task
        events = [e for m in game.heard["dan"] for e in m.get("events", ())]
        texts = " ".join(event["text"] for event in events)
        assert "alice whispers" in texts.lower() or any(e["kind"] == "whisper" and not e["whole"] for e in events)
        assert "The house is to be sold" not in str(game.heard["dan"])


async def test_the_one_whose_turn_it_is_is_waited_for_however_long(tmp_path: Path) -> None:
    async with playing(tmp_path, "turns.policy=round-robin") as game:
        game.sit("dan")
        await game.waits("dan", "it is the turn of dan")
        head = game.log.episode(game.id).head
        await asyncio.sleep(0.1)  # many times any other wait here
        assert game.log.episode(game.id).head == head
        await game.table.hand_in("dan", "say", "Good evening.")
        await game.until(lambda: ("dan", "Good evening.") in game.said())


async def test_nobody_waits_for_a_person_who_is_not_there(tmp_path: Path) -> None:
    async with playing(tmp_path, "turns.policy=round-robin") as game:
        game.sit("dan")
        game.table.stand_up("dan")
        result = await game.task
        assert result.status == "success"
        reasons = {bid.reason for bid in game.log.rows(BidRow, game.id) if bid.participant == "dan"}
        assert reasons == {"is not at the table"}


async def test_agents_let_a_person_finish_typing(tmp_path: Path) -> None:
    async with playing(tmp_path, "people.hold_s=30") as game:
        game.sit("dan")
        game.table.types("dan", True)
        await game.waits("dan", "dan is typing")
        head = game.log.episode(game.id).head
        await asyncio.sleep(0.1)
        assert game.log.episode(game.id).head == head
        game.table.types("dan", False)
        await game.until(lambda: game.log.episode(game.id).head > head)


async def test_what_cannot_be_done_is_said_in_a_line_and_is_not_sent(tmp_path: Path) -> None:
    async with playing(tmp_path, "turns.policy=round-robin") as game:
        game.sit("dan")
        await game.waits("dan", "it is the turn of dan")
        for kind, text, data, why in (
            ("whisper", "hear me", {"to": ["bobb"]}, "'bobb' is not here; nearest: 'bob'"),
            ("say", "x" * 700, None, "700 characters; it must have 1 to 600"),
            ("say", "  ", None, "there are no words in it"),
            ("act", "", {"kind": "dance"}, "you cannot dance now; you can: say, whisper"),
        ):
            with pytest.raises(Unreadable, match=why):
                await game.table.hand_in("dan", kind, text, data)
        assert game.log.rows(InboxRow, game.id) == []


async def test_words_sent_before_a_crash_are_said_after_it(tmp_path: Path) -> None:
    async with playing(tmp_path, "turns.policy=round-robin") as game:
        game.sit("dan")
        await game.until(lambda: bool(game.heard["dan"]))
        await game.table.hand_in("dan", "say", "first things first")
        game.task.cancel()
        await asyncio.gather(game.task, return_exceptions=True)
        assert ("dan", "first things first") not in game.said()
        table, backends = Table({"dan": Chair("dan", came=True)}), Backends()
        episode = await Episode.reopen(game.id, log=game.log, backends=backends, people=table)
        task = asyncio.create_task(episode.play())
        while ("dan", "first things first") not in game.said():
            assert not task.done()
            await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await backends.aclose()
        assert [row.taken_turn is not None for row in game.log.rows(InboxRow, game.id)] == [True]


async def test_a_person_who_speaks_meanwhile_cuts_an_agent_off(tmp_path: Path) -> None:
    async with playing(tmp_path, "people.words_per_second=20") as game:
        game.sit("dan")
        await game.until(lambda: game.heard["dan"] and game.heard["dan"][-1]["kind"] == "speaking")
        speaker = game.heard["dan"][-1]["name"]
        await game.table.hand_in("dan", "say", "Wait a moment.")
        await game.until(lambda: ("dan", "Wait a moment.") in game.said())
        [cut] = [(actor, text) for actor, text in game.said() if text.endswith("—")]
        assert cut[0] == speaker
        assert any(bid.reason.endswith("but was cut off by dan") for bid in game.log.rows(BidRow, game.id))


async def test_who_withdraws_ends_the_episode(tmp_path: Path) -> None:
    async with playing(tmp_path, "turns.policy=round-robin") as game:
        game.sit("dan")
        await game.waits("dan", "it is the turn of dan")
        await game.table.hand_in("dan", "withdraw")
        result = await game.task
        assert (result.status, result.reason) == ("cancelled", "the person who played dan withdrew")


async def test_without_people_a_persons_seat_is_refused_in_one_line(tmp_path: Path) -> None:
    from tertulia.mind.model import ModelTrouble

    with Log.open(tmp_path / "log.db") as log, pytest.raises(ModelTrouble, match=r"tertulia play .* --as dan"):
        await Episode.begin(tertulia.load_scenario("dinner-secret", QUICK), seed=0, log=log, backends=Backends())


async def test_an_episode_with_a_person_is_replayed_to_the_word(tmp_path: Path) -> None:
    from tertulia.environments.replaying import replay

    async with playing(tmp_path, "people.words_per_second=20", "turns.limit=6") as game:
        game.sit("dan")
        await game.until(lambda: game.heard["dan"] and game.heard["dan"][-1]["kind"] == "speaking")
        await game.table.hand_in("dan", "say", "bob: The cake is in the cellar.")
        await game.table.hand_in("dan", "whisper", "is it true?", {"to": ["alice"]})
        result = await game.task
        assert result.status == "success"
        assert any(text.endswith("—") for _, text in game.said())
        replayed = await replay(game.log, game.id)
        assert replayed.difference is None
        assert (replayed.turns, replayed.ended) == (6, True)


async def test_a_moderator_who_speaks_of_cutting_off_cuts_nobody_off_in_a_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reason stands in the bid, and ends as that of one who was cut off does."""
    from tertulia.environments.replaying import replay
    from tests.environments.test_floor_in_episodes import answers
    from tests.loopback import Loopback

    why = "alice wanted to speak, but was cut off by dan"
    sets = (
        "turns.policy=moderated", "turns.moderator=alice", "turns.limit=3", "turns.interruptions=false",
        "participants.alice.model=openai/any", "people.words_per_second=100",
    )  # fmt: skip
    with Loopback(script=answers(Moderated=lambda body: {"reason": why, "speaker": "alice"})) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        async with playing(tmp_path, *sets) as game:
            game.sit("dan")
            await game.task
            won = [bid.reason for bid in game.log.rows(BidRow, game.id) if bid.won]
            assert won
            assert all(reason.endswith(why) for reason in won)
            stages: list[bool] = []
            deliver = RecordedPeople.deliver

            async def watched(self: RecordedPeople, work: Any) -> None:
                await deliver(self, work)
                stages.extend(done.cut_off for done in work.minds.values())

            monkeypatch.setattr(RecordedPeople, "deliver", watched)
            assert (await replay(game.log, game.id)).difference is None
            assert stages
            assert not any(stages)


async def test_forks_of_an_episode_with_a_person_need_the_person_or_another_model(tmp_path: Path) -> None:
    from tertulia.environments.forking import plan_forks
    from tertulia.environments.many import resume_many

    async with playing(tmp_path, "turns.limit=5") as game:
        game.sit("dan")
        await game.until(lambda: bool(game.heard["dan"]))
        await game.table.hand_in("dan", "say", "Good evening.")
        await game.task
        backends = Backends()
        plan = plan_forks(game.log, game.id, 4, sets=["dan.model=rules"], null=False, backends=backends)
        plan.check_models(backends)
        await plan.enter(game.log)
        [fork] = [branch.episode for branch in plan.branches]
        results = [one async for one in resume_many([fork], log=game.log, backends=backends, at_once=1)]
        assert [one.status for one in results] == ["success"]
        [dan] = [p for p in game.log.rows(ParticipantRow, fork) if p.name == "dan"]
        assert (dan.kind, dan.model, dan.pseudonym) == ("agent", "rules", "p-dan")
