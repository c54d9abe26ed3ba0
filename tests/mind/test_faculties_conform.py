"""Every faculty we ship passes the public kit, and the kit finds what is broken."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import BaseModel

from tertulia.mind.faculties import SHIPPED
from tertulia.mind.faculty import Faculty, Moment, NoInputs
from tertulia.mind.state import BeliefChange, MindState, MindUpdate, NewMemory
from tertulia.mind.testing import check_faculty


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_faculty_conforms(name: str) -> None:
    check_faculty(SHIPPED[name])


class Sound(Faculty):
    """A faculty that breaks no law."""

    name = "sound"
    phase = "believe"
    writes = ("notes",)
    instruction = "Say whether it is quiet."

    def inputs(self, mind: MindState, moment: Moment) -> BaseModel | None:
        return NoInputs()

    def reply_type(self, moment: Moment) -> type[BaseModel] | None:
        return Quiet

    def update(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> MindUpdate:
        return MindUpdate(notes={"quiet": reply.quiet})


class Quiet(BaseModel):
    quiet: bool


class NoPhase(Sound):
    phase = "dream"


class NoInstruction(Sound):
    instruction = ""


class NewSchemaEachTime(Sound):
    def reply_type(self, moment: Moment) -> type[BaseModel] | None:
        return type("Quiet", (Quiet,), {})


class WritesInSecret(Sound):
    def update(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> MindUpdate:
        return MindUpdate(memories=[NewMemory(kind="semantic", text="not announced")])


class ChangesTheMindInPlace(Sound):
    def update(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> MindUpdate:
        mind.notes["sound/quiet"] = len(mind.notes)
        return MindUpdate()


class ThrowsDice(Sound):
    def update(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> MindUpdate:
        return MindUpdate(notes={"quiet": random.random()})


class BelievesNothingAtAll(Sound):
    writes = ("beliefs",)

    def update(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> MindUpdate:
        return MindUpdate(beliefs=[BeliefChange(chain="ann", variable="house", weights={"kept": 0.0, "sold": 0.0})])


def test_a_sound_faculty_of_ones_own_conforms() -> None:
    check_faculty(Sound)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (NoPhase, "phase"),
        (NoInstruction, "instruction"),
        (NewSchemaEachTime, "cache it"),
        (WritesInSecret, "writes"),
        (ChangesTheMindInPlace, "in place"),
        (ThrowsDice, "two results"),
        (BelievesNothingAtAll, "cannot be logged"),
    ],
)
def test_a_broken_faculty_is_found_out(broken: type[Faculty], law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_faculty(broken)
