"""One mind in one turn: faculties in order, by one call (fused) or one by one (staged); then an intent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, create_model

from tertulia.mind.bounds import bound_tokens
from tertulia.mind.embedding import AT_ONCE, embed
from tertulia.mind.faculties.appraise import label_open
from tertulia.mind.faculties.workspace import standing
from tertulia.mind.faculty import Faculty, Moment
from tertulia.mind.model import LanguageModel, Message, ModelTrouble, Reply, Request, Sampling
from tertulia.mind.nearness import Embedded, alike
from tertulia.mind.participation import by_draft, by_thought, without_thoughts
from tertulia.mind.prompt import messages
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.state import Element, Intent, MindUpdate
from tertulia.mind.transcript import BLOCK
from tertulia.storage.once import Held, once_in_use


@dataclass(slots=True)
class Deliberation:
    """One mind's work in a turn, as far as it has come."""

    mind: TurnOfMind
    moment: Moment
    faculties: Sequence[Faculty]
    model: LanguageModel
    instructed: Sequence[Faculty]
    """All faculties of this mind: their instructions stand in the prompt, the same at every turn."""
    embedder: LanguageModel | None = None
    """What answers requests for embeddings, where the mind has them."""
    fallbacks: list[str] = field(default_factory=list)
    types: Held = field(default_factory=Held)
    """The types of this episode's replies; many are its own."""
    _said: set[str] = field(default_factory=set)
    """Labels of thoughts that a reply brought though they had been said already."""
    _embeddings: int = 0
    """How many requests for embeddings were made."""

    def __post_init__(self) -> None:
        self.moment.exact = getattr(self.model, "exact", False)

    def may_wait(self) -> bool:
        """Whether thinking may have to wait for a model; what is to be said is another matter."""
        if self.embedder is not None:
            return True
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
        self.moment.labels = label_open(self.mind.state, self.mind.turn)
        inputs = faculty.inputs(self.mind.state, self.moment) if faculty else None
        if faculty is None or inputs is None:
            return None
        reply = await self._ask(faculty.name, [(faculty, inputs)], faculty.reply_type(self.moment))
        return None if reply.value is None else _act(reply.value)

    async def _fused(self) -> Any:
        pending: list[tuple[Faculty, BaseModel]] = []
        for faculty in self.faculties:
            self.moment.labels = label_open(self.mind.state)
            inputs = faculty.inputs(self.mind.state, self.moment)
            if inputs is None:
                continue
            if faculty.reply_type(self.moment) is None:
                await self._update(faculty, inputs, None)
            else:
                pending.append((faculty, inputs))
        if not pending:
            return None
        schema = _composite(tuple((faculty.name, faculty.reply_type(self.moment)) for faculty, _ in pending))
        reply = await self._ask("fused", pending, schema)
        if reply.value is None:
            return None
        self.moment.labels = self._shown(self.moment.labels, reply, [faculty for faculty, _ in pending])
        for faculty, inputs in pending:
            answer = getattr(reply.value, faculty.name)
            await self._update(faculty, inputs, answer, reply)
            self._label_new(faculty, answer)
        return getattr(reply.value, "speak", None)

    async def _staged(self) -> None:
        for stage in _stages([faculty for faculty in self.faculties if faculty.phase != "speak"]):
            labels = self.moment.labels = label_open(self.mind.state, self.mind.turn)
            asked: list[tuple[Faculty, BaseModel]] = []
            for faculty in stage:
                inputs = faculty.inputs(self.mind.state, self.moment)
                if inputs is not None and faculty.reply_type(self.moment) is None:
                    await self._update(faculty, inputs, None)
                elif inputs is not None:
                    asked.append((faculty, inputs))
            for (faculty, inputs), reply in zip(asked, await self._ask_all(asked), strict=True):
                if reply.value is not None:
                    self.moment.labels = self._shown(labels, reply, [faculty])
                    await self._update(faculty, inputs, reply.value, reply)

    async def _ask_all(self, asked: Sequence[tuple[Faculty, BaseModel]]) -> list[Reply[Any]]:
        """Ask all at once, and wait for all also where one fails: the others' calls are paid by then."""
        if not asked:
            return []
        asking = [self._ask(one.name, [(one, inputs)], one.reply_type(self.moment)) for one, inputs in asked]
        if len(asking) == 1:
            return [await asking[0]]
        replies = await asyncio.gather(*asking, return_exceptions=True)
        failed = next((reply for reply in replies if isinstance(reply, BaseException)), None)
        if failed is not None:
            raise failed
        return cast("list[Reply[Any]]", replies)

    def _shown(self, labels: dict[str, str], reply: Reply[Any], asked: Sequence[Faculty]) -> dict[str, str]:
        """Those of the labels that a reply may use: a language model cannot speak of what its prompt did not show."""
        if reply.estimator == "rules":
            return labels
        shown = {element.ref for element in self._inner(asked) if element.kind == "thought"}
        return {label: name for label, name in labels.items() if name in shown}

    def _label_new(self, faculty: Faculty, answer: Any) -> None:
        """`N1`, `N2`, ... are the thoughts of the reply by their place in it, new or on the mind already."""
        texts = {thought.id: thought.text for thought in self.mind.state.open_thoughts()}
        for label, draft in zip(faculty.labels, getattr(answer, "thoughts", ()), strict=False):
            found = next((name for name, text in texts.items() if text == draft.text), None)
            if found is None and not self.moment.exact:
                found = alike(self.moment.nearness, draft.text, texts)
            if found is not None:
                self.moment.labels[label] = found
            else:
                self._said.add(label)

    async def _update(self, faculty: Faculty, inputs: BaseModel, answer: Any, reply: Reply[Any] | None = None) -> None:
        """Let a faculty change the mind and the moment."""
        if self.embedder is not None:
            await self._embed(faculty.compares(self.mind.state, self.moment, inputs, answer))
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

    async def _embed(self, texts: Iterable[str]) -> None:
        """Vectors for the texts that have none yet."""
        near = self.moment.nearness
        assert self.embedder is not None
        assert isinstance(near, Embedded)
        missing = [text for text in dict.fromkeys(texts) if text.strip() and text not in near.vectors]
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            near.vectors |= await embed(self.embedder, some, self.moment.seen, self._embeddings)
            self._embeddings += 1

    async def _ask(
        self, purpose: str, asked: Sequence[tuple[Faculty, BaseModel]], schema: type[BaseModel] | None
    ) -> Reply[Any]:
        assert schema is not None
        self.types.hold(schema)
        questions = [faculty.question(inputs) for faculty, inputs in asked]
        inputs = {faculty.name: given for faculty, given in asked}
        sampling = partial(self._sampling, purpose, [faculty for faculty, _ in asked], schema)
        for ordinal in count():
            request = Request(
                purpose=purpose,
                schema=schema,
                seen=self.moment.seen,
                inputs=inputs,
                messages=partial(self._messages, questions, [faculty for faculty, _ in asked]),
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

    def _messages(self, questions: Sequence[str], asked: Sequence[Faculty] = ()) -> list[Message]:
        self.moment.inner = self._inner(asked)
        return messages(self.moment, self.instructed, questions)

    def _inner(self, asked: Sequence[Faculty] = ()) -> list[Element]:
        """What enters the prompt: what the workspace chose and thoughts formed since, and the one to be put into words;
        all, where none chooses. Of that, what any of those asked would see."""
        elements, chosen = standing(self.mind.state, self.moment), self.moment.workspace
        if chosen is not None:
            formed = {name for name, thought in self.mind.state.thoughts.items() if thought.turn == self.mind.turn}
            known = {e.ref for e in chosen if e.kind == "thought"}
            needed = {*formed, self.moment.chosen} - known
            elements = chosen + [e for e in elements if e.kind == "thought" and e.ref in needed]
        return [e for e in elements if not asked or any(one.shows(e, self.moment) for one in asked)]

    def _sampling(self, purpose: str, asked: Sequence[Faculty], schema: type[BaseModel]) -> Sampling:
        """The liveliest temperature of those that ask; a seed of this turn's own; room for every valid reply."""
        return Sampling(
            top_p=asked[0].sampling.top_p,
            temperature=max(faculty.sampling.temperature for faculty in asked),
            max_tokens=bound_tokens(schema),
            seed=self.moment.draw(purpose, 0).getrandbits(31),
        )

    def _begin_transcript(self) -> None:
        """The past that is in view: what was dropped stays dropped, and more goes when the context is full."""
        dropped = self.mind.state.note("prompt", "turns_dropped_before") or 0
        moment = self.moment
        self._view_from(max(dropped, moment.transcript.first_turn(moment.seen, moment.spec.context)))

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
        mind, moment = self.mind.state, self.moment
        if moment.legal is None:
            return Intent(wants=False, reason="cannot act now")
        if moment.spec.fused():
            if draft is None:
                return Intent(wants=False, reason=f"fallback ({'; '.join(self.fallbacks) or 'no draft'})")
            return by_draft(mind, moment, draft, _act(draft), said=draft.thought in self._said)
        if moment.ended_turn:
            return Intent(wants=False, reason="ended its turn")
        if not any(faculty.phase == "think" for faculty in self.faculties):
            return without_thoughts(moment)
        intent = by_thought(mind, moment)
        moment.chosen = intent.thought
        return intent


def _stages(faculties: Sequence[Faculty]) -> list[list[Faculty]]:
    """The faculties in order, those together that are asked at the same time."""
    stages: list[list[Faculty]] = []
    for faculty in faculties:
        if stages and faculty.beside and stages[-1][-1].name == faculty.beside:
            stages[-1].append(faculty)
        else:
            stages.append([faculty])
    return stages


def _act(draft: Any) -> Any:
    act = draft.act
    return getattr(act, "root", act)


@once_in_use
def _composite(parts: tuple[tuple[str, type[BaseModel] | None], ...]) -> type[BaseModel]:
    """One schema with a field per faculty: built once for the same faculties and the same reply types."""
    fields: dict[str, Any] = {name: (schema, ...) for name, schema in parts}
    return create_model("Deliberated", __config__=ConfigDict(extra="forbid"), **fields)
