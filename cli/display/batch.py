"""How far a batch has come, how fast, at what cost, and what came of each cell."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, TextIO

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.summary import money, plural
from tertulia.cli.spans import span_text
from tertulia.storage.readers import Spent
from tertulia.storage.statuses import ENDED

if TYPE_CHECKING:
    from rich.text import Text

    from tertulia.environments.batch.estimate import Estimate, Range
    from tertulia.environments.batch.plan import Plan
    from tertulia.environments.batch.worker import Played
    from tertulia.storage.log import Log

_BAR = 20
_TELL_EVERY_S = 30.0
_TOLD = 10
"""Where a line cannot be renewed in place, progress is told so many times, and at least every half minute."""


class Progress:
    """How far a batch has come: what this run has played, and what the log has of it, by whomever.

    `turns` and `spent` are what the log has now.
    """

    def __init__(self, total: int, ended: int, turns: int, spent: Spent) -> None:
        self.total, self._in_log, self.turns, self.spent = total, ended, turns, spent
        self.before, self._turns_before, self._spent_before = ended, turns, spent
        self._mine = 0
        self.unfinished: list[Played] = []
        self.failed = self.played = 0
        self._looked_s: float | None = None
        """When the log was last looked at, after the beginning."""
        self.began = time.monotonic()
        self._told_at, self._told_of = self.began, ended
        self._step: Callable[[], None] = _nothing

    def count(self, played: Played) -> None:
        """Take in one episode that ended or paused."""
        result = played.result
        self.played += 1
        self._mine += result.status in ENDED
        if result.status not in ENDED:
            self.unfinished.append(played)
        self.failed += result.status == "error"
        self._step()

    def look(self, ended: int, turns: int, spent: Spent) -> None:
        """Take in what the log has by now."""
        self._looked_s = self.seconds
        self._in_log, self.turns, self.spent = max(self._in_log, ended), turns, spent
        self._step()

    @property
    def ended(self) -> int:
        """As many as the log had when it was last looked at, or as this run has been told of since it began: the two
        overlap, for an episode may be seen in the log before its worker tells of it."""
        return max(self._in_log, self.before + self._mine)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def since(self) -> Spent:
        """What calls have come to since this run began, whoever made them."""
        now, then = self.spent, self._spent_before
        return Spent(*(getattr(now, one.name) - getattr(then, one.name) for one in fields(now)))

    def left(self) -> str:
        """How long it will still take at this rate; empty where that cannot be said."""
        done = self.ended - self.before
        if not done or self.ended >= self.total:
            return ""
        return f"{span_text((self.total - self.ended) * self.seconds / done)} left"

    def speed(self) -> str:
        """How fast. What only the log knows is told once it was asked, here and in `rates`."""
        episodes = f"{60 * (self.ended - self.before) / max(self.seconds, 1e-9):.1f} episodes/min"
        if self._looked_s is None:
            return episodes
        return f"{episodes}, {(self.turns - self._turns_before) / max(self._looked_s, 1e-9):.1f} turns/s"

    def rates(self) -> str:
        """How fast, at what cost, with which failures: one line."""
        fallbacks = f"fallbacks {_percent(self.since.fallbacks, self.since.calls)}"
        known = [cost_text(self.since), fallbacks] if self._looked_s is not None else []
        return ", ".join([self.speed(), *known, f"errors {_percent(self.failed, self.played)}"])

    def lines(self) -> Iterator[str]:
        """What came of this run, where the log cannot be asked about the whole batch."""
        counts = Counter(one.result.status for one in self.unfinished)
        told = "".join(f", {count} {status}" for status, count in counts.most_common())
        known = f"{self.ended} of {self.total} in all, as far as is known"
        yield f"episodes    {self._mine} ended in this run{told}; {known}"
        yield f"time        {span_text(self.seconds)}: {self.rates()}"

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
        """Two lines that renew themselves: how far and how long still; and the rates."""
        from rich.live import Live

        from tertulia.cli.display.console import console_on

        console = console_on(stream)
        with Live(self._lines(console.encoding), console=console, transient=True, auto_refresh=False) as live:

            def step() -> None:
                live.update(self._lines(console.encoding), refresh=True)

            self._step = step
            yield

    def _lines(self, encoding: str) -> Text:
        from rich.text import Text

        full, empty = ("█", "░") if encoding.lower().startswith("utf") else ("#", ".")
        done = _BAR * self.ended // self.total
        far = f"{full * done}{empty * (_BAR - done)} {self.ended} of {self.total} episodes"
        return Text("  ".join(part for part in (far, self.left()) if part) + "\n" + self.rates(), overflow="ellipsis")

    def _tell(self, stream: TextIO) -> None:
        """A line now and then."""
        share = (self.ended * _TOLD // self.total) > (self._told_of * _TOLD // self.total)
        if share or time.monotonic() - self._told_at > _TELL_EVERY_S:
            self._told_at, self._told_of = time.monotonic(), self.ended
            line = ", ".join(part for part in (self.rates(), self.left()) if part)
            print(f"{self.ended} of {self.total} episodes, {line}", file=stream, flush=True)


def _nothing() -> None:
    pass


def _percent(some: int, of: int) -> str:
    return f"{100 * some / max(1, of):.1f} %"


def cost_text(spent: Spent) -> str:
    """Dollars, as far as prices are known."""
    if not spent.unpriced:
        return money(spent.dollars)
    return f"{money(spent.dollars)} and unknown prices" if spent.dollars else "unknown price"


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
    yield "long, a tenth asked for again. Models that reason at length may go beyond it; --max-cost holds wherever"
    yield "prices are known."


def _range(found: Range) -> str:
    return f"{found.low:,.0f} to {found.high:,.0f}"


def _dollars(found: Range | None) -> str:
    if found is None:
        return "unknown: no price is published for it at this address"
    return "$0" if found.high == 0 else f"{money(found.low)} to {money(found.high)}"


def summary_lines(plan: Plan, log: Log, progress: Progress) -> Iterator[str]:
    """What came of the whole batch, cell by cell, and of this run."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines

    columns, rows = ("cell", "ended", "failed", "open", "reward", "95 %", "n"), _cells(plan, log)
    told = len(columns) if any(row[-1] for row in rows) else 4  # not every world sets a task
    yield from folded_lines(columns[:told], [row[:told] for row in rows], width_of(sys.stdout), above="cell")
    come_to = log.come_to(plan.batch)
    ended = sum(count for status, (count, _) in come_to.items() if status in ENDED)
    progress.look(ended, sum(turns for _, turns in come_to.values()), log.spent(plan.batch))
    since, whole = progress.since, progress.spent
    yield ""
    yield f"episodes    {progress.ended} of {plan.total} ended, {progress.ended - progress.before} in this run"
    share = _percent(since.fallbacks, since.calls)
    yield f"calls       {since.calls}, {share} fallbacks, in this run; the batch: {whole.calls}"
    yield f"cost        {cost_text(since)} in this run; the batch: {cost_text(whole)}, {whole.tokens} tokens"
    if progress.played:
        yield f"time        {span_text(progress.seconds)}: {progress.speed()}"
    yield f"log         {one_line(log.target)}"


