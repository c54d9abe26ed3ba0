"""`--to parquet|jsonl|csv`: views and tables."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tertulia.cli.display.harmless import harmless
from tertulia.cli.display.progress import progress_on
from tertulia.cli.errors import BadInput
from tertulia.cli.export.request import SHOWN_FROM, STDOUT, Request, plural, tell

if TYPE_CHECKING:
    from tertulia.storage.exports.columns import Source
    from tertulia.storage.exports.writers import Lines


def write(request: Request) -> None:
    """One file, where one view is asked for and the place ends as its format does; else a folder of them."""
    from tertulia import __version__
    from tertulia.storage.exports import tables

    sources, path = _sources(request), Path(request.out)
    alone = len(sources) == 1 and (request.out == STDOUT or path.suffix == f".{request.format}")
    if request.out == STDOUT and (not alone or request.format == "parquet"):
        right = "take jsonl or csv" if request.format == "parquet" else "name one view: --table v_transcript"
        raise BadInput(f"-o -: stdout takes one view as text; {right}")
    if not alone and path.suffix == f".{request.format}":
        raise BadInput(f"-o {path}: {len(sources)} views make a folder; name one, or take out the .{request.format}")
    chosen = request.choose()
    if request.out == STDOUT:
        written = [tables.export_stream(request.log, chosen, sources[0], request.format, _stdout())]
    elif alone:
        one = tables.export_file(
            request.log, chosen, sources[0], request.format, path, version=__version__, replace=request.force
        )
        written = [one]
    else:
        with progress_on(sys.stderr, len(chosen.episodes), shown=len(chosen.episodes) > SHOWN_FROM) as told:
            written = tables.export_folder(
                request.log, chosen, sources, request.format, path, version=__version__,
                dialect=request.log.target.dialect, replace=request.force, told=told,
            )  # fmt: skip
    rows = sum(one.rows for one in written)
    said = f"{plural(rows, 'row')} of {plural(len(written), 'view')}, {plural(len(chosen.episodes), 'episode')}"
    tell(request, chosen, said, {"episodes": len(chosen.episodes), "tables": [asdict(one) for one in written]})


def _stdout() -> Lines:
    """Stdout, where no line end is changed; a terminal is sent nothing that it would obey."""
    if sys.stdout.isatty():
        return _Terminal()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(newline="")
    return sys.stdout


class _Terminal:
    def write(self, text: str, /) -> int:
        return sys.stdout.write(harmless(text))

    def flush(self) -> None:
        sys.stdout.flush()


def _sources(request: Request) -> list[Source]:
    from tertulia.storage.exports.columns import documented, source

    named = request.options.get("table") or []
    if not named:
        return documented()
    try:
        return [source(name) for name in dict.fromkeys(named)]
    except LookupError as error:
        raise BadInput(f"--table: {error.args[0]}") from None
