"""`tertulia export`: the verb and its options; each format has a module of its own beside it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from tertulia.cli.coding import blind as sheets
from tertulia.cli.errors import BadInput
from tertulia.cli.options import AsJson, Db, Debug


class Format(StrEnum):
    """What the log is written as."""

    parquet = "parquet"
    jsonl = "jsonl"
    csv = "csv"
    sft = "sft"
    inspect = "inspect"
    preferences = "preferences"


class Per(StrEnum):
    """What one training record is."""

    episode = "episode"
    turn = "turn"


class Thoughts(StrEnum):
    """Whether inner thoughts are in training records, and where."""

    none = "none"
    tag = "tag"
    field = "field"


class People(StrEnum):
    """Whose words may go out; `storage.exports.chosen.People` says what each means."""

    none = "none"
    agreed = "agreed"
    all = "all"


_MODULES = {
    Format.parquet: "tables",
    Format.jsonl: "tables",
    Format.csv: "tables",
    Format.sft: "sft",
    Format.inspect: "inspect_log",
    Format.preferences: "preferences",
}
"""The module of this folder that writes a format: it defines `write(request)`."""
_SFT = ("per", "thoughts", "no_system", "seat", "successful", "min_reward")
_ONLY_FOR = {"table": (Format.parquet, Format.jsonl, Format.csv), **dict.fromkeys(_SFT, (Format.sft,))}
"""Options that belong to some formats alone."""


def export(
    episodes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EPISODE|BATCH]...", show_default=False,
            help="Ids of episodes or batches or their beginnings, or `last` for the newest episode.  [default: all]",
        ),
    ] = None,
    to: Annotated[
        Format | None,
        typer.Option("--to", show_default=False, show_envvar=False, help="What to write; see above."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", metavar="PATH", show_default=False, show_envvar=False,
            help="Where it goes: a folder, or a file where one is named by its ending; - for stdout.",
        ),
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="NAME", show_envvar=False, help="The episodes of this batch.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table", metavar="NAME", show_envvar=False,
            help="This view or table. Can be given several times.  [default: all documented views]",
        ),
    ] = None,
    people: Annotated[
        People,
        typer.Option(
            "--people", show_envvar=False,
            help="Whose words may go out: agreed leaves out episodes in which a person took their part back; none, all "
            "in which a person took part; all, nobody's.",
        ),
    ] = People.agreed,
    per: Annotated[
        Per | None,
        typer.Option(
            "--per", show_default=False, show_envvar=False,
            help="sft: a record for each seat of an episode, or for each turn of a seat.  [default: episode]",
        ),
    ] = None,
    thoughts: Annotated[
        Thoughts | None,
        typer.Option(
            "--thoughts", show_default=False, show_envvar=False,
            help="sft: what the seat thought, before its words between <inner> and </inner>, or in a field of its own."
            "  [default: none]",
        ),
    ] = None,
    no_system: Annotated[
        bool,
        typer.Option("--no-system", show_envvar=False, help="sft: without who the seat is, and what it alone knows."),
    ] = False,
    seat: Annotated[
        list[str] | None,
        typer.Option(
            "--seat", metavar="NAME", show_envvar=False,
            help="sft: only what this participant lived through; a person's seat only goes out when it is named. Can "
            "be given several times.",
        ),
    ] = None,
    successful: Annotated[
        bool, typer.Option("--successful", show_envvar=False, help="sft: only episodes with the status success.")
    ] = False,
    min_reward: Annotated[
        float | None,
        typer.Option("--min-reward", metavar="R", show_envvar=False, help="sft: only episodes with so much reward."),
    ] = None,
    blind: sheets.Blind = False,
    pairs: sheets.Pairs = False,
    codebook: sheets.OfCodebook = None,
    between: sheets.Between = None,
    coders: sheets.Coders = None,
    overlap: sheets.Overlap = None,
    practice: sheets.Practice = None,
    sample: sheets.Sample = None,
    seed: sheets.DrawnBy = None,
    semicolons: sheets.Semicolons = False,
    force: Annotated[
        bool, typer.Option("--force", show_envvar=False, help="Replace an export that is there already.")
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Write episodes in the files that other programs read.

    \b
    parquet, jsonl, csv  views and tables, one file each in a folder, and
                         export.json, which says what is what
    sft                  records to train with: a conversation as one seat
                         witnessed it, its words the assistant's
    inspect              an eval log for Inspect's viewer: an episode is a sample
    preferences          pairs that people judged: chosen and rejected

    \b
    tertulia export --to parquet -o log/
    tertulia export BATCH --to csv --table v_beliefs -o beliefs.csv
    tertulia export last --to jsonl --table v_transcript -o -
    tertulia export --to sft --thoughts tag --successful -o train.jsonl
    tertulia export BATCH --blind --codebook warmth.yaml --coders 2 --overlap 0.2 -o study/

    What comes out whole is put in its place at the end; what is there is kept unless --force is given.
    docs/exports.md says what each format holds and what it loses.
    """  # fmt: skip
    coding = {
        "codebook": codebook, "between": between, "coders": coders, "overlap": overlap, "practice": practice,
        "sample": sample, "seed": seed, "semicolons": semicolons or None,
    }  # fmt: skip
    if blind or pairs:
        _code(to, out, episodes or [], batch, people, force, as_json, db, pairs, coding)
        return
    given = next((name for name, value in coding.items() if value is not None), None)
    if given is not None:
        raise BadInput(f"--{given} goes with --blind or --pairs")
    if to is None:
        raise BadInput(f"--to: which format? one of {', '.join(Format)}")
    if out is None:
        raise BadInput(f"-o: where to? for example: tertulia export --to {to} -o {_EXAMPLES[to]}")
    options = {
        "table": table, "per": per, "thoughts": thoughts, "no_system": no_system, "seat": seat,
        "successful": successful, "min_reward": min_reward,
    }  # fmt: skip
    _run(to, out, episodes or [], batch, people, force, as_json, db, options)


