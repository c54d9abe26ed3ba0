"""Believe: distributions over what can be believed, along chains of who thinks what of whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, create_model

from tertulia.mind.chains import chains_of
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.lexical import normalise
from tertulia.mind.model import Sampling
from tertulia.mind.state import BeliefChange, MindState, MindUpdate
from tertulia.storage.once import once_in_use
from tertulia.storage.rows import Variable
from tertulia.storage.seen import Length

MOST_PROPOSITIONS = 2

# Models are asked for whole percents; rules answer in the same field with exact fractions of a percent.
Percent = Annotated[float, Field(ge=0, le=100), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 100})]


class Held(BaseModel):
    """What can be believed, and along which chains."""

    chains: list[str]
    variables: list[Variable]


class Proposition(BaseModel):
    """Something believed that no variable names."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Length(100, 1)]
    percent: Percent


class Believe(Faculty):
    """After MindDial's levels: own belief `a`, what the other believes `a>b`, common ground `a&b`; deeper on request.

    A model gives percents, brought to a sum of one here. Where a variable is `static` and speakers are `truthful`,
    a value the holder has ruled out stays at exactly 0 (the published update, a softmax of counts, never rules out).
    """

    name = "believe"
    phase = "believe"
    reads = ("beliefs",)
    writes = ("beliefs",)
    instruction = text("believe.md")
    sampling = Sampling(temperature=0.3)

    def inputs(self, mind: MindState, moment: Moment) -> Held | None:
        seen = moment.seen
        chains = list(chains_of(mind.holder, seen.cast, seen.order))
        return Held(chains=chains, variables=list(seen.variables))

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        seen = moment.seen
        return _reply_type(chains_of(seen.participant, seen.cast, seen.order), seen.variables)

    def question(self, inputs: Held) -> str:
        return "What has changed in what you believe?"

    def update(self, mind: MindState, moment: Moment, inputs: Held, reply: Any) -> MindUpdate:
        variables = {variable.name: variable for variable in inputs.variables}
        changes: dict[tuple[str, str], BeliefChange] = {}
        for change in reply.changes:
            weights = change.percent.model_dump(by_alias=True)
            weights = _keep_ruled_out(mind, change.chain, variables[change.variable], weights)
            if any(weights.values()):
                changes[change.chain, change.variable] = BeliefChange(
                    chain=change.chain, variable=change.variable, weights=weights, source_event=_source(moment)
                )
        for said in reply.propositions:
            name = normalise(said.text)
            if name and name not in variables:
                weights = {"true": said.percent, "false": 100 - said.percent}
                changes[mind.holder, name] = BeliefChange(
                    chain=mind.holder, variable=name, weights=weights, declared=False, source_event=_source(moment)
                )
        return MindUpdate(beliefs=list(changes.values()))


def _source(moment: Moment) -> str | None:
    return moment.seen.events[-1].id if moment.seen.events else None


def _keep_ruled_out(mind: MindState, chain: str, variable: Variable, weights: dict[str, float]) -> dict[str, float]:
    before = mind.belief(chain, variable.name)
    if before is None or chain != mind.holder or not (variable.static and variable.truthful):
        return weights
    kept = {value: 0.0 if before.probabilities.get(value) == 0 else weight for value, weight in weights.items()}
    return kept if any(kept.values()) else weights


@once_in_use
def _reply_type(chains: tuple[str, ...], variables: tuple[Variable, ...]) -> type[BaseModel]:
    """One schema per set of chains and variables: every change names a real variable and weighs all its values."""
    strict = ConfigDict(extra="forbid")
    kinds: list[type[BaseModel]] = []
    along: Any = Literal[chains]
    for number, variable in enumerate(variables):
        named: Any = Literal[variable.name]
        fields: dict[str, Any] = {
            f"v{i}": (Percent, Field(alias=value, serialization_alias=value)) for i, value in enumerate(variable.values)
        }
        percents = create_model(f"Percents{number}", __config__=ConfigDict(extra="forbid"), **fields)
        kinds.append(
            create_model(
                f"Change{number}",
                __config__=strict,
                variable=(named, ...),
                chain=(along, ...),
                percent=(percents, ...),
            )
        )
    change: Any = kinds[0] if kinds else Proposition
    for kind in kinds[1:]:
        change = change | kind
    if len(kinds) > 1:
        change = Annotated[change, Field(discriminator="variable")]
    return create_model(
        "Beliefs",
        __config__=strict,
        changes=(Annotated[tuple[change, ...], Field(max_length=len(variables) * len(chains))], ...),
        propositions=(Annotated[tuple[Proposition, ...], Field(max_length=MOST_PROPOSITIONS)], ...),
    )
