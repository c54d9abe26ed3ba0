"""What a fork changes, from the words of its command: beliefs to set, keys of the scenario, events of its script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tertulia.agents.backends.rules import URI as RULES
from tertulia.environments.interventions import SCRIPT, belief_target, holder_of
from tertulia.environments.scenario import Problem, Scenario, ScenarioError
from tertulia.environments.scenario.build import build
from tertulia.environments.scenario.overrides import AS_TEXT, put
from tertulia.environments.scenario.source import Source, parse_value
from tertulia.environments.stage import Stage
from tertulia.environments.worlds import load_world
from tertulia.mind.chains import chains_of, order_of
from tertulia.mind.spec import PROACTIVE_KNOBS
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.rows import Variable

_BELIEF = ".belief."
_SUM = 1e-6
"""By how much given probabilities may miss a sum of 1: they are typed with a few digits."""
_FIXED = {
    "scenario": "a fork is of the same scenario",
    "world": "a fork goes on in the same world",
    "variables": "what can be believed is the same for a whole episode",
    "gold": "gold by another rule can be asked for any episode: tertulia gold EPISODE --rule NAME",
    "mind": "every seat has a mind of its own by now; write for example alice.mind.order=1",
    "participants": "name a seat and its key, for example alice.persona=...",
}
"""Keys that a fork cannot set whole, and what to do instead."""


class ForkError(Exception):
    """A fork that cannot be; one line that says what would be right."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: the `target` of its intervention row, and both values."""

    target: str
    old: Any
    new: Any


def changed_scenario(config: dict[str, Any], at: int, sets: Sequence[str], events: Sequence[str]) -> Scenario:
    """The scenario of an episode with keys set and events added to its script at turn `at`.

    Raises `ForkError` and `ScenarioError`.
    """
    source = Source("resolved scenario", deepcopy(config))
    names = [seat["name"] for seat in config["participants"]]
    for text in sets:
        _loosen(source.data, _key(text, names, config))
    problems = [found for text in sets if (found := _put(source, text, names, config)) is not None]
    for text in events:
        _add_event(source, text, at, str(config["world"]))
    try:
        return build(source, problems)
    except ScenarioError as error:
        raise ScenarioError(_told_by_option(error.problems)) from None


def _loosen(config: dict[str, Any], setting: str) -> None:
    """A word for how proactive a seat is counts for more than the knobs that its mind was resolved to."""
    steps = setting.partition("=")[0].split(".")
    if steps[0] == "participants" and steps[2:] == ["mind", "proactivity"]:
        seat: dict[str, Any] = next((seat for seat in config["participants"] if seat["name"] == steps[1]), {})
        for knob in PROACTIVE_KNOBS:
            seat.get("mind", {}).pop(knob, None)


def _put(source: Source, text: str, names: Sequence[str], config: dict[str, Any]) -> Problem | None:
    key, _, raw = _key(text, names, config).partition("=")
    typed = ("--set", text.partition("=")[0].strip())
    try:
        value = parse_value(raw)
    except ScenarioError as error:
        return Problem(typed[0], None, typed[1], error.problems[0].wrong, AS_TEXT)
    return put(source, key, value, typed)


def _told_by_option(problems: Iterable[Problem]) -> list[Problem]:
    """Without those that only follow from a changed key elsewhere: the option's own come first."""
    found = list(problems)
    return [one for one in found if one.where.startswith("-")] or found


def key_changes(config: dict[str, Any], scenario: Scenario, sets: Sequence[str], events: Sequence[str]) -> list[Change]:
    """What became of each key that was set. Raises `ForkError` for one that had its value already."""
    names, resolved = [seat["name"] for seat in config["participants"]], scenario.resolved()
    found = []
    for text in sets:
        key = _key(text, names, config).partition("=")[0]
        old, new = _at(config, key), _at(resolved, key)
        if old == new:
            raise ForkError(f"--set {text}: that is what it is already; leave it out, or give another value")
        found.append(Change(key, old, new))
    scripted = resolved["script"][-len(events) :] if events else []
    return found + [Change(SCRIPT, None, event) for event in scripted]


def _key(text: str, names: Sequence[str], config: dict[str, Any]) -> str:
    """`bob.model=x` as the scenario has it: `participants.bob.model=x`."""
    key, equals, value = text.partition("=")
    key = key.strip()
    first, dot, _ = key.partition(".")
    if not equals or not key or not all(key.split(".")):
        raise ForkError(
            f"--set {text}: write KEY=VALUE, for example alice.belief.cake=cellar, bob.model=rules or turns.limit=30"
        )
    if first in names and first not in config and dot:
        key = f"participants.{key}"
    elif first not in config and dot and first not in names:
        raise ForkError(f"--set {text}: no participant and no key '{first}'; {nearest(first, [*names, *config])}")
    steps = key.split(".")
    if steps[-1] == "name" and steps[0] == "participants":
        raise ForkError(f"--set {text}: a name stands in everything that happened; it stays as it is")
    if steps[0] in _FIXED and (len(steps) < 3 if steps[0] == "participants" else True):
        raise ForkError(f"--set {text}: {_FIXED[steps[0]]}")
    return f"{key}={value}"


