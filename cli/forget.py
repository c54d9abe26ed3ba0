"""`tertulia forget`: a person's words out of the log, and out of everything that was made of them."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.forgetting import Forgetting


def forget(
    pseudonym: Annotated[
        str, typer.Argument(metavar="PSEUDONYM", show_default=False, help="By which name the log knows the person.")
    ],
    whole: Annotated[
        bool, typer.Option("--whole", show_envvar=False, help="All text of the episodes they were in, whoever said it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", show_envvar=False, help="Say what would be changed, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", show_envvar=False, help="Do it without asking.")] = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Forget a person: their words, and what was made of them, for good.

    Goes through every episode they played and all forks of these: what they said, did, sent and answered; what others
    thought, remembered, read and were answered once they had heard them; what else has a word, or three words in a
    row, that they brought in; and their pseudonym. The database is then written anew, without free pages and with an
    empty write-ahead log. Turns, counts, who witnessed what, claims and beliefs about declared variables stay. Such an
    episode cannot be replayed, resumed or forked past the first turn that was changed, and says so. What cannot be
    reached (backups, exports, servers of models that were sent their words) is told. docs/people.md says more.
    """
    from tertulia.storage.forget import forget as forget_person
    from tertulia.storage.log import Log

    with Log.open(db, create=False, writing=True) as log:
        if not dry_run and not yes:
            planned = asyncio.run(forget_person(log, pseudonym, whole=whole, dry_run=True))
            _tell(planned, pseudonym, "would be")
            _ask(pseudonym)
        done = asyncio.run(forget_person(log, pseudonym, whole=whole, dry_run=dry_run))
    if as_json:
        print(json.dumps(_data(done, dry_run=dry_run)))
        return
    _tell(done, pseudonym, "would be" if dry_run else "were")
    _tell_limits(done)


def _ask(pseudonym: str) -> None:
    if not sys.stdin.isatty():
        raise BadInput("this cannot be undone; to do it without being asked: --yes")
    if not typer.confirm(f"Forget {pseudonym}? This cannot be undone", err=True):
        raise typer.Exit(1)


def _data(done: Forgetting, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run, "episodes": done.episodes, "rows": dict(sorted(done.changed.items())), "since": done.since,
        "sent_to": dict(done.sent_to), "left": done.left,
    }  # fmt: skip


def _tell(done: Forgetting, pseudonym: str, were: str) -> None:
    from tertulia.cli.display.harmless import one_line
    from tertulia.cli.display.summary import plural

    print(
        one_line(
            f"{pseudonym}: {plural(len(done.episodes), 'episode')} with words of theirs; rows that {were} changed:"
        )
    )
    for table, count in sorted(done.changed.items()):
        print(f"  {table:<14} {count}")
    for episode, turn in done.since.items():
        print(f"  {episode} cannot be replayed, resumed or forked from turn {turn} on")


def _tell_limits(done: Forgetting) -> None:
    for server, count in done.sent_to.items():
        note(f"not reached: {server} was sent {count} prompts with their words; ask whoever runs it")
    for line in done.left:
        note(f"not reached: {line}")


def add_to(app: typer.Typer) -> None:
    app.command("forget", short_help="Forget a person: their words, and all that was made of them.")(forget)
