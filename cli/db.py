"""`tertulia db`: the log as a database."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from tertulia.cli.display.harmless import one_line
from tertulia.cli.options import AsJson, Db, Debug

db_app = typer.Typer(help="Where the log is, its schema, and copies of it.", no_args_is_help=True)


@db_app.command("path")
def path(db: Db = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Print where the log is, or would be."""
    from tertulia.storage.target import Target

    where = Target.of(db)
    _answer({"path": str(where.path.absolute() if where.path is not None else where)}, "path", as_json)


@db_app.command("migrate")
def migrate(db: Db = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Bring a log of an older tertulia up to date.

    All or nothing. Where there is no log, an empty one is made.
    """
    from tertulia.storage.schema import migrate as migrate_log

    before, after = migrate_log(db)
    told = f"made a log with schema {after}" if before is None else f"schema {after}, was {before}"
    told = f"schema {after}, which it had already" if before == after else told
    _answer({"before": before, "after": after, "told": told}, "told", as_json)


@db_app.command("backup")
def backup(
    destination: Annotated[str, typer.Argument(metavar="DEST", show_default=False, help="The file to make.")],
    db: Db = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Copy a log on SQLite into a new file.

    Also while an episode writes to it. Nothing is ever overwritten.
    """
    from tertulia.storage.schema import backup as backup_log

    _answer({"backup": str(backup_log(db, destination))}, "backup", as_json)


def _answer(data: dict[str, Any], shown: str, as_json: bool) -> None:
    print(json.dumps(data) if as_json else one_line(data[shown]))


def add_to(app: typer.Typer) -> None:
    app.add_typer(db_app, name="db")
