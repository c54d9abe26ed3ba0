"""`tertulia report`: write an episode as one self-contained page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug, Episode

if TYPE_CHECKING:
    from tertulia.storage.log import Log

_STDOUT = "-"


def report(
    episode: Episode,
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
            "a person.",
        ),
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Write an episode as one page that opens in any browser, offline.

    The transcript with the thoughts folded under each turn, and a slider over the turns; who believes what about whom
    at the chosen turn; beliefs over time beside gold; who wanted the floor, and why not; costs. The page names the SQL
    that every number in it comes from, loads nothing, and shows what agents said as text alone.
    """
    from tertulia.cli.report.page import page
    from tertulia.storage.log import Log
    from tertulia.storage.reporting import episode_report

    with Log.open(db, create=False) as log:
        found = _find(log, episode)
        text = page(found, episode_report(log, found, blind=blind), blind=blind)
    if out == _STDOUT:
        sys.stdout.write(text)
        return
    try:
        Path(out).write_text(text, encoding="ascii")
    except OSError as error:
        raise BadInput(f"-o {out}: {error.strerror}; another place: -o FILE") from error
    if as_json:
        print(json.dumps({"episode": found, "file": str(Path(out).resolve()), "bytes": len(text), "blind": blind}))
    else:
        note(f"{out}: episode {found}, {len(text) / 1000:.0f} kB")


def _find(log: Log, wanted: str) -> str:
    """The full id; for what is a batch, how to come to its episodes."""
    from tertulia.cli.finding import find
    from tertulia.storage.log import NotFound

    try:
        return find(log, wanted)
    except NotFound as missing:
        try:
            batch = log.batch(wanted)
        except NotFound:
            raise missing from None
        remedy = f"its episodes: tertulia episodes --batch {batch.id}"
        raise BadInput(f"'{batch.id}' is a batch, and a report is of one episode; {remedy}") from None


def add_to(app: typer.Typer) -> None:
    app.command("report")(report)
