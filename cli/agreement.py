"""`tertulia agreement`: how far the coders of a set agree, and which condition they preferred."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug, Seed


def agreement(
    sets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SET]...", show_default=False,
            help="Sets by their names or the beginnings of these.  [default: all that are in the log]",
        ),
    ] = None,
    code: Annotated[
        list[str] | None,
        typer.Option("--code", metavar="NAME", show_envvar=False, help="This code alone. Can be given several times."),
    ] = None,
    practice: Annotated[
        bool, typer.Option("--practice", show_envvar=False, help="On the items to practise on.")
    ] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Say how far coders agree: plain agreement, Cohen's kappa of every two (for ordinal codes also weighted), Fleiss'
    kappa where there are three or more, Krippendorff's alpha for the code's scale.

    Each with the items, coders and codes it is over, and an interval (95 %, bootstrap) that draws whole episodes anew.
    Where every code is the same, no coefficient is defined, and it is said. Of pairs also how often which condition was
    preferred. The last version of what each coder gave counts.

    \b
    tertulia agreement
    tertulia agreement warmth-bkdtfzq --code warmth --json
    """
    from tertulia.cli.coding.tables import agreement_lines, data
    from tertulia.storage.coding.keeping import heads, judged
    from tertulia.storage.coding.results import agreements, wins
    from tertulia.storage.log import Log
    from tertulia.storage.nearest import nearest

    with Log.open(db, create=False) as log:
        there = heads(log)
        if not there:
            raise BadInput(f"no codes are in {log.target}; to read filled sheets: tertulia import codes SHEET...")
        names = sorted({head.set for head in there})
        for word in sets or ():
            if not any(name.startswith(word) for name in names):
                raise BadInput(f"no set '{word}' in {log.target}; {nearest(word, names)}")
        mine = [head for head in there if not sets or head.set.startswith(tuple(sets))]
        given = judged(log, mine)
    codes = sorted({one.name for head in mine for one in head.codebook.codes})
    for wanted in code or ():
        if wanted not in codes:
            raise BadInput(f"--code {wanted}: no such code; {nearest(wanted, codes)}")
    found = [one for one in agreements(mine, given, practice=practice, seed=seed) if not code or one.code in code]
    preferred = [one for one in wins(given, seed=seed) if not code or one.code in code] if not practice else []
    if as_json:
        print(json.dumps(data(found, preferred), allow_nan=False))
        return
    for line in agreement_lines(found, preferred):
        print(line)
    for name in dict.fromkeys(head.set for head in mine):
        revised = [f"{head.coder} {head.version}" for head in mine if head.set == name and head.version > 1]
        if revised:
            note(f"set {name}: the last versions count ({', '.join(revised)})")


def add_to(app: typer.Typer) -> None:
    app.command("agreement", short_help="Say how far coders agree (Cohen, Fleiss, Krippendorff).")(agreement)
