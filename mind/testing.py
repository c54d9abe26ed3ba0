"""The public conformance kit for faculties: `check_faculty(MyFaculty)` says which law is broken, or nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from random import Random
from typing import Any

from pydantic import BaseModel, RootModel

from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.samples import sample
from tertulia.mind.spec import PHASES, MindSpec
from tertulia.mind.state import (
    Appraised,
    BeliefChange,
    MindState,
    MindUpdate,
    NewMemory,
    NewThought,
)
from tertulia.storage.rows import Variable
from tertulia.storage.seen import Observation, Seen, SeenEvent

TRIALS = 12
_PARTS = ("beliefs", "thoughts", "appraisals", "memories", "recalled", "workspace", "notes")


class _Speech(BaseModel):
    kind: str = "say"
    text: str


def check_faculty(kind: type[Faculty], *, moments: Iterable[tuple[MindState, Moment]] | None = None) -> None:
    """Try a faculty on many moments with replies drawn at random from its own schema.

    Laws: it has a name, a known phase and, where it asks, an instruction; `inputs` and `update` are pure (same
    arguments, same results; mind and moment unchanged); its reply type is the same object for the same kind of
    moment; inputs and replies survive JSON; it writes only what `writes` says; its updates can be logged, and a mind
    folded from the rows is the mind that was changed. Raises AssertionError with one line that names the law.
    """
    faculty = kind()
    _require(bool(faculty.name) and faculty.name.isidentifier(), kind, "`name` must be an identifier")
    _require(faculty.phase in PHASES, kind, f"`phase` must be one of {', '.join(PHASES)}")
    unknown = [part for part in faculty.writes if part not in _PARTS]
    _require(not unknown, kind, f"`writes` names {unknown}; there are {', '.join(_PARTS)}")
    given = list(moments) if moments is not None else [example(trial) for trial in range(TRIALS)]
    for trial, (mind, moment) in enumerate(given):
        _try(faculty, kind, mind, moment, Random(trial))


def _try(faculty: Faculty, kind: type[Faculty], mind: MindState, moment: Moment, rng: Random) -> None:
    before = _frozen(mind, moment)
    inputs = faculty.inputs(mind, moment)
    _require(_frozen(mind, moment) == before, kind, "`inputs` changed the mind or the moment")
    _require(faculty.inputs(mind, moment) == inputs, kind, "`inputs` gave two results for the same arguments")
    if inputs is None:
        return
    _require(isinstance(inputs, BaseModel), kind, "`inputs` must give a pydantic model or None")
    _require(
        type(inputs).model_validate_json(inputs.model_dump_json()) == inputs, kind, "its inputs do not survive JSON"
    )
    schema = faculty.reply_type(moment)
    _require(faculty.reply_type(moment) is schema, kind, "`reply_type` builds a new class each time; cache it")
    reply = None
    if schema is not None:
        _require(bool(faculty.instruction), kind, "it asks a model, so it needs an instruction")
        _require(isinstance(faculty.question(inputs), str), kind, "`question` must give a str")
        reply = sample(schema, rng)
        _require(
            schema.model_validate_json(reply.model_dump_json(by_alias=True)) == reply,
            kind,
            "its replies do not survive JSON",
        )
    update = faculty.update(mind, moment, inputs, reply)
    _require(isinstance(update, MindUpdate), kind, "`update` must give a MindUpdate")
    _require(_frozen(mind, moment) == before, kind, "`update` changed the mind or the moment in place")
    _require(
        faculty.update(mind, moment, inputs, reply) == update, kind, "`update` gave two results for the same arguments"
    )
    written = [part for part in _PARTS if getattr(update, part)]
    extra = [part for part in written if part not in faculty.writes]
    _require(not extra, kind, f"it writes {', '.join(extra)}, which `writes` does not name")
    _check_rows(kind, faculty.name, mind, update, moment.seen.turn)


def _check_rows(kind: type[Faculty], name: str, mind: MindState, update: MindUpdate, turn: int) -> None:
    work = TurnOfMind("check", turn, mind)
    try:
        work.apply(name, update)
    except (ValueError, KeyError, ZeroDivisionError) as failure:
        raise AssertionError(f"{kind.__name__}: its update cannot be logged: {failure}") from failure
    folded = mind.absorb(work.rows())
    _require(folded == work.state, kind, "a mind folded from its rows is not the mind it changed")
    for belief in folded.beliefs.values():
        total = sum(belief.probabilities.values())
        _require(abs(total - 1) < 1e-9, kind, f"a distribution sums to {total}, not to 1")


def _frozen(mind: MindState, moment: Moment) -> Any:
    names = ("seen", "recalled", "workspace", "inner", "labels", "ended_turn")
    return copy.deepcopy((mind, [getattr(moment, name) for name in names]))


def _require(law: bool, kind: type[Faculty], broken: str) -> None:
    if not law:
        raise AssertionError(f"{kind.__name__}: {broken}")


def example(trial: int) -> tuple[MindState, Moment]:
    """A mind and a moment to try a faculty on: some early and empty, some with beliefs, thoughts and memories."""
    rng = Random(f"example/{trial}")
    turn = 1 + trial % 6
    work = TurnOfMind("check", turn - 1, MindState(holder="ann"))
    if trial % 3:
        work.apply("perceive", MindUpdate(memories=[NewMemory(kind="semantic", text="Ann likes the old house.")]))
        weights = {"kept": rng.random(), "sold": 1.0, "let": rng.random()}
        changes = [BeliefChange(chain=chain, variable="house", weights=weights) for chain in ("ann", "ann>ben")]
        work.apply("believe", MindUpdate(beliefs=changes))
        formed = work.apply(
            "think", MindUpdate(thoughts=[NewThought(system=1 + n % 2, text=f"a thought {n}") for n in range(4)])
        )
        work.apply(
            "appraise",
            MindUpdate(appraisals=[Appraised(thought=name, motivation=1 + 4 * rng.random()) for name in formed]),
        )
    actors, levels = ("ann", "ben", "cat"), ("content", "occurrence")
    events = tuple(
        SeenEvent(
            id=f"{at}.0",
            label=f"{at}.0",
            turn=at,
            kind="say",
            actor=actor,
            text=f"words about the house {at}",
            level=level,
        )
        for at, actor, level in ((at, rng.choice(actors), rng.choice(levels)) for at in range(turn))
    )
    key = Observation(text="You hold a key.")
    house = Variable(name="house", values=("kept", "sold", "let"), static=True, truthful=True)
    seen = Seen(
        participant="ann", turn=turn, cast=("ann", "ben", "cat"), present=("ann", "ben"), premise="A table.",
        persona="Curious. Kind.", opening=key, observation=key, events=events, variables=(house,), order=2,
    )  # fmt: skip
    labels = {f"K{n}": thought.id for n, thought in enumerate(work.state.open_thoughts()[:8], start=1)}
    spec = MindSpec(preset="full")
    moment = Moment(seen, spec, RootModel[_Speech], lambda name, n: Random(f"{trial}/{name}/{n}"), labels=labels)
    return work.state, moment


__all__ = ["check_faculty", "example"]
