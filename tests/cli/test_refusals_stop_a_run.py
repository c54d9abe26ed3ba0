"""A wrong key, a wrong model, a used-up quota: a thousand episodes stop at the first request, not at the thousandth."""

from __future__ import annotations

from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow
from tests.cli.command import Tertulia
from tests.loopback import Loopback

REFUSING = {
    "401": {"api_key": "sk-another-key-altogether"},
    "404": {"models": ("another",)},
    "current quota": {"quota_used_up": True},
}
AT_ONCE = 16


@pytest.mark.parametrize("reason", REFUSING)
def test_a_thousand_seeds_stop_at_the_first_refusal(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0815")
    with Loopback(**REFUSING[reason]) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = tertulia("run", "dinner-secret", "--model", "openai/any", "--seeds", "0:1000", "--display", "none")
        assert len(server.requests) == 1, "one request went ahead, and the others heard what came of it"
    assert said.code == 1
    stopped, told, _ = said.err.splitlines()
    with Log.open() as log:
        rows = log.episodes()
        calls = [call for row in rows for call in log.rows(CallRow, row.id)]
    assert 1 <= len(rows) <= AT_ONCE
    assert {(row.status, reason in (row.reason or "")) for row in rows} == {("error", True)}
    assert len(calls) == 1
    assert stopped == f"stopped early: a model refused; {1000 - len(rows)} episodes of 1000 did not begin"
    assert told.startswith("seed 0 and 15 more: error: openai/any: HTTP ")
    assert "0815" not in said.err + said.out


def test_a_model_that_is_set_right_goes_on_with_what_had_begun(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(api_key="sk-right-key-altogether") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0815")
        many = ("--seeds", "0:3", "--display", "none", "-S", "turns.limit=1")
        assert tertulia("run", "dinner-secret", "--model", "openai/any", *many).code == 1
        monkeypatch.setenv("OPENAI_API_KEY", "sk-right-key-altogether")
        with Log.open() as log:
            begun = [row.id for row in log.episodes(status="error")]
        assert begun
        for episode in begun:
            assert tertulia("resume", episode, "--json").lines()[0]["status"] == "success"


@pytest.mark.parametrize("reason", REFUSING)
def test_a_batch_stops_at_the_first_refusal_as_well(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0815")
    Path("grid.yaml").write_text(
        "batch: b\nscenario: dinner-secret\nset: {model: openai/any}\ngrid: {mind.order: [1, 2]}\nseeds: 0:500\n"
    )
    with Loopback(**REFUSING[reason]) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        said = tertulia("batch", "grid.yaml", "-j", str(AT_ONCE))
        assert len(server.requests) == 1
    assert said.code == 1
    with Log.open() as log:
        rows = log.episodes()
    assert 1 <= len(rows) <= AT_ONCE
    assert {(row.status, reason in (row.reason or "")) for row in rows} == {("error", True)}
    stopped = next(line for line in said.err.splitlines() if line.startswith("stopped: openai/any: HTTP "))
    assert "tertulia resume b" in stopped
    assert "0815" not in said.err + said.out
