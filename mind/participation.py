"""Participation: what a mind wants of the floor, once it has thought."""

from __future__ import annotations

from typing import Any

from tertulia.mind.faculty import Moment
from tertulia.mind.state import Intent, MindState, Thought
from tertulia.storage.seen import SPEECH

NEUTRAL = 3.0
"""The motivation of a mind that does not appraise: the middle of the scale."""


def without_thoughts(moment: Moment) -> Intent:
    """Of a mind that forms no thoughts: it would always speak."""
    return Intent.made(wants=True, volunteers=True, motivation=NEUTRAL, interrupts=_interrupts(moment, NEUTRAL))


def by_thought(mind: MindState, moment: Moment) -> Intent:
    """After Inner Thoughts (Liu et al. 2025), participation. The best thought volunteers from `im_threshold` on; below
    it, by chance (`system1_prob`), the best quick thought of this turn does. A turn that is one's own takes the best
    thought whatever it is; one that is another's, only from `interrupt_threshold` on: these two the floor decides.
    """
    thoughts = mind.open_thoughts()
    if not thoughts:
        return Intent(wants=False, reason="nothing on its mind")
    best = thoughts[0]
    volunteers = best.motivation >= moment.spec.im_threshold
    quick = next((thought for thought in thoughts if _is_quick(thought, moment)), None)
    if not volunteers and quick is not None and not _is_called(moment) and _blurts(moment):
        best, volunteers = quick, True
    return Intent(
        wants=True, volunteers=volunteers, motivation=best.motivation, thought=best.id,
        interrupts=_interrupts(moment, best.motivation),
    )  # fmt: skip


def by_draft(mind: MindState, moment: Moment, draft: Any, act: Any, *, said: bool = False) -> Intent:
    """The same for a mind that has drafted an act from a thought already (fused). `said`: from one that only says again
    what it has said. A draft from a label that no thought has is one from no thought."""
    thought = mind.thoughts.get(moment.labels.get(draft.thought, ""))
    if said and thought is None and not moment.exact:
        return Intent(wants=False, reason="what it would say it has said already")
    motivation = thought.motivation if thought else NEUTRAL
    wants = getattr(act, "kind", None) != "pass"
    volunteers = motivation >= moment.spec.im_threshold or (_is_quick(thought, moment) and _blurts(moment))
    return Intent(
        wants=wants,
        volunteers=wants and volunteers,
        motivation=motivation if wants else None,
        thought=thought.id if thought else None,
        addressee=next(iter(getattr(act, "to", ())), None),
        reason="" if wants else "chose to pass",
        interrupts=wants and _interrupts(moment, motivation),
        act=act,
    )


def _is_quick(thought: Thought | None, moment: Moment) -> bool:
    """A reaction is quick in the turn in which it comes up; kept, it is a thought like others."""
    return thought is not None and thought.system == 1 and thought.turn == moment.seen.turn


def _is_called(moment: Moment) -> bool:
    """Whether the last words were addressed to it: the turn is its own."""
    last = next((event for event in reversed(moment.seen.events) if event.kind in SPEECH), None)
    return last is not None and moment.seen.participant in last.addressees


def _interrupts(moment: Moment, motivation: float) -> bool:
    return motivation >= moment.spec.interrupt_threshold


def _blurts(moment: Moment) -> bool:
    return moment.draw("intend", 0).random() < moment.spec.system1_prob
