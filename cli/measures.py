"""`tertulia measures`: numbers computed from the log, each with what it is, its n and the query that gives it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.finding import check_baseline, ended_of_batch, episode_or_batch
from tertulia.cli.hints import db_option, of_log, program
from tertulia.cli.options import AsJson, Db, Debug
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from tertulia.cli.measures_tables import Found
    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import Measure
    from tertulia.storage.measures.compute import Measured, Played

SEED = 0
"""Of the draws behind the intervals: the same episodes give the same figures."""

Names = Annotated[
    list[str] | None,
    typer.Option(
        "--measure", "-m", metavar="NAME", show_envvar=False,
        help="Only this measure, or those of this family (task, beliefs, ...). Can be given several times.",
    ),
]  # fmt: skip
AsCsv = Annotated[bool, typer.Option("--csv", show_envvar=False, help="A table for programs on stdout: CSV.")]


def list_measures(names: Names = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the measures: name, unit, range, what n counts.

    With --measure, all there is to say of one: what it is, where it comes from, and its query.

    \b
    tertulia measures list
    tertulia measures list --measure influence
    """
    from tertulia.cli.display.console import width_of
    from tertulia.cli.measures_tables import catalogue_lines, description_lines
    from tertulia.storage.measures.catalogue import measures_of

    chosen = measures_of(names or [])
    if as_json:
        for one in chosen:
            print(json.dumps({**asdict(one), "sql": one.query("sqlite", "1 = 1")}))
        return
    width = width_of(sys.stdout)
    for line in description_lines(chosen, width) if names else catalogue_lines(chosen, width):
        print(line)


def run_measures(
    episodes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EPISODE|BATCH]...", show_default=False,
            help="Ids of episodes or batches or their beginnings, or `last` for the newest episode.  "
            "[default: all that were played to their end]",
        ),
    ] = None,
    names: Names = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by", metavar="GROUP", show_envvar=False,
            help="Keep apart by participant, model, purpose, level, ...: what a measure may be split by is in "
            "`measures list`. Can be given several times.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline", metavar="CELL", show_default=False, show_envvar=False,
            help="In a batch, the cell that the others are compared with.  [default: the first by name]",
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", show_envvar=False, help="Append the numbers to the table score.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Compute measures over episodes, by condition: scenario, models and, in a batch, cell.

    Intervals (95 %, bootstrap) are over episodes, or over seeds where seeds come again; with one there is none. Of a
    batch with several cells also the paired differences to one of them: a pair has the same seed and replicate, and
    the effect size dz is their mean over their standard deviation. What must not be pooled (estimators, trust rules,
    ...) has a line of its own; the column `of` says which.

    \b
    tertulia measures run last
    tertulia measures run 01M84H9W --measure influence --measure participation
    tertulia measures run --measure cost --by model --by purpose --csv
    """  # fmt: skip
    from tertulia.cli import measures_tables as tables
    from tertulia.cli.display.answers import print_csv
    from tertulia.storage.log import Log
    from tertulia.storage.measures.catalogue import measures_of

    if as_json and as_csv:
        raise BadInput("--json and --csv: choose one of the two")
    chosen = measures_of(names or [])
    check_by(chosen, by or [])
    with Log.open(db, create=False) as log:
        found = _measure(log, chosen, episodes or [], by or [], baseline)
        if save:
            asyncio.run(log.record(tables.score_rows(found, SEED)))
        if as_json:
            for row in tables.data(found):
                print(json.dumps(row, allow_nan=False))
        elif as_csv:
            rows = map(tables.flat, tables.data(found))
            print_csv(tables.COLUMNS, [[row.get(name) for name in tables.COLUMNS] for row in rows])
        else:
            _show(log, found, db)
    if save:
        note(f"kept as run {found.run} in the table score")


def _show(log: Log, found: Found, db: str | None) -> None:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.harmless import harmless
    from tertulia.cli.measures_tables import lines

    for line in lines(found, width_of(sys.stdout)):
        print(line)
    if len(found.measured) == 1:
        print(f"\nThe sums behind it ({found.measured[0].statistic.about}):")
        query = harmless(found.measured[0].measure.query(log.target.dialect, found.these))
        print(f"{program()} sql{db_option(db)} - <<'EOF'\n{query}\nEOF")
    else:
        print(f"\nThe query behind a number: {program()} measures run ... --measure NAME")


def check_by(chosen: Sequence[Measure], by: Sequence[str]) -> None:
    from tertulia.storage.nearest import nearest

    can = sorted({name for one in chosen for name in one.by})
    for name in by:
        if name not in can:
            named = "these measures" if len(chosen) > 1 else chosen[0].name
            right = nearest(name, can) if can else "it can be split by nothing"
            raise BadInput(f"--by {name}: {named} cannot be split by it; {right}")


def _measure(
    log: Log, chosen: Sequence[Measure], wanted: Sequence[str], by: Sequence[str], baseline: str | None
) -> Found:
    from ulid import ULID

    from tertulia.cli.measures_tables import Found
    from tertulia.storage.measures.compute import Measured, played

    ids, these = chosen_episodes(log, wanted)
    episodes = played(log, ids)
    check_baseline(episodes, baseline)
    _warn_of_settings(log, episodes)
    measured: list[Measured] = [Measured(log, one, episodes, by) for one in chosen]
    figures = [figure for one in measured for figure in one.figures(SEED)]
    differences = [difference for one in measured for difference in one.differences(baseline, SEED)]
    return Found(str(ULID()), episodes, these, measured, figures, differences)


def chosen_episodes(log: Log, wanted: Sequence[str]) -> tuple[list[str], str]:
    """The episodes that are meant, and the SQL condition that is true of them."""
    from tertulia.storage.measures.catalogue import among, of_batch

    if not wanted:
        ids = [row.id for row in log.episodes(status=PLAYED_OUT)]
        if not ids:
            raise BadInput(
                f"no episode in {log.target} was played to its end; to see all: {program()} episodes{of_log(log)}"
            )
        return ids, "{id} IN (SELECT id FROM episode WHERE status IN ('success', 'degraded'))"
    found: dict[str, None] = {}
    conditions = []
    for word in wanted:
        one, batch = episode_or_batch(log, word)
        if batch is None:
            assert one is not None
            found[one.id] = None
            conditions.append(among([one.id]))
            continue
        ended, began = ended_of_batch(log, batch.id)
        if len(ended) < began:
            left = f"{began - len(ended)} of the {began} episodes of batch {batch.id}"
            note(f"{left} were not played to their end and are left out")
        found |= dict.fromkeys(ended)
        conditions.append(of_batch(batch.id, PLAYED_OUT))
    return list(found), "(" + " OR ".join(conditions) + ")" if len(conditions) > 1 else conditions[0]


def _warn_of_settings(log: Log, episodes: Sequence[Played]) -> None:
    """Says where episodes outside a batch are taken together although they were played with different settings."""
    from tertulia.storage.measures.compute import by_condition

    for condition, mine in by_condition(episodes).items():
        if condition.batch or len(mine) == 1:
            continue
        ids = {one.id for one in mine}
        rows = log.query(
            "SELECT id, config FROM episode WHERE scenario = ? AND batch IS NULL", [condition.scenario]
        ).rows
        if len({config for id, config in rows if id in ids}) > 1:
            note(f"episodes of {condition.scenario} were played with different settings and are taken together here")


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(help="Compute numbers from the log, each with its n and its query.", no_args_is_help=True)
    group.command("list")(list_measures)
    group.command("run", short_help="Compute measures, by condition, with their intervals.")(run_measures)
    app.add_typer(group, name="measures")
