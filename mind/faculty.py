"""A faculty: one small part of a mind, with typed input, typed update, its own instruction and its own schema."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel, RootModel

from tertulia.mind.model import Sampling
from tertulia.mind.nearness import Lexical, Nearness
from tertulia.mind.spec import MindSpec
from tertulia.mind.state import Element, MindState, MindUpdate, Recalled
from tertulia.mind.transcript import Transcript
from tertulia.storage.seen import Seen


@dataclass(slots=True)
class Moment:
    """What a mind works with in one turn and does not keep: what it has seen, and what came up on the way.

    Faculties read it; only deliberation writes to it, from their updates.
    """

    seen: Seen
    spec: MindSpec
    legal: type[RootModel[Any]] | None
    """The actions open to it now, as one schema; None where it cannot act."""
    draw: Callable[[str, int], Random]
    """A generator of its own for (faculty, ordinal)."""
    recalled: list[Recalled] = field(default_factory=list)
    workspace: list[Element] | None = None
    """The inner elements chosen for this turn; None where no faculty chooses: then all of them stand."""
    inner: list[Element] = field(default_factory=list)
    """The inner elements that enter the prompt of the next request."""
    labels: dict[str, str] = field(default_factory=dict)
    """What the prompt calls the open thoughts (`K1`, ... and `N1`, ... for new ones) -> their ids."""
    transcript: Transcript = field(default_factory=Transcript)
    """What it has seen, in words; the same at every turn of an episode."""
    first_turn: int = 0
    """The first turn whose events are still in the prompt."""
    ended_turn: bool = False
    """A faculty gave the turn away."""
    chosen: str | None = None
    """The thought it bids with: what it would put into words, if the floor is its own."""
    nearness: Nearness = field(default_factory=Lexical)
    """How alike texts are. With embeddings, only of those that a faculty said it compares."""
    exact: bool = False
    """Rules answer: their words for a thought tell it apart from any other, and they know themselves when a thought has
    been said. So only the same words are the same thought."""

    def admits(self, kind: str, ref: str) -> bool:
        """Whether an inner element may enter a prompt of this turn."""
        return self.workspace is None or any(e.kind == kind and e.ref == ref for e in self.workspace)


class Faculty(ABC):
    """One part of a mind. `inputs` and `update` are pure: no I/O, no model, no database, no clock.

    A faculty that needs no model gives None as `reply_type`; its `update` is then called with `reply=None`.
    Register a new one with `register`, name it in a scenario's `mind: {faculties: [...]}`, and let
    `tertulia.mind.testing.check_faculty` try it.
    """

    name: ClassVar[str]
    phase: ClassVar[str]
    """When it works: one of `tertulia.mind.spec.PHASES`."""
    reads: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[tuple[str, ...]] = ()
    """Which parts of the mind it may change: beliefs, thoughts, appraisals, memories, recalled, workspace, notes."""
    instruction: ClassVar[str] = ""
    """In the system prefix, the same at every turn."""
    sampling: ClassVar[Sampling] = Sampling()
    beside: ClassVar[str] = ""
    """A faculty right before it whose answer it does not need: where faculties are asked one by one, both are asked at
    the same time."""
    labels: ClassVar[tuple[str, ...]] = ()
    """What the thoughts of its reply are called in that same reply, in their order."""

    @abstractmethod
    def inputs(self, mind: MindState, moment: Moment) -> BaseModel | None:
        """What it works on now; None when there is nothing to do this turn."""

    def reply_type(self, moment: Moment) -> type[BaseModel] | None:
        """The schema of a model's reply; the same at every turn of an episode. None: needs no model."""
        return None

    @property
    def asks(self) -> bool:
        """Whether it is one that may need a model."""
        return type(self).reply_type is not Faculty.reply_type

    def question(self, inputs: Any) -> str:
        """The inner elements of the moment, in words, for the tail of the prompt."""
        return ""

    def instruct(self, spec: MindSpec) -> str:
        """Its instruction in a mind with these knobs; the same at every turn."""
        return self.instruction

    def shows(self, element: Element, moment: Moment) -> bool:
        """Whether an inner element may stand in its prompt, where it is asked by itself."""
        return True

    def compares(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> Iterable[str]:
        """The texts whose nearness its `update` asks for; embeddings of them are made before."""
        return ()

    @abstractmethod
    def update(self, mind: MindState, moment: Moment, inputs: Any, reply: Any) -> MindUpdate:
        """What changes, given its inputs and (where it asked) a valid reply."""


class NoInputs(BaseModel):
    """For a faculty that works on the moment alone."""


@cache
def text(name: str) -> str:
    """An instruction that lives as plain text beside its faculty."""
    return files("tertulia.mind.faculties").joinpath(name).read_text(encoding="utf-8").strip()
