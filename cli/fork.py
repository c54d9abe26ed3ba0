"""`tertulia fork`: an episode played on from one of its turns, with something changed there, and without."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, note, tell
from tertulia.cli.options import AsJson, Db, Debug, Episode
from tertulia.environments.defaults import AT_ONCE
from tertulia.storage.errors import LogError
from tertulia.storage.statuses import ENDED

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.forking import Branch, Forking
    from tertulia.storage.log import Log


def fork(
    episode: Episode,
    at: Annotated[
        int,
        typer.Option(
            "--at", min=1, metavar="TURN", show_default=False, show_envvar=False,
            help="Where the forks part: as the episode stood before this turn began.",
        ),
    ],
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", show_default=False, show_envvar=False,
            help="A belief, as in alice.belief.cake=cellar or 'alice>bob.belief.cake=kitchen:0.7,cellar:0.3'; a seat's "
            "key, as in bob.model=rules; or any key of the scenario, as in turns.limit=30. Numbers, true, false, "
            "null, lists in [] and keys in {} are read as YAML; anything else is text. Can be given several times.",
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event", metavar="EVENT", show_default=False, show_envvar=False,
            help="Something that happens in that turn, in the words of the scenario's script: "
            "'{say: \"Where is the cake?\", by: dan, to: [bob]}'. Can be given several times.",
        ),
    ] = None,
    replicates: Annotated[
        int,
        typer.Option(
            "--replicates", min=1, metavar="N", show_envvar=False,
            help="So many forks with the change, each with chance of its own; the first has the draws of the episode.",
        ),
    ] = 1,
    null: Annotated[
        bool, typer.Option("--null/--no-null", show_envvar=False, help="As many forks without the change.")
    ] = True,
    play: Annotated[
        bool, typer.Option("--play/--no-play", show_envvar=False, help="Play them, or only enter them into the log.")
    ] = True,
    jobs: Annotated[
        int, typer.Option("-j", "--jobs", min=1, metavar="N", show_envvar=False, help="How many at once.")
    ] = AT_ONCE,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Fork an episode: new episodes that share its past, with something changed from a turn on.

    Beside the forks with the change there are by default as many without: what chance alone does. Fork r with the
    change and fork r without share their chance, so that they can be compared pair by pair: tertulia compare BATCH.
    Models answer every fork anew, those without the change as well: no answer of the episode is used again, so that
    these differ from it by chance alone. What was changed are rows of the table intervention. The episode that is
    forked stays as it is.
    Exit codes: 0 all ended, 1 some paused or failed, 2 bad input, 130 interrupted.

    \b
    tertulia fork last --at 7 --set alice.belief.cake=kitchen --replicates 20
    tertulia fork last --at 7 --event '{enter: bob}'
    tertulia fork last --at 25 --set turns.limit=40 --no-null
    """  # fmt: skip
    asked = _Asked(episode, at, sets or [], events or [], replicates, null)
    forked = _Forked()
    try:
        asyncio.run(_fork(asked, forked, db=db, play=play, at_once=jobs, as_json=as_json))
    except LogError as error:
        if forked.plan is None:
            raise
        tell(str(error))  # what was entered is there, and can be gone on with
    except KeyboardInterrupt:
        if forked.plan is not None:
            note("interrupted; go on with: " + _command(f"resume {forked.plan.batch.id}", db))
        raise typer.Exit(INTERRUPTED) from None
    _advice(forked, db, played=play)
    raise typer.Exit(FAILED if play and forked.unfinished else FINE)


@dataclass(frozen=True, slots=True)
class _Asked:
    episode: str
    at: int
    sets: list[str]
    events: list[str]
    replicates: int
    null: bool


@dataclass(slots=True)
class _Forked:
    """What came of it so far."""

    plan: Forking | None = None
    unfinished: int = 0


