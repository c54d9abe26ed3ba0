"""One request as the engine works on it: its tokens so far, its grammar, its chance."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random

from llguidance import LLMatcher

from tertulia.agents.backends.base import BackendFailure, Completion
from tertulia.agents.backends.hf.grammar import Grammars
from tertulia.agents.backends.hf.job import Job
from tertulia.agents.backends.hf.loading import LoadedModel

_COMPLETE = ("NoExtension", "NoExtensionBias", "EndOfSentence")


@dataclass(slots=True, eq=False)
class Row:
    """`tokens` is the prompt followed by the reply; a row put back in line goes on from there."""

    job: Job
    tokens: list[int]
    prompt: int
    limit: int
    matcher: LLMatcher
    random: Random
    started: float = field(default_factory=time.perf_counter)
    beside: int = 1
    """The most rows that were worked on together with this one, itself included."""
    reused: int = 0
    halvings: int = 0
    done: bool = False
    failed: bool = False

    @classmethod
    def start(cls, job: Job, model: LoadedModel, grammars: Grammars) -> Row:
        """Raises `BackendFailure`: `too_long` for the context; `invalid_request` for what cannot be enforced."""
        sampling = job.prompt.sampling
        if sampling.max_tokens < 1:
            raise BackendFailure("invalid_request", f"max_tokens must be at least 1, got {sampling.max_tokens}")
        tokens = model.prompting.tokens(job.prompt.messages)
        room = min(sampling.max_tokens, model.context - len(tokens))
        least = grammars.least(job.prompt.schema) if room < sampling.max_tokens else 1
        if room < least:
            raise BackendFailure(
                "too_long",
                f"hf/{model.name}: the prompt has {len(tokens)} tokens, the context {model.context};"
                f" {least} must be left for the shortest reply",
            )
        return cls(
            job=job,
            tokens=tokens,
            prompt=len(tokens),
            limit=room,
            matcher=grammars.matcher(job.prompt.schema, room if room < sampling.max_tokens else None),
            random=Random(sampling.seed),
        )

    def accept(self, token: int, model: LoadedModel) -> None:
        """Take the next token; when the reply is complete, or has reached its limit, answer."""
        if token < 0 or not self.matcher.consume_token(token) or self.matcher.is_error():
            self.fail(BackendFailure("server", f"hf/{model.name}: no token can follow: {_why(self.matcher)}"))
            return
        self.tokens.append(token)
        if self.matcher.is_stopped():
            reason = self.matcher.stop_reason()
            if reason in _COMPLETE:
                self._answer("stop", model)
            else:
                self.fail(BackendFailure("server", f"hf/{model.name}: the grammar gave up: {reason}"))
        elif len(self.tokens) - self.prompt >= self.limit:
            self._answer("length", model)

    def fail(self, failure: BackendFailure) -> None:
        self.done = self.failed = True
        self.job.fail(failure)

    def _answer(self, finish: str, model: LoadedModel) -> None:
        self.done = True
        reply = self.tokens[self.prompt :]
        said = [token for token in reply if token not in model.ends]
        # Bytes, not the tokenizer's own decoding, which tidies spaces. Only a reply cut off can end within a letter.
        text = model.tokenizer.decode_bytes(said).decode("utf-8", "strict" if finish == "stop" else "ignore")
        extra = {
            "batch": self.beside,
            "queue_ms": round(1000 * (self.started - self.job.arrived), 3),
            "device": str(model.device),
        }
        if self.halvings:
            extra["halvings"] = self.halvings
        self.job.answer(
            Completion(
                text=text,
                finish=finish,
                served_model=model.name,
                fingerprint=model.fingerprint,
                input_tokens=self.prompt,
                cached_tokens=self.reused,
                output_tokens=len(reply),
                cost_usd=0.0,
                extra=extra,
            )
        )


def _why(matcher: LLMatcher) -> str:
    return " ".join(matcher.get_error().split())[:200] or "the logits are not finite"
