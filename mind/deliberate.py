"""One mind in one turn: faculties in order, by one call (fused) or one by one (staged); then an intent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import count
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from tertulia.mind.bounds import bound_tokens
from tertulia.mind.faculties.appraise import NEW_LABELS, label_open
from tertulia.mind.faculties.workspace import standing
from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.model import LanguageModel, Message, ModelTrouble, Reply, Request, Sampling
from tertulia.mind.prompt import BLOCK, first_turn, messages
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.state import Element, Intent, MindUpdate

NEUTRAL = 3.0
"""The motivation of a mind that does not appraise: the middle of the scale."""


@dataclass(slots=True)
class Deliberation:
    """One mind's work in a turn, as far as it has come."""

    mind: TurnOfMind
    moment: Moment
    faculties: Sequence[Faculty]
    model: LanguageModel
    instructed: Sequence[Faculty]
    """All faculties of this mind: their instructions stand in the prompt, the same at every turn."""
    fallbacks: list[str] = field(default_factory=list)

    def may_wait(self) -> bool:
        """Whether thinking may have to wait for a model; what is to be said is another matter."""
        asks = any(f.asks for f in self.faculties if self.moment.spec.fused() or f.phase != "speak")
        return asks and getattr(self.model, "waits", True)

    async def run(self) -> Intent:
        """Let every faculty work, and say what the mind wants of the floor. Raises `ModelTrouble`."""
        self._begin_transcript()
        if self.moment.spec.fused():
            return self._intend(await self._fused())
        await self._staged()
        return self._intend(None)

    async def speak(self) -> BaseModel | None:
        """The winner's act where no draft was made: None when the model gave no valid one (a declared fallback)."""
        faculty = next((f for f in self.faculties if f.phase == "speak"), None)
        self.moment.labels = label_open(self.mind.state)
        inputs = faculty.inputs(self.mind.state, self.moment) if faculty else None
        if faculty is None or inputs is None:
            return None
        reply = await self._ask(faculty.name, [(faculty, inputs)], faculty.reply_type(self.moment))
        return None if reply.value is None else _act(reply.value)

    async def _fused(self) -> Any:
        self.moment.labels = label_open(self.mind.state)
        pending: list[tuple[Faculty, BaseModel]] = []
        for faculty in self.faculties:
            inputs = faculty.inputs(self.mind.state, self.moment)
            if inputs is None:
                continue
            if faculty.reply_type(self.moment) is None:
                self._update(faculty, inputs, None)
            else:
                pending.append((faculty, inputs))
        if not pending:
            return None
        schema = _composite(tuple((faculty.name, faculty.reply_type(self.moment)) for faculty, _ in pending))
        reply = await self._ask("fused", pending, schema)
        if reply.value is None:
            return None
        self._forget_hidden(reply)
        for faculty, inputs in pending:
            answer = getattr(reply.value, faculty.name)
            self._update(faculty, inputs, answer, reply)
            self._label_new(answer)
        return getattr(reply.value, "speak", None)

    async def _staged(self) -> None:
        for faculty in self.faculties:
            if faculty.phase == "speak":
                continue
            self.moment.labels = label_open(self.mind.state)
            inputs = faculty.inputs(self.mind.state, self.moment)
            schema = faculty.reply_type(self.moment)
            if inputs is None:
                continue
            if schema is None:
                self._update(faculty, inputs, None)
                continue
            reply = await self._ask(faculty.name, [(faculty, inputs)], schema)
            if reply.value is not None:
                self._forget_hidden(reply)
                self._update(faculty, inputs, reply.value, reply)

    def _forget_hidden(self, reply: Reply[Any]) -> None:
        """A language model cannot speak of thoughts that its prompt did not show."""
        if reply.estimator != "rules":
            shown = {element.ref for element in self._inner() if element.kind == "thought"}
            self.moment.labels = {label: name for label, name in self.moment.labels.items() if name in shown}

    def _label_new(self, answer: Any) -> None:
        """`N1`, `N2`, ... are the thoughts of the reply by their place in it, new or on the mind already."""
        ids = {thought.text: thought.id for thought in self.mind.state.open_thoughts()}
        drafts = zip(NEW_LABELS, getattr(answer, "thoughts", ()), strict=False)
        self.moment.labels |= {label: ids[draft.text] for label, draft in drafts if draft.text in ids}

    def _update(self, faculty: Faculty, inputs: BaseModel, answer: Any, reply: Reply[Any] | None = None) -> None:
        """Let a faculty change the mind and the moment."""
        update = faculty.update(self.mind.state, self.moment, inputs, answer)
        if update.recalled:
            self.moment.recalled = update.recalled
        if faculty.phase == "workspace":
            self.moment.workspace = [element for element in update.workspace if element.selected]
        self.moment.ended_turn |= update.ends_turn
        if reply is None:
            self.mind.apply(faculty.name, update)
        else:
            self.mind.apply(faculty.name, update, reply.call, reply.estimator)

    async def _ask(
        self, purpose: str, asked: Sequence[tuple[Faculty, BaseModel]], schema: type[BaseModel] | None
    ) -> Reply[Any]:
        assert schema is not None
        questions = [faculty.question(inputs) for faculty, inputs in asked]
        inputs = {faculty.name: given for faculty, given in asked}
        sampling = partial(self._sampling, purpose, [faculty for faculty, _ in asked], schema)
        for ordinal in count():
            request = Request(
                purpose=purpose,
                schema=schema,
                seen=self.moment.seen,
                inputs=inputs,
                messages=partial(self._messages, questions),
                sampling=sampling,
                ordinal=ordinal,
            )
            try:
                reply: Reply[Any] = await self.model.ask(request)
                break
            except ModelTrouble as trouble:
                if trouble.kind != "too_long" or not self._forget_block():
                    raise
        if reply.value is None:
            self.fallbacks.append(f"{purpose}: {reply.reason}")
        return reply

    def _messages(self, questions: Sequence[str]) -> list[Message]:
        self.moment.inner = self._inner()
        return messages(self.moment, self.instructed, questions)

    def _inner(self) -> list[Element]:
        """What enters the prompt: what the workspace chose and thoughts formed since; all, where none chooses."""
        elements = standing(self.mind.state, self.moment)
        chosen = self.moment.workspace
        if chosen is None:
            return elements
        formed = {name for name, thought in self.mind.state.thoughts.items() if thought.turn == self.mind.turn}
        return chosen + [e for e in elements if e.kind == "thought" and e.ref in formed and e not in chosen]

    def _sampling(self, purpose: str, asked: Sequence[Faculty], schema: type[BaseModel]) -> Sampling:
        """The liveliest temperature of those that ask; a seed of this turn's own; room for every valid reply."""
        return replace(
            asked[0].sampling,
            temperature=max(faculty.sampling.temperature for faculty in asked),
            max_tokens=bound_tokens(schema),
            seed=self.moment.draw(purpose, 0).getrandbits(31),
        )

    def _begin_transcript(self) -> None:
        """The past that is in view: what was dropped stays dropped, and more goes when the context is full."""
        dropped = self.mind.state.note("prompt", "turns_dropped_before") or 0
        self._view_from(max(dropped, first_turn(self.moment.seen, self.moment.spec.context)))

    def _forget_block(self) -> bool:
        """Let a further block of the oldest turns go; False when there is none left to lose."""
        further = self.moment.first_turn + BLOCK
        if further >= self.moment.seen.turn:
            return False
        self._view_from(further)
        return True

    def _view_from(self, turn: int) -> None:
        self.moment.first_turn = turn
        if turn:
            self.mind.apply("prompt", MindUpdate(notes={"turns_dropped_before": turn}))

    def _intend(self, draft: Any) -> Intent:
        if self.moment.legal is None:
            return Intent(wants=False, reason="cannot act now")
        if self.moment.spec.fused():
            return self._intend_draft(draft)
        if self.moment.ended_turn:
            return Intent(wants=False, reason="ended its turn")
        if not any(faculty.name == "think" for faculty in self.faculties):
            return Intent(wants=True, volunteers=True, motivation=NEUTRAL)
        return self._intend_thought()

    def _intend_draft(self, draft: Any) -> Intent:
        if draft is None:
            return Intent(wants=False, reason=f"fallback ({'; '.join(self.fallbacks) or 'no draft'})")
        act = _act(draft)
        thought = self.mind.state.thoughts.get(self.moment.labels.get(draft.thought, ""))
        motivation = thought.motivation if thought else NEUTRAL
        wants = getattr(act, "kind", None) != "pass"
        return Intent(
            wants=wants,
            volunteers=wants and self._volunteers(motivation, thought.system if thought else 0),
            interrupts=wants and motivation >= self.moment.spec.interrupt_threshold,
            motivation=motivation if wants else None,
            thought=thought.id if thought else None,
            addressee=next(iter(getattr(act, "to", ())), None),
            reason="" if wants else "chose to pass",
            act=act,
        )

    def _intend_thought(self) -> Intent:
        """After Inner Thoughts, participation: the best thought if it reaches `im_threshold`; otherwise, by chance
        (`system1_prob`), the best System 1 thought. A turn that is one's own takes the best thought regardless."""
        thoughts = self.mind.state.open_thoughts()
        if not thoughts:
            return Intent(wants=False, reason="nothing on its mind")
        best = thoughts[0]
        quick = next((thought for thought in thoughts if thought.system == 1), None)
        if best.motivation < self.moment.spec.im_threshold and quick and self._blurts():
            best = quick
        volunteers = best.motivation >= self.moment.spec.im_threshold or best is quick
        interrupts = best.motivation >= self.moment.spec.interrupt_threshold
        return Intent(
            wants=True, volunteers=volunteers, interrupts=interrupts, motivation=best.motivation, thought=best.id
        )

    def _volunteers(self, motivation: float, system: int) -> bool:
        return motivation >= self.moment.spec.im_threshold or (system == 1 and self._blurts())

    def _blurts(self) -> bool:
        return self.moment.draw("intend", 0).random() < self.moment.spec.system1_prob


def _act(draft: Any) -> Any:
    act = draft.act
    return getattr(act, "root", act)


@lru_cache(maxsize=4096)
def _composite(parts: tuple[tuple[str, type[BaseModel]], ...]) -> type[BaseModel]:
    """One schema with a field per faculty: built once for the same faculties and the same reply types."""
    fields: dict[str, Any] = {name: (schema, ...) for name, schema in parts}
    return create_model("Deliberated", __config__=ConfigDict(extra="forbid"), **fields)
