"""`tertulia join`: take a seat at a table that somebody hosts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import FAILED, FINE, INTERRUPTED, BadInput, note
from tertulia.cli.options import Debug, Display, Show

if TYPE_CHECKING:
    import ssl

    from tertulia.cli.seat.face import Face
    from tertulia.cli.seat.remote import RemoteLink


def join(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", show_default=False, help="As the host gave it: ws://HOST:PORT.")
    ],
    seat: Annotated[
        str, typer.Option("--as", metavar="SEAT", show_default=False, show_envvar=False, help="Whose seat you take.")
    ],
    token: Annotated[
        str,
        typer.Option(
            "--token",
            metavar="TOKEN",
            show_default=False,
            prompt=True,
            hide_input=True,
            envvar="TERTULIA_JOIN_TOKEN",
            help="The seat's secret, as the host gave it. Asked for where it is not given.",
        ),
    ],
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            "--tls-ca",
            metavar="FILE",
            show_default=False,
            show_envvar=False,
            help="The certificate (PEM) to trust, where the host made its own.",
        ),
    ] = None,
    display: Display = None,
    debug: Debug = False,
) -> None:
    """Take a seat at a table that somebody hosts with `tertulia host`.

    You see what your seat's participant witnesses, and nothing else: no log is here, and no minds. When the connection
    is lost your seat is silent, and takes part again as soon as you are back.
    Exit codes: 0 the episode ended, 1 the table is lost, 2 bad input, 130 you left (the seat is yours until it ends).
    """
    raise typer.Exit(asyncio.run(_joined(_url(address), seat, token, _trust(tls_ca), display)))


async def _joined(address: str, seat: str, token: str, tls: ssl.SSLContext | None, display: Show | None) -> int:
    from tertulia.cli.seat.remote import Denied, RemoteLink

    link = RemoteLink(address, seat, token, tls)
    try:
        await link.open()
        return await _at_table(link, display)
    except Denied as why:
        raise BadInput(str(why)) from None
    except OSError as error:
        note(f"{address}: {error}; where the table was hosted again, ask for its new address and token")
        return FAILED
    finally:
        await link.close()


async def _at_table(link: RemoteLink, display: Show | None) -> int:
    from tertulia.cli.seat.face import Pipe, Terminal
    from tertulia.cli.seat.seat import PAUSE, SeatAtTerminal

    plain = display in (Show.plain, Show.none) or not (sys.stdin.isatty() and sys.stdout.isatty())
    face: Face = Pipe(sys.stdin, sys.stdout) if plain else Terminal(link.seat)
    at = SeatAtTerminal(link, face, saved=lambda: "the host keeps everything; Ctrl-C leaves, and `join` comes back")
    if isinstance(face, Terminal):
        face.types = at.typing
    listening = asyncio.create_task(link.run())
    sitting = asyncio.create_task(at.run())
    try:
        await asyncio.wait({listening, sitting}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and not listening.cancelled() and listening.exception() is None:
            await sitting  # the end is told, and only has to be shown
    finally:
        unsent = face.unsent()
        for task in (listening, sitting):
            task.cancel()
        left, lost = await asyncio.gather(sitting, listening, return_exceptions=True)
    if unsent:
        note(f"not sent: {unsent}")
    if left == PAUSE:
        note("you left; your seat is silent until you join again")
        return INTERRUPTED
    for trouble in (lost, left):
        if isinstance(trouble, Exception):
            raise trouble
    note(f"ended: {at.place.ended}")
    return FINE


def _url(address: str) -> str:
    """`HOST:PORT` is `ws://HOST:PORT`."""
    from urllib.parse import urlsplit

    url = address if "://" in address else f"ws://{address}"
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("ws", "wss") and parts.hostname and parts.port
    except ValueError:
        fine = False
    if not fine:
        raise BadInput(f"{address}: an address is ws://HOST:PORT, or wss://HOST:PORT")
    return url


def _trust(ca: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    import ssl

    try:
        return ssl.create_default_context(cafile=str(ca))
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"--tls-ca {ca}: {error.strerror or error}") from None


def add_to(app: typer.Typer) -> None:
    app.command("join", short_help="Take a seat at a table that somebody hosts.")(join)
