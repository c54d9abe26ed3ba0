"""Options that the kinds of figures share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class BeliefY(StrEnum):
    """What of beliefs is drawn."""

    accuracy = "accuracy"
    brier = "brier"


Episodes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[EPISODE|BATCH]...", show_default=False,
        help="Ids of episodes or batches or their beginnings, or `last` for the newest episode.  "
        "[default: all that were played to their end]",
    ),
]  # fmt: skip
Out = Annotated[
    str | None,
    typer.Option(
        "-o", "--out", metavar="FILE", show_envvar=False, show_default=False,
        help="Where the figure goes: .png, .svg, .pdf, or .json for its Vega-Lite specification.  "
        "[default: the kind's name, .png; with --data alone, no figure]",
    ),
]  # fmt: skip
Width = Annotated[
    str, typer.Option("--width", metavar="SIZE", show_envvar=False, help="How wide: 6in, 12cm, 84mm, 240pt.")
]
Height = Annotated[
    str | None,
    typer.Option("--height", metavar="SIZE", show_envvar=False, show_default=False,
                 help="How high.  [default: what the kind needs]"),
]  # fmt: skip
Dpi = Annotated[int, typer.Option("--dpi", min=36, max=1200, metavar="N", show_envvar=False, help="Of a PNG.")]
Title = Annotated[
    str | None,
    typer.Option("--title", metavar="TEXT", show_envvar=False, help="Above the figure. Papers have captions."),
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", show_envvar=False,
                 help="The table behind the figure, as CSV; - for stdout."),
]  # fmt: skip
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="GROUP", show_envvar=False,
        help="Keep apart by participant, model, purpose, level, ...: what a measure may be split by is in "
        "`measures list`. Can be given several times.",
    ),
]  # fmt: skip
Differences = Annotated[
    bool,
    typer.Option(
        "--differences", show_envvar=False, help="What each cell of a batch differs from one by, pair by pair."
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="CELL", show_default=False, show_envvar=False,
                 help="That one.  [default: the first by name]"),
]  # fmt: skip
Dots = Annotated[
    bool, typer.Option("--episodes/--no-episodes", show_envvar=False, help="A fine mark for each episode's own number.")
]
WIDTH, DPI = "6in", 300
