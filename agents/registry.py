"""From a model's URI to what answers it: rules, an API, a local model, a person, a recorded episode, or a plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tertulia.agents.backends.base import Backend, BackendFailure
from tertulia.agents.limiter import Limiter

GROUP = "tertulia.backends"
"""The entry-point group of further providers: each entry is a callable `(name, *, uri) -> Backend`."""
MISSING_LOCAL = "hf models need the extra: pip install 'tertulia[local]'"
MISSING_EMBEDDINGS = "hf embeddings need the extra: pip install 'tertulia[embeddings]'"
_IN_FLIGHT = (16, 2048)
"""How many requests at once to a provider, at first and at most: in between, its limiter finds out what it takes."""
_TRIAL_S = 1.0
"""How long the very first request to a server goes alone: more than it takes one to look at a key."""
_LOCAL_PACKAGES = ("torch", "transformers", "llguidance", "tokenizers")


class ModelURIError(ValueError):
    """A model URI that names nothing we know; one line that says what would be right."""


@dataclass(frozen=True, slots=True)
class ModelURI:
    """A provider, and the name of one of its models (empty for `rules`, `human` and `replay`)."""

    provider: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}" if self.name else self.provider


@dataclass(frozen=True, slots=True)
class _Provider:
    example: str
    what: str
    make: Callable[[ModelURI], Backend] | None
    """None for those who answer without a backend."""
    lacks: Callable[[], str | None]
    """What is missing to use it now, in one line; None when it is ready."""
    in_flight: tuple[int, int] = _IN_FLIGHT
    """How many requests at once: at first, and at most."""
    trial_s: float = _TRIAL_S


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One line of `tertulia models list`: `note` says what is missing where it is not ready."""

    provider: str
    example: str
    what: str
    ready: bool
    note: str = ""


def parse_uri(text: str) -> ModelURI:
    """`openai/x` -> `ModelURI("openai", "x")`. Raises `ModelURIError` for an unknown provider or a wrong form."""
    provider, _, name = text.strip().partition("/")
    known = _BUILT_IN.get(provider)
    if known is None and provider not in {point.name for point in _plugins()}:
        names = [*_BUILT_IN, *sorted(point.name for point in _plugins())]
        nearest = get_close_matches(provider, names, n=1, cutoff=0.5)
        hint = f"nearest: {nearest[0]!r}; " if nearest else ""
        raise ModelURIError(f"no model provider {provider!r} in {text!r}; {hint}known: {', '.join(names)}")
    if known is not None and known.make is None and name:
        raise ModelURIError(f"{provider!r} takes no model name: write {provider!r}, not {text!r}")
    if (known is None or known.make is not None) and not name:
        raise ModelURIError(
            f"{provider!r} needs a model name, for example {known.example if known else provider + '/NAME'}"
        )
    return ModelURI(provider, name)


def missing(uri: str) -> str | None:
    """What a URI names that is not on this machine: a folder with a model. None where nothing is missing, or where that
    cannot be known yet."""
    provider, _, name = uri.strip().partition("/")
    if provider != "hf" or not name.startswith((".", "/", "~")):
        return None
    folder = Path(name).expanduser()
    return None if folder.is_dir() else f"there is no folder {folder.absolute()}"


def lacking(uri: str) -> str | None:
    """What is missing on this machine to ask models like this one: a key, a package; None where nothing is known to be,
    as of plugins."""
    known = _BUILT_IN.get(parse_uri(uri).provider)
    return None if known is None else known.lacks()


def needs_backend(uri: str) -> bool:
    """Whether a language model behind a `Backend` answers, and not rules, a person or a log."""
    known = _BUILT_IN.get(parse_uri(uri).provider)
    return known is None or known.make is not None


def parse_embeddings(text: str) -> ModelURI:
    """The URI of an embedding model. Raises `ModelURIError` for what makes no embeddings."""
    provider = text.strip().partition("/")[0]
    if provider not in _EMBEDDERS:
        right = "write hf/ORG/NAME, hf/./PATH or openai/NAME"
        raise ModelURIError(f"there are no embeddings by {provider!r} in {text!r}; {right}")
    return parse_uri(text)


def describe_models() -> list[ModelInfo]:
    """All providers, built in and plugged in, and whether each could answer now. Loads none of them."""
    infos = []
    for name, provider in _BUILT_IN.items():
        lack = provider.lacks()
        infos.append(ModelInfo(name, provider.example, provider.what, lack is None, lack or ""))
    for point in _plugins():
        infos.append(ModelInfo(point.name, f"{point.name}/NAME", f"plugin {point.value}", True))
    return infos


def price_of(uri: str, input_tokens: float, output_tokens: float) -> float | None:
    """US dollars for so many tokens read and written; 0 for what runs in this process, None where it is unknown."""
    parsed = parse_uri(uri)
    if parsed.provider != "openai":
        return 0.0 if parsed.provider in _BUILT_IN else None
    from tertulia.agents.backends.openai import DEFAULT_BASE_URL
    from tertulia.agents.prices import Prices
    from tertulia.agents.settings import setting

    prices = Prices((setting("OPENAI_BASE_URL") or DEFAULT_BASE_URL).rstrip("/"))
    return prices.cost_usd(parsed.name, round(input_tokens), round(output_tokens), 0)


