"""`--to inspect`: an eval log for Inspect's viewer."""

from __future__ import annotations

import sys
from pathlib import Path

from tertulia.cli.display.progress import progress_on
from tertulia.cli.errors import BadInput
from tertulia.cli.export.request import SHOWN_FROM, STDOUT, Request, plural, tell


def write(request: Request) -> None:
    """All chosen episodes as the samples of one log."""
    from tertulia import __version__
    from tertulia.storage.exports.inspect_log import ENDINGS, export_inspect

    path = Path(request.out)
    if request.out == STDOUT or path.suffix not in ENDINGS:
        raise BadInput(f"-o {request.out}: a log for Inspect is a file that ends in {' or '.join(ENDINGS)}")
    chosen = request.choose()
    total = len(chosen.episodes)
    with progress_on(sys.stderr, total, shown=total > SHOWN_FROM) as told:
        export_inspect(
            request.log, chosen.episodes, path, version=__version__, replace=request.force, told=told
        )  # fmt: skip
    tell(
        request,
        chosen,
        f"{plural(total, 'sample')}; to look at it: inspect view --log-dir {path.parent}",
        {"samples": total},
    )
