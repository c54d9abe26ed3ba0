"""`tertulia plot`: figures for papers, as PNG, SVG or PDF, with the table and the query behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput
from tertulia.cli.options import AsJson, Db, Debug, Episode
from tertulia.cli.plot.hand import Hand
from tertulia.cli.plot.options import (
    DPI,
    WIDTH,
    Baseline,
    BeliefY,
    By,
    Data,
    Differences,
    Dots,
    Dpi,
    Episodes,
    Height,
    Out,
    Title,
    Width,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import Measure
    from tertulia.storage.measures.compute import Played


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
    width: Width = WIDTH,
    height: Height = None,
    dpi: Dpi = DPI,
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

    hand_out = Hand(out, width, height, dpi, title, data, as_json, "beliefs")
    with Log.open(db, create=False) as log:
        played, these = _played(log, episodes)
        hand_out(drawn(log, played, these, y.value, level, hand_out.width_in))


def success(
    episodes: Episodes = None,
    differences: Differences = False,
    baseline: Baseline = None,
    dots: Dots = True,
    out: Out = None,
    width: Width = WIDTH,
    height: Height = None,
    dpi: Dpi = DPI,
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
    hand_out = Hand(out, width, height, dpi, title, data, as_json, "success")
    _numbers("reward", episodes, [], differences, baseline, dots, hand_out, db)


def measure(
    name: Annotated[str, typer.Argument(metavar="MEASURE", show_default=False, help="One of `measures list`.")],
    episodes: Episodes = None,
    by: By = None,
    differences: Differences = False,
    baseline: Baseline = None,
    dots: Dots = True,
    out: Out = None,
    width: Width = WIDTH,
    height: Height = None,
    dpi: Dpi = DPI,
    title: Title = None,
    data: Data = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Draw a measure by condition, with its intervals and the episodes behind it.

    \b
    tertulia plot measure turn_share BATCH -o share.pdf
    tertulia plot measure belief_shift BATCH --by speaker --no-episodes
    tertulia plot measure belief_brier BATCH --differences --baseline elicit=none
    """
    hand_out = Hand(out, width, height, dpi, title, data, as_json, name)
    _numbers(name, episodes, by or [], differences, baseline, dots, hand_out, db)


def floor(
    episode: Episode,
    out: Out = None,
    width: Width = WIDTH,
    height: Height = None,
    dpi: Dpi = DPI,
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

    hand_out = Hand(out, width, height, dpi, title, data, as_json, "floor")
    with Log.open(db, create=False) as log:
        hand_out(drawn(log, find(log, episode), hand_out.width_in))


def calibration(
    episodes: Episodes = None,
    out: Out = None,
    width: Width = "4.4in",
    height: Height = None,
    dpi: Dpi = DPI,
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

    hand_out = Hand(out, width, height, dpi, title, data, as_json, "calibration")
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
    hand_out: Hand,
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


_SHORT = {
    "beliefs": "How near beliefs come to gold, turn by turn.",
    "success": "How well the task was done, by condition.",
    "measure": "Any measure, by condition, or its paired differences.",
    "floor": "The floor of an episode: who wanted it, who got it.",
    "calibration": "How often what minds hold likeliest is true.",
}
"""Of the commands, in their list."""


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Draw figures for papers, each with its table and query.", no_args_is_help=True)
    for command in (beliefs, success, measure, floor, calibration):
        group.command(command.__name__, short_help=_SHORT[command.__name__])(command)
    app.add_typer(group, name="plot")
