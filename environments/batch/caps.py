"""Caps in dollars, tokens and time: when one is reached, episodes pause, and can be gone on with under a higher one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from tertulia.agents.backends.base import Prompt
from tertulia.agents.registry import parse_uri, price_of
from tertulia.storage.log import Log, LogError
from tertulia.storage.rows import CallRow

_LEAST_WAIT_S = 2.0
_WAIT_PER_READ = 50.0
"""How much longer we wait than reading took: watching what others spend must not become the work itself."""

_CHARACTERS_PER_TOKEN = 4.0
_REPLY_TOKENS = 100
"""What a request is taken to come to as long as none has been answered."""


def without_price(uris: Iterable[str]) -> list[str]:
    """The models that no cap in dollars can hold, as far as that is known before they answer: a plugin may tell a price
    with every answer."""
    return [uri for uri in uris if parse_uri(uri).provider == "openai" and price_of(uri, 1, 1) is None]


@dataclass(slots=True)
class Caps:
    """The `Budget` of a batch. `max_cost_usd` and `max_tokens` bound what the whole batch has spent, in this run, in
    earlier ones, and by other workers; `max_time_s` bounds this run alone.

    Requests in flight count as what requests cost on average, and before any was answered as what they are likely to
    cost; where a cap may be reached by them, no other is sent until that is known. So a cap is passed by little.
    """

    max_cost_usd: float | None = None
    max_tokens: int | None = None
    max_time_s: float | None = None
    spent_usd: float = 0.0
    """By this worker, in this run."""
    tokens: int = 0
    elsewhere_usd: float = 0.0
    """By others and before."""
    elsewhere_tokens: int = 0
    unpriced: str | None = None
    """A model that answered at an unknown price."""
    _asked: int = 0
    _returned: int = 0
    _answered: int = 0
    """Those of what returned that were no errors."""
    _likely_usd: float = 0.0
    """What all that was asked before the first answer is likely to come to."""
    _likely_tokens: float = 0.0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and made anew, whenever a request returns."""
    _read_s: float = 0.0
    """How long the last reading took."""
    _began: float = field(default_factory=time.monotonic)

    async def admit(self, uri: str, prompt: Prompt) -> str | None:
        """Why nothing more may be asked; otherwise this request counts as in flight. Where the cap is not reached, but
        may be by what is in flight, this waits to know."""
        while (reason := self._spent_up()) is None and self._asked > self._returned and self._may_pass():
            await self._news.wait()
        if reason is None:
            self._asked += 1
            if not self._answered and self.counts_others:
                read = sum(len(message.content) for message in prompt.messages) / _CHARACTERS_PER_TOKEN
                self._likely_usd += price_of(uri, read, _REPLY_TOKENS) or 0.0
                self._likely_tokens += read + _REPLY_TOKENS
        return reason

    def spend(self, row: CallRow) -> None:
        """Count one attempt."""
        self._returned += 1
        self._answered += row.status != "error"
        self.spent_usd += row.cost_usd or 0.0
        self.tokens += (row.input_tokens or 0) + (row.output_tokens or 0)
        if row.cost_usd is None and row.status != "error":
            self.unpriced = row.uri
        if self.counts_others:
            news, self._news = self._news, asyncio.Event()
            news.set()

    def _spent_up(self) -> str | None:
        if self.max_cost_usd is not None:
            if self.unpriced is not None:
                return f"the price of {self.unpriced} is unknown, so --max-cost cannot hold; cap --max-tokens instead"
            if self._dollars >= self.max_cost_usd:
                return f"--max-cost {self.max_cost_usd:g} is reached (${self._dollars:.2f} spent)"
        if self.max_tokens is not None and self._used >= self.max_tokens:
            return f"--max-tokens {self.max_tokens} is reached ({self._used} used)"
        return self.out_of_time()

    def _may_pass(self) -> bool:
        """Whether a cap is reached once what is in flight has returned, if that is like what returned before."""
        dollars = self._dollars + self._in_flight(self.spent_usd, self._likely_usd)
        tokens = self._used + self._in_flight(self.tokens, self._likely_tokens)
        return (self.max_cost_usd is not None and dollars >= self.max_cost_usd) or (
            self.max_tokens is not None and tokens >= self.max_tokens
        )

    def _in_flight(self, spent: float, likely: float) -> float:
        each = spent / self._answered if self._answered else likely / max(1, self._asked)
        return (self._asked - self._returned) * each

    @property
    def _dollars(self) -> float:
        return self.elsewhere_usd + self.spent_usd

    @property
    def _used(self) -> int:
        return self.elsewhere_tokens + self.tokens

    def out_of_time(self) -> str | None:
        """Why no further turn may begin, for want of time."""
        if self.max_time_s is None or time.monotonic() - self._began < self.max_time_s:
            return None
        return f"--max-time {self.max_time_s:g} s is over"

    @property
    def counts_others(self) -> bool:
        """Whether it matters what others spend, and what was spent before."""
        return self.max_cost_usd is not None or self.max_tokens is not None

    async def watch(self, log: Log, batch: str) -> None:
        """Keep up with what others spend on the batch, until cancelled. Does nothing where that does not matter. While
        the log cannot be read, what was read last counts."""
        while self.counts_others:
            await asyncio.sleep(max(_LEAST_WAIT_S, _WAIT_PER_READ * self._read_s))
            with suppress(LogError):
                await self.read(log, batch)

    async def read(self, log: Log, batch: str) -> None:
        """Read once what the log says. To be done before anything is asked: earlier runs count as well."""
        begun = time.monotonic()
        found = await asyncio.to_thread(log.spent, batch)
        # What we spent while it was read may be in what was found: all of ours is taken off, so that none counts twice.
        # Where it is not, too much is taken off: what others have spent by then is no less than it was before.
        self.elsewhere_usd = max(self.elsewhere_usd, found.dollars - self.spent_usd)
        self.elsewhere_tokens = max(self.elsewhere_tokens, found.tokens - self.tokens)
        if found.unpriced:
            self.unpriced = self.unpriced or "a model of this batch"
        self._read_s = time.monotonic() - begun
