"""`tertulia gold`: what should be believed, in published stories beside their labels or in an episode of the log."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.environments.hindsight import Held
    from tertulia.environments.stories.answer import Report

_TOLD = 10
"""So many of what is left out are told one by one."""
_EXAMPLES = 2


def gold(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|EPISODE", show_default=False,
            help="A file of a published story set (with --format), or an episode: its id, the beginning of one, or "
            "`last` for the newest.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", show_envvar=False, help="The story set: tomi, hi-tom or bigtom."),
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option(
            "--rules", metavar="NAME", show_envvar=False,
            help="Who believes what they are told: none, credulous or later-exit; for stories also a set's own "
            "conventions: hi-tom.  [default: credulous, for hi-tom stories later-exit, for an episode the scenario's]",
        ),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", show_envvar=False, help="Leave out stories and questions that cannot be read."),
    ] = False,
    chain: Annotated[
        list[str] | None,
        typer.Option(
            "--chain", metavar="CHAIN", show_envvar=False,
            help="Of an episode: what Alice believes (alice), what she thinks Bob does (alice>bob), common ground "
            "(alice&bob), or what is so (world). Can be given several times.  [default: everybody's own]",
        ),
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option(
            "--variable", metavar="NAME", show_envvar=False,
            help="Of an episode: about this alone. Can be given several times.",
        ),
    ] = None,
    turn: Annotated[
        int | None,
        typer.Option(
            "--turn", min=0, metavar="N", show_envvar=False,
            help="Of an episode: what should be believed at that turn, after all events before it.  [default: the end]",
        ),
    ] = None,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Compute what should be believed, from who witnessed and was told what.

    For a file of stories: answer every question, and say how often the set's labels agree, and why where they do not.
    For an episode: what should be believed along any chain, at any turn. --json prints one object.
    """
    if format is not None:
        only = {"--chain": chain, "--variable": variable, "--turn": turn}
        if wrong := next((name for name, given in only.items() if given is not None), None):
            raise BadInput(f"{wrong} is for an episode; with --format, {what} is a file of stories")
        _stories(Path(what), format, rules, skip_bad, as_json)
        return
    if os.path.exists(what):  # noqa: PTH110  a name too long for a file is none
        raise BadInput(f"{what} is a file: say what it is, as --format tomi, hi-tom or bigtom")
    if skip_bad:
        raise BadInput("--skip-bad is for a file of stories, with --format")
    _episode(what, chain or [], variable or [], turn, rules, as_json, db)


def _stories(path: Path, format: str, named: str | None, skip_bad: bool, as_json: bool) -> None:
    from tertulia.environments.gold import RULES
    from tertulia.environments.stories.answer import report
    from tertulia.environments.stories.explain import explain
    from tertulia.environments.stories.reading import (
        convention,
        convention_names,
        counted_by,
        explainer_of,
        rule_of,
        stories_in,
    )
    from tertulia.environments.stories.story import StoryError
    from tertulia.storage.nearest import nearest

    if named is not None and named not in RULES and named not in convention_names():
        raise BadInput(f"--rules: no rules '{named}'; {nearest(named, [*RULES, *convention_names()])}")
    try:
        rules = named or rule_of(format)
        stories = stories_in(path, format)
    except LookupError as error:
        raise BadInput(f"--format: {error.args[0]}") from None
    except StoryError as error:
        raise BadInput(str(error)) from None
    own = explainer_of(format)
    try:
        found = report(
            stories,
            RULES[rules if rules in RULES else rule_of(format)],
            explainers=(explain,) if own is None else (own, explain),
            convention=None if rules in RULES else convention(rules),
            counted_by=counted_by(format),
            skip_bad=skip_bad,
        )
    except StoryError as error:
        raise BadInput(f"{error} (--skip-bad leaves it out)") from None
    for one in found.skipped[:_TOLD]:
        note(f"left out: {one}")
    if len(found.skipped) > _TOLD:
        note(f"left out: {len(found.skipped) - _TOLD} more")
    if not found.total.items:
        raise BadInput(f"{path}: no question in it could be read as {format}; is --format right?")
    if as_json:
        print(json.dumps({"file": str(path), "format": format, "rules": rules, **found.data()}))
    else:
        _paint(found, path, format, rules)


