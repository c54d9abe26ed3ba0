"""`tertulia report`: write an episode or a batch as one self-contained page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.files import write_whole
from tertulia.cli.hints import program
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import Measure
    from tertulia.storage.rows import BatchRow

_STDOUT = "-"
_BEGINS = (b"<!doctype html>",)
"""What a file begins with that is a report, and may be written anew."""


def report(
    episode: Annotated[
        str,
        typer.Argument(
            metavar="EPISODE|BATCH", show_default=False,
            help="The id of an episode or a batch, the beginning of one, or `last` for the newest episode.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option("-o", "--out", metavar="FILE", show_envvar=False, help="Where the page goes; - for stdout."),
    ] = "report.html",
    blind: Annotated[
        bool,
        typer.Option(
            "--blind",
            show_envvar=False,
            help="For coders: what was said and done alone. No condition, no models, nothing of minds, and not who is "
            "a person. Of an episode only.",
        ),
    ] = False,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--measure", "-m", metavar="NAME", show_envvar=False,
            help="Of a batch: this measure too, or those of this family. Can be given several times.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="CELL", show_default=False, show_envvar=False,
            help="Of a batch: the cell that the others are compared with.  [default: the first by name]",
        ),
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Write an episode or a batch as one page that opens in any browser, offline.

    Of an episode: the transcript with the thoughts folded under each turn, and a slider over the turns; who believes
    what about whom at the chosen turn; beliefs over time beside gold; who wanted the floor, and why not; whose words
    moved whose beliefs; costs. Of a batch: success and beliefs over turns by condition, with intervals; how episodes
    spread; differences pair by pair; failures and costs; every episode in a table that sorts and filters.

    The page names the query or command that every number in it comes from, loads nothing, and shows what agents said
    as text alone.
    """  # fmt: skip
    from tertulia.cli.finding import episode_or_batch
    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import measures_of

    with Log.open(db, create=False) as log:
        one, batch = episode_or_batch(log, episode)
        if batch is None:
            assert one is not None
            if names or baseline is not None:
                option = "--measure" if names else "--baseline"
                raise BadInput(f"{option} is of a batch, and '{one.id}' is an episode; its numbers: "
                               f"{program()} measures run {one.id}")  # fmt: skip
            kind, id, text = "episode", one.id, _of_episode(log, one.id, blind)
        elif blind:
            raise BadInput(
                f"--blind is of one episode: a report of a batch is about its conditions; its episodes: "
                f"{program()} episodes --batch {batch.id}"
            )
        else:
            kind, id, text = "batch", batch.id, _of_batch(log, batch, measures_of(names) if names else [], baseline)
    if out == _STDOUT:
        sys.stdout.write(text)
        return
    write_whole(Path(out), text.encode("ascii"), option="-o", begins=_BEGINS)
    if as_json:
        print(json.dumps({kind: id, "file": str(Path(out).resolve()), "bytes": len(text), "blind": blind}))
    else:
        note(f"{out}: {kind} {id}, {len(text) / 1000:.0f} kB")


def _of_episode(log: Log, episode: str, blind: bool) -> str:
    from tertulia.cli.report.page import page
    from tertulia.storage.reporting import episode_report

    return page(episode, episode_report(log, episode, blind=blind), blind=blind)


def _of_batch(log: Log, batch: BatchRow, more: Sequence[Measure], baseline: str | None) -> str:
    from tertulia.cli.display.harmless import one_line
    from tertulia.cli.finding import check_baseline, ended_of_batch
    from tertulia.cli.report.batch_data import batch_data
    from tertulia.cli.report.page import batch_page
    from tertulia.storage.measures.compute import played
    from tertulia.storage.reporting_batch import batch_report

    ended, began = ended_of_batch(log, batch.id)
    episodes = played(log, ended)
    check_baseline(episodes, baseline)
    found = batch_report(log, batch.id, batch.name or batch.id, episodes, more=more, baseline=baseline)
    return batch_page(f"Batch {one_line(batch.name or batch.id)}", batch_data(found, began))


def add_to(app: typer.Typer) -> None:
    app.command("report", short_help="Write an episode or a batch as one page that opens offline.")(report)
