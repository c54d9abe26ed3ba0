"""Words of people stay where they were said to stay; people are told no more than their condition allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.forking import plan_forks
from tertulia.environments.people.sight import shows_ai, shows_condition, shows_minds
from tertulia.environments.people.table import Table
from tertulia.environments.probing import open_interview
from tertulia.environments.scenario.probes import beliefs_of
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import Log
from tests.environments.people.test_table import QUICK, playing

LOCAL = "people.local_only=true"
API = "participants.bob.model=openai/gpt-x"


@pytest.fixture(autouse=True)
def a_server_that_is_named_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")


async def begin(tmp_path: Path, *sets: str) -> Episode:
    backends = Backends()
    with Log.open(tmp_path / "log.db") as log:
        scenario = tertulia.load_scenario("dinner-secret", [*QUICK, *sets])
        try:
            return await Episode.begin(scenario, seed=0, log=log, backends=backends, people=Table())
        finally:
            await backends.aclose()


async def test_a_model_behind_an_api_is_refused_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(ModelTrouble, match=r"participants\.bob\.model: openai/gpt-x at http://127\.0\.0\.1:9/v1 would"):
        await begin(tmp_path, LOCAL, API)
    with Log.open(tmp_path / "log.db") as log:
        assert log.episodes() == []


@pytest.mark.parametrize(
    ("allowed", "fine"),
    [
        ("http://127.0.0.1:9", True), ("http://127.0.0.1:9/v1", True), ("http://127.0.0.1:90", False),
        ("https://127.0.0.1:9", False), ("http://127.0.0.1:9/v", False),
    ],
)  # fmt: skip
async def test_a_server_of_ones_own_is_allowed_by_its_address(tmp_path: Path, allowed: str, fine: bool) -> None:
    sets = (f"people.local_only={{allow: ['{allowed}']}}", API)
    if fine:
        await begin(tmp_path, *sets)
    else:
        with pytest.raises(ModelTrouble, match="would get a person's words"):
            await begin(tmp_path, *sets)


async def test_without_people_or_without_the_key_nothing_is_refused(tmp_path: Path) -> None:
    await begin(tmp_path, API)
    await begin(tmp_path, LOCAL, API, "participants.dan.model=rules")


async def test_forks_probes_and_resumes_keep_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with playing(tmp_path, LOCAL, "turns.limit=6") as game:
        game.sit("dan")
        await game.task
        backends = Backends()
        for sets, why in (
            (["bob.model=openai/gpt-x"], "bob"),
            (["bob.model=openai/gpt-x", "dan.model=rules"], "bob"),
            (["people.local_only=false"], "it stays as it is"),
        ):
            with pytest.raises(ModelTrouble, match=why):
                plan_forks(game.log, game.id, 4, sets=sets, backends=backends)
        plan_forks(game.log, game.id, 4, sets=["bob.persona=gruff"], backends=backends)
        with pytest.raises(ModelTrouble, match="--model: openai/gpt-x"):
            await open_interview(game.log, game.id).ask([beliefs_of("bob")], backends=backends, model="openai/gpt-x")
        assert await open_interview(game.log, game.id).ask([beliefs_of("bob")], backends=backends)
        await backends.aclose()


async def test_where_a_server_has_moved_an_episode_does_not_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await begin(tmp_path, "people.local_only={allow: ['http://127.0.0.1:9']}", API)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:11/v1")
    backends = Backends()
    id = begun.stage.episode
    again: dict[str, Any] = {"backends": backends, "people": Table(), "accept_changes": True}
    with Log.open(tmp_path / "log.db") as log:
        await log.release(id, begun.leader.token)
        with pytest.raises(ModelTrouble, match="would get a person's words"):
            await Episode.reopen(id, log=log, **again)
    await backends.aclose()


async def test_blind_people_are_not_told_the_condition_nor_who_is_a_person(tmp_path: Path) -> None:
    sets = ("participants.carol.model=human", "people.blind=[ai, condition]", "people.words_per_second=500")
    async with playing(tmp_path, *sets, "turns.limit=6", "people.pause_s=0.2", seated=("dan", "carol")) as game:
        assert not shows_ai(game.episode.stage)
        assert not shows_condition(game.episode.stage)
        assert shows_minds(game.episode.stage)
        game.sit("dan")
        await game.until(lambda: any(m["kind"] == "waiting" and m["why"] for m in game.heard["dan"]))
        assert "carol" not in str(game.heard["dan"])  # that she is waited for would tell that she is a person
        game.sit("carol")
        await game.until(lambda: any(m["kind"] == "past" for m in game.heard["carol"]))
        await game.table.hand_in("carol", "say", "A fine evening, is it not, for so many of us here?")
        await game.task
        told: list[dict[str, Any]] = game.heard["dan"]
        assert all(m["scenario"] == "" for m in told if m["kind"] == "past")
        assert "dinner-secret" not in str(told)
        whys = {m["why"] for m in told if m["kind"] == "waiting"}
        assert whys <= {"", "somebody may speak", "it is for you to speak, answer or pass"}
        spoken = {m["name"] for m in told if m["kind"] == "speaking"}
        assert "carol" in spoken  # her words come word by word, as the agents' do
        assert not any(m["kind"] == "speaking" and m["name"] == "carol" for m in game.heard["carol"])
