"""One request on its way through the engine, handed from an event loop to the worker thread and back."""

from __future__ import annotations

import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt


@dataclass(slots=True, eq=False)
class Job:
    """A prompt and the future its asker waits on. Either outcome is ignored once the asker has gone."""

    prompt: Prompt
    future: Future[Completion] = field(default_factory=Future)
    arrived: float = field(default_factory=time.perf_counter)

    @property
    def gone(self) -> bool:
        """Nobody waits any more: answered, failed or cancelled."""
        return self.future.done()

    def answer(self, completion: Completion) -> None:
        with suppress(InvalidStateError):  # cancelled at this very moment
            self.future.set_result(completion)

    def fail(self, failure: BackendFailure) -> None:
        """Each asker gets an exception of its own: one shared by several tasks would mix their tracebacks."""
        with suppress(InvalidStateError):
            self.future.set_exception(BackendFailure(failure.kind, failure.message))
