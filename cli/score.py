"""`tertulia score`: how well minds predicted belief states, computed from the log and kept in it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.finding import LAST, find
from tertulia.cli.hints import db_option, of_log, program
from tertulia.cli.options import AsJson, Db, Debug
from tertulia.storage.statuses import PLAYED_OUT

if TYPE_CHECKING:
    from tertulia.storage.log import Log
    from tertulia.storage.measures.accuracy import Calibration, Figures
    from tertulia.storage.measures.honesty import Honesty
    from tertulia.storage.rows import EpisodeRow, ScoreRow

SEED = 0
"""Of the draws behind the intervals: the same episodes give the same figures."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Everything that one scoring found."""

    run: str
    episodes: list[str]
    scenarios: list[str]
    beliefs: int
    without_gold: int
    figures: list[Figures]
    calibration: list[Calibration]
    honesty: list[Honesty]
    mutual: dict[str, Any] | None


def score(
    episodes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EPISODE|BATCH]...", show_default=False,
            help="Ids of episodes or their beginnings, `last` for the newest, or ids of batches.",
        ),
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", metavar="NAME", show_envvar=False, help="All ended episodes of this scenario."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="gold|truth", show_default=False, show_envvar=False,
            help="Only against what should have been believed, or only against what was true.  [default: both]",
        ),
    ] = None,
    mutual: Annotated[
        bool,
        typer.Option("--mutual", show_envvar=False, help="Also models of each other, beside baselines."),
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Score how well minds predicted belief states, turn by turn, against gold and against the truth.

    Gold is what should have been believed, computed from what each witnessed and was told. The headline is over items
    on which all trust rules agree. Intervals (95 %) are over episodes; with one episode there is none. What was
    claimed is set beside what its speaker believed. The numbers are appended to the table score; none is overwritten.

    \b
    tertulia score last
    tertulia score --scenario dinner-secret --against gold --json
    """
    from tertulia.storage.log import Log

    targets = _targets(against)
    with Log.open(db, create=False) as log:
        rows = _chosen(log, episodes or [], scenario)
        found = _score(log, rows, targets, mutual)
        asyncio.run(log.record(_score_rows(found, against)))
        if as_json:
            print(json.dumps(_data(found), allow_nan=False))
            return
        _show(found)
    question = f"SELECT measure, target, detail, value, n FROM score WHERE run = '{found.run}'"
    print(f"\nKept as run {found.run}; to ask for them:")
    print(f'{program()} sql{db_option(db)} "{question}"')


def _targets(against: str | None) -> tuple[Any, ...]:
    from tertulia.storage.measures.accuracy import TARGETS
    from tertulia.storage.nearest import nearest

    if against is not None and against not in TARGETS:
        raise BadInput(f"--against {against}: no such target; {nearest(against, list(TARGETS))}")
    return TARGETS if against is None else (against,)


def _chosen(log: Log, wanted: Sequence[str], scenario: str | None) -> list[EpisodeRow]:
    """The episodes that are meant, each once, the oldest first."""
    if bool(wanted) == (scenario is not None):
        raise BadInput("what is scored? give ids of episodes or batches, or `last`, or --scenario NAME")
    if scenario is not None:
        found = log.episodes(scenario=scenario, status=PLAYED_OUT)
        if not found:
            raise BadInput(
                f"--scenario {scenario}: no ended episode in {log.target}; "
                f"to see all: {program()} episodes{of_log(log)}"
            )
        left_out = len(log.episodes(scenario=scenario)) - len(found)
        if left_out:
            note(f"{left_out} of the episodes of {scenario} have not ended and are left out")
    else:
        found = []
        for word in wanted:
            found += (word != LAST and log.episodes(batch=word)) or [log.episode(find(log, word))]
    return sorted({row.id: row for row in found}.values(), key=lambda row: row.id)


def _score(log: Log, rows: Sequence[EpisodeRow], targets: Sequence[Any], mutual: bool) -> Scored:
    from ulid import ULID

    from tertulia.storage.measures.accuracy import COLUMNS, accuracy, calibration
    from tertulia.storage.measures.honesty import honesty

    beliefs = _of_each(log, f"SELECT {', '.join(COLUMNS)} FROM v_belief_accuracy", rows)
    rows = _scorable(rows, beliefs, targets, mutual)
    figures = [one for target in targets for one in accuracy(beliefs, target, SEED)]
    calibrated = [one for target in targets for one in calibration(beliefs, target)]
    models = None
    if mutual:
        from tertulia.cli.score_mutual import mutual_data

        models = mutual_data(log, [row.id for row in rows], SEED)
    return Scored(
        str(ULID()), [row.id for row in rows], sorted({row.scenario for row in rows}), len(beliefs),
        sum(row["gold_brier"] is None for row in beliefs), figures, calibrated,
        honesty(_of_each(log, "SELECT * FROM v_honesty", rows), SEED), models,
    )  # fmt: skip


def _of_each(log: Log, select: str, rows: Sequence[EpisodeRow]) -> list[dict[str, Any]]:
    """What is selected from a view, asked for episode by episode: so the database finds them by its index."""
    found: list[dict[str, Any]] = []
    for row in rows:
        found += log.query(f"{select} WHERE episode = ?", [row.id]).dicts()
    return found


def _scorable(
    rows: Sequence[EpisodeRow], beliefs: Sequence[dict[str, Any]], targets: Sequence[str], mutual: bool
) -> list[EpisodeRow]:
    """The episodes in which there is something to score. Says of the others what they lack; an error where all do."""
    lacking = {row.id: _lack([one for one in beliefs if one["episode"] == row.id], targets, mutual) for row in rows}
    missing = {id: lack for id, lack in lacking.items() if lack is not None}
    if len(missing) < len(rows):
        for id, lack in missing.items():
            note(f"episode {id} is not scored: {lack}")
        return [row for row in rows if row.id not in missing]
    [(id, lack), *others] = missing.items()
    more = f" (nor the {len(others)} others)" if others else ""
    raise BadInput(f"episode {id} cannot be scored{more}: {lack}")


def _lack(beliefs: Sequence[dict[str, Any]], targets: Sequence[str], mutual: bool) -> str | None:
    if not beliefs:
        return (
            "no beliefs are in the log; play it with minds that have the faculty `believe` and `elicit: inline`, "
            f"or ask for them with {program()} probe EPISODE --beliefs"
        )
    if mutual and any(one["chain_order"] > 1 for one in beliefs):
        return None  # of somebody's next act there is neither gold nor truth, but a model is scored on the act itself
    if all(one[f"{target}_brier"] is None for one in beliefs for target in targets):
        other = "--mutual" if len(targets) > 1 else f"--against {'truth' if 'gold' in targets else 'gold'}"
        return f"no {' and no '.join(targets)} is in the log for what was believed; try {other}"
    return None


def _score_rows(found: Scored, against: str | None) -> list[ScoreRow]:
    """The numbers as rows; the first, `episodes`, says over what they are."""
    from ulid import ULID

    from tertulia.cli.score_mutual import mutual_numbers
    from tertulia.storage.rows import ScoreRow
    from tertulia.storage.types import now

    one = found.episodes[0] if len(found.episodes) == 1 else None
    at = now()
    whole = {"episodes": found.episodes, "scenarios": found.scenarios, "against": against, "seed": SEED}
    numbers = [
        {"measure": "episodes", "value": float(len(found.episodes)), "n": len(found.episodes), "detail": whole},
        *(number for one in found.figures for number in _belief_numbers(one)),
        *(_calibration_number(one) for one in found.calibration),
        *(number for one in found.honesty for number in _claim_numbers(one)),
        *([] if found.mutual is None else mutual_numbers(found.mutual)),
    ]
    return [ScoreRow(id=str(ULID()), run=found.run, episode=one, created_at=at, **number) for number in numbers]


def _belief_numbers(of: Figures) -> list[dict[str, Any]]:
    detail = {
        "group": of.group, "source": of.how.source, "rule": of.how.rule, "beyond_gold": of.beyond_gold,
        "least_log_loss": of.least_log_loss,
    }  # fmt: skip
    named = {"brier": of.brier, "log_loss": of.log_loss, "accuracy": of.accuracy}
    return [
        {
            "measure": f"belief_{name}", "target": of.target, "estimator": of.how.estimator, "n": of.n,
            "value": None if found is None else found.mean, "detail": {**detail, **_bounds(found)},
        }
        for name, found in named.items()
    ]  # fmt: skip


def _bounds(found: Any) -> dict[str, Any]:
    return {} if found is None else {"low": found.low, "high": found.high, "episodes": found.episodes}


def _calibration_number(of: Calibration) -> dict[str, Any]:
    detail = {
        "source": of.how.source, "rule": of.how.rule, "left_out": of.left_out, "bins": [asdict(b) for b in of.bins]
    }  # fmt: skip
    return {
        "measure": "belief_calibration_error", "target": of.target, "estimator": of.how.estimator, "value": of.error,
        "n": of.n, "detail": detail,
    }  # fmt: skip


def _claim_numbers(of: Honesty) -> list[dict[str, Any]]:
    detail = {"origin": of.origin, "established": of.established, "unstated": of.unstated}
    return [
        {
            "measure": f"claim_{category}", "holder": of.speaker, "estimator": of.estimator, "n": of.n,
            "value": None if found is None else found.mean,
            "detail": {**detail, "count": of.counts[category], **_bounds(found)},
        }
        for category, found in of.shares.items()
    ]  # fmt: skip


def _data(found: Scored) -> dict[str, Any]:
    return asdict(found)


def _show(found: Scored) -> None:
    from tertulia.cli.display.console import width_of
    from tertulia.cli.score_tables import score_lines

    width = width_of(sys.stdout)
    for line in score_lines(found, width):
        print(line)
    if found.mutual is not None:
        from tertulia.cli.score_mutual import mutual_lines

        print()
        for line in mutual_lines(found.mutual, width):
            print(line)


def add_to(app: typer.Typer) -> None:
    app.command("score", short_help="Score how well minds predicted belief states.")(score)
