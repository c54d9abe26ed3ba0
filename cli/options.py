"""Options that several verbs share, and what `--debug` switches on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from tertulia.cli.errors import BadInput
from tertulia.environments.seeds import LARGEST


@dataclass(slots=True)
class Session:
    """One run of the command line."""

    debug: bool = False


class Show(StrEnum):
    """How a running episode is shown."""

    rich = "rich"
    plain = "plain"
    none = "none"


def _debug(context: typer.Context, wanted: bool) -> bool:
    session = context.find_object(Session)
    if session is not None and wanted:
        session.debug = True
    return wanted


def read_pseudonym(given: str, option: str) -> str:
    """A person's name in the log, as it was given to an option. Raises `BadInput`."""
    from tertulia.environments.people.pseudonyms import read_pseudonym as read

    try:
        return read(given)
    except ValueError as error:
        raise BadInput(f"{option}: {error}") from error


def _seed(number: int) -> int:
    if number > LARGEST:
        raise BadInput(f"--seed {number}: a seed is at most {LARGEST}")
    return number


Seed = Annotated[
    int,
    typer.Option(
        "--seed", min=0, metavar="N", show_envvar=False, callback=_seed, help="Where chance begins.",
    ),
]  # fmt: skip
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=_debug, is_eager=True, envvar="TERTULIA_DEBUG", show_envvar=False,
        help="On an error, show where in the program it arose.",
    ),
]  # fmt: skip
Db = Annotated[
    str | None,
    typer.Option(
        "--db", metavar="PATH|URL", envvar="TERTULIA_DB", show_envvar=False,
        help="The log: a file, or postgresql+psycopg://USER@HOST/NAME.  [default: $TERTULIA_DB, else ./tertulia.db]",
    ),
]  # fmt: skip
AsJson = Annotated[
    bool, typer.Option("--json", show_envvar=False, help="Data for programs on stdout: one JSON object a line.")
]
Display = Annotated[
    Show | None,
    typer.Option(
        "--display", envvar="TERTULIA_DISPLAY", show_envvar=False,
        help="rich: speech, thoughts and beliefs as they come; plain: one line an event, no colour; none: nothing.  "
        "[default: rich on a terminal, else plain]",
    ),
]  # fmt: skip
Minds = Annotated[
    bool,
    typer.Option("--minds", show_envvar=False, help="Also thoughts, beliefs and bids, under each turn."),
]
Episode = Annotated[
    str,
    typer.Argument(
        metavar="EPISODE", show_default=False,
        help="The id of an episode, the beginning of one, or `last` for the newest.",
    ),
]  # fmt: skip
ScenarioName = Annotated[
    str,
    typer.Argument(metavar="SCENARIO", show_default=False, help="A shipped scenario's name, or a YAML file's path."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "-S", "--set", metavar="KEY=VALUE", show_envvar=False,
        help="Change any key of the scenario, as in -S turns.limit=8 or -S participants.alice.mind.preset=reactive. "
        "Numbers, true, false, null, lists in [] and keys in {} are read as YAML; anything else is text. "
        "Can be given several times.",
    ),
]  # fmt: skip
Model = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="URI", envvar="TERTULIA_MODEL", show_envvar=False,
        help="What answers for the agents: rules, openai/NAME, hf/NAME, ... (tertulia models list).",
    ),
]  # fmt: skip
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--model-role", metavar="NAME=URI", show_envvar=False,
        help="Another model for one participant, as in --model-role alice=openai/gpt-5-mini. Can be given several "
        "times.",
    ),
]  # fmt: skip
AcceptChanges = Annotated[
    bool,
    typer.Option(
        "--accept-changes", show_envvar=False,
        help="Go on although packages, prompts or models are not what they were; the log keeps what changed.",
    ),
]  # fmt: skip
