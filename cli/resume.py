"""`tertulia resume`: go on with an episode that paused, failed, or lost its process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tertulia.cli.options import AsJson, Db, Debug, Display, Episode, Minds

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode as Played
    from tertulia.environments.episode import Listen
    from tertulia.storage.log import Log

_CAN_GO_ON = ("running", "paused", "error")


def resume(
    episode: Episode,
    display: Display = None,
    minds: Minds = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Go on with an episode that paused, failed, or was killed.

    It goes on after its last whole turn. Answers of models that are in the log are used again and not paid twice.
    Here `last` is the newest episode that has not ended.
    Exit codes: 0 ended (also degraded, told on stderr), 1 error or paused, 2 bad input, 130 interrupted.
    """
    from tertulia.cli.finding import find
    from tertulia.cli.playing import play_one

    async def make(log: Log, backends: Backends, listen: Listen) -> Played:
        from tertulia.environments.episode import Episode

        return await Episode.reopen(find(log, episode, status=_CAN_GO_ON), log=log, backends=backends, listen=listen)

    raise typer.Exit(play_one(make, create=False, db=db, display=display, minds=minds, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    app.command("resume")(resume)
