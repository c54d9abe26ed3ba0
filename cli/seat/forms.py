"""Consent, questions and questionnaires on a terminal, item by item: for a prompt that stays and for a pipe alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tertulia.storage.nearest import nearest

Ask = Callable[[str], Awaitable[str]]
"""Shows what is asked for and gives the next line typed; raises what the terminal raises (`EOFError`, ...)."""
Show = Callable[[str], None]
"""Shows a line."""

SKIP = "skip"
KINDS = ("consent", "question", "form")
"""The kinds of messages that `fill` can answer."""
_YES, _NO = ("yes", "y"), ("no", "n")


class _Again(ValueError):
    """What was typed is no answer; the message says what would be."""


async def fill(message: Mapping[str, Any], ask: Ask, show: Show) -> dict[str, Any]:
    """Ask a person everything in a message (`consent`, `question` or `form`); what comes back is the `data` to hand in:
    with the kind `consent` for a consent, else `answer`. What cannot be is said in a line and asked again."""
    if message["kind"] == "consent":
        return await _consent(message, ask, show)
    if message["kind"] == "question":
        return await _question(message, ask, show)
    return await _form(message, ask, show)


async def _consent(message: Mapping[str, Any], ask: Ask, show: Show) -> dict[str, Any]:
    for line in str(message["text"]).splitlines():
        show(line)
    show("")
    show("Where your words go:")
    for line in message["words_go_to"]:
        show(f"  {line}")
    if message.get("pseudonym"):
        show(f"The log knows you as {message['pseudonym']}; keep that name, it is needed to have your words forgotten.")
    show(f"(version {message['version']}, SHA-256 {message['hash']})")
    agreed = await _until("Do you agree? yes or no", _yes_or_no, ask, show)
    if not agreed:
        return {"agreed": False}
    times = bool(message["offers_times"]) and await _until(
        "May the times of what you do be kept as well? yes or no", _yes_or_no, ask, show
    )
    return {"agreed": True, "times": times}


async def _question(message: Mapping[str, Any], ask: Ask, show: Show) -> dict[str, Any]:
    show(str(message["text"]))
    options, labels = list(message["options"]), list(message.get("labels") or message["options"])
    for number, label in enumerate(labels, 1):
        show(f"  {number}  {label}")
    if message["scale"] == "percent":
        return await _percents(message, options, ask, show)
    choice = await _until(f"a number from 1 to {len(options)}, or {SKIP}", _choice(options), ask, show)
    if choice is None:
        return {"question": message["id"], "skip": True}
    sure = await _until("How sure are you, from 0 (a guess) to 100 (certain)?", _percent, ask, show)
    return {"question": message["id"], "choice": choice, "sure": sure}


async def _percents(message: Mapping[str, Any], options: Sequence[str], ask: Ask, show: Show) -> dict[str, Any]:
    asked = f"How likely is each, in percent and in this order ({len(options)} numbers that make 100), or {SKIP}?"

    def read(line: str) -> dict[str, float] | None:
        if _skips(line):
            return None
        numbers = [_percent(part) for part in line.replace(",", " ").split()]
        if len(numbers) != len(options):
            raise _Again(f"{len(numbers)} numbers; give {len(options)}, one for each")
        if abs(sum(numbers) - 100) > 1:
            raise _Again(f"together they make {sum(numbers):g}; they must make 100")
        return dict(zip(options, numbers, strict=True))

    found = await _until(asked, read, ask, show)
    return {"question": message["id"], "skip": True} if found is None else {"question": message["id"], "percent": found}


async def _form(message: Mapping[str, Any], ask: Ask, show: Show) -> dict[str, Any]:
    items = list(message["items"])
    show(str(message["title"]))
    answers = {}
    for number, item in enumerate(items, 1):
        show("")
        show(f"{number} of {len(items)}: {item['ask']}")
        for line in _scale(item):
            show(f"  {line}")
        answers[item["name"]] = await _until(_wanted(item), _reader(item), ask, show)
    return {"form": message["id"], "answers": answers}


def _scale(item: Mapping[str, Any]) -> list[str]:
    """What stands below an item: its choices, or what the numbers mean."""
    if item["kind"] == "choice":
        return [f"{number}  {choice}" for number, choice in enumerate(item["choices"], 1)]
    labels = list(item["labels"])
    if item["kind"] != "likert" or not labels:
        return []
    numbers = range(1, item["scale"] + 1) if len(labels) == item["scale"] else (1, item["scale"])
    return [f"{number}  {label}" for number, label in zip(numbers, labels, strict=True)]


def _wanted(item: Mapping[str, Any]) -> str:
    wanted = {
        "likert": f"a number from 1 to {item['scale']}", "choice": f"a number from 1 to {len(item['choices'])}",
        "text": "in your own words, on one line",
    }[item["kind"]]  # fmt: skip
    return wanted if item["required"] else f"{wanted}, or {SKIP}"


def _reader(item: Mapping[str, Any]) -> Callable[[str], Any]:
    choose = _choice(item["choices"]) if item["kind"] == "choice" else None

    def read(line: str) -> Any:
        if _skips(line):
            if item["required"]:
                raise _Again("this one needs an answer")
            return None
        if choose is not None:
            return choose(line)
        if item["kind"] == "text":
            return line
        if not line.isascii() or not line.isdigit() or not 1 <= int(line) <= item["scale"]:
            raise _Again(f"give a number from 1 to {item['scale']}")
        return int(line)

    return read


async def _until(asked: str, read: Callable[[str], Any], ask: Ask, show: Show) -> Any:
    """Ask until there is an answer."""
    while True:
        line = (await ask(asked)).strip()
        try:
            return read(line)
        except _Again as problem:
            show(str(problem))


def _skips(line: str) -> bool:
    return line.lower() in ("", SKIP, f"/{SKIP}")


def _yes_or_no(line: str) -> bool:
    if line.lower() in _YES:
        return True
    if line.lower() in _NO:
        return False
    raise _Again("write yes or no")


def _choice(options: Sequence[str]) -> Callable[[str], str | None]:
    def read(line: str) -> str | None:
        if _skips(line):
            return None
        if line in options:
            return line
        if line.isascii() and line.isdigit() and 1 <= int(line) <= len(options):
            return options[int(line) - 1]
        same = [option for option in options if option.casefold() == line.casefold()]
        if len(same) == 1:
            return same[0]
        raise _Again(f"'{line}' is not one of these; {nearest(line, list(options))}")

    return read


def _percent(line: str) -> float:
    try:
        found = float(line.strip().removesuffix("%"))
    except ValueError:
        found = -1.0
    if not 0 <= found <= 100:
        raise _Again("give a number from 0 to 100")
    return found
