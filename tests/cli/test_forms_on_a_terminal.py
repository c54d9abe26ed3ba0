"""Consent, questions and forms are asked item by item, and asked again where an answer cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tertulia.cli.seat.forms import fill
from tertulia.environments.people.forms import FormItem, form_message, read_answers
from tertulia.environments.people.questions import Question
from tertulia.storage.rows import Variable


def typed(message: dict[str, Any], lines: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """What comes of typing these lines, and all that was shown; every line must be asked for."""
    left, shown = list(lines), []

    async def ask(text: str) -> str:
        shown.append(text)
        return left.pop(0)

    data = asyncio.run(fill(message, ask, shown.append))
    assert left == []
    return data, shown


CONSENT: dict[str, Any] = {
    "kind": "consent", "text": "You talk.\nWe keep it.", "version": "3", "hash": "ab12", "pseudonym": "calm-oak-1234",
    "words_go_to": ["bob: the model m, at https://api.example/v1"], "offers_times": True,
}  # fmt: skip


def test_consent_shows_where_words_go_and_takes_a_clear_yes_or_no() -> None:
    data, shown = typed(CONSENT, ["perhaps", "Yes", "no"])
    assert data == {"agreed": True, "times": False}
    assert "  bob: the model m, at https://api.example/v1" in shown
    assert "write yes or no" in shown
    assert any("calm-oak-1234" in line for line in shown)
    assert typed(CONSENT, ["n"])[0] == {"agreed": False}
    assert typed({**CONSENT, "offers_times": False}, ["y"])[0] == {"agreed": True, "times": False}


@pytest.mark.parametrize("answer", ["sure", "percent"])
def test_what_is_typed_for_a_question_is_an_answer_to_it(answer: str) -> None:
    cake = Variable(name="cake", values=("kitchen", "cellar"), say="The cake is in the {value}.")
    question = Question(4, "dan", "dan>alice", cake, ("cellar", "kitchen"), answer)
    lines = {"sure": ["3", "1", "maybe", "80"], "percent": ["80", "80 40", "75, 25"]}[answer]
    data, shown = typed(question.message(), lines)
    assert shown[0] == "What do you think that alice believes about cake?"
    assert "  1  The cake is in the cellar." in shown
    weights = question.distribution(data)
    assert weights == pytest.approx(
        {"sure": {"kitchen": 0.1, "cellar": 0.9}, "percent": {"kitchen": 0.25, "cellar": 0.75}}[answer]
    )
    assert question.distribution(typed(question.message(), ["skip"])[0]) is None


def test_a_form_is_filled_item_by_item_and_passes_as_it_is() -> None:
    items = [
        FormItem(name="mood", kind="likert", ask="I feel well", scale=5, labels=("not at all", "very"), required=True),
        FormItem(name="read", kind="choice", ask="Choose blue", choices=("red", "blue"), check="blue"),
        FormItem(name="why", kind="text", ask="Why are you here?"),
        FormItem(name="more", kind="likert", ask="I would come again"),
    ]
    data, shown = typed(form_message("before", items), ["skip", "6", "4", "green", "2", "for the cake", ""])
    assert data == {"form": "before", "answers": {"mood": 4, "read": "blue", "why": "for the cake", "more": None}}
    assert read_answers(items, data["answers"]) == data["answers"]
    assert {"this one needs an answer", "give a number from 1 to 5", "  5  very", "2 of 4: Choose blue"} <= set(shown)
    assert any(line.startswith("'green' is not one of these") for line in shown)
