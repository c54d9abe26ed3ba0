"""`tertulia run`: play a scenario, once and live, or with many seeds."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug, Display, Minds, Model, Roles, ScenarioName, Seed, Sets
from tertulia.environments.defaults import AT_ONCE
from tertulia.environments.seeds import parse_seeds

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Listen
    from tertulia.storage.log import Log


def run(
    context: typer.Context,
    scenario: ScenarioName,
    sets: Sets = None,
    model: Model = None,
    roles: Roles = None,
    seed: Seed = 0,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds",
            metavar="A:B",
            show_envvar=False,
            help="Many episodes in one process, one for each seed from A up to, but not with, B; or a list: 1,5,9.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("-j", "--jobs", min=1, metavar="N", show_envvar=False, help="With --seeds: how many at once."),
    ] = AT_ONCE,
    display: Display = None,
    minds: Minds = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Play a scenario and watch it live.

    Every turn is in the log as soon as it is shown. Ctrl-C pauses; `tertulia resume` goes on.
    With --seeds nothing is shown live: --display plain prints a line for each episode that ends.
    Exit codes: 0 ended (also degraded, told on stderr), 1 error or paused, 2 bad input, 130 interrupted.

    \b
    tertulia run mutual-friends --seed 7
    tertulia run dinner-secret --model openai/gpt-5-mini -S turns.limit=8
    tertulia run mutual-friends --seeds 0:200 --json > results.jsonl
    """
    chosen = parse_roles(roles or [])
    if seeds is not None:
        _fits_many(context, as_json=as_json)
        from tertulia.cli.many import play_seeds

        numbers = read_seeds(seeds)
        code = play_seeds(
            scenario, numbers, sets=sets or [], model=model, roles=chosen, db=db, display=display, as_json=as_json,
            at_once=jobs,
        )  # fmt: skip
    else:
        code = _once(scenario, sets or [], model, chosen, seed, db=db, display=display, minds=minds, as_json=as_json)
    raise typer.Exit(code)


def _once(
    scenario: str, sets: list[str], model: str | None, roles: dict[str, str], seed: int,
    *, db: str | None, display: Display, minds: bool, as_json: bool,
) -> int:  # fmt: skip
    from tertulia.cli.playing import play_one
    from tertulia.environments.episode import Episode
    from tertulia.environments.scenario import load_scenario

    loaded = load_scenario(scenario, sets, model=model, roles=roles)

    def make(log: Log, backends: Backends, listen: Listen) -> Awaitable[Episode]:
        return Episode.begin(loaded, seed=seed, log=log, backends=backends, listen=listen)

    return play_one(make, db=db, display=display, minds=minds, as_json=as_json)


def _fits_many(context: typer.Context, *, as_json: bool) -> None:
    """What was asked for and cannot go with --seeds. Raises `BadInput`; what has no effect is told."""
    given = {
        name: context.params[name]
        for name in ("seed", "display", "minds")
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    }
    if "seed" in given:
        raise BadInput("--seed and --seeds: choose one of the two")
    if given.get("display") == "rich" or given.get("minds"):
        option = "--minds" if given.get("minds") else "--display rich"
        note(f"{option} has no effect with --seeds; --display plain shows a line for each episode that ends")
    elif given.get("display") == "plain" and as_json:
        note("--display plain has no effect with --seeds and --json: the lines of JSON are what is shown")


def parse_roles(given: list[str]) -> dict[str, str]:
    """`alice=openai/x` -> {"alice": "openai/x"}. Raises `BadInput`."""
    roles = {}
    for text in given:
        name, equals, uri = text.partition("=")
        if not (equals and name.strip() and uri.strip()):
            raise BadInput(f"--model-role {text}: write NAME=URI, for example --model-role alice=rules")
        roles[name.strip()] = uri.strip()
    return roles


def read_seeds(text: str) -> Sequence[int]:
    """What `--seeds` says. Raises `BadInput`."""
    try:
        return parse_seeds(text)
    except ValueError as wrong:
        one = f", or --seed {text} for one" if text.strip().isdigit() else ""
        raise BadInput(f"--seeds {wrong}{one}") from None


def add_to(app: typer.Typer) -> None:
    app.command("run")(run)
