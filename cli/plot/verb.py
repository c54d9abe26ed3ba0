"""`tertulia plot`: figures for papers, as PNG, SVG or PDF, with the table and the query behind each."""

from __future__ import annotations

import json
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.files import write_whole
from tertulia.cli.options import AsJson, Db, Debug, Episode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tertulia.cli.plot.figure import Drawn
    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import Measure
    from tertulia.storage.measures.compute import Played

_STDOUT = "-"
_LENGTH = re.compile(r"(\d+(?:\.\d+)?) *(in|cm|mm|pt|)")
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72, "": 1.0}
_LEAST_IN, _MOST_IN, _MOST_DOTS = 1.0, 40.0, 20_000


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
    str | None, typer.Option("--title", metavar="TEXT", show_envvar=False, help="Above the figure. Papers have captions.")
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
    typer.Option("--differences", show_envvar=False, help="What each cell of a batch differs from one by, pair by pair."),
]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="CELL", show_default=False, show_envvar=False,
                 help="That one.  [default: the first by name]"),
]  # fmt: skip
Dots = Annotated[
    bool, typer.Option("--episodes/--no-episodes", show_envvar=False, help="A fine mark for each episode's own number.")
]
_WIDTH, _DPI = "6in", 300


def beliefs(
    episodes: Episodes = None,
    y: Annotated[
        BeliefY, typer.Option("--y", show_envvar=False, help="Share of likeliest values that are gold's, or distance.")
    ] = BeliefY.accuracy,
    level: Annotated[
        str | None,
        typer.Option("--level", metavar="LEVEL", show_envvar=False, show_default=False,
                     help="Beliefs of which level: own, 'of another', deeper, 'common ground'.  "
                     "[default: the first of these that there is]"),
    ] = None,
    out: Out = None,
    width: Width = _WIDTH,
    height: Height = None,
    dpi: Dpi = _DPI,
    title: Title = None,
    data: Data = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Draw how near beliefs come to gold, turn by turn, a line for each condition.

    Bands are 95 % intervals over episodes (over seeds where seeds come again).

    \b
    tertulia plot beliefs BATCH -o beliefs.pdf --width 84mm --height 60mm
    tertulia plot beliefs BATCH --y brier --level 'of another' --data beliefs.csv
    """
    from tertulia.cli.plot.curves import beliefs as drawn
    from tertulia.storage.log import Log

    hand_out = _Hand(out, width, height, dpi, title, data, as_json, "beliefs")
    with Log.open(db, create=False) as log:
        played, these = _played(log, episodes)
        hand_out(drawn(log, played, these, y.value, level, hand_out.width_in))


def success(
    episodes: Episodes = None,
    differences: Differences = False,
    baseline: Baseline = None,
    dots: Dots = True,
    out: Out = None,
    width: Width = _WIDTH,
    height: Height = None,
    dpi: Dpi = _DPI,
    title: Title = None,
    data: Data = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Draw how well the task was done, by condition: the measure `reward`.

    \b
    tertulia plot success BATCH -o success.svg
    """
    hand_out = _Hand(out, width, height, dpi, title, data, as_json, "success")
    _numbers("reward", episodes, [], differences, baseline, dots, hand_out, db)


def measure(
    name: Annotated[str, typer.Argument(metavar="MEASURE", show_default=False, help="One of `measures list`.")],
    episodes: Episodes = None,
    by: By = None,
    differences: Differences = False,
    baseline: Baseline = None,
    dots: Dots = True,
    out: Out = None,
    width: Width = _WIDTH,
    height: Height = None,
    dpi: Dpi = _DPI,
    title: Title = None,
    data: Data = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Draw a measure by condition, with its intervals and the episodes behind it.

    \b
    tertulia plot measure turn_share BATCH -o share.pdf
    tertulia plot measure claim_influence BATCH --by speaker --no-episodes
    tertulia plot measure belief_brier BATCH --differences --baseline elicit=none
    """
    hand_out = _Hand(out, width, height, dpi, title, data, as_json, name)
    _numbers(name, episodes, by or [], differences, baseline, dots, hand_out, db)


def floor(
    episode: Episode,
    out: Out = None,
    width: Width = _WIDTH,
    height: Height = None,
    dpi: Dpi = _DPI,
    title: Title = None,
    data: Data = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Draw the floor of an episode over time: who wanted it, who got it, who was cut off; size is motivation.

    \b
    tertulia plot floor last -o floor.svg
    """
    from tertulia.cli.finding import find
    from tertulia.cli.plot.floor import floor as drawn
    from tertulia.storage.log import Log

    hand_out = _Hand(out, width, height, dpi, title, data, as_json, "floor")
    with Log.open(db, create=False) as log:
        hand_out(drawn(log, find(log, episode), hand_out.width_in))


def calibration(
    episodes: Episodes = None,
    out: Out = None,
    width: Width = "4.4in",
    height: Height = None,
    dpi: Dpi = _DPI,
    title: Title = None,
    data: Data = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Draw how often the likeliest value of a mind's own beliefs is true, by what it was given.

    Ten bins of equal width; those with fewer than 10 beliefs are left out. The diagonal is perfect calibration.

    \b
    tertulia plot calibration BATCH -o calibration.pdf
    """
    from tertulia.cli.plot.calibration import calibration as drawn
    from tertulia.storage.log import Log

    hand_out = _Hand(out, width, height, dpi, title, data, as_json, "calibration")
    with Log.open(db, create=False) as log:
        played, these = _played(log, episodes)
        hand_out(drawn(log, played, these, hand_out.width_in))


def _played(log: Log, episodes: list[str] | None) -> tuple[list[Played], str]:
    from tertulia.cli.measures import chosen_episodes
    from tertulia.storage.measures.compute import played

    ids, these = chosen_episodes(log, episodes or [])
    return played(log, ids), these


def _numbers(
    name: str,
    episodes: list[str] | None,
    by: Sequence[str],
    differ: bool,
    baseline: str | None,
    dots: bool,
    hand_out: _Hand,
    db: str | None,
) -> None:
    from tertulia.cli.finding import check_baseline
    from tertulia.cli.measures import check_by
    from tertulia.cli.plot.numbers import differences, numbers
    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import measure

    one: Measure = measure(name)
    check_by([one], by)
    if baseline is not None and not differ:
        raise BadInput("--baseline is for --differences; without it nothing is compared")
    with Log.open(db, create=False) as log:
        played, these = _played(log, episodes)
        check_baseline(played, baseline)
        if differ:
            hand_out(differences(log, one, played, these, by, hand_out.width_in, baseline))
        else:
            hand_out(numbers(log, one, played, these, by, hand_out.width_in, dots=dots))


class _Hand:
    """Where a figure and its table go. What is wrong with that is said before anything is asked."""

    def __init__(
        self, out: str | None, width: str, height: str | None, dpi: int, title: str | None, data: str | None,
        as_json: bool, name: str,
    ) -> None:  # fmt: skip
        from tertulia.cli.plot.figure import kind_of

        self._data, self._as_json, self._dpi, self._title = data, as_json, dpi, title
        self._out = Path(out) if out is not None else None if data is not None else Path(f"{name}.png")
        self._kind = kind_of(self._out) if self._out is not None else None
        self.width_in = _inches("--width", width)
        self._height = None if height is None else _inches("--height", height)
        if max(self.width_in, self._height or 0) * dpi > _MOST_DOTS:
            raise BadInput(f"--dpi {dpi}: a PNG of this size would be over {_MOST_DOTS:,} dots; fewer, or --width 6in")
        if as_json and data == _STDOUT:
            raise BadInput("--json and --data -: both want stdout; another place for one: --data FILE")

    def __call__(self, drawn: Drawn) -> None:
        from tertulia.cli.plot.figure import BEGINS, rendered, spec_of, table

        figure = None
        if self._out is not None and self._kind is not None:
            spec = spec_of(drawn, self.width_in, self._height or drawn.height_in, self._title)
            figure = rendered(spec, self._kind, self._dpi)
        text = table(drawn)
        if self._data is not None and self._data != _STDOUT:
            first = ",".join(drawn.columns[:2]).encode()
            write_whole(Path(self._data), text.encode(), option="--data", begins=[first])
        if figure is not None and self._out is not None:
            write_whole(self._out, figure, option="-o", begins=BEGINS)
        if self._data == _STDOUT:
            sys.stdout.write(text)
        self._tell(drawn, figure)

    def _tell(self, drawn: Drawn, figure: bytes | None) -> None:
        if self._as_json:
            data = None if self._data is None else str(Path(self._data).resolve())
            file = None if self._out is None else str(self._out.resolve())
            told = {"kind": drawn.kind, "file": file, "bytes": len(figure or b""), "data": data, "shows": drawn.says}
            print(json.dumps({**told, "rows": len(drawn.rows), "query": drawn.sql}))
        elif self._out is not None:
            note(f"{self._out}: {drawn.says}")


def _inches(option: str, text: str) -> float:
    found = _LENGTH.fullmatch(text.strip())
    size = float(found[1]) * _INCHES[found[2]] if found else 0.0
    if not _LEAST_IN <= size <= _MOST_IN:
        raise BadInput(f"{option} {text}: a size is from 1in to 40in, as in 6in, 12cm, 84mm or 240pt")
    return size


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Figures for papers, each with the table and the query behind it.", no_args_is_help=True)
    for command in (beliefs, success, measure, floor, calibration):
        group.command(command.__name__)(command)
    app.add_typer(group, name="plot")