def _paint(found: Report, path: Path, format: str, rules: str) -> None:
    from tertulia.cli.display.console import console_on
    from tertulia.cli.display.harmless import one_line
    from tertulia.cli.display.table import table_lines

    width = console_on().width
    rows: list[list[Any]] = [[kind, tally.items, tally.agree, _share(tally)] for kind, tally in found.by.items()]
    for tag, tallies in found.by_tag.items():
        rows += [
            [f"{tag}: {value}", tally.items, tally.agree, _share(tally)] for value, tally in sorted(tallies.items())
        ]
    rows.append(["all", found.total.items, found.total.agree, _share(found.total)])
    print(f"{one_line(path)}  {format}, rules {rules}\n")
    for line in table_lines(("kind", "items", "agree", "%"), rows, width):
        print(line)
    wrong = found.label_errors
    rest = found.total.items - wrong
    print()
    if wrong and rest:
        kept = 100 * found.total.agree / rest
        print(f"{wrong} labels contradict the story; without them {found.total.agree} of {rest} agree ({kept:.2f} %)")
    print(f"{len(found.disagreements)} disagreements, {found.unexplained} of them unexplained")
    if found.skipped:
        print(f"{len(found.skipped)} left out (stories or questions that cannot be read)")
    _paint_categories(found)
    if found.departures:
        print(f"\n{rules} answers otherwise than gold on {found.departures.total()} items:")
        for category, count in found.departures.most_common():
            print(f"{count:5d}  {one_line(category)}")


def _paint_categories(found: Report) -> None:
    """Each with two examples, from different lines."""
    from tertulia.cli.display.harmless import one_line

    for category, count in found.categories().items():
        print(f"\n{count:5d}  {one_line(category)}")
        of_lines = {one.line: one for one in reversed(found.disagreements) if one.category == category}
        for one in sorted(of_lines.values(), key=lambda one: one.line or 0)[:_EXAMPLES]:
            place = f"{one.where}:{one.line}" if one.line else f"{one.where}: {one.story}"
            print(f"       {one_line(place)}: {one_line(one.question)}")
            because = f"; {one_line(one.because)}" if one.because else ""
            print(f"         label {one_line(one.label)}, gold {one_line(one.gold or 'not certain')}{because}")


def _share(tally: Any) -> float:
    return float(f"{100 * tally.agree / tally.items:.2f}")


def _episode(
    what: str, chains: list[str], variables: list[str], turn: int | None, rules: str | None, as_json: bool,
    db: str | None,
) -> None:  # fmt: skip
    from tertulia.cli.finding import find
    from tertulia.environments.gold import rule_named
    from tertulia.environments.hindsight import Hindsight
    from tertulia.storage.log import Log

    if rules is not None:
        try:
            rule_named(rules)
        except LookupError as error:
            raise BadInput(f"--rules: {error.args[0]}") from None
    with Log.open(db, create=False) as log:
        row = log.episode(find(log, what))
        past = Hindsight(log, row)
        at = row.head + 1 if turn is None else turn
        if at > row.head + 1:
            raise BadInput(f"--turn {turn}: episode {row.id} can be asked about turns 0 to {row.head + 1}")
        try:
            held = past.all_held(chains, variables, at, rules)
        except LookupError as error:
            raise BadInput(str(error.args[0])) from None
    if as_json:
        items = [asdict(one) for one in held]
        print(json.dumps({"episode": row.id, "turn": at, "rules": rules or past.rule, "gold": items}))
    elif not held:
        print("nothing here has gold: the world declares no variables that can be believed")
    else:
        _paint_held(held)


def _paint_held(held: list[Held]) -> None:
    from tertulia.cli.display.console import console_on
    from tertulia.cli.display.table import table_lines

    rows = []
    for one in held:
        likely = sorted(one.distribution.items(), key=lambda pair: -pair[1])[:3]
        shares = ", ".join(f"{value} {share:.2f}" for value, share in likely if share > 0)
        robust = {None: "", True: "yes", False: "no"}[one.robust]
        rows.append([one.chain, one.variable, shares, one.basis, one.source, robust])
    columns = ("chain", "variable", "most likely", "basis", "event", "robust")
    for line in table_lines(columns, rows, console_on().width):
        print(line)


def add_to(app: typer.Typer) -> None:
    app.command("gold", short_help="Compute what should be believed, from who witnessed what.")(gold)
