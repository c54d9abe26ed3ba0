"""Real episodes to make a big log of: shipped scenarios played by rules and over a loopback server, told again and
again under new ids, through the log's own writer."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, cycle
from pathlib import Path
from random import Random
from typing import Any

import yaml
from ulid import ULID

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.many import play_many
from tertulia.storage.log import Log
from tertulia.storage.record import Closing, EpisodeRecord, TurnRecord
from tertulia.storage.rows import BatchRow, CallRow, EpisodeRow, ParticipantRow, Row, ScoreRow, TurnRow
from tertulia.storage.rows_of_people import InboxRow
from tertulia.storage.tables import ROWS, key_of, table_of
from tests.loopback import loopback_process

API = "openai/any"
PLAYED: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("rules: mutual-friends", "mutual-friends", "rules", ()),
    ("rules: planning-meeting", "planning-meeting", "rules", ()),
    ("rules: dinner-secret", "dinner-secret", "rules", ("ends=[limit]",)),
    ("rules: haggle-with-a-liar", "haggle-with-a-liar", "rules", ()),
    ("rules: misunderstanding", "misunderstanding", "rules", ()),
    ("rules: guess-in-company", "guess-in-company", "rules", ()),
    ("rules: sally-anne", "sally-anne", "rules", ()),
    ("API: mutual-friends", "mutual-friends", API, ()),
    ("API: mutual-friends, reactive", "mutual-friends", API, ("mind.preset=reactive", "turns.limit=30")),
    ("API: dinner-secret", "dinner-secret", API, ("ends=[limit]",)),
    ("API: planning-meeting", "planning-meeting", API, ()),
)
"""What is played to take copies of: name, scenario, model, settings. Each is told as often as the next."""
SEEDS = 3
CAST = ("alice", "bob", "carol", "dan", "eve", "frank", "grace", "heidi")
LARGE = "rules: 8 seats, 100 turns"
LEASE = "bench"


@dataclass(slots=True)
class Sample:
    """One episode that was really played, as rows by turn."""

    name: str
    episode: EpisodeRow
    participants: list[ParticipantRow]
    turns: list[tuple[list[Row], list[CallRow]]] = field(default_factory=list)

    def told_as(self, episode: str) -> Iterator[tuple[TurnRecord, list[CallRow]]]:
        """Its turns under another id, each with the calls that were made for it."""
        for turn, (rows, calls) in enumerate(self.turns):
            record = TurnRecord(episode, turn, 0, LEASE, [_moved(row, episode) for row in rows])
            if turn == len(self.turns) - 1:
                told = self.episode
                record.closing = Closing(told.status, told.reason or "", told.outcome, told.reward)
            yield record, [call.model_copy(update={"episode": episode}) for call in calls]

    def beginning(self, episode: str) -> EpisodeRecord:
        """Its first record under another id."""
        changes = {"id": episode, "head": -1, "lease": LEASE, "lease_until": None, "status": "running", "reason": None}
        first: Any = _moved(self.episode, episode)
        first.__dict__ |= {**changes, "outcome": None, "reward": None, "ended_at": None}
        del first.__dict__["episode"]
        return EpisodeRecord(first, [_moved(row, episode) for row in self.participants])


def _moved(row: Any, episode: str) -> Any:
    """A row of another episode. The writer reads only a row's type and dictionary, so no more is made."""
    copy = object.__new__(type(row))
    object.__setattr__(copy, "__dict__", {**row.__dict__, "episode": episode})
    return copy


def read_samples(log: Log, name: str) -> list[Sample]:
    """All episodes of a log."""
    found = []
    for episode in log.episodes():
        sample = Sample(name, episode, log.participants(episode.id))
        by_turn: dict[int, list[Row]] = defaultdict(list)
        for kind in ROWS:
            if kind not in (BatchRow, EpisodeRow, ParticipantRow, CallRow, InboxRow):
                for row in log.rows(kind, episode.id):
                    by_turn[row.turn].append(row)  # type: ignore[attr-defined]
        calls: dict[int, list[CallRow]] = defaultdict(list)
        for call in log.rows(CallRow, episode.id):
            calls[call.turn].append(call)
        for turn in log.rows(TurnRow, episode.id):
            sample.turns.append((by_turn[turn.turn], calls[turn.turn]))
        found.append(sample)
    return found


async def _play(folder: Path, name: str, scenario: str, model: str, sets: tuple[str, ...], seeds: int) -> list[Sample]:
    loaded, backends = tertulia.load_scenario(scenario, list(sets), model=model), Backends()
    with Log.open(folder / f"{name.replace(' ', '_').replace(':', '')}.db") as log:
        try:
            async for result in play_many(loaded, range(seeds), log=log, backends=backends):
                assert result.status == "success", result
        finally:
            await backends.aclose()
        return read_samples(log, name)


