"""`tertulia probe`: questions to the minds of an episode that was played, without leaving a trace in it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.errors import BadInput, note
from tertulia.cli.options import AsJson, Db, Debug, Episode

if TYPE_CHECKING:
    from tertulia.environments.probes import Probed
    from tertulia.environments.probing import Interview
    from tertulia.environments.scenario.probes import Planned

ALL = "all"


def probe(
    episode: Episode,
    at: Annotated[
        int | None,
        typer.Option(
            "--at",
            min=0,
            metavar="TURN",
            show_default=False,
            show_envvar=False,
            help="The mind as it stood before it thought at this turn.  [default: after the last turn]",
        ),
    ] = None,
    ask: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--ask",
            metavar="NAME QUESTION",
            show_default=False,
            show_envvar=False,
            help="A question to one participant (`all` for each), in words or by name: next_step, holding, relation, "
            "sees. {other} makes it one question about each other participant.",
        ),
    ] = None,
    beliefs: Annotated[
        bool, typer.Option("--beliefs", show_envvar=False, help="Ask for all beliefs, along every chain.")
    ] = False,
    of: Annotated[
        list[str] | None,
        typer.Option(
            "--of",
            metavar="NAME",
            show_default=False,
            show_envvar=False,
            help="Whose beliefs; without it, everybody's. Can be given several times.",
        ),
    ] = None,
    order: Annotated[
        int | None,
        typer.Option(
            "--order",
            min=1,
            max=4,
            metavar="N",
            show_default=False,
            show_envvar=False,
            help="How deep chains of beliefs go; without it, as deep as the mind goes.",
        ),
    ] = None,
    choices: Annotated[
        str | None,
        typer.Option(
            "--choices",
            metavar="A,B,...",
            show_default=False,
            show_envvar=False,
            help="The answers to choose from, so that they can be scored.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="URI",
            show_default=False,
            show_envvar=False,
            help="Ask this model instead of the participant's own; it is recorded with the answer.",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, metavar="N", show_envvar=False, help="Ask so many times, each drawn anew.")
    ] = 1,
    as_json: AsJson = False,
    db: Db = None,
    debug: Debug = False,
) -> None:
    """Ask the minds of an episode at any of its turns, out of band.

    The mind is copied as it stood before it thought at that turn, asked, and thrown away: the episode stays as it is,
    and may be resumed as if nobody had asked. Answers are rows of their own, in the view v_probes and, for beliefs,
    the table probe_belief; what they cost stands in v_costs under the purpose `probe`.

    \b
    tertulia probe last --at 7 --beliefs --of alice
    tertulia probe last --at 7 --ask alice "Where does bob think the cake is?" --choices kitchen,cellar
    tertulia probe last --at 7 --ask all relation --model openai/gpt-5-mini --repeat 5 --json
    """  # fmt: skip
    if (ask is not None) == beliefs:
        raise BadInput('what is asked? give either --ask NAME "..." or --beliefs')
    if ask is None and choices is not None:
        raise BadInput("--choices: beliefs have no choices; it goes with --ask")
    if ask is not None and (of or order is not None):
        raise BadInput(f"{'--of' if of else '--order'} goes with --beliefs; --ask names whom it asks")
    offered = _choices(choices)

    def plan(interview: Interview) -> list[Planned]:
        from tertulia.environments.scenario.probes import beliefs_of

        if ask is None:
            return [beliefs_of(name, order) for name in _names(interview, of or [ALL], "--of")]
        return _questions(interview, *ask, offered)

    for probed in asyncio.run(_probe(db, episode, at, plan, model, repeat)):
        _tell(probed, as_json)


async def _probe(
    db: str | None, episode: str, at: int | None, plan: Any, model: str | None, repeat: int
) -> list[Probed]:
    from tertulia.agents.registry import Backends
    from tertulia.cli.finding import find
    from tertulia.environments.probing import open_interview
    from tertulia.storage.log import Log

    backends = Backends()
    with Log.open(db, create=False, writing=True) as log:
        interview = open_interview(log, find(log, episode), at)
        asked = plan(interview)
        try:
            return await interview.ask(asked, backends=backends, model=model, repeat=repeat)
        finally:
            await backends.aclose()


def _questions(interview: Interview, name: str, question: str, choices: tuple[str, ...]) -> list[Planned]:
    from tertulia.environments.scenario.probes import questions_to

    try:
        return [
            planned
            for asked in _names(interview, [name], "--ask")
            for planned in questions_to(asked, interview.cast, question, choices)
        ]
    except ValueError as error:
        raise BadInput(f"--ask: {error}") from error


def _names(interview: Interview, wanted: list[str], option: str) -> tuple[str, ...]:
    from tertulia.storage.nearest import nearest

    if wanted == [ALL] and ALL not in interview.cast:
        return interview.cast
    for name in wanted:
        if name not in interview.cast:
            raise BadInput(f"{option} {name}: no participant '{name}'; {nearest(name, interview.cast)}")
    return tuple(name for name in interview.cast if name in wanted)


def _choices(given: str | None) -> tuple[str, ...]:
    if given is None:
        return ()
    found = tuple(choice.strip() for choice in given.split(","))
    if len(found) < 2 or "" in found or len(set(found)) < len(found):
        raise BadInput(f"--choices {given}: write at least two different answers, as in --choices kitchen,cellar")
    return found


def _tell(probed: Probed, as_json: bool) -> None:
    from tertulia.cli.display.harmless import one_line

    row = probed.row
    if as_json:
        print(json.dumps({**row.model_dump(mode="json"), "beliefs": _distributions(probed)}))
        return
    head = f"turn {row.turn}  {row.participant}  ({row.model})"
    if row.kind == "ask":
        print(one_line(f"{head}  {row.question}"))
        if row.answer is not None:
            print(f"  {one_line(row.answer)}")
    else:
        print(one_line(head))
        for one in _distributions(probed):
            held = ", ".join(f"{value} {100 * p:.0f} %" for value, p in _likeliest(one["probabilities"]))
            print(f"  {one_line(one['chain'])}  {one_line(one['variable'])}: {one_line(held)}")
    if row.error is not None:
        note(f"no answer from {row.participant}: {row.error}")


def _distributions(probed: Probed) -> list[dict[str, Any]]:
    """The rows of one probe, put together again, in the order stated."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in probed.beliefs:
        blank = {"chain": row.chain, "variable": row.variable, "estimator": row.estimator, "probabilities": {}}
        found.setdefault((row.chain, row.variable), blank)["probabilities"][row.value] = row.probability
    return list(found.values())


def _likeliest(probabilities: dict[str, float], most: int = 4) -> list[tuple[str, float]]:
    return sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))[:most]


def add_to(app: typer.Typer) -> None:
    app.command("probe")(probe)
