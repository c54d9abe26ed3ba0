"""Consent: the text that people agree to before they are shown anything, and where their words will go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    from tertulia.environments.stage import Stage

_FRONT = re.compile(r"\A---[ \t]*\r?\n(?P<keys>.*?)^---[ \t]*\r?\n", re.DOTALL | re.MULTILINE)
_VERSION = re.compile(r"^version[ \t]*:[ \t]*(?P<version>\S[^\r\n]*?)[ \t]*(?:\r?\n|\Z)", re.MULTILINE | re.IGNORECASE)
_DIGITS = 12


class ConsentText(BaseModel):
    """What people are asked to agree to. In a scenario file it is the path of a text file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    """The whole file."""
    version: str
    """What its first line (`version: 2`) or its front matter names; else the beginning of its hash."""
    hash: str
    """SHA-256 of the file, as `sha256sum` prints it."""

    @classmethod
    def of(cls, text: str) -> ConsentText:
        """The text of a file. Raises `ValueError` for one that says nothing."""
        if not _shown(text).strip():
            raise ValueError("the text is empty; write what people are asked to agree to")
        digest = sha256(text.encode()).hexdigest()
        return cls(text=text, version=_version(text) or digest[:_DIGITS], hash=digest)

    @model_validator(mode="after")
    def _is_its_own(self) -> ConsentText:
        if sha256(self.text.encode()).hexdigest() != self.hash:
            raise ValueError("the text is not the one with this hash; give the path of the file")
        return self

    @property
    def shown(self) -> str:
        """The text without the lines that name its version."""
        return _shown(self.text)


def _version(text: str) -> str | None:
    front = _FRONT.match(text)
    found = _VERSION.search(front["keys"]) if front else _VERSION.match(text)
    return found["version"].strip("\"'")[:80] if found else None


def _shown(text: str) -> str:
    front = _FRONT.match(text)
    if front:
        return text[front.end() :].strip()
    first = _VERSION.match(text)
    return (text[first.end() :] if first else text).strip()


def words_go_to(stage: Stage, made_of: Mapping[str, Mapping[str, Any]], log: str) -> list[str]:
    """Where what people say will go, a line each: to the models of the other seats, and into the log.

    `made_of` has what is behind each model (`Backends.made_of`), `log` where the log is, without anybody's name.
    """
    seats: dict[str, list[str]] = {}
    for seat in stage.seats.values():
        seats.setdefault(seat.model, []).append(seat.name)
    for uri in sorted(stage.scenario.models - set(seats)):
        seats[uri] = ["who speaks next"]
    for participant in stage.scenario.participants:
        if participant.mind.embeddings:
            seats.setdefault(participant.mind.embeddings, []).append(f"the memory of {participant.name}")
    found = [
        line for uri, names in seats.items() if (line := _of_model(uri, ", ".join(names), made_of.get(uri, {})))
    ]  # fmt: skip
    return [*found, log]


def _of_model(uri: str, names: str, made_of: Mapping[str, Any]) -> str:
    provider, _, model = uri.partition("/")
    if provider == "human":
        return f"to the people who play {names}" if "," in names else ""
    if provider == "rules":
        return f"{names}: the rules of the game, on this machine"
    if provider == "hf":
        return f"{names}: the model {_last(model)}, on this machine"
    where = made_of.get("base_url")
    return f"{names}: the model {model}, " + (f"at {where}" if where else f"wherever {provider} answers")


def _last(path: str) -> str:
    """A model's name without the folders of whoever keeps it."""
    return path.rstrip("/").rpartition("/")[2] if path.startswith((".", "/", "~")) else path
