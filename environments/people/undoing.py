"""Taking back: the episode goes on as a fork from before what a person did last."""

from __future__ import annotations

from tertulia.environments.changes import ForkError
from tertulia.environments.forking import plan_forks
from tertulia.storage.lease import new_token
from tertulia.storage.log import Log
from tertulia.storage.record import Closing
from tertulia.storage.rows import TurnRow
from tertulia.storage.rows_of_people import AnswerRow, ConsentRow


async def undo(log: Log, episode: str, seat: str) -> str:
    """Fork a paused episode before the last turn in which `seat` did something; the id of the fork.

    The episode itself ends as `cancelled`, and says where it went on. Raises `ForkError` where there is nothing to
    take back.
    """
    turns = [turn for turn in log.rows(TurnRow, episode) if seat in turn.actions]
    if not turns:
        raise ForkError(f"{seat} has done nothing yet that could be taken back")
    at = max(turn.turn for turn in turns)
    forking = plan_forks(log, episode, at)
    forking.batch.name = f"undo of {episode} at {at}"
    [branch] = forking.branches
    await forking.enter(log)
    await log.record([
        row.model_copy(update={"episode": branch.episode})  # the same person goes on, who agreed and answered before
        for kind in (ConsentRow, AnswerRow) for row in log.rows(kind, episode)
    ])  # fmt: skip
    token = new_token()
    before = await log.lease(episode, token, ttl_s=60.0)
    why = f"undone at {at}: goes on as {branch.episode}"
    await log.close_episode(episode, token, Closing("cancelled", why, before.outcome))
    return branch.episode
