"""What a mind is made of, as a scenario says it: an ordered list of faculties and a few knobs, with presets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PHASES = ("perceive", "interpret", "recall", "believe", "workspace", "think", "appraise", "dial", "speak")
"""The order in which faculties work; a list in another order is refused."""


MOST_THRESHOLD = 6.0
"""Motivation ends at 5.0: a threshold above it is never reached."""


PROACTIVE_KNOBS = frozenset({"im_threshold", "system1_prob"})
"""What a word for proactivity stands for."""


class Preset(BaseModel):
    """A named list of faculties, and how it deliberates unless told otherwise."""

    model_config = ConfigDict(frozen=True)

    faculties: tuple[str, ...]
    deliberation: Literal["fused", "staged"]
    source: str
    order: int = 2
    """How deep its beliefs about beliefs go unless told otherwise."""


PROACTIVITY: dict[str, dict[str, float]] = {
    "chatter": {"system1_prob": 0.7},
    "active": {"system1_prob": 0.2, "im_threshold": 3.59},
    "selective": {"system1_prob": 0.0, "im_threshold": 4.09},
}
"""What one word sets: the conditions non-stop chatter, active contributor and selective of Inner Thoughts (Liu et al.
2025), with the values that two accounts of the paper give; what they leave open stays as it is."""

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
    "inner-thoughts": Preset(
        faculties=("perceive", "tend", "interpret", "recall", "react", "reflect", "appraise", "speak"),
        deliberation="staged",
        source="after Inner Thoughts (Liu et al., CHI'25): trigger, retrieval, formation of quick and considered "
        "thoughts, evaluation, participation; kept thoughts are appraised again every turn",
    ),
    "mutual": Preset(
        faculties=("perceive", "tend", "recall", "believe", "mirror", "workspace", "think", "appraise", "speak"),
        deliberation="fused",
        source="ours, after the framework of Wang & Goel (arXiv 2210.03842): construction, disclosure, recognition, "
        "revision; the third stage, the revision of a model, is future work in the paper",
        order=3,
    ),
    "full": Preset(
        faculties=("perceive", "tend", "recall", "believe", "workspace", "think", "appraise", "speak"),
        deliberation="fused",
        source="ours: beliefs along chains and inner thoughts together, in one call a turn",
    ),
}


class MindSpec(BaseModel):
    """A mind in a scenario file. `faculties` replaces the preset's list; taking one off is the ablation.

    `order` is the deepest chain of beliefs (1 `a`, 2 `a>b` and `a&b`, 3 `a>b>a`); `workspace` how many inner
    elements enter a prompt. `im_threshold`, `system1_prob` and `interrupt_threshold` bear the names and the defaults of
    the code of Inner Thoughts (Liu et al. 2025).
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
    proactivity: Literal["chatter", "active", "selective"] | None = None
    """One word for `im_threshold` and `system1_prob`, which win over it where they are given: `chatter` (0.7 for
    `system1_prob`), `active` (3.59 and 0.2), `selective` (4.09 and 0)."""
    im_threshold: Annotated[float, Field(ge=1.0, le=MOST_THRESHOLD)] = 3.5
    """From which motivation on it takes an open floor by itself; above 5, never."""
    system1_prob: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
    """How probably a quick thought is blurted out below that, in the turn in which it comes up."""
    interrupt_threshold: Annotated[float, Field(ge=1.0, le=MOST_THRESHOLD)] = 4.0
    """From which motivation on it takes a floor that was given to another; above 5, never."""
    proactive_tone: bool = False
    """Whether it is told to speak assertively. The README of Inner Thoughts names this knob and its code has none; so
    the sentence that stands in the prompt is ours."""
    embeddings: str | None = None
    """An embedding model, `hf/ORG/NAME`, `hf/./PATH` or `openai/NAME`: memories come up by it, and by it a thought is
    found to have been said. Without one, by words alone."""
    decay: Annotated[float, Field(gt=0.0, le=1.0)] = 0.98
    """What is left, turn by turn, of how easily a memory or thought comes up again since it last did. The code of Inner
    Thoughts has the factor and never sets it to anything but 1."""
    keep_for: Annotated[int, Field(ge=1)] = 12
    """After how many turns a thought that was not spoken is stale."""
    context: Annotated[int, Field(ge=2000)] = 60_000
    """How many characters of transcript a prompt may hold; beyond it, whole blocks of the oldest turns go."""

    @model_validator(mode="before")
    @classmethod
    def _as_the_preset_has_it(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        preset, word = data.get("preset"), data.get("proactivity")
        order = {"order": PRESETS[preset].order} if isinstance(preset, str) and preset in PRESETS else {}
        knobs = PROACTIVITY.get(word, {}) if isinstance(word, str) else {}
        return {**order, **knobs, **data}

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
