"""`--to sft`: records to train with, one a line."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tertulia.cli.display.progress import progress_on
from tertulia.cli.errors import BadInput
from tertulia.cli.export.request import SHOWN_FROM, STDOUT, Request, plural, tell
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from tertulia.storage.exports.sft import Options
    from tertulia.storage.rows import EpisodeRow


def write(request: Request) -> None:
    """Records of all chosen episodes that were played to their end."""
    from tertulia.storage.exports.chosen import local_only
    from tertulia.storage.exports.sft import records

    options = _options(request)
    chosen = request.choose(("success",) if request.options.get("successful") else PLAYED_OUT)
    keeps_local, premise = local_only(request.log), _premises()
    left_out: Counter[str] = Counter()
    written = 0
    total = len(chosen.episodes)
    with file_of(request) as file, progress_on(sys.stderr, total, shown=total > SHOWN_FROM) as told:
        for id in chosen.episodes:
            row = request.log.episode(id)
            for record in records(request.log, row, options, premise, left_out, local_only=id in keeps_local):
                file.write(json.dumps(record, allow_nan=False) + "\n")
                written += 1
            told()
    chosen.left_out += left_out
    data = {"episodes": total, "records": written, "left_out": dict(chosen.left_out)}
    tell(request, chosen, f"{plural(written, 'record')} of {plural(total, 'episode')}", data)


def _options(request: Request) -> Options:
    from tertulia.storage.exports.sft import Options

    given = request.options
    seats = tuple(given.get("seat") or ())
    if seats:
        names = {row[0] for row in request.log.query("SELECT DISTINCT name FROM participant").rows}
        for seat in seats:
            if seat not in names:
                from tertulia.storage.nearest import nearest

                raise BadInput(f"--seat {seat}: nobody in the log has this name; {nearest(seat, sorted(names))}")
    return Options(
        per=given.get("per") or "episode", thoughts=given.get("thoughts") or "none", system=not given.get("no_system"),
        seats=seats, least_reward=given.get("min_reward"), people=request.people,
    )  # fmt: skip


@contextmanager
def file_of(request: Request) -> Iterator[IO[str]]:
    """Where lines go: stdout, or a file that stands there when all are written."""
    from tertulia.storage.exports.files import whole_file

    if request.out == STDOUT:
        yield sys.stdout
        return
    with (
        whole_file(Path(request.out), begins=[b"{"], replace=request.force) as path,
        path.open("w", encoding="ascii") as file,
    ):
        yield file


def _premises() -> Callable[[EpisodeRow], str]:
    """What everybody is told of the place: by the scenario, and by the world where it is one of this version."""
    from tertulia.environments.restore import RestoreError
    from tertulia.environments.scenario import Scenario
    from tertulia.environments.scenario.errors import ScenarioError
    from tertulia.environments.stage import Stage

    known: dict[str, str] = {}

    def premise(row: EpisodeRow) -> str:
        config: dict[str, Any] = row.config if isinstance(row.config, dict) else {}
        key = json.dumps(config, sort_keys=True)
        if key not in known:
            try:
                known[key] = Stage.of(Scenario.from_resolved(config), 0, "").premise
            except (ScenarioError, RestoreError):
                known[key] = str(config.get("premise") or "")
        return known[key]

    return premise
