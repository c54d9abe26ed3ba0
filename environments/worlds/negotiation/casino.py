"""Priorities of real negotiators, from a file of the CaSiNo data set in its published form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from tertulia.environments.world import WorldError
from tertulia.environments.worlds.negotiation.goods import ORDERS

_FORM = "give a file of CaSiNo as published: a list of dialogues with `dialogue_id` and `participant_info`"


class _Info(BaseModel):
    value2issue: dict[str, str]


class _Dialogue(BaseModel):
    dialogue_id: int
    participant_info: Annotated[dict[str, _Info], Field(min_length=2, max_length=2)]


def order_of(value2issue: dict[str, str]) -> str:
    """`{"High": "Water", "Medium": "Food", "Low": "Firewood"}` as `water>food>firewood`."""
    return ">".join(value2issue.get(rank, "").lower() for rank in ("High", "Medium", "Low"))


def read_priorities(path: Path, dialogue: int | None) -> tuple[tuple[str, str], ...]:
    """The priorities of both participants of that dialogue, or of all dialogues, in the file's order.

    Raises `WorldError` with one line for what cannot be read.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        dialogues = [_Dialogue.model_validate(entry) for entry in raw]
    except OSError as error:
        raise WorldError("file", f"cannot read {path}: {error.strerror}; {_FORM}") from None
    except (ValueError, TypeError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise WorldError("file", f"{path}: {' '.join(said.split())}; {_FORM}") from None
    chosen = [found for found in dialogues if dialogue in (None, found.dialogue_id)]
    if not chosen:
        raise WorldError("dialogue", f"{path} has no dialogue {dialogue}; leave it out to draw one from the seed")
    return tuple(_both(found, path) for found in chosen)


def _both(dialogue: _Dialogue, path: Path) -> tuple[str, str]:
    one, other = (order_of(info.value2issue) for info in dialogue.participant_info.values())
    if one not in ORDERS or other not in ORDERS:
        raise WorldError("file", f"{path}: dialogue {dialogue.dialogue_id} ranks other things; {_FORM}")
    return one, other
