"""The command `tertulia`: its verbs, and how whatever goes wrong is told."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from tertulia.cli.errors import BAD_INPUT, FAILED, FINE, READER_LEFT, let_go_of_stdout, message_of, tell
from tertulia.cli.options import Session

VERBS = (
    "run",
    "play",
    "host",
    "join",
    "batch",
    "resume",
    "forget",
    "replay",
    "fork",
    "compare",
    "show",
    "report",
    "plot",
    "episodes",
    "scenarios",
    "probe",
    "elicit",
    "deliberate",
    "search",
    "sql",
    "browse",
    "gold",
    "score",
    "measures",
    "agreement",
    "export",
    "importing",
    "db",
    "models",
    "doctor",
)
"""Each is a module of this room that defines `add_to(app)`."""

_COMMENT = re.compile(r"\A--(\s|[^=\n]*\n)")
"""How a query with a comment before it begins: no option, however much it looks like one."""

_ABOUT = """Agents with minds of their own meet and talk, and every turn lands in a log that SQL can ask.

\b
To begin with:
  tertulia run mutual-friends        two people find their mutual friend
  tertulia show last --minds         what they said, thought and believed
  tertulia sql "SELECT * FROM v_outcomes"

Every option can be set in the environment: TERTULIA_RUN_SEED=7 is --seed 7 of run. TERTULIA_DB, TERTULIA_MODEL and
TERTULIA_DISPLAY hold for all verbs.
"""


def _version(wanted: bool) -> None:
    if wanted:
        from tertulia import __version__

        print(f"tertulia {__version__}")
        raise typer.Exit(FINE)


def make_app() -> typer.Typer:
    """The whole command line; importing a verb imports nothing heavy."""
    app = typer.Typer(
        help=_ABOUT,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TERTULIA"},
    )

    @app.callback()
    def tertulia(
        version: Annotated[
            bool,
            typer.Option("--version", callback=_version, is_eager=True, show_envvar=False, help="Print the version."),
        ] = False,
    ) -> None:
        pass

    for verb in VERBS:
        add_to: Callable[[typer.Typer], None] = import_module(f"tertulia.cli.{verb}").add_to
        add_to(app)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 a run failed, 2 bad input, 130 interrupted,
    141 nobody reads the output any more."""
    session = Session()
    for stream in (sys.stdout, sys.stderr):
        _show_all(stream)
    try:
        code = _invoke(arguments, session)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        let_go_of_stdout()
        return READER_LEFT


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point of `tertulia`."""
    sys.exit(run(arguments))


def _invoke(arguments: Sequence[str] | None, session: Session) -> int:
    args = [_COMMENT.sub(r"\n--\1", text) for text in (sys.argv[1:] if arguments is None else arguments)]
    try:
        code = make_app()(args, prog_name="tertulia", standalone_mode=False, obj=session)
    except BrokenPipeError:
        raise
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # which Click takes for an error like any other
            raise leaving.__context__ from None
        return leaving.code if isinstance(leaving.code, int) else FAILED
    except Exception as error:  # noqa: BLE001  told in a line; the traceback comes with --debug
        return _tell(error, session)
    return code if isinstance(code, int) else FINE


def _tell(error: Exception, session: Session) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error)
        return BAD_INPUT
    message = message_of(error)
    if session.debug:
        import traceback

        traceback.print_exception(error)
    elif message is None:
        tell(f"{type(error).__name__}: {error} (this is a bug in tertulia; --debug shows where)")
    else:
        tell(message)
    return FAILED if message is None or type(error).__name__ == "LostLease" else BAD_INPUT


def _show_all(stream: Any) -> None:
    """What an encoding lacks is shown by its number, instead of ending the program."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
