"""The registry: URIs, what is missing, plugins, and nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tertulia.agents import registry
from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.openai import OpenAIBackend
from tertulia.agents.registry import Backends, ModelURI, ModelURIError, describe_models, needs_backend, parse_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("rules", ModelURI("rules")),
        ("openai/gpt-x", ModelURI("openai", "gpt-x")),
        ("openai/org/model:free", ModelURI("openai", "org/model:free")),
        ("hf/Qwen/Qwen3-8B", ModelURI("hf", "Qwen/Qwen3-8B")),
        ("hf/./models/tiny", ModelURI("hf", "./models/tiny")),
        (" human ", ModelURI("human")),
        ("replay", ModelURI("replay")),
    ],
)
def test_a_uri_is_a_provider_and_a_name_and_back(text: str, uri: ModelURI) -> None:
    assert parse_uri(text) == uri
    assert str(uri) == text.strip()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "opnai/gpt-x",
            "no model provider 'opnai' in 'opnai/gpt-x'; nearest: 'openai'; known: rules, openai, hf, human",
        ),
        ("gpt-5", "no model provider 'gpt-5' in 'gpt-5'; known: rules, openai, hf, human, replay"),
        ("", "no model provider ''"),
        ("openai", "'openai' needs a model name, for example openai/"),
        ("hf/", "'hf' needs a model name, for example hf/"),
        ("rules/best", "'rules' takes no model name: write 'rules', not 'rules/best'"),
    ],
)
def test_a_wrong_uri_gets_one_line_that_says_what_would_be_right(text: str, line: str) -> None:
    with pytest.raises(ModelURIError) as error:
        parse_uri(text)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_without_the_extra_hf_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(BackendFailure) as failure:
        Backends().get("hf/Qwen/Qwen3-8B")
    assert failure.value.kind == "refused"
    assert failure.value.message == "hf models need the extra: pip install 'tertulia[local]'"
    hf = next(info for info in describe_models() if info.provider == "hf")
    assert (hf.ready, hf.note) == (False, failure.value.message)


def test_one_backend_for_each_uri_and_one_limiter_for_each_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    backends = Backends()
    first = backends.get("openai/a")
    assert isinstance(first, OpenAIBackend)
    assert (first.uri, first.model_name, first.base_url) == ("openai/a", "a", "http://127.0.0.1:9/v1")
    assert backends.get("openai/a") is first
    assert backends.get("openai/b") is not first
    assert backends.limiter("openai/a") is backends.limiter("openai/b")
    assert backends.limiter("openai/a") is not backends.limiter("hf/x")
    for without in ("rules", "human", "replay"):
        assert not needs_backend(without)
        with pytest.raises(ModelURIError, match=r"without a backend|is a person|is no model"):
            backends.get(without)


async def test_all_backends_are_closed_even_when_one_cannot_be() -> None:
    closed = []

    class Stub:
        def __init__(self, uri: str, error: Exception | None) -> None:
            self.uri, self.error = uri, error

        async def complete(self, prompt: Prompt) -> Completion:
            return Completion("{}")

        async def aclose(self) -> None:
            closed.append(self.uri)
            if self.error:
                raise self.error

    backends = Backends()
    backends._backends = {"x": Stub("x", OSError("stuck")), "y": Stub("y", None)}
    with pytest.raises(OSError, match="stuck"):
        await backends.aclose()
    await backends.aclose()
    assert closed == ["x", "y"]


def test_what_can_be_used_is_described_with_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    infos = {info.provider: info for info in describe_models()}
    assert list(infos) == ["rules", "openai", "hf", "human", "replay"]
    assert infos["rules"].ready
    assert (infos["openai"].ready, "OPENAI_API_KEY" in infos["openai"].note) == (False, True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert next(info for info in describe_models() if info.provider == "openai").ready


_PLUGIN = """
from tertulia.agents.backends.base import Completion
class Echo:
    def __init__(self, name, *, uri):
        self.name, self.uri = name, uri
    async def complete(self, prompt):
        return Completion(self.name)
    async def aclose(self): pass
"""


def test_an_installed_package_can_bring_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo_plugin.py").write_text(_PLUGIN)
    info = tmp_path / "echo_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tertulia.backends]\necho = echo_plugin:Echo\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    backend = Backends().get("echo/loud/er")
    assert (type(backend).__name__, backend.uri, backend.name) == ("Echo", "echo/loud/er", "loud/er")  # type: ignore[attr-defined]
    with pytest.raises(ModelURIError, match="nearest: 'echo'"):
        parse_uri("ecco/x")
    assert "echo" in {info.provider for info in describe_models()}


def test_importing_and_describing_loads_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
import tertulia.agents.registry as registry
registry.describe_models()
registry.parse_uri("hf/x")
import tertulia.agents.caller, tertulia.agents.backends.openai
heavy = {"openai", "torch", "transformers", "httpx2", "aiohttp", "genai_prices", "json_repair", "llguidance"}
print(sorted(heavy & set(sys.modules)))
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
