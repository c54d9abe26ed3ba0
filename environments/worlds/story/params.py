"""What a story scenario says: which story, from whose eyes, what is asked, and how the story is changed before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tertulia.environments.world import SeatParams, WorldParams

ALL = "all"


def _as_list(value: Any) -> Any:
    """One kind alone may stand for a list of it."""
    return (value,) if isinstance(value, str) and value != ALL else value


class TrustIn(BaseModel):
    """What this world reads of the scenario's `gold`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str = "credulous"


class StoryParams(WorldParams):
    """One story of a file, lived through or watched."""

    file: Path | None = None
    """The file of a story set; without one, a small story that comes with tertulia."""
    format: str | None = None
    """How the file is written: `tomi`, `bigtom`, `hi-tom`, or `own` for stories of your own (the default for .yaml)."""
    item: Annotated[int, Field(ge=0, strict=True)] = 0
    """Which story of the file, from 0."""
    view: Literal["first", "third"] = "third"
    """`third` watches everything; `first` is a character and witnesses only what this one does."""
    as_: str | None = Field(default=None, alias="as")
    """Which character `first` is, by the name in the file; by default the first of the story."""
    questions: Annotated[Literal["all"] | tuple[str, ...], BeforeValidator(_as_list)] = "all"
    """`all`, or a list of kinds, like `[memory, first_order]`."""
    skin: Literal["none", "names", "objects", "wording", "all"] = "none"
    """What is new in the story: names; things, their places and rooms; the wording of sentences; all of it."""
    skin_seed: Annotated[int, Field(ge=0, strict=True)] = 0
    """Where the chance begins that draws the skin."""
    control: Literal["none", "true-belief", "transparent"] = "none"
    """`true-belief`: those who missed a change come back and see it. `transparent`: whoever comes in sees what is in
    the containers. Gold is worked out anew, and labels that no longer apply are dropped."""
    gold: TrustIn = TrustIn()
    """The scenario's own: by its rule, characters and whoever lives through the story believe what they are told."""


class StorySeat(SeatParams):
    """Nothing of its own: who somebody is, the story says."""
