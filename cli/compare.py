"""`tertulia compare`: where two episodes part, or what a change did to a whole batch of forks."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.display.harmless import one_line
from tertulia.cli.display.summary import plural
from tertulia.cli.errors import BadInput
from tertulia.cli.hints import of_log, program
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.environments.comparing import Effects
    from tertulia.environments.parting import OtherBelief, Parting, Told
    from tertulia.storage.intervals import Mean
    from tertulia.storage.log import Log
    from tertulia.storage.rows import BatchRow, EpisodeRow

_NAMED = "an episode (its id, the beginning of one, or `last`), or BATCH:CELL for the episodes of a batch's cell"
_SHOWN_CELLS = 8


def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A", show_default=False,
            help=f"What to compare: {_NAMED}. Alone: a batch with two cells, as `fork` makes them, or a fork, which is "
            "compared with its parent.",
        ),
    ],
    b: Annotated[
        str | None, typer.Argument(metavar="B", show_default=False, help="What to compare it with, of the same kind.")
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Show where two episodes part, or what a change did, pair by pair.

    Of two episodes: the first turn and event that differ, who had the floor, and what was believed otherwise. Of two
    cells: in how many pairs the transcripts part, and the paired differences (a - b) of outcomes and beliefs, each
    with its mean, a 95 % bootstrap interval, and n. A pair has the same seed and replicate; forks with the same
    replicate share their chance. The interval is over pairs; where several replicates share a seed it is over seeds,
    for they are not independent, unless all have the same seed, as the forks of one episode do. Beliefs by different
    estimators are never pooled, and none is counted while it is held as it was set from outside.

    \b
    tertulia compare 01M84H9W                  a batch of forks: change and null
    tertulia compare b:order=1 b:order=2       two cells of a batch
    tertulia compare last 01M84F               two episodes
    """  # fmt: skip
    from tertulia.storage.log import Log

    with Log.open(db, create=False) as log:
        one, other = _both(log, a, b)
        if one.episode is not None and other.episode is not None:
            _two(log, one.episode, other.episode, as_json)
        elif one.episode is None and other.episode is None:
            _groups(log, one, other, as_json)
        else:
            raise BadInput(f"{a} and {b}: one is an episode and the other a cell of many; compare two of a kind")


@dataclass(frozen=True, slots=True)
class _Side:
    """One episode, or the episodes of a cell."""

    name: str
    episode: EpisodeRow | None = None
    rows: Sequence[EpisodeRow] = ()


def _both(log: Log, a: str, b: str | None) -> tuple[_Side, _Side]:
    from tertulia.cli.finding import batch_named
    from tertulia.environments.forking import NULL, SET

    if b is not None:
        return _side(log, a), _side(log, b)
    if ":" in a:
        raise BadInput(f"{a} is one cell; with which one is it to be compared? write it as the second argument")
    batch = batch_named(log, a)
    if batch is None:
        episode = _episode(log, a)
        if episode.parent_episode is None:
            raise BadInput(f"{a} is an episode and no fork; with what is it to be compared? name another one")
        return _Side(episode.id, episode), _side(log, episode.parent_episode)
    cells, name = _cells(log, batch.id), batch.id
    ordered = _in_order(batch, cells)
    if len(cells) != 2:
        named = f" ({_some(ordered)})" if ordered else ""
        two = " ".join(shlex.quote(one_line(f"{name}:{cell}")) for cell in (*ordered, "CELL", "CELL")[:2])
        right = f"name two, as in: {program()} compare {two}{of_log(log)}"
        raise BadInput(f"batch {name} has {plural(len(cells), 'cell')}{named}; {right}")
    one, other = (SET, NULL) if set(cells) == {SET, NULL} else ordered
    return _Side(f"{name}:{one}", None, cells[one]), _Side(f"{name}:{other}", None, cells[other])


def _side(log: Log, given: str) -> _Side:
    from tertulia.cli.finding import batch_named
    from tertulia.storage.nearest import nearest

    name, colon, cell = given.partition(":")
    if not colon:
        row = _episode(log, given)
        return _Side(row.id, row)
    batch = batch_named(log, name)
    if batch is None:
        raise BadInput(
            f"{given}: no batch '{name}' in {log.target}; to see what there is: "
            f"{program()} episodes --batches{of_log(log)}"
        )
    cells = _cells(log, batch.id)
    if cell not in cells:
        raise BadInput(f"{given}: the batch has no cell '{cell}'; {nearest(cell, sorted(map(str, cells)))}")
    return _Side(given, None, cells[cell])


