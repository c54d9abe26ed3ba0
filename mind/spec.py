"""What a mind is made of, as a scenario says it: an ordered list of faculties and a few knobs, with presets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PHASES = ("perceive", "recall", "believe", "workspace", "think", "appraise", "dial", "speak")
"""The order in which faculties work; a list in another order is refused."""


class Preset(BaseModel):
    """A named list of faculties, and how it deliberates unless told otherwise."""

    model_config = ConfigDict(frozen=True)

    faculties: tuple[str, ...]
    deliberation: Literal["fused", "staged"]
    source: str
    order: int = 2
    """How deep its beliefs about beliefs go unless told otherwise."""


PRESETS: dict[str, Preset] = {
    "reactive": Preset(
        faculties=("perceive", "speak"),
        deliberation="staged",
        source="the plain loop: one call when the floor is won, nothing kept in mind but what was lived through",
    ),
    "minddial": Preset(
        faculties=("perceive", "believe", "dial", "speak"),
        deliberation="staged",
        source="after MindDial (Qiu et al., arXiv 2306.15253): three levels of belief, their gap, a speaking act",
    ),
    "mutual": Preset(
        faculties=("perceive", "recall", "believe", "mirror", "workspace", "think", "appraise", "speak"),
        deliberation="fused",
        source="ours, after the framework of Wang & Goel (arXiv 2210.03842): construction, disclosure, recognition, "
        "revision; the third stage, the revision of a model, is future work in the paper",
        order=3,
    ),
    "full": Preset(
        faculties=("perceive", "recall", "believe", "workspace", "think", "appraise", "speak"),
        deliberation="fused",
        source="ours: beliefs along chains and inner thoughts together, in one call a turn",
    ),
}


class MindSpec(BaseModel):
    """A mind in a scenario file. `faculties` replaces the preset's list; taking one off is the ablation.

    `order` is the deepest chain of beliefs (1 `a`, 2 `a>b` and `a&b`, 3 `a>b>a`); `workspace` how many inner
    elements enter a prompt. The three thresholds bear the names and defaults of Inner Thoughts (Liu et al. 2025).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = "full"
    """One of the presets below."""
    faculties: tuple[str, ...] | None = None
    """A list of your own in place of the preset's; the phases in order, any order within one."""
    order: Annotated[int, Field(ge=1, le=4)] = 2
    """How deep beliefs about beliefs go: 1 `a`, 2 `a>b` and `a&b`, 3 `a>b>a`. Without it, as the preset has it."""
    workspace: Annotated[int, Field(ge=1, le=32)] = 7
    """How many inner elements (beliefs, memories, thoughts) enter a prompt."""
    deliberation: Literal["fused", "staged"] | None = None
    """`fused`: one call a turn; `staged`: one call per faculty. Without it, as the preset has it."""
    im_threshold: Annotated[float, Field(ge=1.0, le=5.0)] = 3.5
    """From which motivation on it takes an open floor by itself."""
    system1_prob: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
    """How probably a quick thought is blurted out below that."""
    interrupt_threshold: Annotated[float, Field(ge=1.0, le=5.0)] = 4.0
    """From which motivation on it takes a floor that was given to another."""
    context: Annotated[int, Field(ge=2000)] = 60_000
    """How many characters of transcript a prompt may hold; beyond it, whole blocks of the oldest turns go."""

    @model_validator(mode="before")
    @classmethod
    def _as_the_preset_has_it(cls, data: Any) -> Any:
        preset = data.get("preset") if isinstance(data, dict) else None
        if isinstance(preset, str) and preset in PRESETS and "order" not in data:
            return {**data, "order": PRESETS[preset].order}
        return data

    def parts(self) -> tuple[str, ...]:
        """The names of its faculties, in order."""
        return self.faculties if self.faculties is not None else PRESETS[self.preset].faculties

    def discloses(self) -> bool:
        """Whether it tells others what it takes them to believe, and answers to what they say of its own beliefs."""
        return "mirror" in self.parts()

    def fused(self) -> bool:
        """Whether one call answers all of a turn, rather than one call per faculty."""
        return (self.deliberation or PRESETS[self.preset].deliberation) == "fused"

    def label(self) -> str:
        """How results name this mind: the preset, marked where deliberation or faculties were changed."""
        preset = PRESETS[self.preset]
        label = self.preset
        if self.deliberation and self.deliberation != preset.deliberation:
            label += f"+{self.deliberation}"
        if self.faculties is not None and self.faculties != preset.faculties:
            missing = [name for name in preset.faculties if name not in self.faculties]
            added = [name for name in self.faculties if name not in preset.faculties]
            label += "".join(f"-{name}" for name in missing) + "".join(f"+{name}" for name in added)
        return label