def _cells(plan: Plan, log: Log) -> list[tuple[object, ...]]:
    """A row for each cell: how many ended, failed, are open; the reward with its interval over seeds, since replicates
    of one seed share its world and script, and n."""
    from tertulia.storage.intervals import mean_of
    from tertulia.storage.measures.clustered import interval

    found: dict[str, list[tuple[int, str, float | None]]] = {cell: [] for cell in plan.cells}
    sql = "SELECT cell, seed, status, reward FROM episode WHERE batch = ? ORDER BY id"
    for cell, seed, status, reward in log.query(sql, [plan.batch]).rows:
        found.setdefault(cell, []).append((seed, status, reward))
    each = plan.total // len(plan.cells)
    rows: list[tuple[object, ...]] = []
    for cell, episodes in found.items():
        ended = sum(status in ENDED for _, status, _ in episodes)
        failed = sum(status == "error" for _, status, _ in episodes)
        rewards = [(seed, reward) for seed, status, reward in episodes if status in ENDED and reward is not None]
        by_seed: dict[str, list[float]] = defaultdict(list)
        for seed, reward in rewards:
            by_seed[str(seed)].append(reward)
        shared = 1 < len(by_seed) < len(rewards)  # forks of one episode all have its seed
        mean = interval(by_seed) if shared else mean_of([reward for _, reward in rewards])
        bounds = "" if mean is None or mean.low is None else f"{mean.low:.3f} to {mean.high:.3f}"
        reward = None if mean is None else round(mean.mean, 3)
        rows.append((cell, ended, failed, each - ended - failed, reward, bounds, mean.n if mean else None))
    return rows
