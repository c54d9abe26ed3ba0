"""The local backend as event loops see it: requests in, completions out; one worker thread owns the model."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from tertulia.agents.backends.base import BackendFailure, Completion, Prompt
from tertulia.agents.backends.hf.job import Job

if TYPE_CHECKING:
    from tertulia.agents.backends.hf.engine import Engine

_MOST_ON_CUDA, _MOST = 64, 32
MISSING_EXTRA = "hf models need the extra: pip install 'tertulia[local]'"


class HfBackend:
    """A transformers model in this process, on CUDA where there is one, else on the CPU.

    `name_or_path` is a hub name, or a folder when it begins with `.`, `/` or `~`. `dtype` (a torch name such as
    `float16`) is bfloat16 on CUDA and float32 on the CPU unless given. At most `max_batch` requests run together: 64 on
    CUDA, 32 elsewhere unless given; fewer for as long as memory does not suffice.
    `max_context` lowers the model's own limit on tokens of prompt and reply. `prefix_mb` bounds the memory that keeps
    the beginnings of prompts for later requests; 0 turns that off.

    Requests of all agents, episodes and event loops run as one batch, each with its own schema, settings and
    randomness; in single precision a reply is the same in any company, in half precision rounding can tell. New
    requests join between two tokens, where the model's cache allows. Nothing is loaded before `start` or the first
    request.
    """

    def __init__(
        self,
        name_or_path: str,
        *,
        uri: str,
        device: str | None = None,
        dtype: str | None = None,
        max_batch: int | None = None,
        max_context: int | None = None,
        prefix_mb: float | None = None,
    ) -> None:
        self.uri = uri
        self.name_or_path = name_or_path
        self._device, self._dtype = device, dtype
        self._max_batch, self._max_context, self._prefix_mb = max_batch, max_context, prefix_mb
        self._lock = threading.Lock()
        self._gathering: list[Job] = []
        self._waiting: deque[Job] = deque()
        self._open: set[Job] = set()
        self._serving = False
        self._closed = False
        self._engine: Engine | None = None
        self._made_of: dict[str, str] | None = None
        # One thread, started by the first request. It runs only while there is work, so that an interpreter
        # whose user forgot `aclose` still ends.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=uri)

    async def start(self) -> None:
        """Load the model now rather than at the first request. Raises `BackendFailure` when it cannot be."""
        self._refuse_when_closed()
        await asyncio.wrap_future(self._worker.submit(self._load))

    async def complete(self, prompt: Prompt) -> Completion:
        """One reply. With finish `stop` its text satisfies the prompt's JSON schema; `length` says it was cut off.

        Raises `BackendFailure`: `refused` (the model cannot be loaded), `invalid_request` (the prompt is longer than
        the context, or the schema cannot be enforced), `server` (the engine failed; another attempt starts afresh).
        """
        self._refuse_when_closed()
        job = Job(prompt)
        with self._lock:
            self._open.add(job)
            self._gathering.append(job)
        job.future.add_done_callback(lambda _: self._forget(job))
        # After everything else that is ready now, so that requests made together start together.
        asyncio.get_running_loop().call_soon(self._hand_over)
        return await asyncio.wrap_future(job.future)

    async def aclose(self) -> None:
        """Fail what is unanswered, end the thread, free the memory. May be called twice."""
        with self._lock:
            self._closed = True
            unanswered = list(self._open)
        for job in unanswered:
            job.fail(BackendFailure("server", f"{self.uri}: closed before the reply was complete"))
        await asyncio.to_thread(self._worker.shutdown)
        if self._engine is not None:
            self._engine.release()
            self._engine = None

    def made_of(self) -> dict[str, str]:
        """Which files these are, or which commit of the hub; found out once, without torch and without the network."""
        if self._made_of is None:
            from tertulia.agents.backends.hf.origin import made_of

            self._made_of = made_of(self.name_or_path)
        return self._made_of

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise BackendFailure("refused", f"{self.uri}: the backend is closed")

    def _forget(self, job: Job) -> None:
        with self._lock:
            self._open.discard(job)

    def _hand_over(self) -> None:
        """Give the worker what has gathered, and wake it when it sleeps."""
        with self._lock:
            self._waiting.extend(self._gathering)
            self._gathering.clear()
            if self._serving or self._closed or not self._waiting:
                return
            self._serving = True
            served = self._worker.submit(self._serve)
        served.add_done_callback(self._served)

    def _take(self, most: int) -> list[Job]:
        """Up to `most` waiting jobs, oldest first; those whose asker has gone are passed over."""
        taken: list[Job] = []
        with self._lock:
            while self._waiting and len(taken) < most:
                job = self._waiting.popleft()
                if not job.gone:
                    taken.append(job)
        return taken

    def _load(self) -> Engine:
        """In the worker thread."""
        if self._engine is None:
            try:
                import llguidance  # noqa: F401
                import torch  # noqa: F401
                import transformers  # noqa: F401
            except ImportError as missing:
                raise BackendFailure("refused", MISSING_EXTRA) from missing
            from tertulia.agents.backends.hf.engine import Engine
            from tertulia.agents.backends.hf.loading import load

            model = load(self.name_or_path, device=self._device, dtype=self._dtype, max_context=self._max_context)
            most = self._max_batch or (_MOST_ON_CUDA if model.device.type == "cuda" else _MOST)
            self._engine = Engine(model, max_batch=most, prefix_mb=self._prefix_mb)
        return self._engine

    def _serve(self) -> None:
        """In the worker thread: work until nothing waits."""
        engine = self._load()
        while True:
            engine.run(self._take)
            with self._lock:
                if not self._waiting:
                    self._serving = False
                    return

    def _served(self, served: Future[None]) -> None:
        """Whatever ended the worker early reaches everyone who waits; the next request loads the model anew."""
        problem = served.exception()
        if problem is None:
            return
        if isinstance(problem, BackendFailure):
            failure = problem
        else:
            failure = BackendFailure("server", f"{self.uri}: the engine failed: {type(problem).__name__}: {problem}")
        with self._lock:
            self._engine = None
            self._serving = False
            self._waiting.clear()
            unanswered = self._open - set(self._gathering)
        for job in unanswered:
            job.fail(failure)
