"""`local_only`: what people say stays with models on this machine, and with servers that were named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tertulia.agents.registry import Backends, ModelURIError, parse_uri
from tertulia.environments.people.spec import HUMAN, PeopleSpec
from tertulia.environments.scenario.model import Scenario
from tertulia.mind.model import ModelTrouble
from tertulia.storage.log import Log
from tertulia.storage.rows import EpisodeRow, ParticipantRow

_HERE = frozenset({"rules", "hf", HUMAN, "replay"})
"""Providers that send nothing anywhere."""


def keep_local(scenario: Scenario, backends: Backends, *, people: bool | None = None) -> None:
    """Raises `ModelTrouble` (`refused`) where `local_only` holds, people's words are there, and a seat's model would
    carry them away. `people` says whether they are, where the seats alone do not tell."""
    at_table = any(scenario.model_of(name) == HUMAN for name in scenario.names)
    if not (at_table if people is None else people) or not scenario.people.keeps_local:
        return
    for name in scenario.names:
        refuse_remote(scenario.people, scenario.model_of(name), backends, f"participants.{name}.model")
    for uri in sorted(scenario.models - {scenario.model_of(name) for name in scenario.names}):
        refuse_remote(scenario.people, uri, backends, "turns.model")
    for participant in scenario.participants:
        for key, uri in _named_models(participant.mind.model_dump(mode="json")):
            refuse_remote(scenario.people, uri, backends, f"participants.{participant.name}.mind.{key}")


def refuse_remote(people: PeopleSpec, uri: str, backends: Backends, where: str) -> None:
    """Raises `ModelTrouble` (`refused`) for a model that is neither on this machine nor on a server that is allowed."""
    if uri.partition("/")[0] in _HERE:
        return
    address = backends.made_of(uri).get("base_url")
    if address is not None and any(_within(address, allowed) for allowed in people.allowed_servers):
        return
    right = f"name {address} under people.local_only.allow if it is your own" if address else "take hf/... or rules"
    at = f" at {address}" if address else ""
    raise ModelTrouble(
        "refused", f"{where}: {uri}{at} would get a person's words, and people.local_only is on; {right}"
    )


def keep_words_local(log: Log, row: EpisodeRow, scenario: Scenario, backends: Backends, *uris: str) -> None:
    """The same for an episode that is in the log, whoever sits in its seats by now, and for models that are to be asked
    about it (`uris`)."""
    if not holds_words(log, row):
        return
    kept = PeopleSpec.model_validate(row.config.get("people") or {})
    if kept.keeps_local and scenario.people.local_only != kept.local_only:
        raise ModelTrouble("refused", "people.local_only: people spoke under it, so it stays as it is; leave it out")
    keep_local(scenario, backends, people=True)
    if kept.keeps_local:
        for uri in uris:
            refuse_remote(kept, uri, backends, "--model")


def holds_words(log: Log, row: EpisodeRow) -> bool:
    """Whether a person has, or had, a seat in an episode or in what it shares with its parents."""
    here: EpisodeRow | None = row
    while here is not None:
        if any(seat.kind == "person" for seat in log.rows(ParticipantRow, here.id)):
            return True
        here = log.episode(here.parent_episode) if here.parent_episode else None
    return False


def _named_models(mind: Mapping[str, Any], under: str = "") -> Iterable[tuple[str, str]]:
    """Values in a mind that are the URIs of models (embeddings)."""
    for key, value in mind.items():
        if isinstance(value, Mapping):
            yield from _named_models(value, f"{under}{key}.")
        elif isinstance(value, str) and "/" in value and "://" not in value:
            try:
                parse_uri(value)
            except ModelURIError:
                continue
            yield f"{under}{key}", value


def _within(address: str, allowed: str) -> bool:
    """Whether an address is that of an allowed server: the same scheme, host and port, at its path or below."""
    here, there = urlsplit(address), urlsplit(allowed)
    same = (here.scheme, here.hostname, _port(here)) == (there.scheme, there.hostname, _port(there))
    base = there.path.rstrip("/")
    return same and (here.path == base or here.path.startswith(base + "/"))


def _port(parts: Any) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
