"""`tertulia play`: take a seat in a scenario, and talk with the others."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import Db, Debug, Display, Minds, Model, Roles, ScenarioName, Seed, Sets, read_pseudonym

if TYPE_CHECKING:
    from tertulia.agents.registry import Backends
    from tertulia.environments.episode import Episode, Listen
    from tertulia.environments.people.table import Table
    from tertulia.environments.scenario import Scenario
    from tertulia.storage.log import Log


def play(
    scenario: ScenarioName,
    seat: Annotated[
        str | None,
        typer.Option("--as", metavar="SEAT", show_default=False, show_envvar=False, help="Whose seat you take."),
    ] = None,
    pseudonym: Annotated[
        str | None,
        typer.Option(
            "--pseudonym",
            metavar="NAME",
            show_default=False,
            show_envvar=False,
            help="By which name the log knows you; never your own.",
        ),
    ] = None,
    sets: Sets = None,
    model: Model = None,
    roles: Roles = None,
    seed: Seed = 0,
    display: Display = None,
    minds: Minds = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Take a seat in a scenario, and talk with the others.

    Type words to say them; the others think while you type or stay silent, and speak up when they want to. NAME: before
    the words says them to somebody, /help lists what else there is. Your line stays at the bottom while others speak
    above it; who speaks while an agent's words appear cuts it off. Ctrl-C pauses; `tertulia resume` goes on.
    Without a terminal (a pipe, --display plain) lines are read from stdin and plain lines are printed.
    Exit codes: 0 ended, 1 error or paused by trouble, 2 bad input, 130 paused by you.

    \b
    tertulia play dinner-secret --as dan
    tertulia play dinner-secret --as bob --model openai/gpt-5-mini --minds
    """
    from tertulia.cli.run import parse_roles
    from tertulia.cli.seat.playing import Seating

    loaded, mine = seated(scenario, seat, sets or [], model, parse_roles(roles or []))
    if pseudonym is not None:
        pseudonym = read_pseudonym(pseudonym, "--pseudonym")

    def make(log: Log, backends: Backends, listen: Listen, people: Table) -> Awaitable[Episode]:
        from tertulia.environments.episode import Episode

        return Episode.begin(loaded, seed=seed, log=log, backends=backends, listen=listen, people=people)

    for turn in spoken_for(loaded, mine):
        note(f"the scenario's script speaks for {mine} at turn {turn}, whatever you say")
    raise typer.Exit(Seating(mine, pseudonym, minds, display, db).play(make))


def spoken_for(scenario: Scenario, seat: str) -> list[int]:
    """The turns at which a scenario's script puts words or deeds into a seat."""
    script = getattr(scenario.params, "script", ())
    return [event.turn for event in script if getattr(event, "by", None) == seat]


def seated(
    name: str, seat: str | None, sets: list[str], model: str | None, roles: dict[str, str]
) -> tuple[Scenario, str]:
    """The scenario with a person in `seat`, or in the one seat that it gives to people. Raises `BadInput`."""
    from tertulia.environments.people.spec import HUMAN
    from tertulia.environments.scenario import load_scenario
    from tertulia.storage.nearest import nearest

    loaded = load_scenario(name, sets, model=model, roles=roles)
    people = [one for one in loaded.names if loaded.model_of(one) == HUMAN]
    if seat is None and len(people) != 1:
        raise BadInput(f"whose seat do you take? --as one of: {', '.join(loaded.names)}")
    mine = seat or people[0]
    if mine not in loaded.names:
        raise BadInput(f"--as {mine}: nobody in {loaded.scenario} is called that; {nearest(mine, loaded.names)}")
    others = [one for one in people if one != mine]
    if others:
        raise BadInput(f"{', '.join(others)} is for a person too; several people meet at: tertulia host {name}")
    if mine not in people:
        loaded = load_scenario(name, sets, model=model, roles={**roles, mine: HUMAN})
    return loaded, mine


def add_to(app: typer.Typer) -> None:
    app.command("play")(play)