def _add_event(source: Source, text: str, at: int, world: str) -> None:
    if "script" not in load_world(world)[0].Params.model_fields:
        raise ForkError(f"--event: the world {world} has no script to add to; --set can change what its seats are")
    try:
        event = parse_value(text)
    except ScenarioError as error:
        raise ForkError(f"--event {quoted(text)}: {error.problems[0].wrong}; quote it as YAML asks") from None
    if not isinstance(event, dict):
        raise ForkError(
            f"--event {quoted(text)}: write an entry of the script in braces, "
            "for example --event '{say: \"Where is the cake?\", by: dan, to: [bob]}'"
        )
    if "turn" in event and event["turn"] != at:
        raise ForkError(f"--event: it happens in turn {at}, where the fork parts; leave `turn` out")
    script = source.data.setdefault("script", [])
    source.options[("script", len(script))] = ("--event", "event")
    script.append({"turn": at, **event})


def _at(data: Any, key: str) -> Any:
    """The value a dotted key leads to; None where there is none."""
    for step in key.split("."):
        if isinstance(data, list):
            named = next((one for one in data if isinstance(one, dict) and one.get("name") == step), None)
            data = named if named is not None else data[int(step)] if step.isdigit() and int(step) < len(data) else None
        elif isinstance(data, dict):
            data = data.get(step)
        else:
            return None
    return data


def is_belief(text: str) -> bool:
    """Whether a `--set` sets a belief: `alice>bob.belief.cake=cellar`."""
    return _BELIEF in text.partition("=")[0]


def belief_change(stage: Stage, text: str) -> Change:
    """A belief as it is to be at the beginning of the stage's next turn. Raises `ForkError`."""
    key, _, value = text.partition("=")
    chain, _, name = key.strip().partition(_BELIEF)
    holder = _holder(stage, text, chain)
    variable = _variable(stage, text, holder, name)
    seat = stage.seats[holder]
    if seat.model == RULES and not stage.policy.takes_beliefs:
        raise ForkError(
            f"--set {text}: the rules of {stage.scenario.world} compute what {holder} believes from what it witnessed; "
            f"let a model answer for it (--set {holder}.model=URI), or let something happen with --event"
        )
    held = stage.minds[holder].belief(chain, name)
    return Change(belief_target(chain, name), held and dict(held.probabilities), _distribution(text, value, variable))


def _holder(stage: Stage, text: str, chain: str) -> str:
    holder, cast = holder_of(chain), tuple(stage.seats)
    if holder not in cast:
        raise ForkError(f"--set {text}: no participant '{holder}'; {nearest(holder, cast)}")
    order = stage.seats[holder].spec.order
    chains = chains_of(holder, cast, order)
    if chain in chains:
        return holder
    if chain in chains_of(holder, cast, 4):
        raise ForkError(
            f"--set {text}: {holder}'s beliefs go {order} deep, and {chain} is {order_of(chain)}; "
            f"add --set {holder}.mind.order={order_of(chain)}"
        )
    raise ForkError(f"--set {text}: no chain '{chain}'; {nearest(chain, chains)}")


def _variable(stage: Stage, text: str, holder: str, name: str) -> Variable:
    mine = {one.name: one for one in stage.variables if one.holder in (None, holder)}
    if name not in mine:
        raise ForkError(f"--set {text}: {holder} holds no beliefs about '{name}'; {nearest(name, list(mine))}")
    return mine[name]


def _distribution(text: str, value: str, variable: Variable) -> dict[str, float]:
    """One value for certain, or `basket:0.7,box:0.3`."""
    value = value.strip()
    if value in variable.values:
        return {one: float(one == value) for one in variable.values}
    given: dict[str, float] = {}
    for part in value.split(","):
        name, colon, share = part.rpartition(":")
        name = name.strip() if colon else part.strip()
        if name not in variable.values:
            right = nearest(name, variable.values)
            raise ForkError(f"--set {text}: '{name}' is no value of {variable.name}; {right}")
        probability = _probability(share) if colon else None
        if probability is None or name in given:
            first, *rest = variable.values
            right = ",".join([f"{first}:0.7", *(f"{one}:0.3" for one in rest[:1])])
            raise ForkError(f"--set {text}: write one value, or each value once with its probability, as in {right}")
        given[name] = probability
    if abs(math.fsum(given.values()) - 1) > _SUM:
        raise ForkError(f"--set {text}: the probabilities sum to {math.fsum(given.values()):g}; they must sum to 1")
    total = math.fsum(given.values())
    return {one: given.get(one, 0.0) / total for one in variable.values}


def _probability(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found <= 1 else None
