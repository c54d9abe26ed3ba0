"""`tertulia import sotopia`: episodes of Sotopia beside one's own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.imports.conversation import Conversation

_EMPTY = "nobody did anything in them"


def sotopia(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            show_default=False,
            help="Episodes of Sotopia: its EpisodeLog as JSON, or one a line, as in sotopia_episodes_v1.jsonl.",
        ),
    ],
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="NAME", show_envvar=False, help="Make them a batch, or add them to it."),
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Enter episodes of Sotopia into the log, to compare with one's own.

    What was said, done and left undone, turn by turn; scenario, backgrounds and goals, each as its agent was shown it;
    what the judge said of each dimension, as rows of the table score (sotopia:goal, sotopia:believability, ...; one
    that failed is NULL, not 0). show, report, search, measures and sql work as with any episode; there are no minds in
    it, and it cannot be played on. The same episode is entered once, however often its file is given.

    \b
    tertulia import sotopia sotopia_episodes_v1.jsonl --batch sotopia
    tertulia measures run sotopia --measure participation
    """  # fmt: skip
    from tertulia.cli.importing.entering import enter_all, tell
    from tertulia.storage.log import Log

    left_out: Counter[str] = Counter()
    for _ in _conversations(files, left_out):
        pass  # whatever is wrong with any of them is told before any is entered
    with Log.open(db) as log:
        came = asyncio.run(enter_all(log, _conversations(files, Counter()), batch=batch))
        came.left_out = dict(left_out)
        tell(came, as_json=as_json, log=log.target)


def _conversations(files: Sequence[Path], left_out: Counter[str]) -> Iterator[Conversation]:
    from tertulia.storage.imports.reading import records
    from tertulia.storage.imports.sotopia import Empty, conversation_of

    for path in files:
        for record in records(path):
            try:
                yield conversation_of(record)
            except Empty:
                left_out[_EMPTY] += 1


def add_to(group: typer.Typer) -> None:
    group.command("sotopia", short_help="Enter episodes of Sotopia, to compare with your own.")(sotopia)
