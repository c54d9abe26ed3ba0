"""Mirror: what one takes another to believe, told to that one, its answer, and what one then makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from tertulia.mind.faculties.believe import Percent
from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import BeliefChange, MindState, MindUpdate
from tertulia.storage.once import once_in_use
from tertulia.storage.rows import Variable
from tertulia.storage.seen import Claim, SeenEvent

MOST = 4
"""How many disclosures, and how many answers, it deals with in one turn; the newest where there are more."""
TOLD = tuple(f"D{n}" for n in range(1, MOST + 1))
ANSWERED = tuple(f"F{n}" for n in range(1, MOST + 1))
Kind = Literal["confirm", "correct", "ignore", "resist"]

Distributions = Mapping[tuple[str, str], Mapping[str, float]]
"""By chain and variable."""


class Said(BaseModel):
    """What somebody said: of my belief (`D1`, ...), or of its own after I had said what it believes (`F1`, ...)."""

    event: str
    by: str
    variable: str
    value: str
    holds: bool


class Worth(BaseModel):
    """Something that one takes another to believe; `gap` is the largest difference, over values, to one's own."""

    of: str
    variable: str
    value: str
    probability: float
    gap: float


class Reflections(BaseModel):
    """What there is to reflect on since the last turn of this mind."""

    holder: str
    told: dict[str, Said]
    answers: dict[str, Said]
    checks: list[Worth]
    variables: list[Variable]


class Verdict(BaseModel):
    """What one makes of something that was said of one's belief."""

    model_config = ConfigDict(extra="forbid")

    told: Literal["D1", "D2", "D3", "D4"]
    kind: Kind


class Mirror(Faculty):
    """Ours, after Wang & Goel's mutual theory of mind (arXiv 2210.03842): construction, recognition, revision.

    Construction is the chains `a>b`, which `believe` holds. Of these the one worth checking is picked here; saying it
    is a claim with a `believer`. What was decided of others' disclosures and answers is kept as notes. Where an answer
    shows another belief than the one held on `a>b` by then, the chain is revised; the paper leaves that stage to
    future work.
    """

    name = "mirror"
    phase = "believe"
    reads = ("beliefs", "notes")
    writes = ("beliefs", "notes")
    instruction = text("mirror.md")
    sampling = Sampling(temperature=0.3)

    def inputs(self, mind: MindState, moment: Moment) -> Reflections | None:
        seen = moment.seen
        if not seen.variables or len(seen.cast) < 2:
            return None
        first = mind.note(self.name, "events") or 0
        names = {variable.name for variable in seen.variables}
        told = [said for event in seen.events[first:] for said in _of_me(event, mind.holder) if said.variable in names]
        answers = [said for said in _answers(seen.events, first, mind.holder) if said.variable in names]
        held = {(belief.chain, belief.variable): belief.probabilities for belief in mind.beliefs.values()}
        return Reflections(
            holder=mind.holder,
            told=dict(zip(TOLD, told[-MOST:], strict=False)),
            answers=dict(zip(ANSWERED, answers[-MOST:], strict=False)),
            checks=worth_checking(mind.holder, held)[:MOST],
            variables=list(seen.variables),
        )

    def reply_type(self, moment: Moment) -> type[BaseModel] | None:
        seen = moment.seen
        others = tuple(name for name in seen.cast if name != seen.participant)
        return _reply_type(others, seen.variables) if seen.variables and others else None

    def question(self, inputs: Reflections) -> str:
        lines = ["Whose mind would you check? What do you make of what was said of minds?"]
        lines += [f"You take {w.of} to believe {w.variable} = {w.value} ({100 * w.probability:.0f}%), gap "
                  f"{100 * w.gap:.0f}%" for w in inputs.checks]  # fmt: skip
        lines += [f"{label}: {s.by} says that you {_think(s)}" for label, s in inputs.told.items()]
        lines += [f"{label}: of what you said, {s.by} says {_is(s)}" for label, s in inputs.answers.items()]
        return "\n".join(lines)

    def update(self, mind: MindState, moment: Moment, inputs: Reflections, reply: Any) -> MindUpdate:
        notes: dict[str, Any] = {"events": len(moment.seen.events)}
        notes["check"] = next(({"of": c.of, "variable": c.variable} for c in reply.check), None)
        recognised = {v.told: v.kind for v in reply.recognised if v.told in inputs.told}
        if recognised:
            notes["recognised"] = [
                {**inputs.told[label].model_dump(), "kind": kind} for label, kind in sorted(recognised.items())
            ]
        revised = {r.answer: r for r in reply.revised if r.answer in inputs.answers and _fits(r, inputs)}
        if revised:
            notes["revised"] = [
                {**inputs.answers[label].model_dump(), "now": r.value, "percent": r.percent}
                for label, r in sorted(revised.items())
            ]
        changes = {
            (said.by, said.variable): change
            for label, r in sorted(revised.items())
            for said in [inputs.answers[label]]
            for change in _revision(mind, inputs, said, r.value, r.percent)
        }
        return MindUpdate(beliefs=list(changes.values()), notes=notes)


