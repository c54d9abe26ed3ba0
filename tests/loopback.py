"""A server on this machine that speaks the chat completions protocol, and misbehaves on request.

In a test: `with Loopback(Faults(rate_limit=0.2)) as server: ... server.url, server.requests`.
From another process: `python -m tests.loopback --faults rate_limit=0.2 --log requests.jsonl`; it prints its URL.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import re
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from tests.json_instances import instance, strict_violation

REASK_SIGN = "That reply was not valid"
"""How a re-ask is recognised: its last message says so."""
TRANSPORT = ("rate_limit", "server", "unavailable", "drop", "drop_midway", "not_a_completion")
CONTENT = ("truncated", "wrong_schema", "prose", "fenced", "refusal")
_CHARS_PER_TOKEN = 4
_CACHE_BLOCK_TOKENS = 128


@dataclass(frozen=True)
class Faults:
    """How often each thing goes wrong (0-1), each drawn by itself, seeded by the request: never by time or order.

    A request is let through after `transport_cap` transport faults; with `last_chance`, a re-ask is answered properly.
    """

    rate_limit: float = 0.0
    server: float = 0.0
    unavailable: float = 0.0
    drop: float = 0.0
    drop_midway: float = 0.0
    not_a_completion: float = 0.0
    truncated: float = 0.0
    wrong_schema: float = 0.0
    prose: float = 0.0
    fenced: float = 0.0
    refusal: float = 0.0
    slow: float = 0.0
    slow_ms: float = 50.0
    retry_after: str | None = "0"
    retry_after_ms: str | None = None
    transport_cap: int = 4
    last_chance: bool = True


@dataclass
class Seen:
    """One request as it arrived; `answer` is `ok` or the name of the fault."""

    body: dict[str, Any]
    headers: dict[str, str]
    at: float
    in_flight: int
    digest: str
    """SHA-256 of the canonical body."""
    answer: str = ""
    reply: str | None = None


Script = Callable[[dict[str, Any]], "str | dict[str, Any] | list[Any] | None"]


@dataclass
class Loopback:
    """The server, in a thread of its own. `script` may give the content of a reply (text or data); None leaves it to
    the generator. `refused` names parameters that are answered with 400."""

    faults: Faults = field(default_factory=Faults)
    seed: int = 0
    latency_ms: float = 0.0
    script: Script | None = None
    api_key: str | None = None
    models: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    log: Path | None = None
    port: int = 0
    quota_used_up: bool = False
    plain_vectors: bool = False
    """Embeddings come as numbers, whatever was asked for."""
    most_tokens: int | None = None
    context: int | None = None
    """Tokens of prompt and reply together; more is answered with 400 in the words of `full`."""
    full: str = "maximum context length is {window} tokens; {prompt} in the messages, {reply} in the completion"
    """What the model can write; a request that allows more is answered with 400, in words of `too_many`."""
    too_many: str = "max_tokens is too large: {sent}. This model supports at most {most} completion tokens."
    requests: list[Seen] = field(default_factory=list)
    high_water: int = 0

    def __post_init__(self) -> None:
        self.arrived = threading.Event()
        self._answers = threading.Event()
        self._answers.set()
        self._in_flight = 0
        self._times: Counter[str] = Counter()
        self._prefixes: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What goes into `OPENAI_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @contextmanager
    def holding_back(self) -> Iterator[None]:
        """No request is answered meanwhile: however slow this machine is, nothing goes on before it should."""
        self._answers.clear()
        try:
            yield
        finally:
            self._answers.set()

    def __enter__(self) -> Loopback:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, ready), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the loopback server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(self.start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    async def start(self) -> web.AppRunner:
        """Listen in the running loop; `cleanup()` of what is returned ends it."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/seen", self._seen)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _seen(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(seen) for seen in self.requests])

    async def _models(self, _: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "owned_by": "loopback"} for name in self.models or ("any",)]
        return web.json_response({"object": "list", "data": data})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        self._in_flight += 1
        self.high_water = max(self.high_water, self._in_flight)
        seen = Seen(body, dict(request.headers), time.time(), self._in_flight, digest)
        self.requests.append(seen)
        self.arrived.set()
        try:
            return await self._answer(request, seen)
        finally:
            self._in_flight -= 1
            if self.log is not None:
                with self.log.open("a") as log:
                    log.write(json.dumps(asdict(seen)) + "\n")

    async def _answer(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1000)
        while not self._answers.is_set():  # noqa: ASYNC110  it is set in another thread
            await asyncio.sleep(0.002)
        refusal = self._refusal(request, seen)
        if refusal is not None:
            return refusal
        nth, self._times[seen.digest] = self._times[seen.digest], self._times[seen.digest] + 1
        rng = Random(f"{self.seed}/{seen.digest}/{nth}")
        drawn = [name for name in (*TRANSPORT, "slow") if rng.random() < getattr(self.faults, name)]
        # What a reply is like depends on the request alone, so that a request sent again gets the same reply again.
        rng = Random(f"{self.seed}/{seen.digest}/content")
        drawn += [name for name in CONTENT if rng.random() < getattr(self.faults, name)]
        if "slow" in drawn:
            await asyncio.sleep(self.faults.slow_ms / 1000)
        broken = next((name for name in drawn if name in TRANSPORT), None) if nth < self.faults.transport_cap else None
        if broken is not None:
            seen.answer = broken
            return await self._broken(request, broken)
        asked = seen.body.get("messages") or [{"content": ""}]
        spared = self.faults.last_chance and REASK_SIGN in asked[-1]["content"]
        if "input" in seen.body:
            seen.answer = "ok"
            return web.json_response(self._embedded(seen.body))
        seen.answer = "ok" if spared else next((name for name in drawn if name in CONTENT), "ok")
        return web.json_response(self._completion(seen, Random(f"{self.seed}/{seen.digest}")))

    def _refusal(self, request: web.Request, seen: Seen) -> web.Response | None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.api_key is not None and given != self.api_key:
            seen.answer = "unauthorized"
            return _error(401, f"Incorrect API key provided: {given}. Authorization: Bearer {given}", "invalid_api_key")
        if self.models and seen.body["model"] not in self.models:
            seen.answer = "no_model"
            return _error(404, f"The model `{seen.body['model']}` does not exist", "model_not_found")
        if self.quota_used_up:
            seen.answer = "quota"
            return _error(429, "You exceeded your current quota", "insufficient_quota")
        sent = seen.body.get("max_completion_tokens") or seen.body.get("max_tokens") or 0
        if self.most_tokens is not None and sent > self.most_tokens:
            seen.answer = "too_many"
            return _error(400, self.too_many.format(sent=sent, most=self.most_tokens), "invalid_request_error")
        prompt = sum(len(message["content"]) for message in seen.body.get("messages", [])) // _CHARS_PER_TOKEN
        if self.context is not None and prompt + sent > self.context:
            seen.answer = "context"
            said = self.full.format(window=self.context, prompt=prompt, reply=sent, asked=prompt + sent)
            return _error(400, said, "invalid_request_error")
        wanted = seen.body.get("response_format", {})
        if wanted.get("type") == "json_schema" and wanted["json_schema"].get("strict"):
            schema = wanted["json_schema"]["schema"]
            rooted = None if schema.get("type") == "object" else "schema must be a JSON Schema of 'type: \"object\"'."
            wrong = rooted or strict_violation(schema)
            if wrong is not None:
                seen.answer = "bad_schema"
                return _error(400, f"Invalid schema for response_format: {wrong}", "invalid_request_error")
        keywords = json.dumps(wanted)
        for name in self.refused:
            if name in seen.body:
                seen.answer = "unsupported"
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                return _error(400, text, "unsupported_parameter", name)
            if f'"{name}"' in keywords:
                seen.answer = "unsupported"
                text = f"Invalid schema for response_format 'x': In context=(), '{name}' is not permitted."
                return _error(400, text, "invalid_request_error", "response_format")
        return None

    async def _broken(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault in ("rate_limit", "unavailable"):
            named = {"Retry-After": self.faults.retry_after, "Retry-After-Ms": self.faults.retry_after_ms}
            headers = {key: value for key, value in named.items() if value is not None}
            status = 429 if fault == "rate_limit" else 503
            return _error(
                status, "Slow down", "rate_limit_exceeded" if status == 429 else "overloaded", headers=headers
            )
        if fault == "server":
            return _error(500, "Something broke", "server_error")
        if fault == "not_a_completion":
            return web.Response(text="<html>Bad gateway, sorry</html>", content_type="text/html")
        if fault == "drop_midway":
            begun = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
            await begun.prepare(request)
            await begun.write(b'{"id": "chatcmpl-1", "choices": [{"mess')
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def _completion(self, seen: Seen, rng: Random) -> dict[str, Any]:
        body = seen.body
        content, finish, refusal = self._content(body, rng), "stop", None
        if seen.answer == "truncated":
            content, finish = content[: max(1, len(content) * 2 // 3)], "length"
        elif seen.answer == "wrong_schema":
            content = rng.choice(('[{"unexpected": [1, 2]}]', json.dumps({"unexpected": {"a": None}})))
        elif seen.answer == "prose":
            content = "Certainly! I would say that the others do not know yet, so let us wait and see."
        elif seen.answer == "fenced":
            content = f"Here is the JSON you asked for:\n```json\n{content}\n```\n"
        elif seen.answer == "refusal":
            content, refusal = "", "I'm sorry, I can't help with that."
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        if limit and len(content) > limit * _CHARS_PER_TOKEN:
            content, finish = content[: limit * _CHARS_PER_TOKEN], "length"
        seen.reply = content
        message = {"role": "assistant", "content": None if refusal else content, "refusal": refusal}
        return {
            "id": f"chatcmpl-{seen.digest[:12]}",
            "object": "chat.completion",
            "created": int(seen.at),
            "model": f"{body['model']}-2026-01-01",
            "system_fingerprint": f"fp_{self.seed}",
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
            "usage": self._usage(body, content),
        }

    def _embedded(self, body: dict[str, Any]) -> dict[str, Any]:
        """Bags of words, folded into a few dozen places: texts with the same words are near."""
        data = []
        for index, text in enumerate(body["input"]):
            vector = [0.0] * 64
            for word in re.findall(r"\w+", text.casefold()):
                vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % 64] += 1.0
            packed = base64.b64encode(struct.pack("<64f", *vector)).decode()
            base64_wanted = body.get("encoding_format") == "base64" and not self.plain_vectors
            data.append({"object": "embedding", "index": index, "embedding": packed if base64_wanted else vector})
        read = sum(-(-len(text) // _CHARS_PER_TOKEN) for text in body["input"])
        usage = {"prompt_tokens": read, "total_tokens": read}
        return {"object": "list", "data": data[::-1], "model": f"{body['model']}-1", "usage": usage}

    def _content(self, body: dict[str, Any], rng: Random) -> str:
        said = self.script(body) if self.script is not None else None
        if isinstance(said, str):
            return said
        if said is None:
            wanted = body.get("response_format", {})
            if wanted.get("type") != "json_schema":
                return "Good evening."
            said = instance(wanted["json_schema"]["schema"], rng)
        return json.dumps(said)

    def _usage(self, body: dict[str, Any], content: str) -> dict[str, Any]:
        """Counts as if a token were four characters; whole blocks of a prefix met before count as cached."""
        text = "".join(f"{m['role']}\n{m['content']}\n" for m in body["messages"])
        running, cached, block = hashlib.sha256(body["model"].encode()), 0, _CACHE_BLOCK_TOKENS * _CHARS_PER_TOKEN
        for start in range(0, len(text) - block + 1, block):
            running.update(text[start : start + block].encode("utf-8", "surrogatepass"))
            if running.hexdigest() in self._prefixes:
                cached = start // _CHARS_PER_TOKEN + _CACHE_BLOCK_TOKENS
            self._prefixes.add(running.hexdigest())
        asked, written = -(-len(text) // _CHARS_PER_TOKEN), -(-len(content) // _CHARS_PER_TOKEN)
        return {
            "prompt_tokens": asked,
            "completion_tokens": written,
            "total_tokens": asked + written,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }


def _error(
    status: int, message: str, code: str, param: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    error = {"message": message, "type": code, "param": param, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


@contextmanager
def loopback_process(*arguments: str) -> Iterator[str]:
    """The server in a process of its own; gives its URL. `/seen` beside `/v1` lists the requests."""
    import subprocess

    command = [sys.executable, "-m", "tests.loopback", *arguments]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(10)


async def _serve(server: Loopback) -> None:
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()


def talk(body: dict[str, Any]) -> dict[str, Any] | None:
    """A reply that goes on talking, where a speaker is asked for its act."""
    if "response_format" not in body:
        return None
    said = f"I have thought about it {len(body['messages'][-1]['content'])} times, and I still say so."
    return {"thought": "none", "act": {"kind": "say", "text": said, "to": [], "asserts": []}}


def main() -> None:
    """Serve until killed."""
    known = {f.name for f in fields(Faults)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--api-key")
    parser.add_argument("--talk", action="store_true", help="every reply says something, whatever else would be legal")
    parser.add_argument("--log", type=Path, help="append every request to this file, as JSON lines")
    parser.add_argument(
        "--faults", default="", help="for example rate_limit=0.2,drop=0.1; names: " + ", ".join(sorted(known))
    )
    given = parser.parse_args()
    pairs = dict(pair.split("=", 1) for pair in given.faults.split(",") if pair)
    faults = Faults(
        **{key: value if key.startswith("retry_after") else json.loads(value.lower()) for key, value in pairs.items()}
    )
    server = Loopback(
        faults, seed=given.seed, latency_ms=given.latency_ms, api_key=given.api_key, log=given.log, port=given.port,
        script=talk if given.talk else None,
    )  # fmt: skip
    asyncio.run(_serve(server))


if __name__ == "__main__":
    main()
