"""What backends of embeddings have in common: each text is encoded once, however many minds ask for it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from tertulia.agents.backends.base import Completion
from tertulia.storage.types import write_json

MOST = 20_000
"""Texts whose vectors are kept; those not asked for the longest go first."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors (base64 of 32-bit floats) in the order of the texts, and what they took; `completion` has no text yet."""

    vectors: Sequence[str]
    completion: Completion


Encode = Callable[[list[str]], Awaitable[Encoded]]


@dataclass(slots=True)
class Encoder:
    """Answers requests for vectors by `encode`, which gets only texts that are neither known nor on their way."""

    encode: Encode
    nothing: Completion
    """What an answer took for which nothing had to be encoded."""
    _known: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _coming: dict[str, asyncio.Event] = field(default_factory=dict)

    async def complete(self, texts: Sequence[str]) -> Completion:
        """The vectors of all texts as a reply. Raises what `encode` raises."""
        found: dict[str, str] = {}
        took = self.nothing
        while missing := [text for text in dict.fromkeys(texts) if text not in found]:
            found |= {text: self._again(text) for text in missing if text in self._known}
            others = [self._coming[text] for text in missing if text in self._coming]
            mine = [text for text in missing if text not in found and text not in self._coming]
            if mine:
                encoded = await self._encode(mine)
                took = encoded.completion
                found |= zip(mine, encoded.vectors, strict=True)
            for event in others:
                await event.wait()
        return replace(took, text=write_json({"vectors": [found[text] for text in texts]}))

    async def _encode(self, texts: list[str]) -> Encoded:
        done = asyncio.Event()
        self._coming |= dict.fromkeys(texts, done)
        try:
            encoded = await self.encode(texts)
            self._known |= zip(texts, encoded.vectors, strict=True)
        finally:  # those who wait see what has come, and ask for the rest themselves
            for text in texts:
                self._coming.pop(text, None)
            done.set()
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return encoded

    def _again(self, text: str) -> str:
        self._known.move_to_end(text)
        return self._known[text]
