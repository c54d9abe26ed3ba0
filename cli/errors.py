"""What can go wrong, told in a line, with the exit code that a shell sees."""

from __future__ import annotations

import os
import sys

from tertulia.cli.display.harmless import harmless

FINE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
READER_LEFT = 141
"""As a shell sees a program that was ended by SIGPIPE."""

EXPECTED = (
    "tertulia.environments.scenario.errors.ScenarioError",
    "tertulia.environments.restore.RestoreError",
    "tertulia.environments.probing.ProbeError",
    "tertulia.environments.changes.ForkError",
    "tertulia.environments.batch.plan.BatchError",
    "tertulia.environments.episode.AlreadyEnded",
    "tertulia.environments.changed.ChangedSince",
    "tertulia.agents.registry.ModelURIError",
    "tertulia.agents.backends.base.BackendFailure",
    "tertulia.mind.model.ModelTrouble",
    "tertulia.storage.errors.LogError",
)
"""Errors whose message is written for people. By name, so that telling one apart imports nothing."""


class BadInput(Exception):
    """Something on the command line that cannot be; the message says what would be right."""


def message_of(error: BaseException) -> str | None:
    """What to tell about an expected error; None for one that is a bug."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if isinstance(error, BadInput) or not names.isdisjoint(EXPECTED):
        return str(error)
    format_message = getattr(error, "format_message", None)  # what Typer finds wrong with options
    return str(format_message()).replace("Value error, ", "") if callable(format_message) else None


def tell(text: str) -> None:
    """One line (or one for each problem) on stderr."""
    for line in harmless(text).splitlines() or [""]:
        print(f"error: {line}", file=sys.stderr)


def let_go_of_stdout() -> None:
    """Whoever read our output has gone; what is still buffered goes nowhere, without a further word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def note(text: str) -> None:
    """Something a person should know that is no data: on stderr."""
    print(harmless(text), file=sys.stderr, flush=True)
