"""Dial: MindDial's speaking act. Go on talking, end the turn, or act on the task."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Sampling
from tertulia.mind.state import MindState, MindUpdate

SHOWN = 5


class Gaps(BaseModel):
    """Where own belief and the other's, as one sees it, differ most; and what both are sure of."""

    gaps: list[str]
    common: list[str]


class SpeakingAct(BaseModel):
    """`speak` to close the gap, `end_turn` when there is nothing unsaid, `act` when it is settled."""

    model_config = ConfigDict(extra="forbid")

    act: Literal["speak", "end_turn", "act"]


class Dial(Faculty):
    """After MindDial (Qiu et al., arXiv 2306.15253): the act is chosen from the three levels of belief.

    The paper defines common belief on the gap between the first two levels. Here the gap `b_a(e) - b_a>b(e)` and
    common ground (the chain `a&b`) are kept apart, since a gap is where minds differ. The entities are the values
    of the declared variables.
    """

    name = "dial"
    phase = "dial"
    reads = ("beliefs",)
    writes = ("notes",)
    instruction = text("dial.md")
    sampling = Sampling(temperature=0.3)

    def inputs(self, mind: MindState, moment: Moment) -> Gaps | None:
        if moment.legal is None:
            return None
        known = [gap for gap in gaps(mind) if moment.admits("belief", f"{mind.holder}>{gap[0]}|{gap[1]}")]
        found = sorted(known, key=lambda gap: (-abs(gap[3]), gap[:3]))[:SHOWN]
        common = [
            f"{belief.variable} = {belief.mode} ({100 * belief.probabilities[belief.mode]:.0f}%)"
            for key, belief in sorted(mind.beliefs.items())
            if "&" in belief.chain and moment.admits("belief", key)
        ]
        words = [
            f"{variable} = {value}: you and {other} differ by {100 * gap:+.0f}%"
            for other, variable, value, gap in found
        ]
        return Gaps(gaps=words, common=common)

    def reply_type(self, moment: Moment) -> type[BaseModel]:
        return SpeakingAct

    def question(self, inputs: Gaps) -> str:
        return "\n".join(["Speak, end the turn, or act? The gaps:", *inputs.gaps, "Common ground:", *inputs.common])

    def update(self, mind: MindState, moment: Moment, inputs: Gaps, reply: SpeakingAct) -> MindUpdate:
        return MindUpdate(notes={"act": reply.act}, ends_turn=reply.act == "end_turn")


def gaps(mind: MindState) -> list[tuple[str, str, str, float]]:
    """(other, variable, value, `b_a - b_a>b`) for every value held along both chains."""
    found = []
    for belief in mind.beliefs.values():
        names = belief.chain.split(">")
        own = mind.belief(mind.holder, belief.variable) if len(names) == 2 else None
        if own is not None:
            found += [
                (names[1], belief.variable, value, own.probabilities.get(value, 0.0) - probability)
                for value, probability in belief.probabilities.items()
            ]
    return found
