"""`tertulia resume`: go on with an episode or a batch that paused, failed, or lost its process; or with all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.hints import resume_command
from tertulia.cli.options import AcceptChanges, AsJson, Db, Debug, Display, Minds
from tertulia.storage.statuses import UNFINISHED

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode as Played
    from tertulia.environments.episode import Listen
    from tertulia.environments.people.table import Table
    from tertulia.storage.log import Log


def resume(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[EPISODE|BATCH]",
            show_default=False,
            help="The id of an episode, the beginning of one, or `last`; or the name of a batch.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", show_envvar=False, help="Every batch and every single episode that has not ended.")
    ] = False,
    accept_changes: AcceptChanges = False,
    display: Display = None,
    minds: Minds = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Go on with an episode that paused, failed, or was killed; or with a whole batch.

    It goes on after the last whole turn. Answers of models that are in the log are used again and not paid twice.
    Where packages, tertulia's own code, the instructions of minds, or what is behind a model's name have changed
    since, it says what differs and does nothing, unless --accept-changes is given: then the change is a row of the
    table intervention (target `versions`, old and new) at the turn from which it holds, and is not asked about again.
    Here `last` is the newest episode that has not ended. What a batch had not begun is begun; for several processes,
    caps and clusters see `tertulia batch`, which goes on as well.
    Exit codes: 0 ended (also degraded, told on stderr), 1 error or paused, 2 bad input, 130 interrupted.
    """
    if everything == (what is not None):
        raise BadInput("what is to go on? give the id of an episode, the name of a batch, or --all")
    from tertulia.cli.batching import resume_all, resume_batch

    if what is None:
        raise typer.Exit(resume_all(accept_changes=accept_changes, db=db, as_json=as_json))
    if (batch := _batch(what, db)) is not None:
        raise typer.Exit(resume_batch(batch, accept_changes=accept_changes, db=db, as_json=as_json))
    code = _one(what, accept_changes=accept_changes, display=display, minds=minds, as_json=as_json, db=db)
    raise typer.Exit(code)


def _batch(what: str, db: str | None) -> str | None:
    """The id of the batch of just this name, if there is one; what is shorter is the beginning of an episode's id."""
    from tertulia.storage.errors import NotFound
    from tertulia.storage.log import Log

    if what == "last":
        return None
    with Log.open(db, create=False) as log:
        try:
            found = log.batch(what).id
        except NotFound:
            return None
    return found if found == what else None


def _one(episode: str, *, accept_changes: bool, display: Display, minds: bool, as_json: bool, db: str | None) -> int:
    from tertulia.cli.finding import find
    from tertulia.cli.playing import play_one

    async def make(log: Log, backends: Backends, listen: Listen, people: Table | None = None) -> Played:
        from tertulia.environments.changed import ChangedSince
        from tertulia.environments.episode import Episode

        found = find(log, episode, status=UNFINISHED)
        try:
            return await Episode.reopen(
                found, log=log, backends=backends, listen=listen, accept_changes=accept_changes, people=people
            )
        except ChangedSince as changed:
            raise BadInput(changed.told(resume_command(changed.episode, db))) from changed

    people = _people(episode, db)
    if len(people) > 1:
        raise BadInput(f"{', '.join(people)} are people's seats; to go on together: tertulia host --resume {episode}")
    if people:
        from tertulia.cli.seat.playing import Seating

        return Seating(people[0], minds=minds, display=display, db=db).play(make, create=False)
    return play_one(make, create=False, db=db, display=display, minds=minds, as_json=as_json)


def _people(episode: str, db: str | None) -> list[str]:
    from tertulia.cli.finding import find
    from tertulia.storage.log import Log

    with Log.open(db, create=False) as log:
        return people_in(log, find(log, episode, status=UNFINISHED))


def people_in(log: Log, episode: str) -> list[str]:
    """The seats of an episode that people took, in order."""
    from tertulia.storage.rows import ParticipantRow

    seats = sorted(log.rows(ParticipantRow, episode), key=lambda seat: seat.ordinal)
    return [seat.name for seat in seats if seat.kind == "person"]


def add_to(app: typer.Typer) -> None:
    app.command("resume", short_help="Go on with what paused, failed or was killed.")(resume)
