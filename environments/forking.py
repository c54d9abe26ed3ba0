"""Forks: new episodes that share an episode's past up to a turn, with something changed there, and others without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ulid import ULID

from tertulia.agents.registry import Backends
from tertulia.environments.answering import check_models
from tertulia.environments.changes import Change, ForkError, belief_change, changed_scenario, is_belief, key_changes
from tertulia.environments.interventions import CHANCE
from tertulia.environments.people.local import keep_words_local
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.restore import RestoreError, restore
from tertulia.environments.rows_of_stage import seats_of
from tertulia.environments.scenario import Scenario
from tertulia.environments.stage import Stage
from tertulia.environments.versions import versions
from tertulia.storage.log import Log
from tertulia.storage.record import EpisodeRecord
from tertulia.storage.rows import BatchRow, EpisodeRow, InterventionRow
from tertulia.storage.statuses import ENDED
from tertulia.storage.types import now

SET, NULL = "set", "null"
"""The cells of a batch of forks: with the change, and without."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One fork: an episode of its own from turn `at` on. Replicate r of both cells shares its chance."""

    cell: str
    replicate: int
    fork: EpisodeRecord

    @property
    def episode(self) -> str:
        return self.fork.episode.id


@dataclass(slots=True)
class Forking:
    """Forks of one episode before one of its turns. Make it with `plan_forks`, then `enter` it; `resume_many` plays."""

    parent: EpisodeRow
    at: int
    batch: BatchRow
    branches: list[Branch] = field(default_factory=list)
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    """By cell."""

    def people(self, cell: str) -> list[str]:
        """Seats that somebody has to take again before the forks of a cell can be played on."""
        scenario = self.scenarios[cell]
        return [name for name in scenario.names if scenario.model_of(name) == HUMAN]

    def check_models(self, backends: Backends) -> None:
        """Raises `ModelTrouble` (`refused`) where a seat's model cannot answer, before anything is entered."""
        for scenario in self.scenarios.values():
            check_models(scenario, backends)

    async def enter(self, log: Log) -> None:
        """Write batch, episodes and their pasts, all or none."""
        await log.fork(self.batch, [branch.fork for branch in self.branches])


def plan_forks(
    log: Log, episode: str, at: int, *, sets: Sequence[str] = (), events: Sequence[str] = (), replicates: int = 1,
    null: bool = True, backends: Backends | None = None,
) -> Forking:  # fmt: skip
    """Check everything, and say which episodes there would be: `replicates` with all changes and, unless `null` is
    False, as many without. With nothing to change, only those without.

    `sets` are `CHAIN.belief.VARIABLE=VALUE`, `NAME.KEY=VALUE` or `KEY=VALUE`, `events` entries of the scenario's
    script; all hold from turn `at` on. `backends` say what the models are that answer, for a later resume to compare.
    Raises `NotFound`, `ForkError`, `ScenarioError`, `RestoreError`, and `ModelTrouble` where a person's words would
    leave this machine though they are to stay.
    """
    row = log.episode(episode)
    _check_turn(row, at)
    changes = _Changes.of(log, row, at, sets, events)
    cells = [SET] * bool(sets or events) + [NULL] * (null or not (sets or events))
    grid = {
        "fork": row.id, "at": at, "set": list(sets), "event": list(events), "null": NULL in cells,
        "replicates": replicates,
    }  # fmt: skip
    batch = BatchRow(id=str(ULID()), name=f"fork of {row.id} at {at}", grid=grid, created_at=now())
    found = Forking(row, at, batch)
    first = 1 + max([one.ordinal for one in log.rows(InterventionRow, row.id, turn=at)], default=-1)
    who = {seat.name: seat.pseudonym for seat in log.participants(row.id)}
    for cell in cells:
        found.scenarios[cell] = scenario = changes.scenario if cell == SET else Scenario.from_resolved(row.config)
        keep_words_local(log, row, scenario, backends or Backends())
        made = changes.made if cell == SET else []
        stage = Stage.of(scenario, row.seed, row.id)
        made_with = versions(stage, backends)
        for replicate in range(replicates):
            fork = _fork(row, at, batch.id, cell, replicate, stage, made, first, made_with, who)
            found.branches.append(Branch(cell, replicate, fork))
    return found