def worth_checking(holder: str, held: Distributions) -> list[Worth]:
    """What `holder` takes others to believe, the largest gap to its own belief first, then the least certain."""
    found = []
    for (chain, variable), model in held.items():
        first, _, of = chain.partition(">")
        own = held.get((holder, variable))
        if first == holder and of and ">" not in of and own is not None:
            value = min(model, key=lambda one: (-model[one], one))
            gap = max(abs(own.get(one, 0.0) - probability) for one, probability in model.items())
            found.append(Worth(of=of, variable=variable, value=value, probability=model[value], gap=gap))
    return sorted(found, key=lambda w: (-w.gap, w.probability, w.of, w.variable))


def _of_me(event: SeenEvent, me: str) -> Iterator[Said]:
    if event.actor is not None and event.actor != me:
        yield from (_said(event, claim) for claim in event.claims if claim.believer == me)


def _answers(events: tuple[SeenEvent, ...], first: int, me: str) -> Iterator[Said]:
    """What those of whom I had spoken then said about the same variable themselves."""
    disclosed: set[tuple[str, str]] = set()
    for number, event in enumerate(events):
        for claim in event.claims:
            if claim.believer is not None and event.actor == me:
                disclosed.add((claim.believer, claim.variable))
            elif claim.believer is None and number >= first and (event.actor, claim.variable) in disclosed:
                yield _said(event, claim)


def _said(event: SeenEvent, claim: Claim) -> Said:
    return Said(event=event.id, by=event.actor or "", variable=claim.variable, value=claim.value, holds=claim.holds)


def _think(said: Said) -> str:
    return f"{'think' if said.holds else 'do not think'} {said.variable} = {said.value}"


def _is(said: Said) -> str:
    return f"{said.variable} {'=' if said.holds else 'is not'} {said.value}"


def _fits(revision: Any, inputs: Reflections) -> bool:
    name = inputs.answers[revision.answer].variable
    return any(variable.name == name and revision.value in variable.values for variable in inputs.variables)


def _revision(mind: MindState, inputs: Reflections, said: Said, value: str, percent: float) -> Iterator[BeliefChange]:
    """The chain with this value at so many percent and the others in their proportions; none where it is the
    likeliest already, since what `believe` made of the same words stands."""
    chain = f"{mind.holder}>{said.by}"
    before = mind.belief(chain, said.variable)
    if before is not None and before.mode == value:
        return
    variable = next(v for v in inputs.variables if v.name == said.variable)
    others = {one: before.probabilities.get(one, 0.0) if before else 1.0 for one in variable.values if one != value}
    total = math.fsum(others.values())
    rest = {one: (100 - percent) * (p / total if total else 1 / len(others)) for one, p in others.items()}
    weights = {one: percent if one == value else rest[one] for one in variable.values}
    yield BeliefChange(chain=chain, variable=said.variable, weights=weights, source_event=said.event)


@once_in_use
def _reply_type(others: tuple[str, ...], variables: tuple[Variable, ...]) -> type[BaseModel]:
    """One schema per cast and variables, the same at every turn."""
    strict = ConfigDict(extra="forbid")
    someone: Any = Literal[others]
    named: Any = Literal[tuple(variable.name for variable in variables)]
    valued: Any = Literal[tuple(dict.fromkeys(value for variable in variables for value in variable.values))]
    answer: Any = Literal[ANSWERED]
    check: Any = create_model("Check", __config__=strict, of=(someone, ...), variable=(named, ...))
    revision: Any = create_model(
        "Revision", __config__=strict, answer=(answer, ...), value=(valued, ...), percent=(Percent, ...)
    )
    return create_model(
        "Mirrored",
        __config__=strict,
        check=(Annotated[tuple[check, ...], Field(max_length=1)], ...),
        recognised=(Annotated[tuple[Verdict, ...], Field(max_length=MOST)], ...),
        revised=(Annotated[tuple[revision, ...], Field(max_length=MOST)], ...),
    )
