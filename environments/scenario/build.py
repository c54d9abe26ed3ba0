"""From a file's data to a `Scenario`: our keys and the world's told apart, checked, and all problems told together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tertulia.agents.registry import missing
from tertulia.environments.scenario.errors import Problem, ScenarioError
from tertulia.environments.scenario.explain import explain, field_names, path_fields
from tertulia.environments.scenario.model import Participant, Scenario, check_mind
from tertulia.environments.scenario.people import check_people, read_people
from tertulia.environments.scenario.source import KeyPath, Source, child, kind_of
from tertulia.environments.world import World, WorldError
from tertulia.environments.worlds import load_world
from tertulia.mind.spec import PROACTIVE_KNOBS, MindSpec
from tertulia.storage.nearest import nearest

Model = TypeVar("Model", bound=BaseModel)
WorldType = type[World[Any]]

_OWN = [name for name in Scenario.model_fields if name not in ("params", "seats")]


class _Draft:
    """What is read so far, and what is wrong with it."""

    def __init__(self, source: Source, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = list(problems)

    def wrong(self, path: KeyPath, wrong: str, right: str) -> None:
        problem = self.source.problem(path, wrong, right)
        if problem not in self.problems:
            self.problems.append(problem)

    def read(self, model: type[Model], data: dict[str, Any], path: KeyPath) -> Model | None:
        """Validate `data`, which stands at `path` in the file; None, with problems noted, where it is not valid."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for inner, wrong, right in explain(error, model, data):
                self.wrong((*path, *inner), wrong, right)
            return None

    def fail_if_wrong(self) -> None:
        if self.problems:
            order = sorted(self.problems, key=lambda problem: (problem.line is not None, problem.line or 0))
            raise ScenarioError(order)


def build(source: Source, problems: Iterable[Problem] = ()) -> Scenario:
    """Check everything and make the scenario. `problems` are those found before. Raises `ScenarioError`."""
    draft = _Draft(source, problems)
    world = _world(draft)
    own, theirs = _split(draft, world)
    seats = _seats(draft, own, world)
    read_people(draft.source, own, draft.wrong)
    _ends(draft, own, world)
    scenario = draft.read(Scenario, own, ())
    params = _params(draft, scenario, theirs, world)
    if world is None or scenario is None or params is None or seats is None:
        draft.fail_if_wrong()
        raise AssertionError("unreadable without a problem")
    scenario = scenario.model_copy(update={"params": params, "seats": seats})
    for error in world.problems(params, seats):
        _world_error(draft, error)
    _probed(draft, scenario)
    _moderated(draft, scenario)
    _models(draft, scenario)
    if not draft.problems:
        check_people(scenario, draft.wrong)
    draft.fail_if_wrong()
    return scenario


def _world(draft: _Draft) -> WorldType | None:
    name = draft.source.data.get("world")
    if not isinstance(name, str):
        return None  # reading the scenario itself says so
    try:
        return load_world(name)[0]
    except (LookupError, ImportError, TypeError) as error:
        wrong, _, right = str(error.args[0]).partition("; ")
        draft.wrong(("world",), wrong, right)
    return None


