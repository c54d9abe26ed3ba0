"""Going on with other packages, instructions or models than before: refused with what differs, or accepted and kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.registry import Backends
from tertulia.environments.changed import ChangedSince, differences
from tertulia.environments.episode import Episode
from tertulia.environments.result import EpisodeResult
from tertulia.environments.versions import versions
from tertulia.storage.log import Log, LostLease, new_token
from tertulia.storage.rows import InterventionRow
from tertulia.storage.types import now
from tests.loopback import Faults, Loopback
from tests.playing import FAST, interrupted, play

SHORT = ["turns.limit=4"]
MADE: dict[str, Any] = {
    "python": "3.11.4",
    "packages": {"tertulia": "0.1.0", "pydantic": "2.12.0", "openai": "3.0.0", "torch": "2.13.0"},
    "revision": "a" * 40,
    "sources": "0123456789ab",
    "instructions": {"believe": "111111111111", "speak": "222222222222"},
    "models": {"openai/any": {"base_url": "http://127.0.0.1:1/v1"}},
}


def told(then: Any, here: Any) -> list[str]:
    return [str(each) for each in differences(then, here)]


def test_each_kind_of_change_is_told_with_what_was_and_what_is() -> None:
    after = {
        "python": "3.12.1",
        "packages": {"tertulia": "0.1.0", "pydantic": "2.13.0", "torch": "2.13.0"},
        "revision": "b" * 40,
        "sources": "ba9876543210",
        "instructions": {"believe": "333333333333", "speak": "222222222222", "dial": "444444444444"},
        "models": {"openai/any": {"base_url": "http://127.0.0.1:2/v1"}},
    }
    assert told(MADE, after) == [
        "Python: 3.11 then, 3.12 now",
        "pydantic: 2.12.0 then, 2.13.0 now",
        "openai: 3.0.0 then, not installed now",
        "tertulia's own code: revision aaaaaaaaaaaa then, revision bbbbbbbbbbbb now",
        "instruction of the faculty 'believe': 111111111111 then, 333333333333 now",
        "instruction of the faculty 'dial': none then, 444444444444 now",
        "base url of openai/any: http://127.0.0.1:1/v1 then, http://127.0.0.1:2/v1 now",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"python": "3.11.9"},
        {"packages": {**MADE["packages"], "langgraph": "1.2.0"}},
        {"packages": {**MADE["packages"], "torch": "2.14.0"}},
        {"revision": "b" * 40},
        {"revision": None},
        {"models": {"openai/any": {"base_url": "http://127.0.0.1:1/v1", "region": "north"}}},
    ],
)
def test_what_makes_no_difference_to_an_episode_is_none(change: dict[str, Any]) -> None:
    """A patch of Python, a package newly recorded or of no model here, a commit that changes no code, a new fact."""
    assert told(MADE, MADE | change) == []


@pytest.mark.parametrize("then", [None, {}, {"python": "3.11.4", "packages": {}}, {"packages": None, "revision": None}])
def test_a_log_that_kept_less_is_held_to_what_it_kept(then: Any) -> None:
    assert told(then, MADE) == []


def test_before_models_were_kept_every_package_counts() -> None:
    old = {"packages": {"torch": "2.12.0"}, "revision": "a" * 40}
    assert told(old, MADE) == ["torch: 2.12.0 then, 2.13.0 now"]
    assert told(old, MADE | {"revision": "c" * 40})[1].startswith("tertulia's own code: revision aaaaaaaaaaaa then")


def test_code_that_was_edited_and_not_committed_is_another() -> None:
    [line] = told(MADE, MADE | {"sources": "edited"})
    assert line == (
        "tertulia's own code: revision aaaaaaaaaaaa with files 0123456789ab then, "
        "revision aaaaaaaaaaaa with files edited now"
    )


def test_a_record_knows_no_key_and_no_user() -> None:
    backend = OpenAIBackend("x", base_url="https://ann:hunter2@host.example:8443/v1?key=canary#part", api_key="k")
    assert backend.made_of() == {"base_url": "https://host.example:8443/v1"}


def made_with(db: Path, episode: str, **changed: Any) -> Any:
    """Rewrite what the log says the episode was made with, as another installation would have written it."""
    with closing(sqlite3.connect(db)) as there, there:
        [(kept,)] = there.execute("SELECT versions FROM episode WHERE id = ?", [episode])
        record = json.loads(kept) | changed
        there.execute("UPDATE episode SET versions = ? WHERE id = ?", [json.dumps(record), episode])
    return record


async def reopen(db: Path, episode: str, **options: Any) -> EpisodeResult:
    backends = Backends()
    with Log.open(db) as log:
        try:
            return await (
                await Episode.reopen(episode, log=log, backends=backends, retry=FAST, **options)
            ).play()  # fmt: skip
        finally:
            await backends.aclose()


def interventions(db: Path, episode: str) -> list[InterventionRow]:
    with Log.open(db) as log:
        return log.rows(InterventionRow, episode)


async def test_an_unchanged_episode_goes_on_without_a_word(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 2)
    assert (await reopen(db, episode)).status == "success"
    assert interventions(db, episode) == []


async def test_a_changed_package_is_refused_before_anything_is_played_or_written(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 2)
    made_with(db, episode, packages={"pydantic": "1.0.0"}, python="3.9.1")
    with Log.open(db) as log:
        before = log.episode(episode)
    with pytest.raises(ChangedSince) as refused:
        await reopen(db, episode)
    python, pydantic, remedy = str(refused.value).splitlines()
    assert "Python: 3.9 then" in python
    assert "pydantic: 1.0.0 then" in pydantic
    assert remedy.endswith(f"tertulia resume {episode} --accept-changes")
    with Log.open(db) as log:
        assert log.episode(episode) == before, "it is as free and as paused as before"
    assert interventions(db, episode) == []


async def test_an_accepted_change_is_a_row_at_the_next_turn_and_is_not_asked_about_again(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 2)
    then = made_with(db, episode, instructions={"speak": "of old"})
    result = await reopen(db, episode, accept_changes=True)
    assert (result.status, result.turns) == ("success", 4)
    [row] = interventions(db, episode)
    assert (row.turn, row.ordinal, row.target, row.old) == (3, 0, "versions", then)
    with Log.open(db) as log:
        assert log.episode(episode).versions == then, "what it began with stays"
    # Another resume, were it paused once more, compares with what was accepted.
    with closing(sqlite3.connect(db)) as there, there:
        there.execute("UPDATE episode SET status = 'paused', lease = NULL WHERE id = ?", [episode])
    with Log.open(db) as log:
        backends = Backends()
        reopened = await Episode.reopen(episode, log=log, backends=backends)
        assert row.new == versions(reopened.stage, backends)
    assert interventions(db, episode) == [row]


async def test_nothing_to_accept_leaves_no_row(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 1)
    assert (await reopen(db, episode, accept_changes=True)).status == "success"
    assert interventions(db, episode) == []


DIES = """
import asyncio, os, sys
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.storage.log import Log