def _episode(log: Log, wanted: str) -> EpisodeRow:
    from tertulia.cli.finding import episode_or_batch

    episode, batch = episode_or_batch(log, wanted)
    if episode is not None:
        return episode
    assert batch is not None, "one of the two is there"
    names = _some([f"{batch.id}:{cell}" for cell in _in_order(batch, _cells(log, batch.id))])
    raise BadInput(f"{wanted} is a batch; name its cells: {names}")


def _in_order(batch: BatchRow, cells: Collection[str]) -> list[str]:
    """The cells as their grid has them; by name where there is none."""
    grid = batch.grid
    planned = list(grid.get("cells") or ()) if isinstance(grid, dict) else []
    return [cell for cell in planned if cell in cells] + sorted(set(cells) - set(planned))


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_CELLS
    return "; ".join(names[:_SHOWN_CELLS]) + (f" and {more} more" if more > 0 else "")


def _cells(log: Log, batch: str) -> dict[str, list[EpisodeRow]]:
    found: dict[str, list[EpisodeRow]] = {}
    for row in log.episodes(batch=batch):
        found.setdefault(str(row.cell), []).append(row)
    return found


def _two(log: Log, one: EpisodeRow, other: EpisodeRow, as_json: bool) -> None:
    from tertulia.environments.parting import Told, beliefs_part, parting

    a, b = Told.of(log, one), Told.of(log, other)
    parts, believed = parting(a, b), beliefs_part(a, b)
    if as_json:
        report = {
            "a": one.id, "b": other.id, "parting": None if parts is None else asdict(parts),
            "beliefs_part": None if believed is None else {"turn": believed[0], **asdict(believed[1])},
            "figures": {"a": a.figures(), "b": b.figures()},
        }  # fmt: skip
        print(json.dumps(report))
        return
    for line in (*_parting(a, b, parts), *_first_belief(believed, parts), *_figures(a, b)):
        print(line)


def _parting(a: Told, b: Told, parts: Parting | None) -> Iterator[str]:
    yield f"a  {_known_as(a)}"
    yield f"b  {_known_as(b)}"
    if parts is None:
        yield f"the transcripts are the same, in all {len(a.played())} turns"
        return
    yield f"the transcripts part at turn {parts.turn}"
    for side, told, event, admitted in (("a", a, parts.a, parts.admitted_a), ("b", b, parts.b, parts.admitted_b)):
        floor = f"  (floor: {', '.join(admitted)})" if admitted else ""
        nothing = _over(told) if parts.ended == side else "silence"
        yield f"  {side}  {nothing if event is None else _event(event)}{floor}"
    if parts.beliefs:
        yield f"believed otherwise at turn {parts.turn}"
        yield from _beliefs(parts.beliefs)


def _over(told: Told) -> str:
    from tertulia.storage.statuses import PLAYED_OUT

    row = told.row
    return (
        f"ended before it: {row.reason}"
        if row.status in PLAYED_OUT
        else f"not played so far ({row.status}: {row.reason})"
    )


def _known_as(told: Told) -> str:
    row = told.row
    cell = f", {row.cell} {row.replicate}" if row.cell is not None else ""
    parent = f", forked from {row.parent_episode} after turn {row.parent_turn}" if row.parent_episode else ""
    return f"{row.id}  {row.scenario}, seed {row.seed}{cell}{parent}"


def _event(event: dict[str, Any]) -> str:
    from tertulia.cli.display.harmless import one_line

    to = f" to {', '.join(event['addressees'])}" if event["addressees"] else ""
    who = f"{event['actor']} ({event['kind']}{to})" if event["actor"] else "*"
    return one_line(f"{who}: {event['text']}")


_MOST = 12


def _beliefs(found: Sequence[OtherBelief]) -> Iterator[str]:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import table_lines

    rows = [(one.chain, one.variable, _shares(one.a, one.by_a), _shares(one.b, one.by_b)) for one in found[:_MOST]]
    for line in table_lines(("chain", "variable", "a", "b"), rows, width_of(sys.stdout)):
        yield f"  {line}"
    if len(found) > _MOST:
        yield f"  ... and {len(found) - _MOST} more (--json has all)"


