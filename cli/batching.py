"""A batch from the command line: begun or gone on with, its progress, what Ctrl-C does, and what came of it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tertulia.cli.display.batch import Progress, summary_lines
from tertulia.cli.display.summary import plural
from tertulia.cli.errors import BAD_INPUT, FAILED, FINE, INTERRUPTED, BadInput, note, tell
from tertulia.cli.hints import db_option, program
from tertulia.cli.many import resume_episodes
from tertulia.storage.errors import LogError
from tertulia.storage.statuses import ENDED, UNFINISHED

if TYPE_CHECKING:
    from tertulia.environments.batch.engine import Engine
    from tertulia.environments.batch.plan import Plan
    from tertulia.environments.batch.settings import Settings
    from tertulia.environments.batch.worker import Played
    from tertulia.storage.log import Log
    from tertulia.storage.readers import Spent

_SHOWN_FAILURES = 3
_LOOK_S = 2.0
_LONGER_THAN_LOOKING = 20.0
"""Looking how far a batch has come must not become the work itself."""


def play_grid(
    grid: str, settings: Settings, *, processes: int, scheduler: str | None, db: str | None, as_json: bool
) -> int:
    """Enter a grid into the log, or go on with it there, play it, and return the exit code."""
    from tertulia.environments.batch.plan import Plan
    from tertulia.environments.batch.reading import read_grid
    from tertulia.storage.log import Log

    plan = Plan.of(read_grid(grid))
    if scheduler is None:  # a cluster's workers have the keys
        _check_models(plan, settings, db)
    with Log.open(db) as log:
        asyncio.run(plan.enter(log, accept_changes=settings.accept_changes))
        return play_plan(plan, log, settings, processes=processes, scheduler=scheduler, db=db, as_json=as_json)


def _check_models(plan: Plan, settings: Settings, db: str | None) -> None:
    """Raises `BadInput` where a model cannot be asked, or not within the cap, before anything is entered or asked. A
    batch that has ended asks nothing any more."""
    from tertulia.agents.registry import lacking
    from tertulia.environments.batch.caps import without_price
    from tertulia.environments.batch.plan import Plan
    from tertulia.storage.log import Log

    with suppress(LogError), Log.open(db, create=False) as log:
        if _ended(log, plan.batch) >= max(plan.total, Plan.load(log, plan.batch).total):
            return
    for uri in plan.models():
        if (lacks := lacking(uri)) is not None:
            raise BadInput(f"{uri}: {lacks}")
    if settings.max_cost_usd is not None and (unknown := without_price(plan.asked())):
        raise BadInput(
            f"--max-cost cannot hold: the price of {', '.join(unknown)} is unknown; cap --max-tokens instead"
        )


def play_plan(
    plan: Plan, log: Log, settings: Settings, *, processes: int, scheduler: str | None, db: str | None, as_json: bool
) -> int:
    """Play what is left of a batch that is in the log, and return the exit code."""
    from tertulia.environments.batch.claims import failed_in
    from tertulia.environments.batch.plan import BatchError
    from tertulia.environments.many import keep_what_is_loaded

    whole = str(log.target.path.absolute()) if log.target.path is not None else _url(log)
    failed = failed_in(log.standing(plan.batch))
    settings = replace(settings, batch=plan.batch, db=whole, failed=failed)
    engine = _engine(plan, settings, processes, scheduler)
    progress = Progress(plan.total, *_standing(log, plan.batch))
    watching = _Watching(engine, progress, log, plan.batch, as_json)
    if progress.ended < plan.total:
        keep_what_is_loaded()
        try:
            asyncio.run(watching.run())
        except (KeyboardInterrupt, asyncio.CancelledError):
            watching.interrupted = True
        except (LogError, BatchError) as error:
            if not progress.played:
                raise
            watching.broken = str(error)
    try:
        plan = watching.grown()
        lines = [*summary_lines(plan, log, progress)]
        last = _last_words(plan, log, engine, watching, settings, db)
    except LogError as error:
        watching.broken = watching.broken or str(error)
        lines, last = [*progress.lines()], _Last(FAILED, [f"go on with: {_again(plan, db)}"])
    for line in lines:
        print(line, file=sys.stderr if as_json else sys.stdout)
    sys.stdout.flush()
    if watching.broken is not None:
        tell(watching.broken)
    for line in last.notes:
        note(line)
    return last.code


def resume_batch(batch: str, *, accept_changes: bool, db: str | None, as_json: bool) -> int:
    """Go on with a batch that is in the log, and return the exit code."""
    from tertulia.environments.batch.plan import Plan
    from tertulia.storage.log import Log

    with Log.open(db, create=False, writing=True) as log:
        if not Plan.is_grid(log.batch(batch)):
            ids = [row.id for row in log.episodes(status=UNFINISHED, batch=batch)]
            return resume_episodes(log, ids, accept_changes=accept_changes, db=db, as_json=as_json)
        return _go_on(Plan.load(log, batch), log, accept_changes=accept_changes, db=db, as_json=as_json)


def resume_all(*, accept_changes: bool, db: str | None, as_json: bool) -> int:
    """Go on with every batch, then with every single episode; the exit code is the worst of all. A batch that cannot be
    gone on with is told, and stops no other."""
    from tertulia.cli.resume import people_in
    from tertulia.environments.batch.plan import BatchError, Plan
    from tertulia.environments.scenario import ScenarioError
    from tertulia.storage.log import Log

    codes = [FINE]
    with Log.open(db, create=False, writing=True) as log:
        grids = [Plan.load(log, row.id) for row in log.batches() if Plan.is_grid(row)]
        for plan in grids:
            if _ended(log, plan.batch) < plan.total:
                note(f"batch {plan.batch}")
                try:
                    codes.append(_go_on(plan, log, accept_changes=accept_changes, db=db, as_json=as_json))
                except (BatchError, ScenarioError) as error:
                    tell(str(error))
                    codes.append(BAD_INPUT)
            if codes[-1] == INTERRUPTED:
                return INTERRUPTED
        planned = {plan.batch for plan in grids}
        loose = [row.id for row in log.episodes(status=UNFINISHED) if row.batch not in planned]
        seated = [one for one in loose if people_in(log, one)]
        for episode in seated:
            loose.remove(episode)
            note(f"{episode} is left out: a person has to take a seat in it again")
        if loose or not seated:
            codes.append(resume_episodes(log, loose, accept_changes=accept_changes, db=db, as_json=as_json))
    return max(codes)


def _go_on(plan: Plan, log: Log, *, accept_changes: bool, db: str | None, as_json: bool) -> int:
    from tertulia.environments.batch.settings import Settings

    asyncio.run(plan.enter(log, accept_changes=accept_changes))
    settings = Settings(batch=plan.batch, db="", accept_changes=accept_changes)
    return play_plan(plan, log, settings, processes=1, scheduler=None, db=db, as_json=as_json)


def estimate(grid: str, *, as_json: bool) -> int:
    """What a grid would take, in ranges; plays nothing that costs anything, and writes nothing."""
    from tertulia.cli.display.batch import estimate_lines
    from tertulia.environments.batch.estimate import estimate as estimated
    from tertulia.environments.batch.plan import Plan
    from tertulia.environments.batch.reading import read_grid

    found = asyncio.run(estimated(Plan.of(read_grid(grid))))
    if as_json:
        print(json.dumps(found.report()))
    else:
        for line in estimate_lines(found):
            print(line)
    return FINE


def _standing(log: Log, batch: str) -> tuple[int, int, Spent]:
    """What the log has of a batch: episodes ended, turns, what its calls came to."""
    return _ended(log, batch), sum(turns for _, turns in log.come_to(batch).values()), log.spent(batch)


def _ended(log: Log, batch: str) -> int:
    return sum(count for status, (count, _) in log.come_to(batch).items() if status in ENDED)


def _url(log: Log) -> str:
    assert log.target.url is not None
    return log.target.url.render_as_string(hide_password=False)


def _engine(plan: Plan, settings: Settings, processes: int, scheduler: str | None) -> Engine:
    from tertulia.environments.batch.worker import Failures

    failures = Failures(plan.total, settings.fail_on_error)
    if scheduler is not None:
        from tertulia.environments.batch.on_dask import OnDask

        return OnDask(plan, settings, scheduler, failures)
    if processes > 1:
        from tertulia.environments.batch.processes import Processes

        return Processes(settings, processes, failures)
    from tertulia.environments.batch.engine import Here

    return Here(settings)


class _Watching:
    """A batch while it is played: shows how far it has come, and does what Ctrl-C asks for."""

    def __init__(self, engine: Engine, progress: Progress, log: Log, batch: str, as_json: bool) -> None:
        self.engine, self.progress, self.log, self.batch, self.as_json = engine, progress, log, batch, as_json
        self.interrupted = False
        self.broken: str | None = None
        """What kept it from being played on, where something did."""

    async def run(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):  # not on this system, or not in this thread
                loop.add_signal_handler(number, self._interrupt, task)
        # On a terminal, lines of JSON are progress enough, and a line that renews itself would run into them.
        shown = not (self.as_json and sys.stdout.isatty())
        with self.progress.on(sys.stderr, shown=shown):
            others = asyncio.create_task(self._look_at_others())
            try:
                async with aclosing(self.engine.play()) as results:
                    async for played in results:
                        self.progress.count(played)
                        if self.as_json:
                            print(json_line(played), flush=True)
            finally:
                others.cancel()

    async def _look_at_others(self) -> None:
        """Other workers, here or elsewhere, may be at the same batch."""
        while True:
            await asyncio.sleep(_LOOK_S)
            with suppress(LogError):
                begun = time.monotonic()
                self.progress.look(*await asyncio.to_thread(_standing, self.log, self.batch))
                if self.progress.ended >= self.progress.total:
                    await asyncio.to_thread(self.grown)
                await asyncio.sleep(_LONGER_THAN_LOOKING * (time.monotonic() - begun))

    def grown(self) -> Plan:
        """The plan as the log has it by now: another run may have added to it."""
        from tertulia.environments.batch.plan import Plan

        plan = Plan.load(self.log, self.batch)
        self.progress.total = plan.total
        return plan

    def _interrupt(self, task: asyncio.Task[Any]) -> None:
        if self.interrupted:
            note("stopping now")
            task.cancel()
            return
        self.interrupted = True
        note("letting the turns under way end; Ctrl-C once more stops now")
        self.engine.stop()


def json_line(played: Played) -> str:
    """What came of an episode as one line of ASCII JSON."""
    place = {"cell": played.cell, "replicate": played.replicate}
    return json.dumps({**place, **asdict(played.result)}, ensure_ascii=True)


@dataclass(slots=True)
class _Last:
    """The exit code, and what is said before it."""

    code: int
    notes: list[str] = field(default_factory=list)


def _again(plan: Plan, db: str | None) -> str:
    return f"{program()} resume {plan.batch}{db_option(db)}"


def _last_words(
    plan: Plan, log: Log, engine: Engine, watching: _Watching, settings: Settings, db: str | None
) -> _Last:  # fmt: skip
    """Why it is not whole, if it is not, and what goes on; the exit code. Raises `LogError`."""
    counts = {status: count for status, (count, _) in log.come_to(plan.batch).items()}
    ended, failed = sum(counts.get(status, 0) for status in ENDED), counts.get("error", 0)
    notes = [*_failures(watching.progress, plan, engine.stopped, db), *engine.died]
    if degraded := counts.get("degraded"):
        notes.append(f"degraded: in {plural(degraded, 'episode')} more calls fell back than max_fallback_rate")
    if ended == plan.total:
        return _Last(FINE, notes)
    again = _again(plan, db)
    if watching.interrupted:
        return _Last(INTERRUPTED, [*notes, f"interrupted; go on with: {again}"])
    if watching.broken is not None:
        return _Last(FAILED, [*notes, f"{plan.total - ended} of {plan.total} have not ended; go on with: {again}"])
    if engine.stopped is not None:
        capped = (
            f"{program()} batch, its grid file and a higher cap; without any: " if "--max-" in engine.stopped else ""
        )
        return _Last(FAILED, [*notes, f"stopped: {engine.stopped}; go on with: {capped}{again}"])
    if ended + failed == plan.total and settings.fail_on_error is not None:
        return _Last(FINE if failed <= settings.fail_on_error * plan.total else FAILED, notes)
    return _Last(FAILED, [*notes, f"{plan.total - ended} of {plan.total} have not ended; go on with: {again}"])


def _failures(progress: Progress, plan: Plan, stopped: str | None, db: str | None) -> Iterator[str]:
    """The reasons of what failed or paused in this run, each once, with one episode to look at; what stopped all is
    told elsewhere."""
    from tertulia.environments.changed import CHANGED

    reasons: dict[tuple[str, str], list[Played]] = {}
    for played in progress.unfinished:
        if played.result.status == "paused" and played.result.reason == stopped:
            continue
        reasons.setdefault((played.result.status, played.result.reason), []).append(played)
    for (status, reason), alike in sorted(reasons.items(), key=lambda item: -len(item[1]))[:_SHOWN_FAILURES]:
        also = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        changed = f"; to go on all the same: {_again(plan, db)} --accept-changes" if reason.startswith(CHANGED) else ""
        yield f"{alike[0].result.episode or alike[0].cell}{also}: {status}: {reason}{changed}"
    if len(reasons) > _SHOWN_FAILURES:
        yield f"all of them: {program()} episodes --batch {plan.batch} --status error --status paused{db_option(db)}"
