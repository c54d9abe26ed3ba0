"""Asking copied minds, and reading whole episodes back, row by row, to see what that changed."""

from __future__ import annotations

from typing import Any

from tertulia.agents.registry import Backends
from tertulia.environments.probes import Probed
from tertulia.environments.probing import open_interview
from tertulia.environments.scenario.probes import Planned
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, ProbeBeliefRow, ProbeRow
from tertulia.storage.tables import ROWS, table_of
from tests.playing import FAST

PROBES = 'probes=[{every: 2, ask: [beliefs, relation]}, {at: [3], of: [alice], ask: "What will {other} do next?"}]'
MEASURED = {"started_at", "wall_ms", "latency_ms", "created_at", "ended_at", "lease", "lease_until", "cached_tokens"}
"""What two plays of one seed may differ in: clocks, who led it, and what a server had cached."""


def whole(log: Log, episode: str) -> dict[str, list[Any]]:
    """Every row of every table, of this episode and of none, less what probes write."""
    found = {}
    for kind in ROWS:
        keys = table_of(kind).c
        rows = log.rows(kind, episode) if "episode" in keys or kind.__name__ == "EpisodeRow" else []
        kept = [row for row in rows if not (isinstance(row, CallRow) and row.purpose == "probe")]
        if kind not in (ProbeRow, ProbeBeliefRow):
            found[table_of(kind).name] = [row.model_dump() for row in kept]
    return found


def played(log: Log, episode: str) -> dict[str, list[Any]]:
    """The same without clocks and ids, so that two plays can be compared; the scenario itself is left out."""
    rows = whole(log, episode)
    del rows["episode"]
    return {
        name: [{key: value for key, value in row.items() if key not in {*MEASURED, "episode"}} for row in table]
        for name, table in rows.items()
    }


def probed(log: Log, episode: str, *, scheduled: bool = True) -> list[Any]:
    """What probes wrote, without clocks, and without call ids, which end in the number of attempts."""
    asked = [row for row in log.rows(ProbeRow, episode) if row.scheduled is scheduled]
    places = {(row.turn, row.ordinal) for row in asked}
    stated = [row for row in log.rows(ProbeBeliefRow, episode) if (row.turn, row.ordinal) in places]
    return [row.model_dump(exclude={"episode", "call", "created_at"}) for row in (*asked, *stated)]


async def ask(log: Log, episode: str, turn: int | None, *asked: Planned, **options: Any) -> list[Probed]:
    """An interview by backends of its own."""
    backends = Backends()
    try:
        return await open_interview(log, episode, turn).ask(asked, backends=backends, retry=FAST, **options)
    finally:
        await backends.aclose()
