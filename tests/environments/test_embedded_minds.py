"""Minds that recall by embeddings: labelled so, asked once and recorded, replayed without a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tertulia.environments.replaying import replay
from tertulia.environments.scenario import ScenarioError
from tertulia.mind.embedding import EMBED
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, RecallRow
from tests.environments.scripted_minds import Minds, written
from tests.environments.test_inner_thoughts import TALK, when_its_topic_returns
from tests.loopback import Faults, Loopback
from tests.playing import play, resume

URI = "openai/words"
SETS = ["mind.system1_prob=0", "turns.limit=8"]


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return monkeypatch


def texts_of(calls: list[CallRow], participant: str) -> list[str]:
    mine = [call for call in calls if call.participant == participant and call.status == "ok"]
    return [message["content"] for call in mine for message in call.messages]


@pytest.mark.parametrize("deliberation", ["staged", "fused"])
async def test_what_comes_to_mind_is_labelled_and_each_mind_asks_for_each_text_once(
    tmp_path: Path, openai: pytest.MonkeyPatch, deliberation: str
) -> None:
    db = tmp_path / "log.db"
    with Loopback(script=Minds(TALK, when_its_topic_returns)) as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        sets = [*SETS, f"mind.embeddings={URI}", f"mind.deliberation={deliberation}"]
        result = await play(db, written(tmp_path), model="openai/any", sets=sets)
    sent = [text for request in server.requests for text in request.body.get("input", ())]
    with Log.open(db) as log:
        recalled = log.rows(RecallRow, result.episode)
        calls = log.rows(CallRow, result.episode, purpose=EMBED)
        replayed = await replay(log, result.episode)
    assert result.status == "success"
    assert {row.method for row in recalled} == {URI}
    assert {row.kind for row in recalled} == {"memory", "thought"}
    assert {call.uri for call in calls} == {URI}
    assert len(sent) == len(set(sent)) > 10
    for name in ("ana", "ben", "cem"):
        mine = texts_of(calls, name)
        assert len(mine) == len(set(mine)) > 5
    assert (replayed.difference, replayed.requests) == (None, 0)


async def test_what_was_embedded_before_a_pause_is_not_asked_for_again(
    tmp_path: Path, openai: pytest.MonkeyPatch
) -> None:
    db, minds = tmp_path / "log.db", Minds(TALK, when_its_topic_returns)
    with Loopback(Faults(server=0.82, transport_cap=10_000), script=minds, seed=3) as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        sets = [*SETS, f"mind.embeddings={URI}"]
        paused = await play(db, written(tmp_path), model="openai/any", sets=sets)
        with Log.open(db) as log:
            before = log.rows(CallRow, paused.episode, purpose=EMBED)
        server.faults = Faults()
        resumed = await resume(db, paused.episode)
    assert paused.status == "paused"
    assert [call for call in before if call.status == "ok"], "paused before anything was embedded"
    assert resumed.status == "success"
    with Log.open(db) as log:
        calls = log.rows(CallRow, paused.episode, purpose=EMBED)
        assert (await replay(log, paused.episode)).difference is None
    for name in ("ana", "ben", "cem"):
        mine = texts_of(calls, name)
        assert len(mine) == len(set(mine))


@pytest.mark.parametrize(("embedded", "status"), [(False, "kept"), (True, "dropped")])
async def test_by_embeddings_a_thought_is_voiced_in_other_words_too(
    tmp_path: Path, openai: pytest.MonkeyPatch, embedded: bool, status: str
) -> None:
    pytest.importorskip("torch")
    from tests.tiny_encoder import make_tiny_encoder

    thoughts = {
        ("cem", 1): [(2, "We need warm coats for the evening.")],
        ("ben", 2): [(2, "Let us take heated jackets at night.")],
    }
    minds = Minds(thoughts, lambda seat, turn, thought, heard: (20 if seat == "cem" else 45, True))
    sets = ["mind.system1_prob=0", "turns.limit=4", "ends=[limit]"]
    if embedded:
        sets.append(f"mind.embeddings=hf/{make_tiny_encoder(tmp_path / 'encoder')}")
    with Loopback(script=minds) as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        await play(tmp_path / "log.db", written(tmp_path), model="openai/any", sets=sets)
    with Log.open(tmp_path / "log.db") as log:
        [(found, why)] = log.query("SELECT status, reason_against FROM v_thoughts WHERE holder = 'cem'").rows
    assert found == status
    assert (why == "ben said it in turn 2 (1.00 alike)") == embedded


async def test_rules_recall_by_embeddings_too(tmp_path: Path, openai: pytest.MonkeyPatch) -> None:
    with Loopback() as server:
        openai.setenv("OPENAI_BASE_URL", server.url)
        result = await play(tmp_path / "log.db", "dinner-secret", sets=[f"mind.embeddings={URI}", "turns.limit=3"])
    with Log.open(tmp_path / "log.db") as log:
        assert {row.method for row in log.rows(RecallRow, result.episode)} <= {URI}
        assert log.rows(CallRow, result.episode, purpose=EMBED)
        assert (await replay(log, result.episode)).difference is None


async def test_embeddings_that_cannot_be_are_told_where_they_stand(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"mind.embeddings.*there are no embeddings by 'rules'.*write hf/ORG/NAME"):
        await play(tmp_path / "log.db", "dinner-secret", sets=["mind.embeddings=rules"])
