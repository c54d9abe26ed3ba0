"""tertulia: agents with explicit minds meet, talk, and leave a log that SQL can ask.

import tertulia
result = tertulia.run("mutual-friends", model="rules", seed=7)
tertulia.open_log().query("SELECT * FROM v_transcript WHERE episode = ?", [result.episode])
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tertulia.environments.result import EpisodeResult
    from tertulia.environments.scenario import Scenario
    from tertulia.storage.log import Log

__version__ = "0.1.0"
__all__ = ["arun", "load_scenario", "open_log", "run"]

_ELSEWHERE = {
    "Scenario": "tertulia.environments.scenario",
    "ScenarioError": "tertulia.environments.scenario",
    "EpisodeResult": "tertulia.environments.result",
    "ModelTrouble": "tertulia.mind.model",
    "Log": "tertulia.storage.log",
    "LogError": "tertulia.storage.log",
}
"""Names of the public face that live in a room, imported when first asked for."""


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module 'tertulia' has no attribute {name!r}")


def run(
    scenario: str | Path | Scenario,
    *,
    seed: int = 0,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    sets: str | Sequence[str] = (),
    db: str | Path | None = None,
    listen: Callable[[dict[str, Any]], None] | None = None,
) -> EpisodeResult:
    """Play one episode and return how it ended; see `arun`, which this runs in an event loop of its own.

    Raises `RuntimeError` where a loop runs already, as in a notebook: use `await tertulia.arun(...)` there.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError(
            "an event loop is running here; write `await tertulia.arun(...)` in place of tertulia.run(...)"
        )
    return asyncio.run(arun(scenario, seed=seed, model=model, roles=roles, sets=sets, db=db, listen=listen))


async def arun(
    scenario: str | Path | Scenario,
    *,
    seed: int = 0,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    sets: str | Sequence[str] = (),
    db: str | Path | None = None,
    listen: Callable[[dict[str, Any]], None] | None = None,
) -> EpisodeResult:
    """Play one episode of a shipped scenario (by name), of a file (by path), or of a `Scenario`.

    `model` is the URI for all seats, `roles` by seat; `sets` are `key=value` overrides as on the command line; `db`
    is a path or URL, by default `TERTULIA_DB` or `./tertulia.db`. `listen` is called with every event as it comes.
    Raises `ScenarioError` for a bad scenario, `ModelTrouble` for a model that cannot answer at all, `LogError` for
    a log that cannot be opened. An episode that fails while it plays is a result with `status` `error` or `paused`.
    """
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode

    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed: {seed!r} is no whole number of 0 or more")
    loaded = load_scenario(scenario, sets, model=model, roles=roles) if isinstance(scenario, str | Path) else scenario
    backends = Backends()
    with open_log(db) as log:
        try:
            episode = await Episode.begin(loaded, seed=seed, log=log, backends=backends, listen=listen)
            return await episode.play()
        finally:
            await backends.aclose()


def load_scenario(
    name_or_path: str | Path,
    sets: str | Sequence[str] = (),
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
) -> Scenario:
    """A scenario by shipped name or path, checked and resolved; one override may be given as it is.

    Raises `ScenarioError`.
    """
    from tertulia.environments.scenario import load_scenario as load

    overrides = [sets] if isinstance(sets, str) else sets
    return load(str(name_or_path), overrides, model=model, roles=dict(roles or {}))


def open_log(db: str | Path | None = None, *, create: bool = True) -> Log:
    """Open a log; close it, or use it in a `with`. Where there is none it is made, unless `create` is False.

    `Log.query` and `Log.df` ask it with SQL, `Log.measure` computes measures. Raises `LogError`.
    """
    from tertulia.storage.log import Log

    return Log.open(db, create=create)
