"""Forgetting a person: their words, and what was made of them, leave every row, index, log and free page there is.

What goes is decided by who heard them. Their own words go; so does all that a mind thought, remembered, read and was
answered from the turn on at which it had heard them, for a model may say the same in other words. What others said
stays, unless it has a word or three words in a row that the person brought into the episode. What is left is searched
once more, table by table, whatever tables there are. Counts, turns, witnesses, claims (values of declared variables)
and distributions over declared variables stay, so that what happened can still be counted.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from tertulia.storage import rows as r
from tertulia.storage.errors import LeaseHeld, NotFound
from tertulia.storage.forgetting import EVER, TARGET, EpisodeWithout, Forgetting, Part
from tertulia.storage.lease import is_dead
from tertulia.storage.log import Log
from tertulia.storage.scrub import scrub
from tertulia.storage.tables import METADATA
from tertulia.storage.types import now
from tertulia.storage.work import Work


async def forget(log: Log, pseudonym: str, *, whole: bool = False, dry_run: bool = False) -> Forgetting:
    """Forget a person everywhere in a log; with `whole`, all text of the episodes they were in.

    `dry_run` changes nothing and counts the same. Raises `NotFound` for a pseudonym there is not, and `LeaseHeld` while
    one of the episodes is being played.
    """
    found = Forgetting(_parts(log, pseudonym))
    _not_being_played(log, found.episodes)
    calls = {episode: log.rows(r.CallRow, episode) for episode in found.episodes}

    def work(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        trial = connection.begin_nested()
        for episode in found.episodes:
            EpisodeWithout(connection, found, episode, calls[episode], pseudonym, whole=whole).run()
        if dry_run:
            trial.rollback()
        else:
            trial.commit()

    await log.special(Work(special=work))
    if not dry_run:
        found.left = scrub(log.target, [table for table in METADATA.tables if found.changed[table]])
    return found


def _parts(log: Log, pseudonym: str) -> list[Part]:
    """Every episode that has words of a person: those they played, and all forks that share turns with them."""
    query = (
        "SELECT p.episode, p.name, CASE WHEN p.kind = 'person' THEN NULL ELSE e.parent_turn END FROM participant AS p "
        "JOIN episode AS e ON e.id = p.episode WHERE p.pseudonym = ? UNION "
        "SELECT episode, participant, NULL FROM consent WHERE pseudonym = ? ORDER BY 1, 2"
    )
    found = {
        (episode, seat): Part(episode, seat, EVER if upto is None else upto, own=upto is None)
        for episode, seat, upto in log.query(query, [pseudonym, pseudonym]).rows
    }
    if not found:
        raise NotFound(
            f"nobody in {log.target} has the pseudonym '{pseudonym}'; to see who played: "
            'tertulia sql "SELECT DISTINCT pseudonym FROM participant WHERE pseudonym IS NOT NULL"'
        )
    todo = list(found.values())
    for part in todo:  # grows while it is gone through: forks of forks
        children = "SELECT id, parent_turn FROM episode WHERE parent_episode = ? ORDER BY id"
        for child, turn in log.query(children, [part.episode]).rows:
            if (child, part.seat) not in found:  # one that they played on, or that a model plays on, is there already
                fork = found[child, part.seat] = Part(child, part.seat, min(part.upto, turn), own=False)
                todo.append(fork)
    return todo


def _not_being_played(log: Log, episodes: Iterable[str]) -> None:
    for id in episodes:
        row = log.episode(id)
        if row.lease and row.lease_until and row.lease_until > now() and not is_dead(row.lease):
            raise LeaseHeld(f"episode {id} is being played now; forget once it has paused or ended")


def forgotten_from(log: Log, episode: str) -> int | None:
    """The first turn of an episode that cannot be played again, because somebody was forgotten; None where there is
    none."""
    return min((row.turn for row in log.rows(r.InterventionRow, episode, target=TARGET)), default=None)