async def _fork(asked: _Asked, forked: _Forked, *, db: str | None, play: bool, at_once: int, as_json: bool) -> None:
    from tertulia.agents.registry import Backends
    from tertulia.cli.finding import find
    from tertulia.environments.forking import plan_forks
    from tertulia.storage.log import Log

    backends = Backends()
    with Log.open(db, create=False) as log:
        try:
            plan = plan_forks(
                log, find(log, asked.episode), asked.at, sets=asked.sets, events=asked.events,
                replicates=asked.replicates, null=asked.null, backends=backends,
            )  # fmt: skip
            if play:
                plan.check_models(backends)
            await plan.enter(log)
            played = [branch for branch in plan.branches if play and not plan.people(branch.cell)]
            forked.plan, forked.unfinished = plan, len(played)
            await _play(plan, played, forked, log, backends, at_once, as_json)
            for branch in plan.branches:
                if branch not in played:
                    _tell(plan, branch, {"episode": branch.episode, "status": "paused", "reason": "forked"}, as_json)
        finally:
            await backends.aclose()


async def _play(
    plan: Forking, played: list[Branch], forked: _Forked, log: Log, backends: Backends, at_once: int, as_json: bool
) -> None:
    from tertulia.environments.many import resume_many

    branches = {branch.episode: branch for branch in played}
    async with aclosing(resume_many(list(branches), log=log, backends=backends, at_once=at_once)) as results:
        async for result in results:
            forked.unfinished -= result.status in ENDED
            _tell(plan, branches[result.episode], asdict(result), as_json)


def _tell(plan: Forking, branch: Branch, values: dict[str, Any], as_json: bool) -> None:
    from tertulia.cli.display.harmless import one_line
    from tertulia.cli.display.summary import outcome_text, plural

    parent = {"parent_episode": plan.parent.id, "parent_turn": plan.at - 1}
    if as_json:
        place = {"batch": plan.batch.id, "cell": branch.cell, "replicate": branch.replicate, **parent}
        print(json.dumps({**place, **values, "episode": branch.episode}), flush=True)
        return
    told = f"{values['status']}: {values['reason']}"
    if "turns" in values:
        told += f"; {plural(values['turns'], 'turn')}, {plural(values['utterances'], 'utterance')}"
        told += f"; {outcome_text(values['outcome'])}" if values["outcome"] else ""
    print(f"{branch.cell:<4} {branch.replicate:>3}  {branch.episode}  {one_line(told)}", flush=True)


def _known_as(plan: Forking) -> str:
    """Which episode it was: `last` and the beginning of an id do not say."""
    from tertulia.cli.display.harmless import one_line

    return f"{plan.parent.id} before turn {plan.at} ({one_line(plan.parent.scenario)}, seed {plan.parent.seed})"


def _advice(forked: _Forked, db: str | None, *, played: bool) -> None:
    plan = forked.plan
    if plan is None:
        return
    for branch in {branch.cell: branch for branch in reversed(plan.branches)}.values() if played else ():
        if seats := plan.people(branch.cell):
            one = f"{', '.join(seats)} is a person's seat in the forks {branch.cell}: entered, not played"
            note(f"{one}; to take it again: {_command(f'resume {branch.episode}', db)}")
    if forked.unfinished or not played:
        how = f"{forked.unfinished} of {len(plan.branches)} have not ended; go on with" if played else "play them with"
        note(f"{how}: {_command(f'resume {plan.batch.id}', db)}")
    note(f"batch {plan.batch.id}, forks of {_known_as(plan)}")
    if len(plan.scenarios) == 2:
        note("what the change did: " + _command(f"compare {plan.batch.id}", db))
    else:
        note("beside its parent: " + _command(f"compare {plan.branches[0].episode} {plan.parent.id}", db))


def _command(words: str, db: str | None) -> str:
    from tertulia.cli.hints import db_option, program

    return f"{program()} {words}{db_option(db)}"


def add_to(app: typer.Typer) -> None:
    app.command("fork", short_help="Go on from a turn of an episode with one thing changed.")(fork)