def _check_turn(row: EpisodeRow, at: int) -> None:
    ended = row.status in ENDED
    last = row.head if ended else row.head + 1
    if last < 1:
        raise ForkError(f"episode {row.id} has no turn yet, and so no past to share; run it again instead")
    if not 1 <= at <= last:
        raise ForkError(f"--at {at}: episode {row.id} can part before turns 1 to {last}")


@dataclass(frozen=True, slots=True)
class _Changes:
    """The scenario of the changed branches, and all that was changed."""

    scenario: Scenario
    made: list[Change]

    @classmethod
    def of(cls, log: Log, row: EpisodeRow, at: int, sets: Sequence[str], events: Sequence[str]) -> _Changes:
        keys, beliefs = [one for one in sets if not is_belief(one)], [one for one in sets if is_belief(one)]
        for text in {text.partition("=")[0].strip(): text for text in sets if _named_twice(text, sets)}.values():
            raise ForkError(f"--set {text}: it is set twice; keep one of the two")
        before = restore(log, row, upto=at).stage
        scenario = changed_scenario(row.config, at, keys, events)
        made = key_changes(row.config, scenario, keys, events)
        stage = _with_the_same_past(log, row, at, scenario, before) if made else before
        ends = stage.ending(at - 1)
        if ends is not None:
            longer = "; --set turns.limit=N lets it go on" if ends == "limit" else ""
            raise ForkError(f"--at {at}: no turn is played then, the episode has ended before it ({ends}){longer}")
        return cls(scenario, made + [belief_change(stage, text) for text in beliefs])


def _named_twice(text: str, sets: Sequence[str]) -> bool:
    return sum(one.partition("=")[0].strip() == text.partition("=")[0].strip() for one in sets) > 1


def _with_the_same_past(log: Log, row: EpisodeRow, at: int, scenario: Scenario, before: Stage) -> Stage:
    """The stage before turn `at` by the changed scenario. Raises `ForkError` where that changes what was before."""
    try:
        stage = restore(log, row.model_copy(update={"config": scenario.resolved()}), upto=at).stage
    except RestoreError as error:
        raise ForkError(
            f"what is set changes what happened before turn {at} ({error}); a fork shares its past: "
            "set what begins to matter now, or run the scenario anew with -S"
        ) from None
    if [(one.name, one.values) for one in stage.variables] != [(one.name, one.values) for one in before.variables]:
        raise ForkError("what is set changes what can be believed, which is the same for a whole episode")
    return stage


def _fork(
    row: EpisodeRow,
    at: int,
    batch: str,
    cell: str,
    replicate: int,
    stage: Stage,
    made: Sequence[Change],
    first: int,
    made_with: dict[str, Any],
    who: Mapping[str, str | None],
) -> EpisodeRecord:
    """One branch as rows."""
    id, moment = str(ULID()), now()
    episode = EpisodeRow(
        id=id, scenario=row.scenario, world=row.world, config=stage.scenario.resolved(), seed=row.seed, batch=batch,
        cell=cell, replicate=replicate, parent_episode=row.id, parent_turn=at - 1, head=at - 1, status="paused",
        reason="forked", versions=made_with, created_at=moment,
    )  # fmt: skip
    seats = [seat.model_copy(update={"episode": id, "pseudonym": who.get(seat.name)}) for seat in seats_of(stage)]
    whole = [*made, *([Change(CHANCE, None, replicate)] if replicate else [])]
    interventions = [
        InterventionRow(
            episode=id, turn=at, ordinal=ordinal, target=one.target, old=one.old, new=one.new, created_at=moment
        )
        for ordinal, one in enumerate(whole, first)
    ]
    return EpisodeRecord(episode, seats, interventions)
