"""From messages to tokens, by the model's own chat template."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import TemplateError

from tertulia.agents.backends.base import BackendFailure
from tertulia.mind.model import Message

_LONE = re.compile("[\ud800-\udfff]")


class Prompting:
    """Renders messages as a model was trained to read them, whatever its template allows."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        special = sorted((str(t) for t in tokenizer.all_special_tokens if len(str(t)) > 1), key=len, reverse=True)
        added = [t.content for t in tokenizer.added_tokens_decoder.values() if t.special and len(t.content) > 1]
        names = dict.fromkeys([*special, *added])
        self._special = re.compile("|".join(map(re.escape, names))) if names else None

    def tokens(self, messages: list[Message]) -> list[int]:
        """The prompt's token ids, ending where the reply begins. Raises `BackendFailure` (`invalid_request`)."""
        chat = [{"role": m.role, "content": self._plain(m.content)} for m in messages]
        try:
            text = self._render(chat)
        except TemplateError:
            try:
                text = self._render(_alternating(chat))
            except TemplateError as problem:
                line = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
                raise BackendFailure("invalid_request", f"the chat template refuses the messages: {line}") from problem
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _render(self, chat: list[dict[str, str]]) -> str:
        # Templates without a thinking mode ignore the flag.
        text = self._tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        return str(text)

    def _plain(self, content: str) -> str:
        """Content as plain words: the model's control tokens, spelled out by a speaker, must not open a new turn.

        Lone surrogates, which no tokenizer takes, become the replacement character.
        """
        content = _LONE.sub("\ufffd", content)
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", content) if self._special else content


def _alternating(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same words for a template that knows only users and assistants in turn: system words become a user's."""
    merged: list[dict[str, str]] = []
    for message in chat:
        role = "user" if message["role"] == "system" else message["role"]
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += "\n\n" + message["content"]
        else:
            merged.append({"role": role, "content": message["content"]})
    return merged