def _split(draft: _Draft, world: WorldType | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Our top-level keys and the world's. A key that both declare goes to both."""
    own: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    world_keys = field_names(world.Params) if world is not None else None
    for key, value in draft.source.data.items():
        if key in _OWN:
            own[key] = value
        elif world_keys is not None and key not in world_keys:
            draft.wrong((key,), f"unknown key '{key}'", nearest(key, [*_OWN, *world_keys]))
        elif world_keys is None and (meant := get_close_matches(key, _OWN, n=1, cutoff=0.75)):
            # without its world, a key may be the world's own; but not where it is nearly one of ours
            draft.wrong((key,), f"unknown key '{key}'", f"nearest: '{meant[0]}'")
        if world_keys is not None and key in world_keys:
            theirs[key] = value
    return own, theirs


def _seats(draft: _Draft, own: dict[str, Any], world: WorldType | None) -> dict[str, Any] | None:
    """Read the participants: ours go back into `own`, the world's seats are returned by name."""
    listed = own.get("participants")
    if not isinstance(listed, list):
        return None  # reading the scenario itself says so
    mind = _mind(draft, own)
    seats: dict[str, Any] = {}
    read: list[Participant | None] = []
    for index, entry in enumerate(listed):
        path: KeyPath = ("participants", index)
        if not isinstance(entry, dict):
            draft.wrong(path, f"{kind_of(entry)} stands here, not a participant", "write {name: alice, ...}")
            read.append(None)
            continue
        participant, seat = _seat(draft, entry, path, mind, world)
        read.append(participant)
        if participant is not None and participant.name in seats:
            draft.wrong(
                (*path, "name"), f"the name '{participant.name}' is taken", "give every participant another name"
            )
        if participant is not None:
            seats[participant.name] = seat
    fits = _seat_count(draft, len(listed), world)
    own["participants"] = tuple(participant for participant in read if participant is not None)
    return seats if fits and None not in read and None not in seats.values() else None


def _seat(
    draft: _Draft, entry: dict[str, Any], path: KeyPath, mind: dict[str, Any], world: WorldType | None
) -> tuple[Participant | None, BaseModel | None]:
    own_keys = field_names(Participant)
    seat_keys = field_names(world.Seat) if world is not None else None
    own = {key: value for key, value in entry.items() if key in own_keys}
    for key in entry:
        if seat_keys is not None and key not in own_keys and key not in seat_keys:
            draft.wrong((*path, key), f"unknown key '{key}'", nearest(key, [*own_keys, *seat_keys]))
    own["mind"] = _merged_mind(draft, mind, entry.get("mind"), (*path, "mind"))
    participant = draft.read(Participant, own, path)
    if world is None:
        return participant, None
    theirs = {key: value for key, value in entry.items() if key in field_names(world.Seat)}
    return participant, draft.read(world.Seat, _with_paths(draft, world.Seat, theirs, path), path)


def _seat_count(draft: _Draft, count: int, world: WorldType | None) -> bool:
    least, most = world.seats_allowed if world is not None else (0, count)
    if world is None or least <= count <= most:
        return True
    wrong = f"{count} {'participant' if count == 1 else 'participants'}"
    allowed = f"exactly {least}" if least == most else f"{least} to {most}"
    draft.wrong(("participants",), wrong, f"{world.name} takes {allowed}")
    return False


def _mind(draft: _Draft, own: dict[str, Any]) -> dict[str, Any]:
    """The scenario's mind as data; `own` gets the validated one, or the default where it is wrong."""
    raw = own.pop("mind", {})
    own["mind"] = _merged_mind(draft, {}, raw, ("mind",))
    return raw if isinstance(raw, dict) and _reads_as_mind(raw) else {}


def _reads_as_mind(raw: dict[str, Any]) -> bool:
    """Whether a mind reads without problems: a wrong default is told once, not again for every seat."""
    try:
        MindSpec.model_validate(raw)
    except ValidationError:
        return False
    return not check_mind(raw)


def _merged_mind(draft: _Draft, default: dict[str, Any], raw: Any, path: KeyPath) -> MindSpec:
    """A seat's own keys over the scenario's; its own preset also replaces the scenario's list of faculties, and its own
    word for how proactive it is the scenario's knobs."""
    if raw is None and len(path) > 1:
        raw = {}
    if not isinstance(raw, dict):
        draft.wrong(path, f"{kind_of(raw)} stands here, not a mind", "write {preset: full, order: 2}")
        return MindSpec()
    for key, wrong, right in check_mind(raw):
        draft.wrong((*path, key), wrong, right)
    replaced = {"faculties"} if "preset" in raw else set()
    if "proactivity" in raw:
        replaced |= PROACTIVE_KNOBS
    inherited = {key: value for key, value in default.items() if key not in replaced}
    return draft.read(MindSpec, inherited | raw, path) or MindSpec()


def _params(
    draft: _Draft, scenario: Scenario | None, theirs: dict[str, Any], world: WorldType | None
) -> BaseModel | None:
    if world is None:
        return None
    shared = [key for key in field_names(world.Params) if key in _OWN]
    ours = scenario.model_dump(mode="json") if scenario is not None else {}
    theirs = {key: value for key, value in theirs.items() if key not in shared} | {
        key: ours[key] for key in shared if key in ours
    }
    return draft.read(world.Params, _with_paths(draft, world.Params, theirs, ()), ())


def _ends(draft: _Draft, own: dict[str, Any], world: WorldType | None) -> None:
    """`agreement` and conditions are the world's to judge: a world that does not read `ends` cannot."""
    ends = own.get("ends")
    if world is None or "ends" in world.Params.model_fields or not isinstance(ends, (list, tuple)):
        return
    for index, end in enumerate(ends):
        if end == "agreement" or (isinstance(end, dict) and "condition" in end):
            right = "write `limit` or `{all_silent: 3}`; it also ends by its own rules"
            draft.wrong(("ends", index), f"the world {world.name} knows no such ending", right)


def _probed(draft: _Draft, scenario: Scenario) -> None:
    """Only those who take part can be asked."""
    for index, spec in enumerate(scenario.probes):
        for place, name in enumerate(spec.of or ()):
            if name not in scenario.names:
                draft.wrong(("probes", index, "of", place), f"no participant '{name}'", nearest(name, scenario.names))


def _moderated(draft: _Draft, scenario: Scenario) -> None:
    """A moderator sits at the table; without one, nobody can be given the floor by one."""
    moderator = scenario.turns.moderator
    if moderator is not None and moderator not in scenario.names:
        draft.wrong(("turns", "moderator"), f"no participant '{moderator}'", nearest(moderator, scenario.names))
    elif moderator is not None and scenario.turns.policy == "moderated" and scenario.model_of(moderator) == "human":
        draft.wrong(("turns", "moderator"), f"{moderator} is a person's seat", "let an agent moderate")
    elif moderator is None and scenario.turns.policy == "moderated":
        right = f"name a participant, for example moderator: {scenario.names[0]}"
        draft.wrong(("turns", "moderator"), "the policy 'moderated' needs one who moderates", right)


def _models(draft: _Draft, scenario: Scenario) -> None:
    """A folder that a model's URI names is there, where a file names it that is about to be played. What the log has
    may have been played elsewhere, and can be shown and replayed without its models."""
    if draft.source.base is None:
        return
    named = [(("participants", index, "model"), seat.model) for index, seat in enumerate(scenario.participants)]
    for path, uri in [(("model",), scenario.model), *named]:
        if uri is not None and (lacks := missing(uri)) is not None:
            draft.wrong(path, lacks, "give the folder of a model, from where you are now or from the root")


def _with_paths(draft: _Draft, model: type[BaseModel], data: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """Paths in a file are relative to the file; those typed after `-S` to the current folder."""
    absolute = dict(data)
    for key in path_fields(model):
        value = data.get(key)
        typed = (*path, key) in draft.source.options
        base = draft.source.option_base or Path.cwd() if typed else draft.source.base
        if isinstance(value, str) and base is not None:
            absolute[key] = str(base / value)
    return absolute


def _world_error(draft: _Draft, error: WorldError) -> None:
    """A world names a key with dots, participants by name; find it in the data as far as it exists."""
    wrong, _, right = error.message.partition("; ")
    draft.wrong(_path_of(draft.source.data, error.key), wrong, right or "correct it")


def _path_of(data: Any, key: str) -> KeyPath:
    path: list[str | int] = []
    node = data
    for step in key.split("."):
        here: str | int = step
        if isinstance(node, (list, tuple)):
            named = [i for i, item in enumerate(node) if isinstance(item, Mapping) and item.get("name") == step]
            here = named[0] if named else int(step) if step.isdigit() else step
        path.append(here)
        node = child(node, here)
    return tuple(path)
