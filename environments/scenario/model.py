"""What a scenario says, resolved: every default written out, nothing left to look up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, StringConstraints, field_validator

from tertulia.agents.registry import ModelURIError, parse_embeddings
from tertulia.environments.floor import ASKS_THE_FLOOR, POLICIES
from tertulia.environments.gold.trust import RULES
from tertulia.environments.people.spec import PeopleSpec
from tertulia.environments.scenario.probes import ProbeSpec
from tertulia.environments.world import RulesPolicy, SeatParams, World, WorldParams
from tertulia.mind.faculties import faculty_names, in_order
from tertulia.mind.spec import PRESETS, MindSpec
from tertulia.storage.imports.entering import WORLD as IMPORTED
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.rows import WORLD

__all__ = ["AllSilent", "Condition", "End", "GoldSpec", "Participant", "Scenario", "TurnsSpec", "check_mind"]

NAME = r"[a-z][a-z0-9_-]*"
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}$", max_length=40)]
Whole = Annotated[int, Field(strict=True)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AllSilent(_Frozen):
    """Ends the episode after so many silent turns in a row."""

    all_silent: Annotated[Whole, Field(ge=1)]
    """After so many silent turns in a row, once the script has nothing more to bring."""


class Condition(_Frozen):
    """Ends the episode when all these variables truly have these values."""

    condition: Annotated[dict[str, str], Field(min_length=1)]
    """When all these variables truly have these values."""


End = Literal["limit", "agreement"] | AllSilent | Condition
_END_FORMS = "write `limit`, `agreement`, `{all_silent: 3}` or `{condition: {variable: value}}`"


def _read_end(value: Any) -> Any:
    """Choose the form by what is there, so that an error speaks of that form alone."""
    if isinstance(value, AllSilent | Condition) or value in ("limit", "agreement"):
        return value
    if isinstance(value, str):
        raise ValueError(f"no ending '{value}'; {nearest(value, ['limit', 'agreement', 'all_silent', 'condition'])}")
    if isinstance(value, dict) and len(value) == 1:
        [(key, argument)] = value.items()
        if key == "all_silent" and type(argument) is int and argument >= 1:
            return AllSilent(all_silent=argument)
        if key == "all_silent":
            raise ValueError(f"all_silent: {quoted(argument)}; give a number of turns of 1 or more")
        if key == "condition" and isinstance(argument, dict) and argument:
            return Condition(condition={str(name): word(wanted) for name, wanted in argument.items()})
        if key != "condition":
            raise ValueError(
                f"no ending '{key}'; {nearest(str(key), ['limit', 'agreement', 'all_silent', 'condition'])}"
            )
    raise ValueError(f"{quoted(value)} is no ending; {_END_FORMS}")


def word(value: Any) -> Any:
    """A value of a variable as text: YAML's 3 and true are the words `3` and `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


class TurnsSpec(_Frozen):
    """Who speaks when, and for how long at most."""

    policy: str = "alternate"
    """Who has the floor: one of the turn policies below."""
    limit: Annotated[Whole, Field(ge=1)] = 24
    """After how many turns the episode ends in any case. Silence is a turn."""
    moderator: Name | None = None
    """Who gives the floor under the policy `moderated`: one of the participants."""
    model: str | None = None
    """What predicts under the policy `next-speaker`; without it, the scenario's model."""
    interruptions: bool = True
    """Whether somebody whose motivation reaches its `interrupt_threshold` may take a floor that was given to another:
    under `addressed` and `moderated`."""
    cooldown: Annotated[Whole, Field(ge=0)] = 0
    """For how many turns after speaking nobody comes forward by itself, unless it is addressed: under `bidding`,
    `addressed` and `moderated`."""
    normalise: bool = False
    """Whether motivations are compared by their standing among each participant's own earlier bids, for minds of models
    that use the scale differently; thresholds stay on the scale itself."""
    silence: bool | None = None
    """Whether those who are together notice a turn in which nobody speaks, as an event. Without it, as the world has
    it: in table_talk they do."""
    pause_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """Simulated seconds that a turn takes in which nobody acts: the pause of Inner Thoughts."""
    words_per_second: Annotated[float, Field(gt=0, le=100)] = 2.5
    """How fast people speak on the simulated clock."""
    gap_s: Annotated[float, Field(ge=0, le=3600)] = 0.5
    """Simulated seconds between one turn's words and the next."""

    @field_validator("policy")
    @classmethod
    def _known(cls, policy: str) -> str:
        if policy not in POLICIES:
            raise ValueError(f"no turn policy '{policy}'; {nearest(policy, list(POLICIES))}")
        return policy