def _shares(shares: dict[str, float] | None, by: str | None) -> str:
    if shares is None:
        return "nothing stated"
    top = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:2]
    told = ", ".join(f"{value} {100 * p:.0f} %" for value, p in top if p > 0)
    return f"{told} (set)" if by == "set" else told


def _first_belief(found: tuple[int, OtherBelief] | None, parts: Parting | None) -> Iterator[str]:
    if found is None:
        yield "everything is believed alike"
    elif parts is None or found[0] < parts.turn:
        turn, one = found
        yield f"the first belief that differs is of turn {turn}"
        yield from _beliefs([one])


def _figures(a: Told, b: Told) -> Iterator[str]:
    from tertulia.cli.display.table import table_lines

    ones, others = a.figures(), b.figures()
    rows = [(name, _number(ones[name]), _number(others[name])) for name in ones]
    yield ""
    yield from table_lines(("", "a", "b"), rows, None)


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3g}"


def _groups(log: Log, one: _Side, other: _Side, as_json: bool) -> None:
    from tertulia.environments.comparing import effects

    found = effects(log, (one.name, other.name), one.rows, other.rows)
    if as_json:
        print(json.dumps(found.report()))
        return
    for line in _effects(found):
        print(line)


def _effects(found: Effects) -> Iterator[str]:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines

    width = width_of(sys.stdout)
    yield f"a  {found.a}"
    yield f"b  {found.b}"
    many = f" over {found.seeds} seeds; intervals are over seeds" if found.interval_over == "seeds" else ""
    yield plural(found.n, "pair") + many + "".join(f"; left out: {n} {why}" for why, n in found.left_out.items())
    if not found.n:
        yield "a pair has the same seed and replicate; cells of an `independent` design have no seed in common"
        return
    at = f", at turn {_mean(found.turn)}" if found.turn else ""
    yield f"the transcripts of {found.parted} part{at}"
    if found.by_chance is not None:
        parted, beside = found.by_chance
        yield f"by chance alone: {parted} of {beside} replicates of b part from the next one"
    yield ""
    rows = [(name, *map(_mean, three[:2]), _interval(three[2])) for name, three in found.figures.items()]
    yield from folded_lines(("", "a", "b", "a - b (95 %, n)"), rows, width)
    yield from _effects_on_beliefs(found)
    if found.set_apart:
        named = ", ".join(f"{chain} about {variable}" for chain, variable in found.set_apart)
        yield f"set from outside, and left out as long as it was held so: {named}"


def _effects_on_beliefs(found: Effects) -> Iterator[str]:
    """The largest first; those that do not differ in any pair are only counted."""
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines
    from tertulia.environments.comparing import DISTANCE
    from tertulia.environments.parting import SAME

    differing = [one for one in found.beliefs if any(mean and abs(mean.mean) > SAME for mean in (one.last, one.mean))]
    differing.sort(key=lambda one: -max(abs(mean.mean) for mean in (one.last, one.mean) if mean))
    if differing:
        yield ""
        rows = [
            (
                one.chain, one.variable, one.measure, one.by_a if one.by_a == one.by_b else f"{one.by_a} - {one.by_b}",
                _interval(one.mean), _interval(one.last),
            )
            for one in differing[:_MOST]
        ]  # fmt: skip
        columns = ("belief", "about", "a - b of", "by", "over turns (95 %, n)", "last turn (95 %, n)")
        yield from folded_lines(columns, rows, width_of(sys.stdout))
    if len(differing) > _MOST:
        yield f"... and {len(differing) - _MOST} more that differ (--json has all)"
    alike = len(found.beliefs) - len(differing)
    if alike:
        yield f"on average alike: {plural(alike, 'belief')}"
    if any(one.measure == DISTANCE for one in differing):
        yield f"{DISTANCE}: how far a and b lie apart, 0-1, where the world decides nothing"


def _mean(found: Mean | None) -> str:
    return "not measured" if found is None else f"{found.mean:.3g}"


def _interval(found: Mean | None) -> str:
    if found is None:
        return "not measured"
    between = f" [{found.low:+.3g}, {found.high:+.3g}]" if found.low is not None and found.high is not None else ""
    return f"{found.mean:+.3g}{between} ({found.n})"


def add_to(app: typer.Typer) -> None:
    app.command("compare", short_help="Show where two episodes part, or what a change did.")(compare)
