"""`tertulia import chat`: one's own group chats, from CSV, as episodes."""

from __future__ import annotations

import asyncio
import csv
import secrets
from collections.abc import Sequence
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug

if TYPE_CHECKING:
    from tertulia.storage.coding.reading import Sheet
    from tertulia.storage.imports.chat import Chats

_MANY = 10**9


def _column(name: str, what: str) -> Any:
    return typer.Option(
        f"--{name}", metavar="COLUMN", show_default=False, show_envvar=False,
        help=f"The column with {what}.  [default: by its usual names]",
    )  # fmt: skip


def chat(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", show_default=False, help="Tables (CSV), a row for each message.")
    ],
    consent_note: Annotated[
        str,
        typer.Option(
            "--consent-note", metavar="TEXT", show_default=False, show_envvar=False,
            help="By what right these words are kept (an approval, a consent form); it stays with the episodes.",
        ),
    ],
    time: Annotated[str | None, _column("time", "the time")] = None,
    speaker: Annotated[str | None, _column("speaker", "the speaker")] = None,
    text: Annotated[str | None, _column("text", "what was said")] = None,
    to: Annotated[str | None, _column("to", "to whom; several names with ; , or | between")] = None,
    conversation: Annotated[str | None, _column("conversation", "which conversation a message is of")] = None,
    timezone: Annotated[
        str, typer.Option("--timezone", metavar="ZONE", show_envvar=False, help="Of times that do not say theirs.")
    ] = "UTC",
    time_format: Annotated[
        str | None,
        typer.Option(
            "--time-format", metavar="FORMAT", show_default=False, show_envvar=False,
            help="How times are written, as in '%d.%m.%Y %H:%M'.  [default: ISO 8601, or seconds]",
        ),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            "--system", metavar="NAME", show_envvar=False,
            help="A speaker that is nobody: what it says happened. Can be given several times.",
        ),
    ] = None,
    keep_names: Annotated[
        bool, typer.Option("--keep-names", show_envvar=False, help="Names as they are, instead of pseudonyms.")
    ] = False,
    keep_times: Annotated[
        bool,
        typer.Option(
            "--keep-times", show_envvar=False,
            help="Dates and times as they are, not to the hour; seconds since the first message stay anyway.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", min=0, metavar="N", show_default=False, show_envvar=False,
            help="Of the pseudonyms: a secret, by which a name gets the same one again.  [default: a new one]",
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--mapping", metavar="FILE", show_default=False, show_envvar=False,
            help="Also write which name became which pseudonym, to a new file.",
        ),
    ] = None,
    title: Annotated[
        str, typer.Option("--title", metavar="NAME", show_envvar=False, help="What the episodes are called.")
    ] = "chat",
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="NAME", show_envvar=False, help="Make them a batch, or add them to it."),
    ] = None,
    allow_api: Annotated[
        bool,
        typer.Option(
            "--allow-api", show_envvar=False, help="Do not mark them local_only (kept from models elsewhere)."
        ),
    ] = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Enter group chats of people into the log: show, report, search, measures and coding sheets work on them.

    A message is a turn; one without an addressee is to nobody in particular. Speakers get pseudonyms, in what others
    say as well, as far as their names can be recognised there. The same conversation is entered once.

    \b
    tertulia import chat chat.csv --consent-note "IRB 2026-17, written consent" --timezone Europe/Madrid
    tertulia import chat chat.csv --speaker Autor --text Nachricht --time-format '%d.%m.%Y %H:%M' --consent-note ...
    tertulia measures run chats --measure participation
    """
    from tertulia.cli.importing.entering import enter_all, tell
    from tertulia.environments.people.pseudonyms import drawn_pseudonyms
    from tertulia.storage.imports.chat import Chats, Reading, chats, columns_of, people_in
    from tertulia.storage.log import Log

    if not consent_note.strip():
        raise BadInput("--consent-note: there is nothing in it; say by what right these words are kept")
    said = {"time": time, "speaker": speaker, "text": text, "to": to, "conversation": conversation}
    drawn = secrets.randbelow(_MANY) if seed is None else seed
    tables = []
    for sheet in _read(files):
        how = Reading(
            columns_of(sheet, said), _zone(timezone), time_format, frozenset(name.casefold() for name in system or ()),
            title, keep_names, keep_times, _people(consent_note, allow_api),
        )  # fmt: skip
        if not keep_names:
            how.pseudonyms = partial(drawn_pseudonyms, seed=drawn)
        tables.append((sheet, how))
    found = Chats()
    for sheet, how in tables:  # everybody first: in one chat people speak of those of another
        found.mapping |= how.pseudonyms(people_in(sheet, how))
    for sheet, how in tables:
        chats(sheet, how, found)
    with Log.open(db) as log:
        if mapping is not None:
            _write_mapping(mapping, found)
        came = asyncio.run(enter_all(log, found.conversations, batch=batch))
        came.left_out = dict(found.left_out)
        tell(came, as_json=as_json, log=log.target)
    _remark(found, keep_names, drawn if seed is None and came.entered else None)


def _read(files: Sequence[Path]) -> list[Sheet]:
    from tertulia.storage.coding.reading import read_table

    found = []
    for path in dict.fromkeys(files):
        try:
            found.append(read_table(path.read_bytes(), str(path)))
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}; give a table (CSV)") from error
    return found


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadInput(f"--timezone {name}: no such zone; write one as in Europe/Madrid, or UTC") from None


def _people(note: str, allow_api: bool) -> dict[str, Any]:
    """In the shape that `people` has in a scenario that people played."""
    from hashlib import sha256

    text = note.strip()
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"consent": {"version": digest[:12], "text": text, "hash": digest}, "local_only": not allow_api}


def _write_mapping(path: Path, found: Chats) -> None:
    from tertulia.storage.spreadsheets import inert

    try:
        with path.open("x", encoding="utf-8-sig", newline="") as file:
            path.chmod(0o600)
            writer = csv.writer(file)
            writer.writerow(("name", "pseudonym"))
            writer.writerows((inert(name), pseudonym) for name, pseudonym in sorted(found.mapping.items()))
    except OSError as error:
        raise BadInput(f"--mapping {path}: {error.strerror}; give a file that is not there yet") from error


def _remark(found: Chats, keep_names: bool, seed: int | None) -> None:
    from tertulia.cli.display.summary import plural

    if found.moved:
        note(f"messages that did not stand in the order of their times, and now do: {found.moved}")
    if not keep_names:
        note(
            f"{plural(len(found.mapping), 'name')} became pseudonyms, also {plural(found.replaced, 'time')} within "
            "messages; nicknames and names of others were not looked for"
        )
    if seed is not None and not keep_names:
        note(f"the same people get the same pseudonyms with --seed {seed}; keep it as you would their names")


def add_to(group: typer.Typer) -> None:
    group.command("chat", short_help="Enter group chats of your own, from CSV.")(chat)