async def main():
    await Episode.reopen(sys.argv[2], log=Log.open(sys.argv[1]), backends=Backends(), accept_changes=True)
    os._exit(9)

asyncio.run(main())
"""


async def test_killed_between_the_record_and_the_turn_the_change_is_kept_once(tmp_path: Path) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 2)
    made_with(db, episode, python="3.9.1")
    root = Path(__file__).parents[2]
    dying = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES, str(db), episode, cwd=root)
    assert await dying.wait() == 9
    [row] = interventions(db, episode)
    assert (await reopen(db, episode)).status == "success"
    assert interventions(db, episode) == [row]


async def test_only_the_leader_records_a_change_and_beside_other_interventions_it_takes_the_next_place(
    tmp_path: Path,
) -> None:
    db = tmp_path / "log.db"
    episode = await interrupted(db, 2)
    made_with(db, episode, python="3.9.1")
    other = InterventionRow(episode=episode, turn=3, ordinal=4, target="turns.limit", new=9, created_at=now())
    with Log.open(db) as log:
        with pytest.raises(LostLease):
            await log.record([other], new_token())
        await log.record([other])
    await reopen(db, episode, accept_changes=True)
    assert [(row.ordinal, row.target) for row in interventions(db, episode)] == [
        (4, "turns.limit"),
        (5, "versions"),
    ]


async def test_another_server_behind_the_same_name_is_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    with Loopback() as first, Loopback() as second:
        monkeypatch.setenv("OPENAI_BASE_URL", first.url)
        episode = await interrupted(db, 1, model="openai/any")
        monkeypatch.setenv("OPENAI_BASE_URL", second.url)
        with pytest.raises(ChangedSince, match=f"base url of openai/any: {first.url} then, {second.url} now"):
            await reopen(db, episode)
        assert second.requests == []
        assert (await reopen(db, episode, accept_changes=True)).status == "success"
        assert second.requests
    [row] = interventions(db, episode)
    assert row.new["models"] == {"openai/any": {"base_url": second.url}}


async def test_an_address_that_never_answered_is_set_right_without_a_question_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "log.db"
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/nowhere")
        failed = await play(db, "dinner-secret", model="openai/any", sets=SHORT)
        assert failed.status == "error"
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert (await reopen(db, failed.episode)).status == "success"
    [row] = interventions(db, failed.episode)
    assert (row.turn, row.old["models"]["openai/any"]["base_url"]) == (1, server.url + "/nowhere")


async def test_a_local_model_is_known_by_its_configuration_tokenizer_and_the_sizes_of_its_weights(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    names = ("config.json", "tokenizer.json", "generation_config.json", "model.safetensors")
    for name in names:
        (folder / name).write_text(f"{{}} {name}")
    (folder / "README.md").write_text("about it")

    def made_of() -> dict[str, Any]:
        return Backends().made_of(f"hf/{folder}")

    first = made_of()
    assert first.keys() == {"files"}
    (folder / "README.md").write_text("about it, and more")
    (folder / "model.safetensors").write_text("[] model.safetensors")
    assert made_of() == first, "as large as before"
    found = {first["files"]}
    for name in names:
        (folder / name).write_text(f"{{}} another {name}")
        found.add(made_of()["files"])
    assert len(found) == 1 + len(names)


async def test_a_model_of_the_hub_is_known_by_the_commit_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert Backends().made_of("hf/owner/name") == {}, "nothing is there yet, and nobody is asked"
    commit = "c0ffee" * 6 + "c0ff"
    cached = tmp_path / "models--owner--name"
    (cached / "snapshots" / commit).mkdir(parents=True)
    (cached / "snapshots" / commit / "config.json").write_text("{}")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    assert Backends().made_of("hf/owner/name") == {"commit": commit}


def test_rules_alone_need_nothing_heavy() -> None:
    code = (
        "import sys, tertulia; from tertulia.agents.registry import Backends;"
        "from tertulia.environments.stage import Stage; from tertulia.environments.versions import versions;"
        "stage = Stage.of(tertulia.load_scenario('dinner-secret'), 0, 'e');"
        "assert versions(stage, Backends())['models'] == {};"
        "print(*(n for n in ('openai', 'torch', 'transformers', 'huggingface_hub', 'langgraph') if n in sys.modules))"
    )
    root = Path(__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == ""


async def test_an_episode_over_a_faulty_server_goes_on_from_the_same_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(Faults(rate_limit=0.1)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        episode = await interrupted(tmp_path / "log.db", 2, model="openai/any")
        assert (await reopen(tmp_path / "log.db", episode)).status == "success"
