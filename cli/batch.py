"""`tertulia batch`: play a grid of episodes, or go on with it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.options import AcceptChanges, AsJson, Db, Debug
from tertulia.cli.spans import parse_span
from tertulia.environments.defaults import AT_ONCE_IN_A_BATCH, LEASE_S


class EngineName(StrEnum):
    """What plays the episodes."""

    local = "local"
    dask = "dask"


def batch(
    grid: Annotated[
        str,
        typer.Argument(
            metavar="GRID.yaml",
            show_default=False,
            help="A grid file: what varies, with which seeds; or a shipped one: who-speaks-next.",
        ),
    ],
    jobs: Annotated[
        int,
        typer.Option(
            "-j", "--jobs", min=1, metavar="N", show_envvar=False, help="How many episodes at once, in each process."
        ),
    ] = AT_ONCE_IN_A_BATCH,
    processes: Annotated[
        int, typer.Option("--processes", min=1, metavar="N", show_envvar=False, help="Worker processes.")
    ] = 1,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", show_envvar=False, help="Estimate calls, tokens and dollars; play and write nothing."
        ),
    ] = False,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            min=0.0,
            metavar="USD",
            show_envvar=False,
            help="Pause when the batch has cost so much, by all workers and in all runs of it.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", min=1, metavar="N", show_envvar=False, help="The same for tokens read and written."
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            "--max-time",
            metavar="TIME",
            show_envvar=False,
            help="Pause this run after so long: 90s, 30m, 8h.",
        ),
    ] = None,
    fail_on_error: Annotated[
        float | None,
        typer.Option(
            "--fail-on-error",
            min=0.0,
            max=1.0,
            metavar="SHARE",
            show_envvar=False,
            help="Stop when more than this share of the batch has failed, 0-1; fewer do not make the batch a failure. "
            "Without it the rest goes on, however many fail.",
        ),
    ] = None,
    engine: Annotated[
        EngineName,
        typer.Option("--engine", show_envvar=False, help="local: this machine; dask: the workers of a Dask cluster."),
    ] = EngineName.local,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            show_envvar=False,
            help="With --engine dask: the scheduler, as in tcp://10.0.0.5:8786.",
        ),
    ] = None,
    lease: Annotated[
        float,
        typer.Option(
            "--lease",
            min=1.0,
            max=86400.0,
            metavar="SECONDS",
            show_envvar=False,
            help="How long a worker may give no sign of life before others take over its episodes.",
        ),
    ] = LEASE_S,
    accept_changes: AcceptChanges = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Play every cell of a grid with every seed, and keep at it until all have ended.

    Run it again to go on: what has ended is left, what was interrupted goes on after its last whole turn, what failed
    is tried once more, and answers of models that are in the log are not paid twice. Started several times at once, on
    one PostgreSQL log or on one machine, the runs share the work. One episode that fails never stops the rest.
    Ctrl-C lets the turns under way end and pauses; a second Ctrl-C stops at once; both can be gone on with.
    Exit codes: 0 all ended, 1 some failed or paused, 2 bad input, 130 interrupted.

    \b
    tertulia batch study.yaml --dry-run
    tertulia batch study.yaml --processes 4 --max-cost 20
    """
    from tertulia.cli.batching import estimate, play_grid
    from tertulia.environments.batch.settings import Settings

    if (engine is EngineName.dask) != (scheduler is not None):
        raise BadInput("--engine dask and --scheduler ADDRESS go together")
    if engine is EngineName.dask and processes > 1:
        raise BadInput("--processes is for this machine; how many workers a Dask cluster has is up to the cluster")
    if dry_run:
        raise typer.Exit(estimate(grid, as_json=as_json))
    settings = Settings(
        batch="", db="", at_once=jobs, max_cost_usd=max_cost, max_tokens=max_tokens,
        max_time_s=None if max_time is None else parse_span("--max-time", max_time), fail_on_error=fail_on_error,
        lease_s=lease, accept_changes=accept_changes,
    )  # fmt: skip
    raise typer.Exit(play_grid(grid, settings, processes=processes, scheduler=scheduler, db=db, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    app.command("batch", short_help="Play every cell of a grid with every seed.")(batch)
