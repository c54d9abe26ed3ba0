"""The conformance kit for worlds: `check_world(MyWorld(...))` fails with the law that is broken, in one line."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from pydantic import BaseModel, RootModel, ValidationError

from tertulia.environments.random_actions import random_action, spoiled
from tertulia.environments.world import Action, Event, Observation, Outcome, Variable, World

Private = Callable[[Any, str], Iterable[str]]
"""(state, seat) -> texts that no other seat's observation may hold."""


def check_world(
    world: World[Any] | Callable[[], World[Any]],
    *,
    seeds: Iterable[int] = range(4),
    turns: int = 12,
    private: Private | None = None,
) -> None:
    """Plays `turns` turns of random legal actions per seed and asserts the laws of the `World` contract.

    With a factory instead of an instance, a second instance must agree in everything. `private` names what only one
    seat may see; without it, the values of variables with a `holder` take that part. Raises AssertionError.
    """
    made = world if isinstance(world, World) else world()
    twin = made if isinstance(world, World) else world()
    before = random.getstate()
    for seed in seeds:
        _Check(made, twin, private or _held_values(made), seed).run(turns)
    if random.getstate() != before:
        raise AssertionError(f"{made.name}: the global random generator was used; all chance comes from `rng`")


class _Foreign(Action):
    """An action of no world."""

    kind: str = "an action of no world"


