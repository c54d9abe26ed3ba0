"""What a scenario says of the people who play in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

HUMAN = "human"
"""The model of a seat that a person takes."""

Seconds = Annotated[float, Field(ge=0.0, le=3600.0)]


class PeopleSpec(BaseModel):
    """How a conversation goes on around people: real seconds, which agents among themselves do not need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gap_s: Seconds = 1.0
    """How long agents leave a person to answer before one of them speaks, beside the time it takes to read."""
    pause_s: Seconds = 10.0
    """After how long a silence becomes a turn; each further one in a row takes half as long again, at most a minute.
    The pause of Inner Thoughts is ten seconds."""
    patience_s: Seconds = 30.0
    """How long somebody who was addressed is waited for. Whose turn it is when turns go round is always waited for."""
    hold_s: Seconds = 45.0
    """How long the others wait for somebody who is typing, from the last key on; only an interruption does not wait."""
    words_per_second: Annotated[float, Field(ge=0.0, le=1000.0)] = 6.0
    """How fast agents' words appear. A person who speaks meanwhile cuts them off. 0: all at once."""
