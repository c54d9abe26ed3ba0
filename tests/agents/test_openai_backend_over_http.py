"""OpenAIBackend over real HTTP: what is sent, what comes back, what each kind of trouble is called."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tertulia.agents.backends.base import BackendFailure, Prompt
from tertulia.agents.backends.http import Answer, proxy_for
from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.backends.openai_errors import Scrubber, refused_name, retry_after_s
from tertulia.agents.prices import Prices
from tertulia.agents.settings import setting
from tertulia.environments.world import Pass, Say, one_of
from tertulia.mind.model import Message, Sampling
from tests.agents.seat import Opinion, backend_of
from tests.loopback import Faults, Loopback

PROMPT = Prompt(
    [Message("system", "You are Alice."), Message("user", "Speak.")],
    Opinion,
    Sampling(temperature=0.3, top_p=0.9, max_tokens=200, seed=77),
)


async def _complete(server: Loopback, prompt: Prompt = PROMPT, **named: Any) -> Any:
    backend = backend_of(server, **named)
    try:
        return await backend.complete(prompt)
    finally:
        await backend.aclose()


async def _failure(server: Loopback, **named: Any) -> BackendFailure:
    with pytest.raises(BackendFailure) as failure:
        await _complete(server, **named)
    return failure.value


def _answer(status: int, data: Any) -> Answer:
    return Answer(status, "", {}, json.dumps(data).encode())


async def test_words_arrive_as_they_are_and_lone_surrogates_as_the_sign_for_what_cannot_be_shown() -> None:
    said = ["You are \u00c9va.", "\U0001f95a and \ud800 and \\ud800 and \x00, \u4f60\u597d", "plain", "\udc00"]
    with Loopback() as server:
        await _complete(server, Prompt([Message("user", text) for text in said], Opinion, PROMPT.sampling))
    sent = [message["content"] for message in server.requests[0].body["messages"]]
    assert sent == [text.replace("\ud800", "\ufffd").replace("\udc00", "\ufffd") for text in said]


async def test_sampling_and_the_strict_schema_are_sent_and_everything_reported_comes_back() -> None:
    with Loopback(seed=5) as server:
        completion = await _complete(server, api_key="sk-secret-1")
    (seen,) = server.requests
    sent = {key: seen.body[key] for key in ("model", "temperature", "top_p", "seed", "max_completion_tokens")}
    assert sent == {"model": "any", "temperature": 0.3, "top_p": 0.9, "seed": 77, "max_completion_tokens": 200}
    assert seen.body["response_format"]["type"] == "json_schema"
    assert seen.body["response_format"]["json_schema"]["strict"] is True
    assert seen.body["response_format"]["json_schema"]["schema"]["additionalProperties"] is False
    assert seen.headers["Authorization"] == "Bearer sk-secret-1"
    Opinion.model_validate_json(completion.text)
    assert (completion.finish, completion.served_model, completion.fingerprint) == ("stop", "any-2026-01-01", "fp_5")
    assert completion.cost_usd is None


async def test_a_union_at_the_root_is_sent_as_an_object_and_comes_back_as_itself() -> None:
    legal = one_of(Say, Pass)
    with Loopback() as server:
        kinds = set()
        for seed in range(12):
            completion = await _complete(server, Prompt(PROMPT.messages, legal, Sampling(seed=seed)))
            kinds.add(type(legal.model_validate_json(completion.text).root))
    assert kinds == {Say, Pass}
    schema = server.requests[0].body["response_format"]["json_schema"]["schema"]
    assert (schema["type"], schema["required"]) == ("object", ["value"])


async def test_a_growing_prompt_is_reported_as_cached_up_to_where_it_grew() -> None:
    base = [Message("system", "word " * 600)]
    with Loopback() as server:
        first = await _complete(server, Prompt(base, Opinion, Sampling()))
        second = await _complete(server, Prompt([*base, Message("user", "more")], Opinion, Sampling()))
    assert first.cached_tokens == 0
    assert 600 <= second.cached_tokens <= second.input_tokens


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rate_limit", "rate_limit"),
        ("server", "server"),
        ("unavailable", "server"),
        ("not_a_completion", "server"),
        ("drop", "connection"),
        ("drop_midway", "connection"),
    ],
)
async def test_each_transport_fault_has_its_name_and_one_request(fault: str, kind: str) -> None:
    with Loopback(Faults(**{fault: 1.0}, retry_after="3")) as server:
        failure = await _failure(server)
    assert (failure.kind, failure.passing) == (kind, True)
    assert failure.retry_after_s == (3.0 if fault in ("rate_limit", "unavailable") else None)
    assert len(server.requests) == 1
    assert "\n" not in failure.message


async def test_no_answer_in_time_is_a_timeout() -> None:
    with Loopback(latency_ms=5_000) as server:
        assert (await _failure(server, timeout_s=0.2)).kind == "timeout"


async def test_nobody_listening_is_a_connection_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    backend = OpenAIBackend("any", base_url=f"http://127.0.0.1:{port}/v1")
    with pytest.raises(BackendFailure) as failure:
        await backend.complete(PROMPT)
    await backend.aclose()
    assert failure.value.kind == "connection"


async def test_a_proxy_for_the_outside_world_is_not_asked_for_a_server_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Loopback() as server:
        Opinion.model_validate_json((await _complete(server)).text)


async def test_an_unknown_model_and_a_used_up_quota_are_refused() -> None:
    with Loopback(models=("other",)) as server:
        unknown = await _failure(server)
    with Loopback(quota_used_up=True) as server:
        quota = await _failure(server)
    assert (unknown.kind, quota.kind) == ("refused", "refused")
    assert "`any` does not exist" in unknown.message
    assert "quota" in quota.message


@pytest.mark.parametrize("name", ["temperature", "top_p", "seed", "maxLength", "max_completion_tokens"])
async def test_what_a_server_refuses_by_name_is_left_out_from_the_next_attempt_on(name: str) -> None:
    with Loopback(refused=(name,)) as server:
        backend = backend_of(server)
        with pytest.raises(BackendFailure) as failure:
            await backend.complete(PROMPT)
        assert (failure.value.passing, failure.value.retry_after_s) == (True, 0.0)
        assert name in failure.value.message
        for _ in range(2):
            Opinion.model_validate_json((await backend.complete(PROMPT)).text)
        await backend.aclose()
    assert len(server.requests) == 3
    if name == "max_completion_tokens":
        assert server.requests[-1].body["max_tokens"] == 200


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("max_tokens is too large: {sent}. This model supports at most {most} completion tokens.", [16384, 5000, 5000]),
        ("This model's maximum context length is {most} tokens; you requested {sent}.", [16384, 4096, 4096]),
    ],
)
async def test_a_model_that_can_write_less_is_asked_for_less_from_then_on(words: str, sent: list[int]) -> None:
    large = Prompt(PROMPT.messages, Opinion, Sampling(max_tokens=16384))
    with Loopback(most_tokens=5000, too_many=words) as server:
        backend = backend_of(server)
        with pytest.raises(BackendFailure, match="cannot write 16384 tokens") as failure:
            await backend.complete(large)
        for _ in range(2):
            await backend.complete(large)
        await backend.aclose()
    assert failure.value.passing
    assert [seen.body["max_completion_tokens"] for seen in server.requests] == sent


async def test_a_prompt_that_leaves_no_room_for_a_reply_is_final() -> None:
    with Loopback(most_tokens=1, too_many="the maximum context length is exceeded") as server:
        failure = await _failure(server)
    assert (failure.kind, failure.passing) == ("too_long", False)


VLLM = (
    "This model's maximum context length is {window} tokens. However, you requested {asked} tokens "
    "({prompt} in the messages, {reply} in the completion). Please reduce the length of the messages or completion."
)
OPENAI = "This model's maximum context length is {window} tokens. However, your messages resulted in {prompt} tokens."


async def test_where_prompt_and_reply_do_not_fit_together_only_this_reply_is_asked_to_be_shorter() -> None:
    large = Prompt(PROMPT.messages, Opinion, Sampling(max_tokens=4000))
    other = Prompt([Message("user", "Well?")], Opinion, Sampling(max_tokens=900))
    with Loopback(context=1000, full=VLLM) as server:
        backend = backend_of(server)
        with pytest.raises(BackendFailure, match="leaves") as failure:
            await backend.complete(large)
        await backend.complete(large)
        await backend.complete(other)
        await backend.aclose()
    assert failure.value.passing
    asked = [seen.body["max_completion_tokens"] for seen in server.requests]
    assert asked[0] == 4000
    assert 900 < asked[1] < 1000
    assert asked[2] == 900


@pytest.mark.parametrize("words", [VLLM, OPENAI])
async def test_a_prompt_that_alone_fills_the_context_is_too_long_and_lowers_nothing(words: str) -> None:
    long = Prompt([Message("user", "well " * 2000)], Opinion, Sampling(max_tokens=800))
    with Loopback(context=1000, full=words) as server:
        backend = backend_of(server)
        with pytest.raises(BackendFailure) as failure:
            await backend.complete(long)
        await backend.complete(Prompt([Message("user", "Well?")], Opinion, Sampling(max_tokens=800)))
        await backend.aclose()
    assert (failure.value.kind, failure.value.passing) == ("too_long", False)
    assert [seen.body["max_completion_tokens"] for seen in server.requests] == [800, 800]


async def test_a_bad_request_about_something_else_is_final() -> None:
    with Loopback(refused=("messages",)) as server:
        failure = await _failure(server)
    assert (failure.kind, failure.passing) == ("invalid_request", False)


async def test_no_key_ever_shows_in_a_failure_its_causes_or_the_log(caplog: pytest.LogCaptureFixture) -> None:
    key = "proj-unusual-key/9f8e"
    caplog.set_level(logging.DEBUG)
    with Loopback(api_key="another") as server:
        failure = await _failure(server, api_key=key)
    shown, error = "", failure
    while error is not None:
        shown += repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert key in server.requests[0].headers["Authorization"]
    assert key not in shown + caplog.text
    assert "[key]" in failure.message


async def test_a_key_echoed_in_a_reply_is_taken_out() -> None:
    with Loopback(script=lambda _: {"text": "you sent sk-echo-12345", "percent": 1, "whom": "bob"}) as server:
        completion = await _complete(server, api_key="sk-echo-12345")
    assert Opinion.model_validate_json(completion.text).text == "you sent [key]"


@pytest.mark.parametrize("key", ["abc123", "x9", "k", "none"])
async def test_a_short_key_is_taken_out_of_failures_where_it_stands_by_itself(key: str) -> None:
    said = f"Incorrect API key provided: {key}. You can nonetheless check {key}1 and {key}."
    shown = Scrubber(key).text(said)
    assert shown == f"Incorrect API key provided: [key]. You can nonetheless check {key}1 and [key]."


@pytest.mark.parametrize(
    ("key", "left"), [("abc123", "you sent [key]"), ("none", "you sent none"), ("42", "you sent 42")]
)
async def test_a_short_key_is_taken_out_of_replies_unless_it_is_a_mere_word_or_number(key: str, left: str) -> None:
    with Loopback(script=lambda body: {"text": f"you sent {key}", "percent": 1, "whom": "bob"}) as server:
        completion = await _complete(server, api_key=key)
    assert Opinion.model_validate_json(completion.text).text == left


def test_a_missing_key_is_named_at_once_but_a_server_on_this_machine_needs_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BackendFailure, match=r"set OPENAI_API_KEY in the environment or in a \.env file") as failure:
        OpenAIBackend("gpt-x")
    assert failure.value.kind == "refused"
    OpenAIBackend("any", base_url="http://localhost:9/v1")
    (tmp_path / ".env").write_text("OPENAI_API_KEY='sk-from-file'\n")
    OpenAIBackend("gpt-x")


def test_settings_come_from_the_environment_first_and_then_from_the_nearest_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=outer\nB=outer\nC=a${A}b\n")
    inner = tmp_path / "x" / "y"
    inner.mkdir(parents=True)
    assert setting("A", {}, inner) == "outer"
    (tmp_path / "x" / ".env").write_text("A=inner\n")
    assert setting("A", {}, inner) == "inner"
    assert setting("B", {}, inner) is None
    assert setting("A", {"A": "process"}, inner) == "process"
    assert setting("A", {"A": ""}, inner) == "inner"
    assert setting("C", {}, tmp_path) == "a${A}b"


async def test_fifty_calls_at_once_are_in_flight_at_once() -> None:
    with Loopback(latency_ms=100) as server:
        backend = backend_of(server)
        await asyncio.gather(*(backend.complete(PROMPT) for _ in range(50)))
        await backend.aclose()
    assert server.high_water > 25


def test_a_backend_serves_one_event_loop_after_another() -> None:
    with Loopback() as server:
        backend = backend_of(server)

        async def once() -> None:
            await backend.complete(PROMPT)
            await backend.aclose()
            await backend.aclose()

        asyncio.run(once())
        asyncio.run(once())
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "2.5", "retry-after-ms": "120"}, 0.12),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Sat, 14 Mar 2026 09:27:23 GMT"}, 30.0),
        ({"retry-after": "Sat, 14 Mar 2026 09:20:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_in_seconds_milliseconds_and_dates(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)) == seconds


def test_prices_are_those_of_the_provider_with_cached_tokens_priced_as_such_and_else_unknown() -> None:
    openai = Prices("https://api.openai.com/v1")
    plain = openai.cost_usd("gpt-4o-mini", 1_000_000, 0, 0)
    cached = openai.cost_usd("gpt-4o-mini", 1_000_000, 0, 1_000_000)
    written = openai.cost_usd("gpt-4o-mini", 0, 1_000_000, None)
    assert (plain, cached, written) == pytest.approx((0.15, 0.075, 0.60))
    assert openai.cost_usd("nonsense", 10, 10, 0) is None
    assert openai.cost_usd("gpt-4o-mini", None, 10, 0) is None
    assert Prices("http://127.0.0.1:8000/v1").cost_usd("gpt-4o-mini", 10, 10, 0) is None


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({"message": "Unsupported value: 'top_p' does not go with temperature.", "param": "top_p"}, "top_p"),
        ({"message": "Unsupported parameter: temperature"}, "temperature"),
        ({"message": "Your story of a seed at high temperature is too long.", "param": "messages"}, None),
        ({"message": "Unknown format of a message with a maxLength", "param": "messages"}, None),
        ({"message": "'maxLength' is not permitted.", "param": "response_format"}, "maxLength"),
    ],
)
def test_only_what_the_server_says_it_does_not_take_is_left_out(error: dict[str, str], name: str | None) -> None:
    answer = _answer(400, {"error": error})
    assert refused_name(answer, ["temperature", "top_p", "seed"], ["maxLength"]) == name
    assert refused_name(_answer(401, {"error": error}), ["temperature", "top_p"], ["maxLength"]) is None


def test_a_list_of_details_is_understood_too() -> None:
    detail = [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]
    assert refused_name(_answer(422, {"detail": detail}), ["temperature", "seed"], []) == "seed"


def test_a_proxy_is_the_one_the_environment_names_for_the_scheme_and_none_for_hosts_it_excepts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_for("https://api.example.org/v1") is None
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example.org")
    assert proxy_for("https://api.example.org/v1") == "http://proxy:3128"
    assert proxy_for("https://inside.example.org/v1") is None
    assert proxy_for("http://api.example.org/v1") is None
    monkeypatch.setenv("all_proxy", "http://any:3128")
    assert proxy_for("http://api.example.org/v1") == "http://any:3128"
    assert proxy_for("http://127.0.0.1:8000/v1") is None


async def test_the_account_that_the_environment_names_is_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-2")
    with Loopback() as server:
        await _complete(server)
    sent = server.requests[0].headers
    assert (sent["OpenAI-Organization"], sent["OpenAI-Project"]) == ("org-1", "proj-2")