@dataclass
class _Check:
    world: World[Any]
    twin: World[Any]
    private: Private
    seed: int
    declared: list[tuple[str, tuple[str, ...], str | None]] = field(default_factory=list)

    def law(self, holds: bool, broken: str) -> None:
        if not holds:
            raise AssertionError(f"{self.world.name} (seed {self.seed}): {broken}")

    def run(self, turns: int) -> None:
        rng = Random(self.seed)
        low, high = self.world.seats_allowed
        self.law(low <= len(self.world.names) <= high, f"{len(self.world.names)} seats, but {low}-{high} are allowed")
        premise = self.world.premise()
        self.law(isinstance(premise, str), "premise() must be a text")
        state, events = self.twice("reset", lambda w: w.reset(Random(self.seed)))
        self.events(events)
        self.moment(state)
        self.start(state)
        for turn in range(1, turns + 1):
            if self.world.outcome(state).done:
                break
            self.refuses(state, rng)
            acts = self.acts(state, rng)
            state, events = self.step(state, acts, f"{self.seed}/{turn}")
            self.events(events)
            self.moment(state)
        self.law(self.world.premise() == premise, "premise() must be the same for a whole episode")

    def twice(self, name: str, call: Callable[[World[Any]], Any]) -> Any:
        """The result of a call, which must come out the same again, also from another instance."""
        first, again, other = call(self.world), call(self.world), call(self.twin)
        self.law(first == again, f"{name}() is not pure: equal arguments gave different results")
        self.law(first == other, f"{name}() depends on more than its arguments: two instances gave different results")
        return first

    # -- one moment ----------------------------------------------------------------------------------------------

    def moment(self, state: Any) -> None:
        """Everything that can be asked of a state."""
        self.law(isinstance(state, self.world.StateType), f"the state is no {self.world.StateType.__name__}")
        self.law(bool(state.model_config.get("frozen")), "the state model must be frozen")
        text = state.model_dump_json()
        back = self.world.StateType.model_validate_json(text)
        self.law(back == state and back.model_dump_json() == text, "the state does not survive JSON both ways")
        turned = self.world.StateType.model_validate(_turned(json.loads(text)))
        for name, ask in self.questions():
            answer = self.twice(name, partial(_asked, ask, state))
            self.law(state.model_dump_json() == text, f"{name}() changed the state it was given")
            if turned == state:  # equal states whose mappings were filled in another order
                same = ask(self.world, turned) == answer
                self.law(same, f"{name}() depends on the order of keys in the state")
        self.variables(self.world.variables(state))
        self.outcome(self.world.outcome(state))
        self.observations(state)

    def questions(self) -> Iterator[tuple[str, Callable[[World[Any], Any], Any]]]:
        yield "variables", lambda w, s: w.variables(s)
        yield "outcome", lambda w, s: w.outcome(s)
        for seat in self.world.names:
            for name in ("observe", "present", "legal"):
                yield name, partial(_of_seat, name, seat)

    def variables(self, found: Sequence[Variable]) -> None:
        names = [variable.name for variable in found]
        self.law(len(set(names)) == len(names), "two variables have the same name")
        for v in found:
            self.law(len(v.values) > 0 and len(set(v.values)) == len(v.values), f"{v.name}: values must be distinct")
            self.law(v.truth is None or v.truth in v.values, f"{v.name}: its truth {v.truth!r} is none of its values")
            self.law(v.holder is None or v.holder in self.world.names, f"{v.name}: its holder has no seat")
        declared = [(v.name, v.values, v.holder) for v in found]
        self.law(not self.declared or declared == self.declared, "names and values of variables changed in an episode")
        self.declared = declared

    def start(self, state: Any) -> None:
        """What seats know and assume from the start: gold would pass over in silence what is not declared."""
        values = {v.name: v.values for v in self.world.variables(state)}
        for seat in self.world.names:
            known = self.twice("knows", lambda w, seat=seat: w.knows(state, seat))  # type: ignore[misc]
            assumed = self.twice("assumes", lambda w, seat=seat: w.assumes(state, seat))  # type: ignore[misc]
            for name, value in known.items():
                self.law(value in values.get(name, ()), f"knows() of {seat}: {name} = {value!r} is not declared")
            for name, given in assumed.items():
                self.law(given.keys() <= {*values.get(name, ())}, f"assumes() of {seat}: {name} has other values")
                self.law(abs(math.fsum(given.values()) - 1) < 1e-9, f"assumes() of {seat}: {name} does not sum to 1")

    def outcome(self, found: Outcome) -> None:
        self.law(found.reward is None or 0.0 <= found.reward <= 1.0, f"outcome: reward {found.reward} is not in 0-1")
        self.law(not found.done or bool(found.reason), "outcome: what is done needs a reason")
        self.law(_is_json(found.detail), "outcome: detail is not plain JSON")

    def observations(self, state: Any) -> None:
        shown = {seat: self.world.observe(state, seat) for seat in self.world.names}
        for seat, observation in shown.items():
            self.law(isinstance(observation, Observation), f"observe() of {seat} is no Observation")
            self.law(_is_json(observation.data), f"observe() of {seat}: data is not plain JSON")
            self.law(seat in self.world.present(state, seat) or self.world.legal(state, seat) is None,
                     f"present() of {seat} must include {seat}")  # fmt: skip
        secrets = {seat: set(self.private(state, seat)) for seat in self.world.names}
        for owner, texts in secrets.items():
            for seat, observation in shown.items():
                leaked = (t for t in sorted(texts - secrets[seat]) if _shows(observation, t))
                found = next(leaked, None) if seat != owner else None
                self.law(found is None, f"observe() of {seat} shows what only {owner} may see: {found!r}")

    # -- acting --------------------------------------------------------------------------------------------------

    def acts(self, state: Any, rng: Random) -> dict[str, Action]:
        """Random legal actions for none, one or several seats."""
        able = [seat for seat in self.world.names if self.world.legal(state, seat) is not None]
        chosen = rng.sample(able, rng.randint(0, len(able)))
        return {seat: self.action(state, seat, rng) for seat in chosen}

    def action(self, state: Any, seat: str, rng: Random) -> Action:
        legal = self.world.legal(state, seat)
        assert legal is not None
        value = random_action(legal, rng)
        try:
            act = legal.model_validate(value).root
        except ValidationError as error:
            first = error.errors()[0]
            raise AssertionError(
                f"{self.world.name} (seed {self.seed}): legal() of {seat} refuses what its own JSON schema allows: "
                f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from None
        self.law(isinstance(act, Action), f"legal() of {seat} must hold actions, not {type(act).__name__}")
        return act  # type: ignore[no-any-return]

    def step(self, state: Any, acts: Mapping[str, Action], seed: str) -> tuple[Any, list[Event]]:
        before, acts_before = state.model_dump_json(), dict(acts)
        try:
            after = self.twice("step", lambda w: w.step(state, acts, Random(seed)))
        except ValueError as error:
            raise AssertionError(
                f"{self.world.name} (seed {self.seed}): step() refused an action that legal() allows: {error}"
            ) from None
        self.law(state.model_dump_json() == before, "step() changed the state it was given")
        self.law(list(acts.items()) == list(acts_before.items()), "step() changed the actions it was given")
        turned = self.world.StateType.model_validate(_turned(json.loads(before)))
        if turned == state:
            same = self.world.step(turned, acts, Random(seed)) == after
            self.law(same, "step() depends on the order of keys in the state")
        found: tuple[Any, list[Event]] = after
        return found

    def refuses(self, state: Any, rng: Random) -> None:
        """What is not legal gives ValueError, and nothing else."""
        for seat in self.world.names:
            self.refuse(state, seat, _Foreign())
            if self.world.legal(state, seat) is None:
                continue
            act = self.action(state, seat, rng)
            for bad in spoiled(act):
                self.refuse(state, seat, bad)
        self.refuse(state, "nobody of that name", _Foreign())

    def refuse(self, state: Any, seat: str, act: Action) -> None:
        what = f"step() with an illegal action of {seat} ({act.kind})"
        try:
            self.world.step(state, {seat: act}, Random(0))
        except ValueError:
            return
        except (LookupError, TypeError, AttributeError, AssertionError) as error:
            self.law(False, f"{what} must raise ValueError, not {type(error).__name__}")
        self.law(False, f"{what} must raise ValueError")

    def events(self, events: Sequence[Event]) -> None:
        names = set(self.world.names)
        for e in events:
            self.law(isinstance(e, Event), "an event is no Event")
            seen = (*e.content, *e.glimpsed)
            self.law(set(seen) <= names, f"{e.kind}: a witness has no seat: {sorted(set(seen) - names)}")
            self.law(len(set(e.content)) == len(e.content), f"{e.kind}: a witness stands twice in content")
            both = sorted(set(e.content) & set(e.glimpsed))
            self.law(not both, f"{e.kind}: {both} stand in both content and glimpsed")
            self.law(not e.glimpsed or e.occurrence is not None, f"{e.kind}: glimpsed, but no text of the occurrence")
            self.law(set(e.unnoticed) <= set(seen), f"{e.kind}: unnoticed names somebody who is no witness")
            self.law(e.actor is None or e.actor in names, f"{e.kind}: its actor has no seat")
            self.law(_is_json(e.data), f"{e.kind}: data is not plain JSON")


def _held_values(world: World[Any]) -> Private:
    """The values that only one holder's variables have."""

    def private(state: Any, seat: str) -> Iterable[str]:
        found = world.variables(state)
        others = {value for variable in found if variable.holder != seat for value in variable.values}
        return [v for variable in found if variable.holder == seat for v in variable.values if v not in others]

    return private


def _asked(ask: Callable[[World[Any], Any], Any], state: Any, world: World[Any]) -> Any:
    return ask(world, state)


def _of_seat(name: str, seat: str, world: World[Any], state: Any) -> Any:
    answer = getattr(world, name)(state, seat)
    return _schema(answer) if name == "legal" else answer


def _schema(legal: type[RootModel[Any]] | None) -> Any:
    return None if legal is None else legal.model_json_schema()


def _turned(value: Any) -> Any:
    """The same JSON with the keys of all objects in the opposite order."""
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    return [_turned(item) for item in value] if isinstance(value, list) else value


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError):
        return False


def _shows(shown: BaseModel, secret: str) -> bool:
    """Whether a text of the model, or a key, holds the secret as whole words."""
    whole = re.compile(rf"(?<!\w){re.escape(secret)}(?!\w)")
    return any(whole.search(text) for text in _texts(shown.model_dump(mode="json")))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