def play_samples(folder: Path, *, large: bool = True) -> dict[str, list[Sample]]:
    """Play all there is to take copies of, and with `large` an episode of 8 seats and 100 turns."""
    with loopback_process() as url:
        os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"] = url, "sk-none"
        found = {
            name: asyncio.run(_play(folder, name, scenario, model, sets, SEEDS))
            for name, scenario, model, sets in PLAYED
        }
    if large:
        file = folder / "crowd.yaml"
        file.write_text(yaml.safe_dump(crowd(CAST, 100)))
        found[LARGE] = asyncio.run(_play(folder, LARGE, str(file), "rules", (), 1))
    return found


def crowd(cast: tuple[str, ...], turns: int) -> dict[str, Any]:
    """A table of people who have much to tell each other and see some of it change."""
    rooms = ["kitchen", "cellar", "attic", "hall"]
    things = ("cake", "key", "letter", "lamp")
    script: list[dict[str, Any]] = []
    draw = Random(5)
    for turn in range(4, turns, 4):
        thing, room, by = draw.choice(things), draw.choice(rooms), draw.choice(cast)
        script.append({"turn": turn, "set": {thing: room}, "by": by, "text": f"{by} moves the {thing}: {room}."})
        other = draw.choice([name for name in cast if name != by])
        script.append({"turn": turn + 1, "say": f"Where is the {thing}, {other}?", "by": by, "to": [other]})
    return {
        "scenario": "crowd",
        "world": "table_talk",
        "premise": "Eight friends in an old house.",
        "variables": {
            name: {"values": rooms, "truth": rooms[n % 4], "say": f"The {name} is in the {{value}}."}
            for n, name in enumerate(things)
        },
        "participants": [
            {"name": name, "persona": "curious", "knows": {things[n % 4]: rooms[n % 4]}} for n, name in enumerate(cast)
        ],
        "mind": {"preset": "full", "order": 2},
        "turns": {"policy": "addressed", "limit": turns},
        "script": script,
        "ends": ["limit"],
    }


def copy_in_place(log: Log, turns: int) -> int:
    """Fill a SQLite log up to `turns` turns with copies of all its ordinary episodes, made by SQL: some ten times as
    fast as through the writer. Gives how many turns there are then."""
    assert log.target.path is not None
    with closing(sqlite3.connect(log.target.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-262144")
        large = connection.execute("SELECT id FROM episode ORDER BY head DESC LIMIT 1").fetchone()[0]
        written = connection.execute("SELECT count(*) FROM turn").fetchone()[0]
        each = connection.execute("SELECT count(*) FROM turn WHERE episode <> ?", [large]).fetchone()[0]
        copies = max(0, turns - written + each - 1) // each
        for number in range(copies):
            connection.execute("BEGIN IMMEDIATE")
            for kind in ROWS:
                table, names = table_of(kind), list(table_of(kind).columns.keys())
                by = "id" if kind is EpisodeRow else "episode"
                if by in names and kind not in (ScoreRow, BatchRow):
                    taken = ", ".join(f"'1{number:03}' || substr({n}, 5)" if n == by else f'"{n}"' for n in names)
                    key = ", ".join(f'"{name}"' for name in key_of(kind))
                    connection.execute(
                        f'INSERT INTO "{table.name}" SELECT {taken} FROM "{table.name}" '
                        f"WHERE {by} < '1' AND {by} <> ? ORDER BY {key}", [large],
                    )  # fmt: skip
            connection.execute("COMMIT")
        return int(written + copies * each)


async def tell(log: Log, samples: dict[str, list[Sample]], turns: int, committers: int = 64) -> dict[str, list[str]]:
    """Write at least `turns` turns, kinds of episodes one after the other, many at a time; gives their ids by kind."""
    seeds = [list(kind) for name, kind in samples.items() if name != LARGE]
    left = cycle(chain.from_iterable(zip(*seeds, strict=True)))
    told: dict[str, list[str]] = defaultdict(list)
    written = 0

    async def one(sample: Sample) -> None:
        episode = str(ULID())
        told[sample.name].append(episode)
        await log.begin(sample.beginning(episode))
        for record, calls in sample.told_as(episode):
            await asyncio.gather(*(log.record_call(call, LEASE) for call in calls))
            await log.commit(record)

    async def committer() -> None:
        nonlocal written
        while written < turns:
            sample = next(left)
            written += len(sample.turns)
            await one(sample)

    for sample in samples.get(LARGE, []):
        await one(sample)
    await asyncio.gather(*(committer() for _ in range(committers)))
    return dict(told)
