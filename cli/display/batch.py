"""How far a batch has come, how fast, at what cost, and what came of each cell."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.summary import money, plural
from tertulia.cli.spans import span_text

if TYPE_CHECKING:
    from tertulia.environments.batch.estimate import Estimate, Range
    from tertulia.environments.batch.plan import Plan
    from tertulia.environments.batch.worker import Played
    from tertulia.storage.log import Log

_ENDED = ("success", "degraded", "cancelled")
_TELL_EVERY_S = 30.0
_TOLD = 10
"""Where a line cannot be renewed in place, progress is told so many times, and at least every half minute."""


class Progress:
    """What this run has played so far. `ended` is how many of the batch had ended before."""

    def __init__(self, total: int, ended: int) -> None:
        self.total, self.before, self.ended = total, ended, ended
        self.unfinished: list[Played] = []
        self.failed = self.turns = self.calls = self.fallbacks = self.played = self.unpriced = 0
        self.cost_usd = 0.0
        self.began = time.monotonic()
        self._told_at, self._told_of = self.began, ended
        self._step: Callable[[], None] = _nothing

    def count(self, played: Played) -> None:
        """Take in one episode that ended or paused."""
        result = played.result
        self.played += 1
        self.ended += result.status in _ENDED
        if result.status not in _ENDED:
            self.unfinished.append(played)
        self.failed += result.status == "error"
        self.turns += result.turns
        self.calls += result.calls
        self.fallbacks += result.fallbacks
        self.unpriced += result.cost_usd is None
        self.cost_usd += result.cost_usd or 0.0
        self._step()

    def ended_in_all(self, count: int) -> None:
        """How many of the batch have ended by now, whoever played them."""
        self.ended = max(self.ended, count)
        self._step()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def rates(self) -> str:
        """How fast, how long still, at what cost, with which failures: one line."""
        done, took_s = self.ended - self.before, max(self.seconds, 1e-9)
        parts = [f"{60 * done / took_s:.1f} episodes a minute", f"{self.turns / took_s:.1f} turns/s"]
        if done and self.ended < self.total:
            parts.append(f"{span_text((self.total - self.ended) * took_s / done)} left")
        parts.append(cost_text(self))
        parts.append(f"fallbacks {100 * self.fallbacks / max(1, self.calls):.1f} %")
        parts.append(f"errors {100 * self.failed / max(1, self.played):.1f} %")
        return ", ".join(parts)

    @contextmanager
    def on(self, stream: TextIO, *, shown: bool) -> Iterator[None]:
        """Show it on a stream while the batch is played."""
        if not shown:
            yield
        elif stream.isatty():
            with self._renewed(stream):
                yield
        else:
            self._step = lambda: self._tell(stream)
            yield

    @contextmanager
    def _renewed(self, stream: TextIO) -> Iterator[None]:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        from tertulia.cli.display.console import console_on

        columns = (BarColumn(20), MofNCompleteColumn(), TextColumn("{task.fields[rates]}"))
        options = {"console": console_on(stream), "transient": True, "refresh_per_second": 4, "redirect_stdout": False}
        with Bar(*columns, **options) as bar:  # type: ignore[arg-type]
            task = bar.add_task("episodes", total=self.total, completed=self.ended, rates=self.rates())
            self._step = lambda: bar.update(task, completed=self.ended, rates=self.rates())
            yield

    def _tell(self, stream: TextIO) -> None:
        """A line now and then."""
        share = (self.ended * _TOLD // self.total) > (self._told_of * _TOLD // self.total)
        if share or time.monotonic() - self._told_at > _TELL_EVERY_S:
            self._told_at, self._told_of = time.monotonic(), self.ended
            print(f"{self.ended} of {self.total} episodes, {self.rates()}", file=stream, flush=True)


def _nothing() -> None:
    pass


def estimate_lines(found: Estimate) -> Iterator[str]:
    """What a batch would take, in ranges."""
    yield f"{plural(found.episodes, 'episode')} in {plural(found.cells, 'cell')}; {found.played} tried by rules"
    for uri, model in found.models.items():
        yield ""
        yield one_line(uri)
        yield f"  calls          {_range(model.calls)}"
        yield f"  tokens read    {_range(model.input_tokens)}"
        yield f"  tokens written {_range(model.output_tokens)}"
        yield f"  cost           {_dollars(model.cost_usd)}"
    yield ""
    if not found.models:
        yield "no model is asked: rules alone, $0"
        return
    yield f"in all {_dollars(found.cost_usd)}, before any discount for cached prompts"
    yield "The lower end is what rules do and say; the upper one goes to the turn limit, with replies four times as"
    yield "long, a tenth asked for again. Models that reason at length may go beyond it; --max-cost holds in any case."


def _range(found: Range) -> str:
    return f"{found.low:,.0f} to {found.high:,.0f}"


def _dollars(found: Range | None) -> str:
    if found is None:
        return "unknown: no published price for it"
    return "$0" if found.high == 0 else f"{money(found.low)} to {money(found.high)}"


def cost_text(progress: Progress) -> str:
    """What this run has cost, as far as it is known."""
    if progress.unpriced and not progress.cost_usd:
        return "cost unknown"
    return money(progress.cost_usd) + (" and unknown prices" if progress.unpriced else "")


def summary_lines(plan: Plan, log: Log, progress: Progress) -> Iterator[str]:
    """What came of the whole batch, cell by cell, and of this run."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import table_lines

    rows = _cells(plan, log)
    yield from table_lines(("cell", "ended", "failed", "open", "reward", "95 %", "n"), rows, width_of(sys.stdout))
    dollars, tokens = log.spent(plan.batch)
    yield ""
    yield f"episodes    {progress.ended} of {plan.total} ended, {progress.ended - progress.before} in this run"
    if progress.played:
        yield f"calls       {progress.calls}, {plural(progress.fallbacks, 'fallback')} in this run"
    yield f"cost        {cost_text(progress)} in this run; the batch: {money(dollars)}, {tokens} tokens"
    if progress.played:
        yield f"time        {span_text(progress.seconds)}: {progress.rates()}"
    yield f"log         {one_line(log.target)}"


def _cells(plan: Plan, log: Log) -> list[tuple[object, ...]]:
    """A row for each cell: how many ended, failed, are open; the reward with its interval and n."""
    from tertulia.storage.intervals import mean_of

    found: dict[str, list[tuple[str, float | None]]] = {cell: [] for cell in plan.cells}
    sql = "SELECT cell, status, reward FROM episode WHERE batch = ? ORDER BY id"
    for cell, status, reward in log.query(sql, [plan.batch]).rows:
        found.setdefault(cell, []).append((status, reward))
    each = plan.total // len(plan.cells)
    rows: list[tuple[object, ...]] = []
    for cell, episodes in found.items():
        ended = sum(status in _ENDED for status, _ in episodes)
        failed = sum(status == "error" for status, _ in episodes)
        mean = mean_of([reward for status, reward in episodes if status in _ENDED and reward is not None])
        interval = "" if mean is None or mean.low is None else f"{mean.low:.3f} to {mean.high:.3f}"
        reward = None if mean is None else round(mean.mean, 3)
        rows.append((cell, ended, failed, each - ended - failed, reward, interval, mean.n if mean else None))
    return rows