_EXAMPLES = {
    Format.parquet: "log/",
    Format.jsonl: "log/",
    Format.csv: "log/",
    Format.sft: "train.jsonl",
    Format.inspect: "log.eval",
    Format.preferences: "preferences.jsonl",
}


def _run(
    to: Format, out: str, words: list[str], batch: str | None, people: People, force: bool, as_json: bool,
    db: str | None, options: Mapping[str, Any],
) -> None:  # fmt: skip
    from tertulia.cli.export.request import Request
    from tertulia.cli.finding import find_many
    from tertulia.storage.exports import chosen
    from tertulia.storage.log import Log

    for name, value in options.items():
        if value not in (None, False) and to not in _ONLY_FOR[name]:
            raise BadInput(f"--{name.replace('_', '-')} goes with --to {' or '.join(_ONLY_FOR[name])}, not with {to}")
    with Log.open(db, create=False) as log:
        wanted = find_many(log, words, batch)
        asked = Request(log, to.value, out, wanted, chosen.People(people), force, as_json, options)
        import_module(f"tertulia.cli.export.{_MODULES[to]}").write(asked)


def _code(
    to: Format | None, out: str | None, words: list[str], batch: str | None, people: People, force: bool,
    as_json: bool, db: str | None, pairs: bool, given: Mapping[str, Any],
) -> None:  # fmt: skip
    """Sheets for coders, with the options that were given."""
    from tertulia.cli.finding import find_many
    from tertulia.storage.exports import chosen
    from tertulia.storage.log import Log

    if to is not None:
        raise BadInput(f"--{'pairs' if pairs else 'blind'} and --to {to}: choose one of the two")
    if out is None:
        raise BadInput("-o: where to? for example: tertulia export --blind --codebook FILE.yaml -o study/")
    options = {name: value for name, value in given.items() if value is not None}
    with Log.open(db, create=False) as log:
        wanted, whose = find_many(log, words, batch), chosen.People(people)
        sheets.write_sheets(log, sheets.Asked(wanted, Path(out), whose, force, as_json, pairs=pairs, **options))


def add_to(app: typer.Typer) -> None:
    app.command("export")(export)
