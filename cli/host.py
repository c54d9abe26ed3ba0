"""`tertulia host`: lead an episode in which several people take seats from their own terminals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import (
    AcceptChanges,
    AsJson,
    Db,
    Debug,
    Display,
    Minds,
    Model,
    Roles,
    Seed,
    Sets,
    read_pseudonym,
)
from tertulia.storage.statuses import UNFINISHED

if TYPE_CHECKING:
    import ssl

    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode, Listen
    from tertulia.environments.people.chair import Chair
    from tertulia.environments.people.hosting import Hosting
    from tertulia.environments.people.table import Table
    from tertulia.environments.scenario import Scenario
    from tertulia.storage.log import Log


def host(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCENARIO]", show_default=False, help="A shipped scenario's name, or the path of a YAML file."
        ),
    ] = None,
    seats: Annotated[
        str | None,
        typer.Option(
            "--seats",
            metavar="A,B",
            show_default=False,
            show_envvar=False,
            help="The seats that people take.  [default: those that the scenario gives to people]",
        ),
    ] = None,
    pseudonyms: Annotated[
        list[str] | None,
        typer.Option(
            "--pseudonym",
            metavar="SEAT=NAME",
            show_default=False,
            show_envvar=False,
            help="By which name the log knows the person in a seat.  [default: one is made up]",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="EPISODE",
            show_default=False,
            show_envvar=False,
            help="Go on with an episode of several people that paused, instead of beginning one.",
        ),
    ] = None,
    bind: Annotated[
        str, typer.Option("--bind", metavar="HOST", show_envvar=False, help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", show_envvar=False, help="0: any that is free.")
    ] = 0,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="FILE", show_default=False, show_envvar=False, help="A certificate (PEM)."),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option("--tls-key", metavar="FILE", show_default=False, show_envvar=False, help="And its key (PEM)."),
    ] = None,
    sets: Sets = None,
    model: Model = None,
    roles: Roles = None,
    seed: Seed = 0,
    accept_changes: AcceptChanges = False,
    display: Display = None,
    minds: Minds = False,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Lead an episode in which several people take seats from their own terminals.

    Prints one line for each seat: the command, with the seat's own secret token, by which its person joins. The episode
    begins when all seats are taken. Through its connection a seat gets what its participant witnesses and nothing else;
    nobody but the host touches the log. A lost connection leaves the seat silent until it is taken again.
    What you see here is everything, minds included: do not host where players can look.
    Listens on this machine alone unless --bind says otherwise; then use --tls-cert and --tls-key, or words and tokens
    cross the network readable.

    \b
    tertulia host dinner-secret --seats alice,bob
    """
    from tertulia.cli.run import parse_roles

    if (scenario is None) == (resume is None):
        raise BadInput("host what? give a scenario, or --resume EPISODE")
    begins = _Begins(
        scenario, seats, sets or [], model, parse_roles(roles or []), seed, resume, accept_changes, db
    )  # fmt: skip
    begins.name(pseudonyms or [])
    raise typer.Exit(
        _lead(begins, bind, port, _tls(tls_cert, tls_key), display=display, minds=minds, as_json=as_json, db=db)
    )


class _Begins:
    """What is hosted: a new episode, or one that goes on."""

    def __init__(
        self, scenario: str | None, seats: str | None, sets: list[str], model: str | None, roles: dict[str, str],
        seed: int, resume: str | None, accept_changes: bool, db: str | None,
    ) -> None:  # fmt: skip
        self.seed, self.accept_changes, self.db = seed, accept_changes, db
        self.loaded: Scenario | None = None
        self.episode: str | None = None
        self.seats: list[str]
        self.pseudonyms: dict[str, str] = {}
        if scenario is not None:
            self.loaded, self.seats = _seated(scenario, seats, sets, model, roles)
        else:
            assert resume is not None
            self.episode, self.seats = _paused(resume, db)

    def name(self, given: list[str]) -> None:
        """`alice=p17`: pseudonyms by seat. Raises `BadInput`."""
        if given and self.episode is not None:
            raise BadInput("--pseudonym: the people of an episode that goes on keep theirs; leave it out")
        for text in given:
            seat, equals, name = text.partition("=")
            if not equals or seat.strip() not in self.seats:
                people = " or ".join(self.seats)
                raise BadInput(f"--pseudonym {text}: write SEAT=NAME, where SEAT is {people}")
            self.pseudonyms[seat.strip()] = read_pseudonym(name, f"--pseudonym {seat.strip()}")
        if len({*self.pseudonyms.values()}) < len(self.pseudonyms):
            raise BadInput("--pseudonym: two people have the same one; words are found and forgotten by it")

    def chairs(self) -> dict[str, Chair]:
        """A chair for each person."""
        from tertulia.environments.people.chair import Chair

        return {seat: Chair(seat, pseudonym=self.pseudonyms.get(seat)) for seat in self.seats}

    async def begin(self, log: Log, backends: Backends, listen: Listen, table: Table) -> Episode:
        from tertulia.cli.hints import resume_command
        from tertulia.environments.changed import ChangedSince
        from tertulia.environments.episode import Episode

        if self.loaded is not None:
            return await Episode.begin(
                self.loaded, seed=self.seed, log=log, backends=backends, listen=listen, people=table
            )
        assert self.episode is not None
        try:
            return await Episode.reopen(
                self.episode, log=log, backends=backends, listen=listen, people=table,
                accept_changes=self.accept_changes,
            )  # fmt: skip
        except ChangedSince as changed:
            raise BadInput(changed.told(resume_command(changed.episode, self.db))) from changed


