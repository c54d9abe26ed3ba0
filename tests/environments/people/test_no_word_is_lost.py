"""What people send is said, or it is told why not; and what they are told gives nothing away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tertulia.environments.floor import POLICIES, Bid, FloorView
from tertulia.environments.people.reading import Unreadable, read_act
from tertulia.environments.people.sight import waits_for
from tertulia.storage.rows import CallRow
from tertulia.storage.rows_of_people import InboxRow
from tests.environments.people.test_table import Playing, playing
from tests.loopback import Loopback

PATIENT = ("turns.policy=round-robin",)


async def at_dans_turn(game: Playing) -> None:
    game.sit("dan")
    await game.waits("dan", "it is the turn of dan")


async def test_a_person_who_speaks_up_comes_before_an_agent_that_was_addressed() -> None:
    bids = [
        Bid(participant="ann", wants=True, volunteers=True, motivation=5.0),
        Bid(participant="dan", wants=True, volunteers=True, person=True),
    ]
    view = FloorView(3, ("ann", "dan"), ("ann", "dan"), last="ann", addressed=("ann",))

    async def ask(question: Any) -> Any:
        raise AssertionError("nobody is asked")

    award = await POLICIES["addressed"](view, bids, Random(0), ask)
    assert award.admitted == ("dan",)
    assert award.reasons == {
        "dan": "spoke up, though ann was addressed",
        "ann": "dan is a person, and had something to say",
    }
    assert award.interrupted == ("ann",)  # who counts as addressed in the next turn


async def test_what_is_taken_back_before_it_was_said_is_not_said(tmp_path: Path) -> None:
    async with playing(tmp_path, *PATIENT) as game:
        await at_dans_turn(game)
        await game.table.hand_in("dan", "say", "first thing")
        await game.table.hand_in("dan", "say", "second thing")
        assert game.table.take_back("dan") == "second thing"
        await game.until(lambda: ("dan", "first thing") in game.said())
        game.table.stand_up("dan")
        await game.task
        assert ("dan", "second thing") not in game.said()
        refused = {row.text: row.refused for row in game.log.rows(InboxRow, game.id)}
        assert refused == {"first thing": None, "second thing": "taken back"}


async def test_who_left_says_nothing_and_comes_back_by_their_own_word_alone(tmp_path: Path) -> None:
    async with playing(tmp_path, *PATIENT) as game:
        await at_dans_turn(game)
        await game.table.hand_in("dan", "leave")
        with pytest.raises(Unreadable, match="you have left; /rejoin"):
            await game.table.hand_in("dan", "say", "hello")
        game.sit("dan")  # a lost line is back
        assert not game.table.chairs["dan"].here
        await game.table.hand_in("dan", "rejoin")
        assert game.table.chairs["dan"].here


async def test_names_are_heard_however_they_are_written(tmp_path: Path) -> None:
    async with playing(tmp_path, *PATIENT) as game:
        await at_dans_turn(game)

        def to(text: str, **data: Any) -> Any:
            row = InboxRow(episode="e", ordinal=0, participant="dan", kind="say", text=text, data=data or None)
            act = read_act(game.episode.stage, "dan", row)
            return getattr(act, "text", None), getattr(act, "to", None)

        assert to("Alice: where is it?") == ("where is it?", ("alice",))
        assert to("@alice, where is it, @Bob?") == ("@alice, where is it, @Bob?", ("alice", "bob"))
        assert to("mail me at x@bob") == ("mail me at x@bob", ())
        assert to("hello", to="bob") == ("hello", ("bob",))
        with pytest.raises(Unreadable, match="5 is no name"):
            to("hello", to=5)
        with pytest.raises(Unreadable, match=r"the character U\+001A in it is no word"):
            to("half typed\x1afg")


async def test_whom_the_table_waits_for_is_told_to_those_who_may_know(tmp_path: Path) -> None:
    async with playing(tmp_path, *PATIENT) as game:
        await at_dans_turn(game)
        stage = game.episode.stage
        addressed = (stage, "dan", ("alice",), "private", "alice was addressed")
        assert waits_for(*addressed) == ([], "somebody is waited for")
        mine = waits_for(stage, "alice", ("alice",), "private", "alice was addressed")
        assert mine == (["alice"], "alice was addressed")
        assert waits_for(stage, "dan", ("bob",), "seen", "bob is typing") == (["bob"], "bob is typing")
        stage.state = stage.state.model_copy(update={"where": {**stage.state.where, "bob": "elsewhere"}})
        assert waits_for(stage, "dan", ("bob",), "seen", "bob is typing") == ([], "somebody is waited for")


async def test_who_withdraws_need_not_wait_for_slow_minds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(latency_ms=30_000) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        async with playing(tmp_path, "model=openai/slow", "mind.preset=full") as game:
            game.sit("dan")
            await asyncio.to_thread(server.arrived.wait, 60)
            await game.table.hand_in("dan", "withdraw")
            result = await game.task
            assert (result.status, result.reason) == ("cancelled", "the person who played dan withdrew")
            calls = game.log.rows(CallRow, game.id)
            assert {call.error for call in calls} == {"cancelled"}
