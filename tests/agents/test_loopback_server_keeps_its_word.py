"""The server the other tests rely on: deterministic, strict, and the same from another process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tertulia.agents.backends.openai import OpenAIBackend
from tests.agents.seat import Kept, ask_for, backend_of, seat
from tests.json_instances import strict_violation
from tests.loopback import Faults, Loopback, loopback_process


async def _replies(server: Loopback, count: int = 6) -> list[str]:
    backend, ledger = backend_of(server), Kept()
    for number in range(count):
        await seat(backend, ledger).ask(ask_for(f"Question {number}", ordinal=number))
    await backend.aclose()
    return [f"{row.status} {row.error} {row.reply}" for row in ledger.rows]


async def test_equal_seeds_give_equal_answers_and_equal_faults_and_other_seeds_others() -> None:
    faults = Faults(server=0.4, prose=0.3, fenced=0.3)
    runs = []
    for seed in (1, 1, 2):
        with Loopback(faults, seed=seed) as server:
            runs.append(await _replies(server))
    assert runs[0] == runs[1] != runs[2]


async def test_faults_change_when_an_answer_comes_and_not_what_it_says() -> None:
    with Loopback(seed=4) as server:
        quiet = await _replies(server)
    with Loopback(Faults(server=0.5, drop=0.5, rate_limit=0.5), seed=4) as server:
        noisy = await _replies(server)
    assert len(noisy) > len(quiet)
    assert [line for line in noisy if line.startswith("ok")] == quiet


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"anyOf": [{"type": "null"}, {"type": "object", "properties": {}, "additionalProperties": True}]},
        {"type": "array", "items": {"oneOf": [{"type": "null"}]}},
        {"$ref": "#/$defs/A", "description": "no company"},
    ],
)
def test_what_a_strict_server_refuses_is_refused(schema: dict[str, Any]) -> None:
    assert strict_violation(schema) is not None


async def test_in_a_process_of_its_own_it_answers_and_lists_and_logs_what_it_saw(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with loopback_process("--log", str(log), "--seed", "9", "--faults", "server=1,transport_cap=2") as url:
        backend, ledger = OpenAIBackend("any", base_url=url, api_key="sk-x"), Kept()
        await seat(backend, ledger).ask(ask_for())
        await backend.aclose()
        async with aiohttp.ClientSession() as session, session.get(url.replace("/v1", "/seen")) as answer:
            seen = await answer.json()
    assert [row.status for row in ledger.rows] == ["error", "error", "ok"]
    assert [one["answer"] for one in seen] == ["server", "server", "ok"]
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [one["digest"] for one in logged] == [one["digest"] for one in seen]
    assert logged[-1]["reply"] == ledger.rows[-1].reply