def _lead(
    begins: _Begins, bind: str, port: int, tls: ssl.SSLContext | None,
    *, display: Display, minds: bool, as_json: bool, db: str | None,
) -> int:  # fmt: skip
    from tertulia.cli.playing import play_one
    from tertulia.environments.people.hosting import Hosting, is_loopback, new_tokens
    from tertulia.environments.people.table import Table

    hosting: list[Hosting] = []

    async def make(log: Log, backends: Backends, listen: Listen) -> Episode:
        table = Table(begins.chairs())
        tokens = new_tokens(begins.seats)
        one = Hosting(table, tokens, host=bind, port=port, tls=tls, tell=note)
        try:
            await one.open()
        except OSError as error:
            raise BadInput(f"--bind {bind} --port {port}: {error.strerror or error}") from None
        hosting.append(one)
        episode = await begins.begin(log, backends, listen, table)
        if not is_loopback(bind) and tls is None:
            note("warning: without --tls-cert and --tls-key everything said crosses the network readable by others")
        _invite(one, tokens)
        return episode

    async def after() -> None:
        for one in hosting:
            await one.close()

    return play_one(make, db=db, display=display, minds=minds, as_json=as_json, after=after)


def _invite(hosting: Hosting, tokens: dict[str, str]) -> None:
    """One line for each seat, to be given to its person alone."""
    from tertulia.cli.hints import program

    for seat, token in tokens.items():
        note(f"{seat}: {program()} join {hosting.address} --as {seat} --token {token}")


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    import ssl

    if cert is None or key is None:
        raise BadInput("--tls-cert and --tls-key belong together")
    for option, file in (("--tls-cert", cert), ("--tls-key", key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise BadInput(f"{option} {file}: {error.strerror or error}") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"--tls-cert {cert} --tls-key {key}: {error.strerror or error}") from None
    return context


def _seated(
    name: str, seats: str | None, sets: list[str], model: str | None, roles: dict[str, str]
) -> tuple[Scenario, list[str]]:
    from tertulia.environments.people.spec import HUMAN
    from tertulia.environments.scenario import load_scenario
    from tertulia.storage.nearest import nearest

    loaded = load_scenario(name, sets, model=model, roles=roles)
    theirs = [one for one in loaded.names if loaded.model_of(one) == HUMAN]
    wanted = [one.strip() for one in seats.split(",") if one.strip()] if seats else theirs
    if not wanted:
        raise BadInput(f"who is a person? --seats with some of: {', '.join(loaded.names)}")
    for one in wanted:
        if one not in loaded.names:
            raise BadInput(f"--seats {one}: nobody in {loaded.scenario} is called that; {nearest(one, loaded.names)}")
    if left := [one for one in theirs if one not in wanted]:
        raise BadInput(f"--seats: {', '.join(left)} is for a person in {loaded.scenario}; add it, or give it a model")
    people = dict.fromkeys(wanted, HUMAN)
    return load_scenario(name, sets, model=model, roles={**roles, **people}), list(people)


def _paused(episode: str, db: str | None) -> tuple[str, list[str]]:
    from tertulia.cli.finding import find
    from tertulia.cli.resume import people_in
    from tertulia.storage.log import Log

    with Log.open(db, create=False) as log:
        found = find(log, episode, status=UNFINISHED)
        people = people_in(log, found)
    if not people:
        raise BadInput(f"nobody in {found} is a person; to go on: tertulia resume {found}")
    return found, people


def add_to(app: typer.Typer) -> None:
    app.command("host", short_help="Lead an episode in which several people take seats.")(host)
