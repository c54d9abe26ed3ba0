"""Whether an episode would go on as it began: what it was made with, compared with what is here now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tertulia.agents.registry import Backends
from tertulia.environments.stage import Stage
from tertulia.environments.versions import versions
from tertulia.mind.probing import PROBE
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, EpisodeRow, InterventionRow
from tertulia.storage.types import now

TARGET = "versions"
"""The target of the intervention that records an accepted change."""
_PROVIDED_BY = {
    "openai": ("openai",),
    "aiohttp": ("openai",),
    "torch": ("hf",),
    "transformers": ("hf",),
    "llguidance": ("hf",),
}
"""Packages that make a difference only where a model of these providers has a seat."""


CHANGED = "changed since it was played"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not what it was, in words."""

    what: str
    then: str
    now: str
    model: str | None = None
    """The URI of the model it is about, if it is about one."""

    def __str__(self) -> str:
        return f"{self.what}: {self.then} then, {self.now} now"


class ChangedSince(Exception):
    """An episode would go on with other packages, instructions or models than it was last played with."""

    def __init__(self, episode: str, found: Sequence[Difference]) -> None:
        self.episode = episode
        self.differences = tuple(found)
        super().__init__(self.told(f"tertulia resume {episode}"))

    def told(self, resume: str) -> str:
        """A line for each difference, and how to go on all the same with the command that resumes."""
        lines = [f"episode {self.episode} has changed since it was played: {each}" for each in self.differences]
        return "\n".join([*lines, f"to go on all the same, which is recorded: {resume} --accept-changes"])

    def in_one_line(self) -> str:
        """For where many episodes are told of: it begins with `CHANGED`."""
        return f"{CHANGED}: {'; '.join(map(str, self.differences))}"


def differences(then: Any, now: Any) -> list[Difference]:
    """What differs between two records of `versions`, as far as both say something about it.

    A package counts where it is part of this episode; our own code is told by its hash where both have one, else by
    the revision; of Python the minor version counts.
    """
    before, after = _part(then), _part(now)
    models = _part(before.get("models")) if "models" in before else None
    uris = None if models is None else {**models, **_part(before.get("embeddings"))}
    return [
        *_python(before, after),
        *_packages(_part(before.get("packages")), _part(after.get("packages")), uris),
        *_own_code(before, after),
        *_instructions(before.get("instructions"), after.get("instructions")),
        *_models(models or {}, _part(after.get("models"))),
        *_models(_part(before.get("embeddings")), _part(after.get("embeddings"))),
    ]


def accepted_change(
    log: Log, row: EpisodeRow, backends: Backends, calls: Sequence[CallRow], stage: Stage, *, accept: bool
) -> InterventionRow | None:
    """The row that records a change accepted now; None where nothing has changed since it was last accepted.

    A model that has not answered yet may be another one: nothing of the other is in the episode. That is recorded as
    well, and not asked about. Raises `ChangedSince` for other changes, unless `accept`.
    """
    interventions = log.rows(InterventionRow, row.id)
    shared = -1 if row.parent_turn is None else row.parent_turn  # what a fork shares with its parent was not its own
    mine = [each for each in interventions if each.target == TARGET and each.turn > shared]
    then = max(mine, key=lambda each: (each.turn, each.ordinal)).new if mine else row.versions
    here = versions(stage, backends)
    found = differences(then, here)
    if not found:
        return None
    # What a copied mind was asked is no part of the episode.
    answered = {call.uri for call in calls if call.status != "error" and call.purpose != PROBE}
    embedded = stage.scenario.embedders
    unheard = (stage.scenario.models | embedded) - answered
    asked_about = [each for each in found if each.model not in unheard]
    if asked_about and not accept:
        raise ChangedSince(row.id, asked_about)
    turn = row.head + 1
    ordinal = max((each.ordinal for each in interventions if each.turn == turn), default=-1) + 1
    return InterventionRow(
        episode=row.id, turn=turn, ordinal=ordinal, target=TARGET, old=then, new=here, created_at=now()
    )


def _part(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _python(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    then, here = (".".join(str(record.get("python") or "").split(".")[:2]) for record in (before, after))
    if then and here and then != here:
        yield Difference("Python", then, here)


def _packages(
    before: Mapping[str, Any], after: Mapping[str, Any], models: Mapping[str, Any] | None
) -> Iterator[Difference]:
    providers = None if models is None else {uri.partition("/")[0] for uri in models}
    for name, then in before.items():
        of = _PROVIDED_BY.get(name)
        if of is not None and providers is not None and providers.isdisjoint(of):
            continue
        here = after.get(name, "not installed")
        if then != here:
            yield Difference(name, str(then), str(here))


def _own_code(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    then, here = before.get("revision"), after.get("revision")
    sources = before.get("sources"), after.get("sources")
    if None not in sources:
        if sources[0] == sources[1]:
            return
        if then == here:
            then, here = (f"{'installed' if then is None else _short(then)} with files {each}" for each in sources)
    elif None in (then, here) or then == here:
        return
    yield Difference("tertulia's own code", _short(then), _short(here))


def _short(revision: Any) -> str:
    text = "installed" if revision is None else str(revision)
    return f"revision {text[:12]}" if len(text) == 40 else text


def _instructions(before: Any, after: Any) -> Iterator[Difference]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return
    for name in sorted({*before, *after}):
        then, here = before.get(name, "none"), after.get(name, "none")
        if then != here:
            yield Difference(f"instruction of the faculty '{name}'", str(then), str(here))


def _models(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for uri, then in before.items():
        known, here = _part(then), _part(after.get(uri))
        for name in known:
            if name in here and known[name] != here[name]:
                yield Difference(f"{name.replace('_', ' ')} of {uri}", str(known[name]), str(here[name]), uri)
