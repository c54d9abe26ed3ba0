"""`tertulia run --seeds`: many episodes in one process, their progress, and a summary."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.progress import progress_on
from tertulia.cli.display.summary import money, outcome_text, plural, seconds
from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, note
from tertulia.cli.hints import db_option, go_on, program
from tertulia.cli.options import Show
from tertulia.cli.playing import json_line
from tertulia.storage.statuses import BROKEN_OFF

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.result import EpisodeResult
    from tertulia.storage.log import Log

_MS = 1000.0
_SHOWN_FAILURES = 3


@dataclass(slots=True)
class Tally:
    """What came of many episodes."""

    wanted: int
    log: str = ""
    results: list[EpisodeResult] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    stopped_by: str = "a model refused"
    """Why some did not begin, if they did not."""

    def lines(self) -> list[str]:
        """The summary, for people."""
        results = self.results
        statuses = Counter(result.status for result in results)
        counted = ", ".join(f"{number} {status}" for status, number in statuses.most_common())
        lines = [f"episodes    {len(results)} of {self.wanted}" + (f": {counted}" if counted else "")]
        if not results:
            return lines
        ended = [result for result in results if result.status not in BROKEN_OFF]
        rewards = [result.reward for result in ended if result.reward is not None]
        calls = sum(result.calls for result in results)
        fallbacks = sum(result.fallbacks for result in results)
        costs = [result.cost_usd for result in results]
        known = [cost for cost in costs if cost is not None]
        if len(ended) < len(results):
            lines.append(f"not ended   {len(results) - len(ended)}, left out of the averages")
        if rewards:
            lines.append(f"reward      {sum(rewards) / len(rewards):.3f} on average (n = {len(rewards)})")
        if ended:
            spoken = sum(result.utterances for result in ended) / len(ended)
            lines.append(f"utterances  {spoken:.2f} on average (n = {len(ended)})")
        lines.append(f"calls       {calls}, {plural(fallbacks, 'fallback')} ({100 * fallbacks / max(1, calls):.1f} %)")
        unknown = (
            f", {plural(len(costs) - len(known), 'episode')} with unknown prices" if len(known) < len(costs) else ""
        )
        lines.append(f"cost        {money(sum(known)) + unknown if known else 'unknown'}")
        lines.append(f"time        {seconds(_MS * (time.perf_counter() - self.began))}")
        lines.append(f"log         {one_line(self.log)}")
        return lines

    @property
    def failed(self) -> list[EpisodeResult]:
        return [result for result in self.results if result.status in BROKEN_OFF]

    @property
    def degraded(self) -> int:
        return sum(result.status == "degraded" for result in self.results)


def play_seeds(
    scenario: str, seeds: Sequence[int],
    *, sets: Sequence[str], model: str | None, roles: Mapping[str, str], db: str | None,
    display: Show | None, as_json: bool, at_once: int,
) -> int:  # fmt: skip
    """Play one episode for each seed and return the exit code."""
    from tertulia.environments.many import play_many
    from tertulia.environments.scenario import load_scenario
    from tertulia.storage.log import Log

    loaded = load_scenario(scenario, sets, model=model, roles=dict(roles))
    tally = Tally(len(seeds))

    async def play() -> None:
        with Log.open(db) as log:
            await _played(
                lambda backends: play_many(loaded, seeds, log=log, backends=backends, at_once=at_once),
                tally, log, display=display, as_json=as_json,
            )  # fmt: skip

    if _interrupted(play, tally, as_json=as_json):
        there = db_option(db)
        note(f"paused; those that had begun: {program()} episodes --status paused{there}")
        note(f"they go on with: {program()} resume --all{there}")
        return INTERRUPTED
    if tally.degraded:
        most = f"{loaded.max_fallback_rate:g}"
        note(f"degraded: in {plural(tally.degraded, 'episode')} more calls fell back than max_fallback_rate {most}")
    return _told_failures(tally, db)


def resume_episodes(log: Log, ids: Sequence[str], *, accept_changes: bool, db: str | None, as_json: bool) -> int:
    """Go on with episodes one by one, and return the exit code."""
    from tertulia.environments.many import resume_many

    if not ids:
        note("outside batches, every episode has ended")
        return FINE
    tally = Tally(len(ids))

    async def play() -> None:
        await _played(
            lambda backends: resume_many(ids, log=log, backends=backends, accept_changes=accept_changes),
            tally, log, display=None, as_json=as_json,
        )  # fmt: skip

    if _interrupted(play, tally, as_json=as_json):
        note(f"paused; go on with: {program()} resume --all{db_option(db)}")
        return INTERRUPTED
    return _told_failures(tally, db)


def _interrupted(play: Callable[[], Coroutine[Any, Any, None]], tally: Tally, *, as_json: bool) -> bool:
    """Play and print the summary; says whether it was interrupted."""
    from tertulia.storage.errors import LogError

    interrupted = False
    try:
        asyncio.run(play())
    except KeyboardInterrupt:
        interrupted = True
    except LogError as error:
        if not tally.results:
            raise
        tally.stopped_by = str(error)
    _summary(tally, sys.stderr if as_json else sys.stdout)
    return interrupted


async def _played(
    many: Callable[[Backends], AsyncGenerator[EpisodeResult, None]], tally: Tally, log: Log,
    *, display: Show | None, as_json: bool,
) -> None:  # fmt: skip
    from tertulia.agents.registry import Backends

    backends = Backends()
    # On a terminal, lines of JSON are progress enough, and a line that renews itself would run into them.
    shown = display in (None, Show.rich) and not (as_json and sys.stdout.isatty())
    tally.log = str(log.target)
    with progress_on(sys.stderr, tally.wanted, shown=shown) as step:
        results = many(backends)
        try:
            async for result in results:
                tally.results.append(result)
                step()
                if as_json:
                    print(json_line(result), flush=True)
                elif display is Show.plain:
                    print(_plain(result), flush=True)
        finally:
            with suppress(RuntimeError):  # it was being iterated when the loop was interrupted
                await results.aclose()
            await backends.aclose()


def _plain(result: EpisodeResult) -> str:
    told = f"{result.status}: {one_line(result.reason)}; {outcome_text(result.outcome)}"
    return f"episode {result.episode} seed {result.seed} {told}"


def _summary(tally: Tally, stream: TextIO) -> None:
    for line in tally.lines():
        print(line, file=stream)
    stream.flush()


def _told_failures(tally: Tally, db: str | None) -> int:
    if len(tally.results) < tally.wanted:
        unplayed = tally.wanted - len(tally.results)
        note(f"stopped early: {tally.stopped_by}; {plural(unplayed, 'episode')} of {tally.wanted} did not begin")
    reasons: dict[tuple[str, str], list[EpisodeResult]] = {}
    for result in tally.failed:
        reasons.setdefault((result.status, result.reason), []).append(result)
    for (status, reason), alike in list(reasons.items())[:_SHOWN_FAILURES]:
        also = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        note(f"seed {alike[0].seed}{also}: {status}: {reason}; {go_on(alike[0].episode, db, status, reason)}")
    if len(tally.failed) > min(len(reasons), _SHOWN_FAILURES):
        there = db_option(db)
        note(f"all {len(tally.failed)} of them: {program()} episodes --status error --status paused{there}")
    return FAILED if tally.failed or len(tally.results) < tally.wanted else FINE