class Backends:
    """The backends of a process, one for each URI, made when first asked for; and one limiter for each provider."""

    def __init__(self, *, share: int = 1) -> None:
        """`share` says how many processes share what a provider takes: each begins with its part of it."""
        self._share = share
        self._backends: dict[str, Backend] = {}
        self._embedders: dict[str, Backend] = {}
        self._limiters: dict[str, Limiter] = {}
        self._limiter_of: dict[str, Limiter] = {}
        """The same by URI as it was asked for."""

    def get(self, uri: str) -> Backend:
        """The backend of `uri`.

        Raises `ModelURIError` for a wrong URI, and `BackendFailure` (`refused`) where a key or a package is missing.
        """
        if (found := self._backends.get(uri)) is not None:
            return found
        parsed = parse_uri(uri)
        key = str(parsed)
        if key not in self._backends:
            self._backends[key] = _make(parsed)
        return self._backends[key]

    def embedder(self, uri: str) -> Backend:
        """The embedding model of `uri`, as a backend that answers texts with vectors. Raises as `get` does."""
        parsed = parse_embeddings(uri)
        key = str(parsed)
        if key not in self._embedders:
            self._embedders[key] = _EMBEDDERS[parsed.provider](parsed)
        return self._embedders[key]

    def limiter(self, uri: str) -> Limiter:
        """The limiter shared by all models of the provider of `uri`."""
        if (found := self._limiter_of.get(uri)) is not None:
            return found
        provider = parse_uri(uri).provider
        if provider not in self._limiters:
            known = _BUILT_IN.get(provider)
            start, ceiling = known.in_flight if known else _IN_FLIGHT
            self._limiters[provider] = Limiter(
                start=max(1, start // self._share),
                ceiling=max(1, ceiling // self._share),
                trial_s=known.trial_s if known else _TRIAL_S,
            )
        return self._limiter_of.setdefault(uri, self._limiters[provider])

    def refusal(self, uri: str) -> str | None:
        """Why there is no use in asking `uri` again: what it, or its whole provider, has refused since these backends
        were made or closed. None while it may answer, and for what is no model of ours to ask."""
        try:
            return self.limiter(uri).refusal(uri)
        except ModelURIError:
            return None

    def made_of(self, uri: str, *, embeddings: bool = False) -> dict[str, Any]:
        """What is behind `uri`, as far as its backend says (`made_of`): enough to tell another time whether it is the
        same. Empty where it says nothing, or where there can be none."""
        try:
            backend = self.embedder(uri) if embeddings else self.get(uri)
        except (BackendFailure, ModelURIError):
            return {}
        told: Callable[[], dict[str, Any]] | None = getattr(backend, "made_of", None)
        return dict(told()) if told is not None else {}

    async def aclose(self) -> None:
        """Closes all of them, also when one fails to; then raises what that one raised. May be called twice. What was
        refused is forgotten: another key may be there by the time they are made anew."""
        backends = [*self._backends.values(), *self._embedders.values()]
        self._backends, self._embedders = {}, {}
        self._limiters.clear()
        self._limiter_of.clear()
        results = await asyncio.gather(*(backend.aclose() for backend in backends), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _make(uri: ModelURI) -> Backend:
    known = _BUILT_IN.get(uri.provider)
    if known is None:
        point = next(point for point in _plugins() if point.name == uri.provider)
        backend: Backend = point.load()(uri.name, uri=str(uri))
        return backend
    if known.make is None:
        lack = known.lacks()
        raise ModelURIError(f"{uri.provider!r} {lack or 'answers without a backend'}")
    return known.make(uri)


def _plugins() -> Iterator[EntryPoint]:
    return (point for point in entry_points(group=GROUP) if point.name not in _BUILT_IN)


def _openai(uri: ModelURI) -> Backend:
    from tertulia.agents.backends.openai import OpenAIBackend

    return OpenAIBackend(uri.name, uri=str(uri))


def _a_person() -> str | None:
    return "is a person, whom no program asks; to take a seat: tertulia play"


def _a_recording() -> str | None:
    return "is no model to play with; to play an episode again from its own calls: tertulia replay"


def _openai_lacks() -> str | None:
    from tertulia.agents.backends.openai import missing_key

    return missing_key()


def _hf(uri: ModelURI) -> Backend:
    if _hf_lacks() is not None:
        raise BackendFailure("refused", MISSING_LOCAL)
    if (lacks := missing(str(uri))) is not None:
        raise BackendFailure("refused", f"{uri}: {lacks}")
    from tertulia.agents.backends.hf import HfBackend

    return HfBackend(uri.name, uri=str(uri))


def _openai_embeddings(uri: ModelURI) -> Backend:
    from tertulia.agents.backends.openai_embeddings import OpenAIEmbeddings

    return OpenAIEmbeddings(uri.name, uri=str(uri))


def _hf_embeddings(uri: ModelURI) -> Backend:
    if _hf_lacks() is not None:
        raise BackendFailure("refused", MISSING_EMBEDDINGS)
    from tertulia.agents.backends.hf.embeddings import HfEmbeddings

    return HfEmbeddings(uri.name, uri=str(uri))


def _hf_lacks() -> str | None:
    return None if all(find_spec(package) for package in _LOCAL_PACKAGES) else MISSING_LOCAL


def _nothing() -> str | None:
    return None


_EMBEDDERS: dict[str, Callable[[ModelURI], Backend]] = {"openai": _openai_embeddings, "hf": _hf_embeddings}
_BUILT_IN = {
    "rules": _Provider("rules", "the world's own rules; no model, no key", None, _nothing),
    "openai": _Provider("openai/gpt-5-mini", "any server that speaks chat completions", _openai, _openai_lacks),
    # Whatever waits at the same moment becomes one batch, so nothing is gained by holding requests back.
    "hf": _Provider("hf/Qwen/Qwen3-8B", "transformers in this process", _hf, _hf_lacks, (256, 1024), 0.0),
    "human": _Provider("human", "a person: tertulia play", None, _a_person),
    "replay": _Provider("replay", "the answers of a recorded episode: tertulia replay", None, _a_recording),
}
