"""`tertulia resume`: go on with an episode that paused, failed, or lost its process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.hints import resume_command
from tertulia.cli.options import AsJson, Db, Debug, Display, Episode, Minds

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode as Played
    from tertulia.environments.episode import Listen
    from tertulia.storage.log import Log

_CAN_GO_ON = ("running", "paused", "error")


def resume(
    episode: Episode,
    accept_changes: Annotated[
        bool,
        typer.Option(
            "--accept-changes",
            show_envvar=False,
            help="Go on although packages, instructions or models have changed; the change is recorded.",
        ),
    ] = False,
    display: Display = None,
    minds: Minds = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Go on with an episode that paused, failed, or was killed.

    It goes on after its last whole turn. Answers of models that are in the log are used again and not paid twice.
    Where packages, tertulia's own code, the instructions of minds, or what is behind a model's name have changed
    since, it says what differs and does nothing, unless --accept-changes is given: then the change is a row of the
    table intervention (target `versions`, old and new) at the turn from which it holds, and is not asked about again.
    Here `last` is the newest episode that has not ended.
    Exit codes: 0 ended (also degraded, told on stderr), 1 error or paused, 2 bad input, 130 interrupted.
    """
    from tertulia.cli.finding import find
    from tertulia.cli.playing import play_one

    async def make(log: Log, backends: Backends, listen: Listen) -> Played:
        from tertulia.environments.changed import ChangedSince
        from tertulia.environments.episode import Episode

        found = find(log, episode, status=_CAN_GO_ON)
        try:
            return await Episode.reopen(found, log=log, backends=backends, listen=listen, accept_changes=accept_changes)
        except ChangedSince as changed:
            raise BadInput(changed.told(resume_command(changed.episode, db))) from changed

    raise typer.Exit(play_one(make, create=False, db=db, display=display, minds=minds, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    app.command("resume")(resume)
