"""What the floor may ask a model: who is to be given the word, and who is likely to speak next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache, lru_cache
from importlib.resources import files
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, create_model

from tertulia.mind.model import Message, Sampling
from tertulia.storage.seen import Length

NOBODY = "(nobody)"
"""The answer that leaves the floor empty; no participant can have this name."""
LAST = 5
"""How many utterances a prediction is made from: those of the published Inner Thoughts code."""


class FloorQuestion(BaseModel, ABC):
    """One typed question of the floor. Rules answer it by a rule of its own (`by_rules`), models by its words."""

    model_config = ConfigDict(frozen=True)

    purpose: ClassVar[str]
    sampling: ClassVar[Sampling]

    @property
    @abstractmethod
    def asked(self) -> str | None:
        """Which participant answers; None for the floor's own model."""

    @abstractmethod
    def by_rules(self, rng: Random) -> dict[str, Any]:
        """The answer by rule, as data of its schema."""

    @abstractmethod
    def schema_of_reply(self) -> type[BaseModel]:
        """The same for a whole episode."""

    @abstractmethod
    def words(self) -> str:
        """The question itself, at the end of the prompt."""


class Moderation(FloorQuestion):
    """Who in its sight has raised a hand, and how often it witnessed each of them speak: all that a moderator is shown
    of the others' minds."""

    purpose: ClassVar[str] = "moderate"
    sampling: ClassVar[Sampling] = Sampling(temperature=0.2)

    moderator: str
    seats: tuple[str, ...]
    able: tuple[str, ...]
    """Those in sight who can act now: whom it may call on."""
    hands: tuple[str, ...]
    spoke: dict[str, int]
    interrupted: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        return self.moderator

    def by_rules(self, rng: Random) -> dict[str, Any]:
        """One who was interrupted first, else whoever raised a hand and has spoken least, ties by a draw; itself only
        where no other hand is up."""
        cut_off = [name for name in self.interrupted if name in self.able and name != self.moderator]
        others = cut_off or [name for name in self.hands if name != self.moderator] or list(self.hands)
        if not others:
            return {"reason": "nobody raised a hand", "speaker": NOBODY}
        least = min(self.spoke.get(name, 0) for name in others)
        chosen = rng.choice([name for name in others if self.spoke.get(name, 0) == least])
        why = "was interrupted" if cut_off else "raised a hand and has spoken least"
        return {"reason": why, "speaker": chosen}

    def schema_of_reply(self) -> type[BaseModel]:
        return _naming("Moderated", self.seats)

    def words(self) -> str:
        hands = ", ".join(f"{name} (has spoken {self.spoke.get(name, 0)} times)" for name in self.hands)
        cut_off = f"\nInterrupted just now: {', '.join(self.interrupted)}." if self.interrupted else ""
        away = [name for name in self.seats if name not in self.able]
        absent = f"\nCannot speak now: {', '.join(away)}." if away else ""
        return _text("moderate.md").format(hands=hands or "nobody", nobody=NOBODY) + cut_off + absent


class Prediction(FloorQuestion):
    """The last utterances, and who sits at the table: all that next-speaker prediction is shown."""

    purpose: ClassVar[str] = "next-speaker"
    sampling: ClassVar[Sampling] = Sampling(temperature=0.7)

    seats: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...], str], ...]
    """Who said what to whom, oldest first; at most five."""

    @property
    def asked(self) -> None:
        return None

    def by_rules(self, rng: Random) -> dict[str, Any]:
        """The first one the last utterance was addressed to; else who spoke before the last speaker (two take turns);
        else a draw among all but the last speaker."""
        last, to = (self.lines[-1][0], self.lines[-1][1]) if self.lines else (None, ())
        called = next((name for name in to if name in self.seats), None)
        before = [speaker for speaker, _, _ in self.lines if speaker != last and speaker in self.seats]
        others = [name for name in self.seats if name != last]
        return {"speaker": called or (before[-1] if before else rng.choice(others or list(self.seats)))}

    def schema_of_reply(self) -> type[BaseModel]:
        return _predicted(self.seats)

    def words(self) -> str:
        """The whole of the user message: what was said, and the question."""
        said = [f"{who}{' to ' + ', '.join(to) if to else ''}: {_flat(text)}" for who, to, text in self.lines]
        return "\n".join([*(said or ["(Nothing was said yet.)"]), "", f"Who speaks next? {', '.join(self.seats)}?"])

    def messages(self) -> list[Message]:
        """The whole prompt: it tells of nobody's persona, goal or mind."""
        return [Message("system", _text("next_speaker.md")), Message("user", self.words())]


def _flat(text: str) -> str:
    return "\n    ".join(text.splitlines()) or text


@cache
def _text(name: str) -> str:
    """An instruction of the floor, as it lies beside this module."""
    return files("tertulia.environments.floor").joinpath(name).read_text(encoding="utf-8").strip()


@lru_cache(maxsize=1024)
def _naming(name: str, seats: tuple[str, ...]) -> type[BaseModel]:
    """A reason, and then one of those at the table, or nobody."""
    one: Any = Literal[(*seats, NOBODY)]
    reason: Any = Annotated[str, Length(200, 1)]
    return create_model(name, __config__=ConfigDict(extra="forbid"), reason=(reason, ...), speaker=(one, ...))


@lru_cache(maxsize=1024)
def _predicted(seats: tuple[str, ...]) -> type[BaseModel]:
    one: Any = Literal[seats]
    return create_model("Predicted", __config__=ConfigDict(extra="forbid"), speaker=(one, ...))
