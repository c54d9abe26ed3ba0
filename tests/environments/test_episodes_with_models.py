"""Whole episodes with real backends: a server that misbehaves, and a small local model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, EventRow, ObservationRow
from tests.loopback import Faults, Loopback
from tests.playing import play
from tests.tiny_model import make_tiny_model

KEY = "sk-test-4711-never-in-the-log"
FAULTS = Faults(
    rate_limit=0.06, server=0.04, drop=0.03, drop_midway=0.03,
    truncated=0.05, wrong_schema=0.05, prose=0.02, fenced=0.05,
)  # fmt: skip


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


async def test_an_episode_over_a_faulty_server_ends_in_success_and_every_attempt_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with Loopback(FAULTS, latency_ms=1, api_key=key) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = await play(tmp_path / "log.db", "dinner-secret", seed=1, model="openai/any", sets=["turns.limit=8"])
        with Log.open(tmp_path / "log.db") as log:
            calls = log.rows(CallRow, result.episode)
        assert result.status == "success", result
        assert len(calls) == len(server.requests)
        faults = [request.answer for request in server.requests if request.answer not in ("ok", "fenced")]
        assert faults, "the server was too kind: this test asserts nothing"
        assert len([call for call in calls if call.status in ("error", "invalid", "fallback")]) == len(faults)
        assert result.calls < len(calls)
    assert_nowhere(tmp_path, key)


def assert_nowhere(folder: Path, secret: str) -> None:
    """The secret stands in no file of the log, in no encoding we know of."""
    for path in folder.glob("log.db*"):
        content = path.read_bytes()
        assert secret.encode() not in content
        assert secret.encode("utf-16-le") not in content


async def test_a_server_that_stays_away_pauses_the_episode_and_it_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    from tests.playing import resume

    with Loopback(Faults(server=1.0, transport_cap=10_000)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        paused = await play(tmp_path / "log.db", "dinner-secret", model="openai/any", sets=["turns.limit=2"])
    assert paused.status == "paused"
    assert "attempts failed" in paused.reason
    with Loopback() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        resumed = await resume(tmp_path / "log.db", paused.episode)
    assert (resumed.status, resumed.turns) == ("success", 2)


async def test_a_wrong_key_ends_the_episode_at_once_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with Loopback(api_key="sk-another-key-altogether") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = await play(tmp_path / "log.db", "dinner-secret", model="openai/any")
        assert result.status == "error"
        assert "401" in result.reason
        assert len(server.requests) <= 4
    assert_nowhere(tmp_path, key)


async def test_nothing_valid_ever_is_degraded_and_never_another_speaker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with Loopback(Faults(wrong_schema=1.0, last_chance=False)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        result = await play(tmp_path / "log.db", "planning-meeting", model="openai/any", sets=["turns.limit=3"])
        with Log.open(tmp_path / "log.db") as log:
            events = log.rows(EventRow, result.episode)
    assert result.status == "degraded"
    assert result.fallbacks == result.calls > 0
    assert not [event for event in events if event.origin == "participant"]


NASTY = "\x1b]0;owned\x07 [bold red]x[/] '\"; DROP TABLE event;-- \x00 \ud800 \u202e abc \u200f" + "y" * 200


async def test_hostile_words_are_kept_exactly_from_reply_to_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def script(body: dict[str, Any]) -> str | None:
        name = body["response_format"]["json_schema"]["schema"]["properties"]
        if set(name) != {"thought", "act"}:
            return None
        return json.dumps({"thought": "none", "act": {"kind": "say", "text": NASTY, "to": [], "asserts": []}})

    with Loopback(script=script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        sets = ["mind.preset=reactive", "turns.limit=3", "turns.policy=alternate"]
        result = await play(tmp_path / "log.db", "planning-meeting", model="openai/any", sets=sets)
        with Log.open(tmp_path / "log.db") as log:
            said = [event.text for event in log.rows(EventRow, result.episode) if event.kind == "say"]
            asked = [call.messages for call in log.rows(CallRow, result.episode)]
    assert result.status == "success"
    assert said == [NASTY] * 3
    assert any(NASTY in message["content"] for messages in asked for message in messages)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", context=4096)


@pytest.mark.slow
async def test_every_reply_of_a_random_local_model_is_valid(tmp_path: Path, tiny: Path) -> None:
    result = await play(tmp_path / "log.db", "dinner-secret", seed=2, model=f"hf/{tiny}", sets=["turns.limit=5"])
    with Log.open(tmp_path / "log.db") as log:
        calls = log.rows(CallRow, result.episode)
        shown = log.rows(ObservationRow, result.episode)
    assert result.status == "success"
    assert {call.status for call in calls} == {"ok"}
    assert result.fallbacks == 0
    assert shown
