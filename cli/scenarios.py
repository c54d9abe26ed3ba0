"""`tertulia scenarios`: what can be played."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tertulia.cli.options import AsJson, Debug, Model, Roles, ScenarioName, Sets

if TYPE_CHECKING:
    from tertulia.environments.scenario import Scenario

_WIDE = 100

scenarios_app = typer.Typer(help="The scenarios that come with tertulia, and any scenario file.", no_args_is_help=True)


@scenarios_app.command("list")
def list_all(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the scenarios that come with tertulia."""
    from tertulia.environments.scenario import list_scenarios, load_scenario

    loaded = [load_scenario(name) for name in list_scenarios()]
    rows = [(one.scenario, one.world, len(one.participants), one.description) for one in loaded]
    names = ("scenario", "world", "seats", "description")
    if as_json:
        for row in rows:
            print(json.dumps(dict(zip(names, row, strict=True))))
        return
    from tertulia.cli.display.console import width_of
    from tertulia.cli.display.table import folded_lines

    for line in folded_lines(names, rows, width_of(sys.stdout), whole=names[:1]):
        print(line)


@scenarios_app.command("show")
def show(
    scenario: ScenarioName,
    sets: Sets = None,
    model: Model = None,
    roles: Roles = None,
    graph: Annotated[
        bool, typer.Option("--graph", show_envvar=False, help="Draw the graph of a turn, the minds, and the rooms.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show a scenario as it would be played.

    It is checked, and all defaults are written out. What is printed is itself a scenario file:
    `tertulia scenarios show NAME > my.yaml` is a way to begin one.
    """
    from tertulia.cli.run import parse_roles
    from tertulia.environments.scenario import load_scenario

    loaded = load_scenario(scenario, sets or [], model=model, roles=parse_roles(roles or []))
    if graph:
        _draw(loaded)
    elif as_json:
        print(json.dumps(loaded.resolved()))
    else:
        import yaml

        from tertulia.cli.display.harmless import harmless

        data = _without_null(loaded.resolved())
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=_WIDE)
        print(harmless(text), end="")


def _without_null(value: Any) -> Any:
    """The same without keys that say nothing: leaving them out means the same."""
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    return [_without_null(inner) for inner in value] if isinstance(value, list) else value


def _draw(scenario: Scenario) -> None:
    from tertulia.cli.display.graph import graph_lines, room_lines
    from tertulia.cli.display.harmless import one_line
    from tertulia.environments.turn import turn_graph

    graph = turn_graph().get_graph()
    edges = [
        edge for edge in graph.edges if edge.target != "minds" or edge.source == "__start__"
    ]  # no way back: a turn
    notes = {
        "minds": "those who think without a model, one after the other",
        "mind": f"one for each who asks a model, all at once: {', '.join(scenario.names)}",
        "floor": f"policy: {scenario.turns.policy}",
        "speak": "those admitted who have no draft yet, all at once where several are",
        "step": f"the world: {one_line(scenario.world)}",
    }
    print(f"a turn of {one_line(scenario.scenario)}\n")
    for line in graph_lines(list(graph.nodes), edges, notes):
        print(line)
    print("\nminds\n")
    longest = max(map(len, scenario.names))
    for seat in scenario.participants:
        how = "in one call" if seat.mind.fused() else "in a call each"
        print(f"  {seat.name:<{longest}}  {seat.mind.label()} ({how}): {' > '.join(seat.mind.parts())}")
    rooms = _rooms(scenario.resolved())
    if rooms:
        print("\nrooms, at the start\n")
        for line in room_lines(rooms, _WIDE):
            print(line)


def _rooms(data: dict[str, Any]) -> dict[str, list[str]]:
    """Who is where at the start, in worlds whose scenarios have `rooms`; a place that is no room comes last."""
    names = data.get("rooms")
    if not isinstance(names, list) or not names:
        return {}
    rooms: dict[str, list[str]] = {str(name): [] for name in names}
    for seat in data["participants"]:
        rooms.setdefault(str(seat.get("room") or names[0]), []).append(seat["name"])
    return rooms


def add_to(app: typer.Typer) -> None:
    app.add_typer(scenarios_app, name="scenarios")