class GoldSpec(_Frozen):
    """How what each participant should believe is computed."""

    rule: str = "credulous"
    """Whether hearers believe what they are told: one of the trust rules below."""

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str) -> str:
        if rule not in RULES:
            raise ValueError(f"no trust rule '{rule}'; {nearest(rule, list(RULES))}")
        return rule


def check_mind(raw: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is wrong with the words in a mind, as (key, wrong, right); types are left to `MindSpec`."""
    found = []
    preset = raw.get("preset")
    if isinstance(preset, str) and preset not in PRESETS:
        found.append(("preset", f"no preset '{preset}'", nearest(preset, list(PRESETS))))
    embeddings = raw.get("embeddings")
    if isinstance(embeddings, str):
        try:
            parse_embeddings(embeddings)
        except ModelURIError as error:
            wrong, _, right = str(error).rpartition("; ")
            found.append(("embeddings", wrong, right))
    faculties = raw.get("faculties")
    if isinstance(faculties, list) and all(isinstance(name, str) for name in faculties):
        known = faculty_names()
        unknown = [name for name in faculties if name not in known]
        found += [("faculties", f"no faculty '{name}'", nearest(name, known)) for name in unknown]
        ordered = in_order(dict.fromkeys(faculties)) if not unknown else faculties
        if ordered != faculties:
            right = f"write [{', '.join(ordered)}]"
            found.append(("faculties", "each faculty works once, in a fixed order", right))
    return found


class Participant(_Frozen):
    """A seat. `mind` is whole: the scenario's mind with this seat's own keys over it."""

    name: Name
    """How everybody calls it; `-S` and `--model-role` too."""
    persona: str = ""
    """What it is like, in words for its own model alone."""
    goal: str = ""
    """What it wants, in words for its own model alone."""
    model: str | None = None
    """A model of its own; without one, the scenario's."""
    mind: MindSpec = MindSpec()
    """Keys of its own over those of the scenario; a preset of its own also replaces the list of faculties."""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name == WORLD:
            raise ValueError(f"the name '{WORLD}' is taken by the truth itself; choose another name")
        return name


class Scenario(_Frozen):
    """One scenario, ready to be played. `tertulia.environments.scenario.load_scenario` makes it from a file.

    `params` and `seats` (by name, in seat order) are instances of the world's own `Params` and `Seat`.
    `turns.limit` holds whether or not `ends` lists it.
    """

    scenario: Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=80)]
    """Its name, by which results are grouped."""
    world: str
    """A world by name, or `module.path:Class` for one of your own."""
    description: str = ""
    """A line for those who look for a scenario; nobody who plays reads it."""
    premise: str = ""
    """What everybody reads before the first turn."""
    participants: tuple[Participant, ...]
    """The seats, in order. How many there may be is up to the world."""
    mind: MindSpec = MindSpec()
    """The mind of every seat that does not say otherwise."""
    elicit: Literal["inline", "probe", "none"] = "inline"
    """`inline` has minds state their beliefs about the variables turn by turn; `none` never mentions these; `probe`
    does not either, and asks a copy of every mind at every turn, out of band."""
    probes: tuple[ProbeSpec, ...] = ()
    """Questions to copied minds at some turns, out of band."""
    gold: GoldSpec = GoldSpec()
    """How what each participant should believe is computed."""
    model: str = "rules"
    """The model of every seat without one of its own, as a URI: `rules`, `openai/NAME`, `hf/ORG/NAME`."""
    people: PeopleSpec = PeopleSpec()
    """How it goes on around people, where seats are taken by people (`human`)."""
    turns: TurnsSpec = TurnsSpec()
    """Who speaks when, and for how long at most."""
    ends: Annotated[tuple[Annotated[End, BeforeValidator(_read_end)], ...], Field(min_length=1)] = ("limit",)
    """What ends the episode, whichever comes first. `turns.limit` holds whether or not `limit` stands here."""
    max_fallback_rate: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """An episode in which any one participant's fallbacks per request exceed this has status `degraded`."""
    params: SerializeAsAny[WorldParams] = WorldParams()
    seats: dict[str, SerializeAsAny[SeatParams]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The participants' names, in seat order."""
        return tuple(participant.name for participant in self.participants)

    @property
    def silence_limit(self) -> int | None:
        """After how many silent turns in a row the episode ends; None where silence does not end it."""
        return min((end.all_silent for end in self.ends if isinstance(end, AllSilent)), default=None)

    @property
    def hears_silence(self) -> bool:
        """Whether a silence is an event here."""
        from tertulia.environments.worlds import load_world

        return load_world(self.world)[0].hears_silence if self.turns.silence is None else self.turns.silence

    @property
    def models(self) -> set[str]:
        """The URIs of all models that answer: those of the seats, and the floor's own where its policy asks one."""
        floor = {self.turns.model or self.model} if self.turns.policy in ASKS_THE_FLOOR else set()
        return {self.model_of(name) for name in self.names} | floor

    @property
    def embedders(self) -> set[str]:
        """The URIs of all models that make embeddings for a seat's memory."""
        return {seat.mind.embeddings for seat in self.participants if seat.mind.embeddings}

    def model_of(self, name: str) -> str:
        """The model URI of a seat."""
        return next(p.model or self.model for p in self.participants if p.name == name)

    def build_world(self) -> World[Any]:
        """A new instance of the world. Raises nothing for a scenario that came from `load_scenario`."""
        from tertulia.environments.worlds import load_world

        world, _ = load_world(self.world)
        built = world(self.params, self.seats)
        built.names_variables = self.elicit == "inline"
        built.disclosers = tuple(p.name for p in self.participants if p.mind.discloses())
        return built

    def policy(self) -> RulesPolicy:
        """A new instance of the world's rules policy."""
        from tertulia.environments.worlds import load_world

        _, rules = load_world(self.world)
        return rules.of(self.build_world())

    def resolved(self) -> dict[str, Any]:
        """The scenario as plain JSON data in the shape of its file, with all defaults written out."""
        data = self.model_dump(mode="json", exclude={"params", "seats"})
        theirs = self.params.model_dump(mode="json", by_alias=True)
        for participant in data["participants"]:
            seat = self.seats[participant["name"]].model_dump(mode="json", by_alias=True)
            participant.update({key: value for key, value in seat.items() if key not in participant})
        return data | {key: value for key, value in theirs.items() if key not in data}

    @classmethod
    def from_resolved(cls, data: dict[str, Any]) -> Scenario:
        """The inverse of `resolved`: equal to the scenario that was. Raises `ScenarioError`, also where an episode was
        imported: there are no rules to play it by."""
        from tertulia.environments.scenario.build import build
        from tertulia.environments.scenario.errors import Problem, ScenarioError
        from tertulia.environments.scenario.source import Source

        if data.get("world") == IMPORTED:
            told = (
                "what was imported was not played here and cannot be played",
                "show, report, measures and sql read it",
            )
            raise ScenarioError([Problem(str(data.get("scenario")), None, "", *told)])
        return build(Source("resolved scenario", data))
